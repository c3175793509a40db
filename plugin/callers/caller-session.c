/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The way of a command, from top to bottom:
 *
 *   caller_session_submit()         a command that names what the caller may not touch is refused; the caller gets a monitor,
 *                                   if they have none
 *   send_caller_command()           the command gets in line (qmp/qmp-queue.c)
 *   on_command_replied()            its effect on the caller's resources in QEMU is noted
 *   answer_caller()                 the reply, without the things that the caller may not see
 *   caller_session_ticket_cancel()  nobody waits for the reply any more
 *
 * A session lasts longer than the monitor that its caller has for the time being. */
#include "caller-session.h"

#include <string.h>
#include <unistd.h>

#include "json-tree.h"

struct CallerSession {
    CallerSessionShare *share; /* weak */
    char *caller; /* owned; a unique name, or the key of a native session */
    char *opener; /* owned; of a native session; NULL: the caller's calls */
    guint32 uid;
    MonitorLease lease;
    FdNames *fd_names; /* owned */
    gboolean has_left;
    gboolean has_closed; /* the names for descriptors, on leaving */
};

struct CallerSessionTicket {
    CallerSession *session; /* weak: it waits for its tickets */
    QmpTicket *ticket; /* weak; until the reply */
    CallerEffect effect;
    JsonNode *arguments; /* ref; for the filter of the reply; NULL: it needs none */
    char *fdset_owner; /* owned; NULL: the caller */
    gboolean (*may_still)(gpointer user_data); /* as in the command */
    QmpReplyFunc func; /* NULL: cancelled */
    gpointer user_data; /* of both */
    GList link; /* in share->tickets */
    char name[]; /* the command's */
};

CallerSession *
caller_session_new(CallerSessionShare *share, const char *caller, guint32 uid)
{
    CallerSession *session = g_new0(CallerSession, 1);

    session->share = share;
    session->caller = g_strdup(caller);
    session->uid = uid;
    session->fd_names = fd_names_new();
    return session;
}

void
caller_session_free(CallerSession *session)
{
    fd_names_free(session->fd_names);
    g_free(session->caller);
    g_free(session->opener);
    g_free(session);
}

gboolean
caller_session_open(CallerSession *session, const char *opener, GError **error)
{
    session->opener = g_strdup(opener);
    session->lease.is_holding = TRUE;
    return monitor_pool_find(session->share->pool, &session->lease, error);
}

static void
note_effect(CallerSessionTicket *ticket, const QmpReply *reply)
{
    CallerSession *session = ticket->session;
    CallerSessionShare *share = session->share;

    caller_resources_note_reply(share->resources, ticket->fdset_owner ? ticket->fdset_owner : session->caller,
                                session->fd_names, &ticket->effect, reply->error_class ? NULL : &reply->value);
    if (ticket->fdset_owner && !ticket->func)
        caller_resources_leave(share->resources, ticket->fdset_owner);
    session->lease.has_names = session->lease.pooled && !fd_names_is_empty(session->fd_names);
    if (!reply->error_class && share->on_done)
        share->on_done(ticket->name, share->done_data);
}

/* The command has come to its end, one way or another. */
static void
free_session_ticket(CallerSessionTicket *ticket)
{
    CallerSession *session = ticket->session;

    g_queue_unlink(&session->share->tickets, &ticket->link);
    session->lease.pending--;
    if (session->lease.pooled)
        monitor_lease_note_idle(&session->lease);
    if (session->has_left && session->lease.pending == 0)
        session->share->on_idle(session->share->user_data);
    caller_effect_clear(&ticket->effect);
    g_clear_pointer(&ticket->arguments, json_node_unref);
    g_free(ticket->fdset_owner);
    g_free(ticket);
}

/* An error's text, with the caller's own names. */
static void
tell_error(CallerSessionTicket *ticket, const QmpReply *reply)
{
    g_autofree char *text = fd_names_translate_back(ticket->session->fd_names, reply->error_text);
    QmpReply seen = *reply;

    if (text)
        seen.error_text = text;
    ticket->func(&seen, NULL, ticket->user_data);
}

static void
tell_value(CallerSessionTicket *ticket, const QmpReply *reply)
{
    CallerSession *session = ticket->session;
    CommandFilter *filter = caller_resources_get_filter(session->share->resources);
    const CommandFilterReply told = {
        .caller = session->caller,
        .command = ticket->name,
        .arguments = ticket->arguments,
        .value = &reply->value,
    };
    g_autoptr(GError) problem = NULL;
    g_autofree char *cleaned = NULL;
    QmpReply seen = *reply;

    if (!command_filter_clean(filter, &told, &cleaned, &problem)) {
        ticket->func(NULL, problem, ticket->user_data);
        return;
    }
    if (cleaned) {
        seen.value = (QmpText){ cleaned, strlen(cleaned) };
        seen.bytes = NULL;
        seen.is_rewritten = TRUE;
    }
    ticket->func(&seen, NULL, ticket->user_data);
}

