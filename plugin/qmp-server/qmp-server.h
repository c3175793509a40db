/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QMP session from the server's side, as QEMU's is: greeting, negotiation, ids, errors, events, out-of-band commands
 * that overtake, descriptors. The server's user carries the commands out. */
#pragma once

#include "qmp-message.h"

#include <json-glib/json-glib.h>

typedef struct QmpServer QmpServer;

/* A command that is to be answered, once, by qmp_server_return() or _fail(); it is gone then, and with the server. */
typedef struct QmpServerCommand {
    const char *name; /* as QEMU keeps it, U+0000 being C0 80 */
    JsonNode *arguments; /* an object; NULL: none */
    gboolean is_oob;
    gsize size; /* bytes that it came in */
    int fd; /* came with the command; to be taken by setting -1; -1: none */
} QmpServerCommand;

typedef struct QmpServerFuncs {
    /* Of those in band the next one comes when the last is answered. May be answered from inside. */
    void (*on_command)(QmpServerCommand *command, gpointer user_data);
    /* Once, as the last call: the client has gone, or was cut off (QMP_ERROR_LIMIT). Commands are gone. The server may
     * be freed from inside. */
    void (*on_closed)(const GError *error, gpointer user_data);
} QmpServerFuncs;

typedef struct QmpServerLimits {
    gsize max_command; /* bytes that a client may use for one */
    gsize max_outgoing; /* bytes that may wait to be read by the client */
} QmpServerLimits;

/* Takes the connected socket @fd, and greets. @greeting: of the QEMU that it is to be like; not kept. */
QmpServer *qmp_server_new(GMainContext *context, int fd, const QmpGreeting *greeting, gboolean is_pretty,
                          const QmpServerLimits *limits, const QmpServerFuncs *funcs, gpointer user_data);

/* Lines that were sent go out if the client reads; commands are gone. */
void qmp_server_free(QmpServer *server);

/* No command comes any more. The commands under way may be answered. */
void qmp_server_stop(QmpServer *server);

/* A success, as QEMU wrote it or rewritten; or an error. */
void qmp_server_return(QmpServer *server, QmpServerCommand *command, const QmpReply *reply);
void qmp_server_fail(QmpServer *server, QmpServerCommand *command, const char *error_class, const char *text);

/* Goes to a client that has negotiated. */
void qmp_server_event(QmpServer *server, const QmpEvent *event);
