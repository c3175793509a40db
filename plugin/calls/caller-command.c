/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The path of a caller's command, from top to bottom:
 *
 *   caller_command_start()   somebody wants a command executed (call.c, execute-and-wait.c, native-session.c)
 *   wait_for_description()   QEMU has to send its schema first, or others wait for that already and come first; an
 *                            out-of-band command overtakes all of them
 *   on_vm_described()        the schema is known
 *   authorize_command()      the policy is asked, and perhaps a person
 *   on_command_authorized()  the caller may, if the command is still what the policy was asked about
 *   submit_command()         the command gets in line for the caller's monitor (callers/caller-session.c)
 *   on_qemu_replied()        QEMU has answered, or is gone: the user of the command is told
 *
 * The path ends sooner by an error at any of these stages, or by caller_command_cancel(). */
#include "caller-command.h"

#include <fcntl.h>
#include <unistd.h>

#include "authorization.h"
#include "caller-sessions.h"
#include "qmp-error.h"
#include "refusal.h"

static void
clear_command(CallerCommand *command)
{
    g_clear_pointer(&command->arguments, json_node_unref);
    if (command->fd >= 0)
        close(command->fd);
    command->fd = -1;
}

static void
fail_command(CallerCommand *command, const GError *error)
{
    clear_command(command);
    command->func(NULL, error, command->user_data);
}

/* The policy has allowed @command, and what it names or reads in QEMU is not the caller's. The error is for the caller. */
static GError *
refuse_command(CallerCommand *command, const char *why)
{
    const char *vm = vm_get_name(command->vm_context->vm);
    Refusal refusal = {
        .uid = command->peer->uid,
        .caller = command->peer->name,
        .command = command->name,
        .vm = vm,
        .why = why,
    };
    g_autofree char *text = refusal_dup_text(&refusal);

    audit_failure(command->vm_context->context->audit, command->peer, command->name, vm, why);
    return g_error_new_literal(QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED, text);
}

static void
on_qemu_replied(const QmpReply *reply, const GError *error, gpointer user_data)
{
    CallerCommand *command = user_data;
    g_autoptr(GError) refusal = NULL;

    command->ticket = NULL;
    if (g_error_matches(error, QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED))
        refusal = refuse_command(command, error->message);
    command->func(reply, refusal ? refusal : error, command->user_data);
}

/* The VM may be in another state by now, or its objects be others, so that the command does more than leave was given for. */
static gboolean
is_still_allowed(gpointer user_data)
{
    CallerCommand *command = user_data;
    PolicyClasses classes = authorization_get_classes(command->vm_context, command->name, command->arguments);

    return (command->allowed & POLICY_CLASSES(POLICY_CLASS_HOST)) || !(classes & ~command->allowed);
}

static CallerCommandStart
submit_command(CallerCommand *command, GError **error)
{
    CallerSessionCommand request = {
        .name = command->name,
        .arguments = command->arguments,
        .flags = command->flags,
        .fd = command->fd,
        .fdset_owner = command->fdset_owner,
        .may_still = authorization_depends_on_status(command->name) ? is_still_allowed : NULL,
    };
    g_autoptr(GError) why = NULL;
    CallerSession *session;
    gboolean is_new_session;

    if (command->is_method)
        return CALLER_COMMAND_ALLOWED;
    if (command->on_sent)
        command->on_sent(command->user_data);
    command->fd = -1; /* taken */
    session =
        caller_sessions_get(command->vm_context->sessions, command->session, command->peer->uid, &is_new_session);
    if (is_new_session)
        caller_vms_note(command->vm_context->context->caller_vms, command->peer, command->vm_context);
    command->ticket = caller_session_submit(session, &request, on_qemu_replied, command, &why);
    clear_command(command);
    if (command->ticket)
        return CALLER_COMMAND_UNDER_WAY;
    g_propagate_error(error, g_error_matches(why, QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED)
                                 ? refuse_command(command, why->message)
                                 : g_steal_pointer(&why));
    return CALLER_COMMAND_FAILED;
}

/* A stage that was waited for has ended: the function gets the answer that the start would have given. */
static void
finish_command_stage(CallerCommand *command, CallerCommandStart state, const GError *error)
{
    static const QmpReply empty = { .value = { "{}", 2 } };

    switch (state) {
    case CALLER_COMMAND_FAILED:
        fail_command(command, error);
        return;
    case CALLER_COMMAND_ALLOWED:
        command->func(&empty, NULL, command->user_data);
        return;
    case CALLER_COMMAND_UNDER_WAY:
        return;
    }
}

