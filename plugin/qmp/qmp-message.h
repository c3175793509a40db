/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The messages of a QMP server: greeting, replies and events (QMP spec, section 2), as views on the received text. */
#pragma once

#include "json-scan.h"

/* A piece of the received text. Valid inside the callback that hands it out. */
typedef struct QmpText {
    const char *text; /* not terminated */
    gsize length;
} QmpText;

/* The answer to a command. Exactly one of the two forms. */
typedef struct QmpReply {
    QmpText value; /* the JSON text of `return`; {NULL, 0} in an error */
    GByteArray *bytes; /* borrowed; holds the text: whoever keeps a reference keeps it; NULL: a copy has to be made */
    gboolean is_rewritten; /* the text is compact, not as QEMU wrote it */
    const char *error_class; /* "GenericError", "CommandNotFound" …, as QEMU gave it; NULL in a success */
    const char *error_text; /* QEMU's `desc`, UTF-8 */
} QmpReply;

/* Bytes of memory that the reply takes as long as it is kept. The message that the text is in may have more members. */
gsize qmp_reply_get_size(const QmpReply *reply);

/* Exactly once for every command unless it was cancelled; never from inside qmp_client_execute(). @reply is
 * NULL and @error set (QMP_ERROR_DISCONNECTED, or _PROTOCOL where QEMU's reply was not JSON) where there is no
 * answer. The command's id is free again by then. The client may be freed from inside. A `quit` whose reply is
 * overtaken by the end of the connection gets the reply `{}`. */
typedef void (*QmpReplyFunc)(const QmpReply *reply, const GError *error, gpointer user_data);

typedef struct QmpEvent {
    const char *name; /* as QEMU wrote it, UTF-8 */
    QmpText data; /* the JSON text of `data`; {NULL, 0} where there is none */
    guint64
        timestamp; /* us since the epoch, as QEMU stamped it; when the message came, where QEMU stamped none or -1 */
} QmpEvent;

/* A copy that lasts until it is freed. */
QmpEvent *qmp_event_copy(const QmpEvent *event);
void qmp_event_free(QmpEvent *event);

typedef struct QmpGreeting {
    guint major, minor, micro;
    GRefString *number; /* ref, as the next and @version: VMs of one binary share them; "7.2.22" */
    GRefString *package; /* "Debian 1:7.2+dfsg-7+deb12u18", may be empty */
    gboolean oob; /* QEMU offers out-of-band execution */
    GRefString *version; /* the JSON text of `version` */
} QmpGreeting;

void qmp_greeting_clear(QmpGreeting *greeting);

typedef enum QmpMessageType {
    QMP_MESSAGE_GREETING,
    QMP_MESSAGE_REPLY,
    QMP_MESSAGE_EVENT,
    QMP_MESSAGE_UNKNOWN,
} QmpMessageType;

#define QMP_MESSAGE_NO_ID -1
#define QMP_MESSAGE_FOREIGN_ID -2 /* one that we never give: not a small integer */

/* One document. Of greeting, reply and event the one that @type says is set, and that one only where there is no
 * @problem. */
typedef struct QmpMessage {
    QmpMessageType type;
    const char *problem; /* static text: the fault of a message that is meant to be of @type; NULL: none */
    int id; /* of a reply, also of one with a problem */
    QmpGreeting greeting; /* owned; to keep it, take it out and clear it here */
    QmpReply reply;
    QmpEvent event;
    char *strings[2]; /* owned; the texts that reply and event point to */
} QmpMessage;

void qmp_message_init(QmpMessage *message, const char *text, const JsonScan *scan);
void qmp_message_clear(QmpMessage *message);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QmpMessage, qmp_message_clear)