static void
answer_caller(CallerSessionTicket *ticket, const QmpReply *reply, const GError *error)
{
    if (!ticket->func)
        return;
    if (!reply)
        ticket->func(NULL, error, ticket->user_data);
    else if (reply->error_class)
        tell_error(ticket, reply);
    else
        tell_value(ticket, reply);
}

static void
on_command_replied(const QmpReply *reply, const GError *error, gpointer user_data)
{
    CallerSessionTicket *ticket = user_data;

    if (reply)
        note_effect(ticket, reply);
    answer_caller(ticket, reply, error);
    free_session_ticket(ticket);
}

static CallerSessionTicket *
new_session_ticket(CallerSession *session, const char *name, QmpReplyFunc func, gpointer user_data)
{
    gsize name_size = strlen(name) + 1;
    CallerSessionTicket *ticket = g_malloc0(sizeof(*ticket) + name_size);

    memcpy(ticket->name, name, name_size);
    ticket->session = session;
    ticket->func = func;
    ticket->user_data = user_data;
    ticket->link.data = ticket;
    g_queue_push_tail_link(&session->share->tickets, &ticket->link);
    session->lease.pending++;
    return ticket;
}

static void
ignore_guard_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
}

/* QEMU keeps a descriptor that has come until a command takes it, and the guard of a plugged monitor leaves it one
 * (vm/plug-guard.c). No command that comes without a descriptor may get that: QEMU closes it for a getfd with a name that is
 * none. */
static void
drop_guard(CallerSession *session, QmpQueue *queue, const CallerSessionCommand *command, const CallerEffect *effect)
{
    const QmpCommand getfd = { .name = "getfd", .arguments = "{\"fdname\":\"0\"}" };
    gboolean takes_fd = effect->kind == CALLER_EFFECT_NAMES_FD || effect->kind == CALLER_EFFECT_ADDS_FD;

    if (takes_fd && !(command->flags & QMP_EXECUTE_FD))
        qmp_queue_submit(queue, session->caller, &getfd, ignore_guard_reply, NULL, /* error= */ NULL);
}

/* The reply to an out-of-band command is never held: the command is for a QEMU that answers nothing else. */
static CallerSessionTicket *
send_caller_command(CallerSession *session, const CallerSessionCommand *command, QmpReplyFunc func, gpointer user_data,
                    GError **error)
{
    CallerSessionTicket *ticket = new_session_ticket(session, command->name, func, user_data);
    QmpQueue *queue =
        caller_monitor_get_queue(pooled_monitor_get_monitor(session->lease.pooled, command->flags));
    g_autofree char *text = caller_resources_prepare(session->share->resources, session->fd_names, command->name,
                                                     command->arguments, &ticket->effect);
    QmpCommand qmp_command = {
        .name = command->name,
        .arguments = text,
        .flags = command->flags | (command->flags & QMP_EXECUTE_OOB ? 0 : QMP_EXECUTE_BEHIND_BARRIER),
        .fd = command->fd,
    };

    ticket->arguments = command_filter_keep_arguments(command->name, command->arguments);
    ticket->fdset_owner = g_strdup(command->fdset_owner);
    ticket->may_still = command->may_still;
    drop_guard(session, queue, command, &ticket->effect);
    ticket->ticket = qmp_queue_submit(queue, session->caller, &qmp_command, on_command_replied, ticket, error);
    qemu_connection_look(vm_get_qemu(session->share->vm));
    if (!ticket->ticket)
        g_clear_pointer(&ticket, free_session_ticket);
    return ticket;
}

/* The one whose fdset a command may name, and makes. */
static const char *
get_fdset_owner(CallerSession *session, const CallerSessionCommand *command)
{
    return command->fdset_owner ? command->fdset_owner : session->caller;
}

static gboolean
check_filter(CallerSession *session, const CallerSessionCommand *command, GError **error)
{
    CommandFilter *filter = caller_resources_get_filter(session->share->resources);

    return command_filter_check(filter, get_fdset_owner(session, command), command->name, command->arguments, error);
}

CallerSessionTicket *
caller_session_submit(CallerSession *session, const CallerSessionCommand *command, QmpReplyFunc func,
                      gpointer user_data, GError **error)
{
    CallerSessionShare *share = session->share;

    if (!session->lease.pooled)
        fd_names_clear(session->fd_names);
    if (check_filter(session, command, error) &&
        caller_resources_check_room(share->resources, get_fdset_owner(session, command), session->fd_names,
                                    command->name, error) &&
        monitor_pool_find(share->pool, &session->lease, error)) {
        authz_objects_note(share->authz_objects, command->name, command->arguments);
        return send_caller_command(session, command, func, user_data, error);
    }
    if (command->flags & QMP_EXECUTE_FD)
        close(command->fd);
    return NULL;
}

/* Nobody waits for the reply any more; but the effect of a command that QEMU has is to be known all the same. */
static void
abandon_ticket(CallerSessionTicket *ticket, gboolean is_for_good)
{
    ticket->func = NULL;
    if (!is_for_good && !caller_effect_is_none(&ticket->effect) && !qmp_ticket_is_waiting(ticket->ticket))
        return;
    qmp_ticket_cancel(ticket->ticket);
    free_session_ticket(ticket);
}