static void
on_command_authorized(const GError *refusal, gpointer user_data)
{
    CallerCommand *command = user_data;
    g_autoptr(GError) error = NULL;
    CallerCommandStart state;

    command->authorization = NULL;
    if (refusal)
        error = g_error_copy(refusal);
    else if (!is_still_allowed(command))
        error = refuse_command(command, "The VM has changed while leave was asked for, and the command would do more now");
    if (error) {
        fail_command(command, error);
        return;
    }
    state = submit_command(command, &error);
    finish_command_stage(command, state, error);
}

static CallerCommandStart
authorize_command(CallerCommand *command, GError **error)
{
    AuthorizationQuestion question = {
        .peer = command->peer,
        .has_left = command->has_left,
        .is_interactive = command->is_interactive,
        .command = command->name,
        .arguments = command->arguments,
        .size = command->size,
    };

    command->allowed = POLICY_CLASSES(POLICY_CLASS_HOST);
    if (command->is_allowed)
        return submit_command(command, error);
    switch (authorization_ask(command->vm_context, &question, on_command_authorized, command, &command->authorization,
                              &command->allowed, error)) {
    case AUTHORIZATION_REFUSED:
        return CALLER_COMMAND_FAILED;
    case AUTHORIZATION_ALLOWED:
        return submit_command(command, error);
    case AUTHORIZATION_ASKED:
        return CALLER_COMMAND_UNDER_WAY;
    }
    g_return_val_if_reached(CALLER_COMMAND_FAILED);
}

static void
on_vm_described(const GError *gone, gpointer user_data)
{
    CallerCommand *command = user_data;
    g_autoptr(GError) error = NULL;
    CallerCommandStart state;

    command->schema_wait = NULL;
    if (gone) {
        fail_command(command, gone);
        return;
    }
    state = authorize_command(command, &error);
    finish_command_stage(command, state, error);
}

static gboolean
has_to_wait(CallerCommand *command)
{
    VmSchema *schema = command->vm_context->schema;

    return !command->is_described && !command->is_method && !(command->flags & QMP_EXECUTE_OOB) &&
           (vm_schema_is_awaited(schema) || vm_schema_is_needed(schema));
}

static CallerCommandStart
wait_for_description(CallerCommand *command, GError **error)
{
    command->schema_wait = vm_schema_wait(command->vm_context->schema, command->session, command->peer->uid,
                                          command->size, on_vm_described, command, error);
    return command->schema_wait ? CALLER_COMMAND_UNDER_WAY : CALLER_COMMAND_FAILED;
}

/* QEMU clears the O_NONBLOCK of each descriptor that comes. Where it cannot, which is so for those made with O_PATH alone (open(2)),
 * 11.1 ends the connection, and other callers may share the monitor at its end. QEMU has no use for one. */
static gboolean
check_fd_flags(const CallerCommand *command, GError **error)
{
    if (!(command->flags & QMP_EXECUTE_FD) || !(fcntl(command->fd, F_GETFL) & O_PATH))
        return TRUE;
    g_set_error_literal(error, QMP_ERROR, QMP_ERROR_INVALID,
                        "fd: a descriptor that is open for reading or writing is expected (this one has O_PATH)");
    return FALSE;
}

CallerCommandStart
caller_command_start(CallerCommand *command, GError **error)
{
    CallerCommandStart state = CALLER_COMMAND_FAILED;

    if (check_fd_flags(command, error))
        state = has_to_wait(command) ? wait_for_description(command, error) : authorize_command(command, error);

    if (state == CALLER_COMMAND_FAILED)
        clear_command(command);
    return state;
}

CallerCommandStart
caller_command_start_step(CallerCommand *command, const CallerCommand *step, BusCall *call, GError **error)
{
    caller_command_cancel(command);
    *command = *step;
    command->peer = bus_call_get_peer(call);
    command->is_interactive = bus_call_is_interactive(call);
    command->session = bus_call_get_sender(call);
    return caller_command_start(command, error);
}

CallerCommandStart
caller_command_note_left(CallerCommand *command, GError **error)
{
    CallerCommandStart state;

    command->has_left = TRUE;
    if (!command->authorization)
        return CALLER_COMMAND_UNDER_WAY;
    g_clear_pointer(&command->authorization, authorization_ticket_cancel);
    state = authorize_command(command, error);
    if (state == CALLER_COMMAND_FAILED)
        clear_command(command);
    return state;
}

void
caller_command_recall(CallerCommand *command)
{
    g_clear_pointer(&command->schema_wait, schema_wait_cancel);
    g_clear_pointer(&command->authorization, authorization_ticket_cancel);
}

gboolean
caller_command_abandon(CallerCommand *command)
{
    caller_command_recall(command);
    if (command->ticket && !caller_session_ticket_is_waiting(command->ticket))
        return TRUE;
    caller_command_cancel(command);
    return FALSE;
}

void
caller_command_cancel(CallerCommand *command)
{
    caller_command_recall(command);
    g_clear_pointer(&command->ticket, caller_session_ticket_cancel);
    clear_command(command);
}
