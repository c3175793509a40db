/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A caller's command on its way to QEMU: the one path that methods, ExecuteAndWait and native sessions share. */
#pragma once

#include "bus-call.h"
#include "caller-session.h"
#include "command-class.h"
#include "vm-context.h"
#include "vm-schema.h"

typedef struct AuthorizationTicket AuthorizationTicket;

/* QEMU's reply, or why there is none: refused, or the VM has gone. Once, unless cancelled; never from inside
 * caller_command_start(). The command holds nothing any more when this is called. */
typedef void (*CallerCommandFunc)(const QmpReply *reply, const GError *error, gpointer user_data);

/* Embedded by its user, who sets the first part and leaves the second alone. */
typedef struct CallerCommand {
    VmContext *vm_context; /* weak; must outlive the command's way up to the queue */
    const BusPeer *peer; /* weak; whom the policy is asked about */
    gboolean has_left; /* the peer has left the bus */
    gboolean is_interactive; /* the peer may be asked for a password */
    const char *session; /* weak; whose monitor: a unique name, or the key of a session that is open */
    const char *name; /* weak; of a QMP command; of a method (is_method) */
    JsonNode *arguments; /* ref, taken; an object; NULL: none */
    gsize size; /* bytes that are held meanwhile */
    QmpExecuteFlags flags;
    int fd; /* taken; -1: none */
    gboolean is_described; /* the schema has been waited for */
    gboolean is_method; /* over when it is allowed, with an empty reply: no QMP command, or one that is sent later */
    gboolean is_allowed; /* the policy has let a whole through of which this is a step */
    const char *fdset_owner; /* weak; as in CallerSessionCommand */
    void (*on_sent)(gpointer user_data); /* right before it gets in line for QEMU; may be NULL */
    CallerCommandFunc func;
    gpointer user_data; /* of both */

    SchemaWait *schema_wait; /* weak; this and the next two while they are waited for */
    AuthorizationTicket *authorization; /* weak */
    PolicyClasses allowed; /* or asked for, while the policy is; host: the command may do whatever it does */
    CallerSessionTicket *ticket; /* weak */
} CallerCommand;

typedef enum CallerCommandStart {
    CALLER_COMMAND_FAILED, /* with an error; the function does not come */
    CALLER_COMMAND_ALLOWED, /* is_method: it is allowed; the function does not come */
    CALLER_COMMAND_UNDER_WAY,
} CallerCommandStart;

CallerCommandStart caller_command_start(CallerCommand *command, GError **error);

/* Starts @step of the method that @call is for, in the name of its caller and by their monitor, in place of the step that was in
 * @command before. As caller_command_start(). */
CallerCommandStart caller_command_start_step(CallerCommand *command, const CallerCommand *step, BusCall *call, GError **error);

/* The peer has left the bus: a question that the policy is being asked about the command is asked anew. As caller_command_start();
 * under way also where nothing was being asked. */
CallerCommandStart caller_command_note_left(CallerCommand *command, GError **error);

/* A command that has not been sent is not sent any more, and its function does not come; one that QEMU has is still answered. */
void caller_command_recall(CallerCommand *command);

/* The caller has left. TRUE: QEMU has the command, and the function comes with its reply. FALSE: as caller_command_cancel(). */
gboolean caller_command_abandon(CallerCommand *command);

/* The function does not come. A command that has not been sent is not sent any more. Also before the start, and again. */
void caller_command_cancel(CallerCommand *command);