void
caller_session_ticket_cancel(CallerSessionTicket *ticket)
{
    abandon_ticket(ticket, /* is_for_good= */ FALSE);
}

gboolean
caller_session_ticket_is_waiting(CallerSessionTicket *ticket)
{
    return qmp_ticket_is_waiting(ticket->ticket);
}

/* Nothing else follows `quit` on its monitor, so it has gone out where nothing waits there (qmp/qmp-ending.h). */
static gboolean
was_quit_sent(CallerSessionTicket *ticket)
{
    PooledMonitor *pooled = ticket->session->lease.pooled;

    return g_str_equal(ticket->name, "quit") && !qmp_ticket_is_waiting(ticket->ticket) && pooled &&
           !caller_monitor_is_behind(pooled_monitor_get_monitor(pooled, QMP_EXECUTE_DEFAULT));
}

/* A callback may bring about that others end. Where QEMU is stuck, a reply that is held is given. A VM that has gone is the
 * success of a `quit`: the end of the control monitor may be seen before the end of the monitor that `quit` went by. */
void
caller_session_fail_all(CallerSessionShare *share, gboolean is_for_good, const GError *error)
{
    const QmpReply empty = { .value = { "{}", 2 } };
    g_autoptr(GError) gone = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The VM has gone");

    for (guint n = share->tickets.length; n > 0 && share->tickets.head; n--) {
        GList *link = g_queue_pop_head_link(&share->tickets);
        CallerSessionTicket *ticket = link->data;
        QmpReplyFunc func = ticket->func;
        gpointer user_data = ticket->user_data;
        gboolean has_quit = !error && was_quit_sent(ticket);
        g_queue_push_tail_link(&share->tickets, link);
        if (error && func && qmp_ticket_give_held(ticket->ticket))
            continue;
        abandon_ticket(ticket, is_for_good);
        if (func)
            func(has_quit ? &empty : NULL, has_quit ? NULL : error ? error : gone, user_data);
    }
}

static gboolean
may_still_be_sent(CallerSessionTicket *ticket)
{
    return !ticket->func || !ticket->may_still || !qmp_ticket_is_waiting(ticket->ticket) ||
           ticket->may_still(ticket->user_data);
}

/* Each once, whatever the callbacks do. */
void
caller_session_check_waiting(CallerSessionShare *share)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED,
                                          "The VM has changed while the command waited, and it would do more now");

    for (guint n = share->tickets.length; n > 0 && share->tickets.head; n--) {
        GList *link = g_queue_pop_head_link(&share->tickets);
        CallerSessionTicket *ticket = link->data;
        QmpReplyFunc func = ticket->func;
        gpointer user_data = ticket->user_data;
        g_queue_push_tail_link(&share->tickets, link);
        if (may_still_be_sent(ticket))
            continue;
        abandon_ticket(ticket, /* is_for_good= */ FALSE);
        func(NULL, error, user_data);
    }
}

void
caller_session_leave(CallerSession *session)
{
    session->has_left = TRUE;
    if (session->lease.pending == 0)
        session->share->on_idle(session->share->user_data);
}

/* A monitor that stays keeps its names for descriptors; one that goes leaves the descriptors open (11.1). */
static void
close_names(CallerSession *session)
{
    g_autoptr(GPtrArray) names = fd_names_dup(session->fd_names);

    session->has_closed = TRUE;
    if (!session->lease.pooled)
        return;
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(JsonObject) arguments = json_object_new();
        g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), arguments);
        CallerSessionCommand command = { .name = "closefd", .arguments = node };

        json_object_set_member(arguments, "fdname", json_tree_new_string(g_ptr_array_index(names, i)));
        send_caller_command(session, &command, /* func= */ NULL, /* user_data= */ NULL, /* error= */ NULL);
    }
}

gboolean
caller_session_end(CallerSession *session)
{
    if (session->lease.pending == 0 && !session->has_closed)
        close_names(session);
    if (session->lease.pending > 0)
        return FALSE;
    if (session->lease.pooled)
        monitor_lease_give_back(&session->lease);
    caller_resources_leave(session->share->resources, session->caller);
    return TRUE;
}

const char *
caller_session_get_caller(CallerSession *session)
{
    return session->caller;
}

void
caller_session_show(CallerSession *session, CallerSessionsFunc func, gpointer user_data)
{
    PooledMonitor *pooled = session->lease.pooled;

    if (!pooled)
        return;
    func(&(CallerSessionInfo){ .id = pooled_monitor_get_id(pooled),
                               .caller = session->opener ? session->opener : session->caller,
                               .uid = session->uid,
                               .mode = pooled_monitor_get_mode(pooled),
                               .pending = session->lease.pending,
                               .since = session->lease.since,
                               .is_native = session->opener != NULL },
         user_data);
}
