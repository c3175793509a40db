/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The request of a QMP server's client, checked as QEMU checks it, with its complaints (7.2 to 11.1 alike). Part of
 * the native session. */
#pragma once

#include <json-glib/json-glib.h>

typedef struct QmpRequest {
    char *name; /* owned; of the command */
    JsonNode *arguments; /* weak; an object, or NULL */
    gboolean is_oob;
} QmpRequest;

/* Whether it is to be executed out of band, where that is enabled. */
gboolean qmp_request_is_oob(JsonNode *message);

/* The string member @name, or NULL. Owned; as QEMU keeps it, U+0000 being C0 80. */
char *qmp_request_dup_string(JsonNode *message, const char *name);

/* The request's id as QEMU writes it back: JSON text, owned; NULL: the request has none. */
char *qmp_request_dup_id(JsonNode *message);

/* Reads as much of the request as there is (clear it in any case). NULL, or QEMU's complaint (owned). @may_be_oob: the
 * client has enabled out-of-band commands. */
char *qmp_request_read(JsonNode *message, gboolean may_be_oob, QmpRequest *request);
void qmp_request_clear(QmpRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(QmpRequest, qmp_request_clear)

/* Reads the arguments of qmp_capabilities. NULL, or the complaint (owned). @offers_oob: so said the greeting. */
char *qmp_request_read_capabilities(JsonNode *arguments, gboolean offers_oob, gboolean *ret_oob);
