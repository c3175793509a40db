/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The path of a native command, from top to bottom:
 *
 *   on_native_command()      qmp-server.c has read and checked the command
 *   start_native_command()   the command, written anew from its values, goes a caller's way (caller-command.c), in the name
 *                            of the session's opener
 *   on_native_replied()      QEMU has answered: the client gets the answer
 *   lose_qemu()              QEMU will not answer, because it has gone, or the monitor has: the client gets the end of the
 *                            connection
 *   on_native_client_gone()  the client has gone instead
 *
 * In band there is one at a time, so that what comes behind a command that somebody is asked about waits, as in QEMU's own
 * monitor. */
#include "native-session.h"

#include "caller-command.h"
#include "caller-sessions.h"
#include "names.h"
#include "qmp-server.h"
#include "timer.h"
#include "value.h"

/* Of a command beside its arguments: its name, its id. */
#define ROOM_FOR_THE_REST 4096

/* A VM that floods is held back for the bus at 4 MiB; for a client that does not read it is not, the client goes. */
#define MAX_OUTGOING (16u * 1024 * 1024)

struct NativeSession {
    VmContext *vm_context; /* weak */
    NativeOpener opener;
    QmpServer *server; /* owned */
    NativeSessionFunc func;
    gpointer user_data;
    GQueue calls; /* of NativeCall, owned, by their links */
    gboolean is_stopped;
    GError *loss; /* owned; why QEMU does not answer any more */
    GSource *ender; /* owned; until the client is told of that */
};

typedef struct NativeCall {
    NativeSession *session; /* weak */
    QmpServerCommand *asked; /* weak; the client's, until it is answered */
    CallerCommand command; /* on its way */
    GList link; /* in session->calls */
} NativeCall;

/* Gives its command, which is still to be answered. */
static QmpServerCommand *
native_call_free(NativeCall *call)
{
    QmpServerCommand *asked = call->asked;

    caller_command_cancel(&call->command);
    g_queue_unlink(&call->session->calls, &call->link);
    g_free(call);
    return asked;
}

static gboolean
on_qemu_lost(gpointer user_data)
{
    NativeSession *session = user_data;

    timer_stop(&session->ender);
    session->func(session->loss, session->user_data);
    return G_SOURCE_REMOVE;
}

/* A monitor whose QEMU has gone says nothing, and its connection ends. The end comes a turn later: events that QEMU
 * sent before may be in the control monitor's socket yet. */
static void
lose_qemu(NativeSession *session, const GError *error)
{
    if (session->is_stopped)
        return;
    native_session_stop(session);
    session->loss = g_error_copy(error);
    session->ender = timer_start(session->vm_context->context->host->context, 0, on_qemu_lost, session);
}

static void
refuse_native_call(NativeCall *call, const GError *error)
{
    QmpServer *server = call->session->server;

    if (call->session->is_stopped || g_error_matches(error, QMP_ERROR, QMP_ERROR_DISCONNECTED))
        lose_qemu(call->session, error);
    else
        qmp_server_fail(server, native_call_free(call), "GenericError", error->message);
}

static void
on_native_replied(const QmpReply *reply, const GError *error, gpointer user_data)
{
    NativeCall *call = user_data;
    QmpServer *server = call->session->server;

    if (error)
        refuse_native_call(call, error);
    else if (reply->error_class)
        qmp_server_fail(server, native_call_free(call), reply->error_class, reply->error_text);
    else
        qmp_server_return(server, native_call_free(call), reply);
}

static void
start_native_command(NativeCall *call)
{
    NativeSession *session = call->session;
    QmpServerCommand *asked = call->asked;
    g_autoptr(GError) error = NULL;

    call->command = (CallerCommand){
        .vm_context = session->vm_context,
        .peer = session->opener.peer,
        .has_left = session->opener.has_left,
        .is_interactive = session->opener.is_interactive,
        .session = session->opener.key,
        .name = asked->name,
        .arguments = asked->arguments ? json_node_ref(asked->arguments) : NULL,
        .size = asked->size,
        .flags = (asked->is_oob ? QMP_EXECUTE_OOB : 0) | (asked->fd >= 0 ? QMP_EXECUTE_FD : 0),
        .fd = asked->fd,
        .is_described = TRUE, /* before the session was opened */
        .func = on_native_replied,
        .user_data = call,
    };
    asked->fd = -1; /* taken */
    if (caller_command_start(&call->command, &error) == CALLER_COMMAND_FAILED)
        refuse_native_call(call, error);
}

static void
on_native_command(QmpServerCommand *command, gpointer user_data)
{
    NativeSession *session = user_data;
    g_autofree char *text = NULL;
    NativeCall *call;

    if (!names_check_command(command->name, /* error= */ NULL)) {
        text = g_strdup_printf("The command %s has not been found", command->name);
        qmp_server_fail(session->server, command, "CommandNotFound", text);
        return;
    }
    call = g_new0(NativeCall, 1);
    call->session = session;
    call->asked = command;
    call->link.data = call;
    g_queue_push_tail_link(&session->calls, &call->link);
    start_native_command(call);
}

static void
drop_calls(NativeSession *session)
{
    while (session->calls.head)
        native_call_free(session->calls.head->data);
}

static void
on_native_client_gone(const GError *error, gpointer user_data)
{
    NativeSession *session = user_data;

    session->func(error, session->user_data);
}

void
native_session_event(NativeSession *session, const QmpEvent *event)
{
    qmp_server_event(session->server, event);
}

NativeSession *
native_session_new(VmContext *vm_context, int fd, const NativeOpener *opener, gboolean is_pretty,
                   NativeSessionFunc func, gpointer user_data)
{
    static const QmpServerFuncs funcs = { on_native_command, on_native_client_gone };
    static const QmpServerLimits limits = { JSON_COST_BYTES + ROOM_FOR_THE_REST, MAX_OUTGOING };
    QemuConnection *qemu = vm_get_qemu(vm_context->vm);
    NativeSession *session = g_new0(NativeSession, 1);

    session->vm_context = vm_context;
    session->opener = *opener;
    session->func = func;
    session->user_data = user_data;
    session->server = qmp_server_new(vm_context->context->host->context, fd, qemu_connection_get_greeting(qemu),
                                     is_pretty, &limits, &funcs, session);
    return session;
}

/* Questions that polkit has at this moment are decided anew. */
void
native_session_opener_left(NativeSession *session)
{
    session->opener.has_left = TRUE;
    for (GList *i = session->calls.head, *next; i; i = next) {
        NativeCall *call = i->data;
        g_autoptr(GError) error = NULL;
        next = i->next;
        if (caller_command_note_left(&call->command, &error) == CALLER_COMMAND_FAILED)
            refuse_native_call(call, error);
    }
}

void
native_session_stop(NativeSession *session)
{
    session->is_stopped = TRUE;
    qmp_server_stop(session->server);
    for (GList *i = session->calls.head; i; i = i->next)
        caller_command_recall(&((NativeCall *)i->data)->command);
}

void
native_session_free(NativeSession *session)
{
    timer_stop(&session->ender);
    g_clear_error(&session->loss);
    drop_calls(session);
    qmp_server_free(session->server);
    g_free(session);
}
