/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a QMP server says: the greeting, replies and events (QMP spec, section 2), as views on the received text. */
#pragma once

#include "qmp-scan.h"

/* A piece of the received text. Valid inside the callback that hands it out. */
typedef struct QmpText {
    const char *text; /* not terminated */
    gsize length;
} QmpText;

/* The answer to a command. Exactly one of the two forms. */
typedef struct QmpReply {
    QmpText value; /* the JSON text of `return`; {NULL, 0} in an error */
    const char *error_class; /* "GenericError", "CommandNotFound" …, as QEMU gave it; NULL in a success */
    const char *error_text; /* QEMU's `desc`, UTF-8 */
} QmpReply;

typedef struct QmpEvent {
    const char *name; /* as QEMU wrote it, UTF-8 */
    QmpText data; /* the JSON text of `data`; {NULL, 0} where there is none */
    guint64 timestamp; /* us since the epoch, as QEMU stamped it; when the message came, where QEMU stamped none or -1 */
} QmpEvent;

typedef struct QmpGreeting {
    guint major, minor, micro;
    char *package; /* owned; "Debian 1:7.2+dfsg-7+deb12u18", may be empty */
    gboolean oob; /* QEMU offers out-of-band execution */
} QmpGreeting;

void qmp_greeting_clear(QmpGreeting *greeting);
