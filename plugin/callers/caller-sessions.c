/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a caller, from top to bottom:
 *
 *   caller_sessions_open()         they open a native session, which is a caller of its own in all that follows
 *   caller_sessions_submit()       what they may not touch is refused; they get a place, if they have none
 *   on_command_replied()            what a command has changed of theirs in QEMU is noted; what they may not see is taken out
 *   caller_session_ticket_cancel() nobody waits for it any more
 *   caller_sessions_drop_caller()  they have left: all that is theirs in QEMU goes
 *
 * A session lasts as long as its caller is on the bus, and longer than the place that it has for the time being. */
#include "caller-sessions.h"

#include <string.h>
#include <unistd.h>

#include "authz-objects.h"
#include "caller-resources.h"
#include "json-tree.h"
#include "refusal.h"
#include "timer.h"

struct CallerSessions {
    Vm *vm; /* weak */
    MonitorPool *pool; /* owned */
    GHashTable *by_caller; /* owned, of Session, by its caller */
    GQueue leaving; /* of Session, owned, by their links: have left, and something is to be done for them */
    GSource *sweeper; /* owned */
    GQueue tickets; /* of SessionTicket, owned, by their links */
    CallerResources *resources; /* owned */
    AuthzObjects *authz_objects; /* owned */
    GMainContext *context; /* ref */
    CallerSessionsLeftFunc on_left; /* NULL: the VM stays */
    gpointer user_data;
    CallerSessionsDoneFunc on_done; /* may be NULL */
    gpointer done_data;
};

typedef struct Session {
    CallerSessions *sessions; /* weak */
    char *caller; /* owned; or the key that stands for them */
    char *opener; /* owned; of a session that was opened; NULL: the caller's calls */
    guint32 uid;
    MonitorLease lease;
    FdNames *fd_names; /* owned */
    GList link; /* in sessions->leaving, once they have left */
    gboolean has_left;
    gboolean has_closed; /* what they had named, on leaving */
} Session;

struct CallerSessionTicket {
    Session *session; /* weak: it waits for its tickets */
    QmpTicket *ticket; /* weak; until the reply */
    char *command; /* owned */
    CallerEffect effect;
    QmpReplyFunc func; /* NULL: cancelled */
    gpointer user_data;
    GList link; /* in sessions->tickets */
};

static void
session_free(gpointer data)
{
    Session *session = data;

    fd_names_free(session->fd_names);
    g_free(session->caller);
    g_free(session->opener);
    g_free(session);
}

/* They have left, and nothing that they asked for is under way. */
static void
end_session(Session *session)
{
    CallerSessions *sessions = session->sessions;

    if (session->lease.pooled)
        monitor_lease_give_back(&session->lease);
    caller_resources_leave(sessions->resources, session->caller);
    g_queue_unlink(&sessions->leaving, &session->link);
    session_free(session);
}

static void close_names(Session *session);

/* Not from inside a reply: a monitor may go with its session. */
static gboolean
sweep_sessions(gpointer user_data)
{
    CallerSessions *sessions = user_data;

    timer_stop(&sessions->sweeper);
    for (GList *i = sessions->leaving.head, *next; i; i = next) {
        Session *session = i->data;
        next = i->next;
        if (session->lease.pending == 0 && !session->has_closed)
            close_names(session);
        if (session->lease.pending == 0)
            end_session(session);
    }
    if (sessions->on_left && !sessions->leaving.head)
        sessions->on_left(sessions->user_data);
    return G_SOURCE_REMOVE;
}

static void
start_sweep(CallerSessions *sessions)
{
    if (!sessions->sweeper)
        sessions->sweeper = timer_start(sessions->context, 0, sweep_sessions, sessions);
}

static void
note_effect(CallerSessionTicket *ticket, const QmpReply *reply)
{
    Session *session = ticket->session;
    CallerSessions *sessions = session->sessions;

    caller_resources_note_reply(sessions->resources, session->caller, session->fd_names, &ticket->effect,
                                reply->error_class ? NULL : &reply->value);
    session->lease.has_names = session->lease.pooled && !fd_names_is_empty(session->fd_names);
    if (!reply->error_class && sessions->on_done)
        sessions->on_done(ticket->command, sessions->done_data);
}

/* It has come to its end, one way or another. */
static void
free_session_ticket(CallerSessionTicket *ticket)
{
    Session *session = ticket->session;

    g_queue_unlink(&session->sessions->tickets, &ticket->link);
    session->lease.pending--;
    if (session->lease.pooled)
        monitor_lease_note_idle(&session->lease);
    if (session->has_left && session->lease.pending == 0)
        start_sweep(session->sessions);
    caller_effect_clear(&ticket->effect);
    g_free(ticket->command);
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
answer_caller(CallerSessionTicket *ticket, const QmpReply *reply, const GError *error)
{
    Session *session = ticket->session;
    g_autoptr(GError) problem = NULL;
    g_autofree char *cleaned = NULL;
    QmpReply seen;

    if (!ticket->func)
        return;
    if (!reply) {
        ticket->func(NULL, error, ticket->user_data);
    } else if (reply->error_class) {
        tell_error(ticket, reply);
    } else if (!command_filter_clean(caller_resources_get_filter(session->sessions->resources), session->caller,
                                     ticket->command, &reply->value, &cleaned, &problem)) {
        ticket->func(NULL, problem, ticket->user_data);
    } else {
        seen = *reply;
        if (cleaned) {
            seen.value = (QmpText){ cleaned, strlen(cleaned) };
            seen.is_rewritten = TRUE;
        }
        ticket->func(&seen, NULL, ticket->user_data);
    }
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
new_session_ticket(Session *session, const CallerSessionsRequest *request, QmpReplyFunc func, gpointer user_data)
{
    CallerSessionTicket *ticket = g_new0(CallerSessionTicket, 1);

    ticket->session = session;
    ticket->command = g_strdup(request->command);
    ticket->func = func;
    ticket->user_data = user_data;
    ticket->link.data = ticket;
    g_queue_push_tail_link(&session->sessions->tickets, &ticket->link);
    session->lease.pending++;
    return ticket;
}

static CallerSessionTicket *
send_caller_command(Session *session, const CallerSessionsRequest *request, QmpReplyFunc func, gpointer user_data,
                    GError **error)
{
    CallerSessionTicket *ticket = new_session_ticket(session, request, func, user_data);
    g_autofree char *text = caller_resources_prepare(session->sessions->resources, session->fd_names, request->command,
                                                     request->arguments, &ticket->effect);
    QmpCommand command = {
        .name = request->command,
        .arguments = text,
        .flags = request->flags,
        .fd = request->fd,
    };

    CallerMonitor *monitor = pooled_monitor_get_monitor(session->lease.pooled, request->flags);

    /* An out-of-band command is for a QEMU that answers nothing else. */
    if (!(request->flags & QMP_EXECUTE_OOB))
        command.flags |= QMP_EXECUTE_BEHIND_BARRIER;
    ticket->ticket = qmp_queue_submit(caller_monitor_get_queue(monitor), session->caller, &command, on_command_replied,
                                      ticket, error);
    qemu_connection_look(vm_get_qemu(session->sessions->vm));
    if (!ticket->ticket)
        g_clear_pointer(&ticket, free_session_ticket);
    return ticket;
}

/* The first of them has QEMU asked what is there without them. */
static Session *
get_session(CallerSessions *sessions, const char *caller, guint32 uid)
{
    Session *session = g_hash_table_lookup(sessions->by_caller, caller);

    if (session)
        return session;
    caller_resources_begin(sessions->resources);
    session = g_new0(Session, 1);
    session->sessions = sessions;
    session->caller = g_strdup(caller);
    session->uid = uid;
    session->fd_names = fd_names_new();
    session->link.data = session;
    g_hash_table_insert(sessions->by_caller, session->caller, session);
    return session;
}

gboolean
caller_sessions_open(CallerSessions *sessions, const char *key, const char *caller, guint32 uid, GError **error)
{
    Session *session = get_session(sessions, key, uid);

    session->opener = g_strdup(caller);
    session->lease.is_holding = TRUE;
    if (monitor_pool_find(sessions->pool, &session->lease, error))
        return TRUE;
    caller_sessions_drop_caller(sessions, key);
    return FALSE;
}

static gboolean
check_filter(CallerSessions *sessions, const CallerSessionsRequest *request, GError **error)
{
    g_autoptr(GError) why = NULL;
    g_autofree char *text = NULL;
    Refusal refusal = {
        .uid = request->uid,
        .caller = request->caller,
        .command = request->command,
        .vm = vm_get_name(sessions->vm),
    };

    if (command_filter_check(caller_resources_get_filter(sessions->resources), request->caller, request->command,
                             request->arguments, &why))
        return TRUE;
    refusal.why = why->message;
    text = refusal_dup_text(&refusal);
    g_set_error_literal(error, QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED, text);
    return FALSE;
}

gboolean
caller_sessions_may_remove_authz(CallerSessions *sessions, JsonNode *arguments)
{
    return authz_objects_may_have(sessions->authz_objects, arguments);
}

CallerSessionTicket *
caller_sessions_submit(CallerSessions *sessions, const CallerSessionsRequest *request, QmpReplyFunc func,
                       gpointer user_data, GError **error)
{
    Session *session = get_session(sessions, request->caller, request->uid);

    if (!session->lease.pooled)
        fd_names_clear(session->fd_names);
    if (check_filter(sessions, request, error) &&
        caller_resources_check_room(sessions->resources, request->caller, session->fd_names, request->command,
                                    error) &&
        monitor_pool_find(sessions->pool, &session->lease, error)) {
        authz_objects_note(sessions->authz_objects, request->command, request->arguments);
        return send_caller_command(session, request, func, user_data, error);
    }
    if (request->flags & QMP_EXECUTE_FD)
        close(request->fd);
    return NULL;
}

/* Nobody waits for it any more; but what it brings about is to be known all the same. */
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

/* A monitor that stays keeps its names for descriptors; one that goes leaves the descriptors open (11.1). */
static void
close_names(Session *session)
{
    g_autoptr(GPtrArray) names = fd_names_dup(session->fd_names);

    session->has_closed = TRUE;
    if (!session->lease.pooled)
        return;
    for (guint i = 0; i < names->len; i++) {
        g_autoptr(JsonObject) arguments = json_object_new();
        g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), arguments);
        CallerSessionsRequest request = { .command = "closefd", .arguments = node };

        json_object_set_member(arguments, "fdname", json_tree_new_string(g_ptr_array_index(names, i)));
        send_caller_command(session, &request, /* func= */ NULL, /* user_data= */ NULL, /* error= */ NULL);
    }
}

void
caller_sessions_status_changed(CallerSessions *sessions)
{
    caller_resources_status_changed(sessions->resources);
}

void
caller_sessions_drop_caller(CallerSessions *sessions, const char *caller)
{
    Session *session = g_hash_table_lookup(sessions->by_caller, caller);

    if (!session)
        return;
    g_hash_table_steal(sessions->by_caller, caller);
    g_queue_push_tail_link(&sessions->leaving, &session->link);
    session->has_left = TRUE;
    start_sweep(sessions);
}

void
caller_sessions_set_done(CallerSessions *sessions, CallerSessionsDoneFunc func, gpointer user_data)
{
    sessions->on_done = func;
    sessions->done_data = user_data;
}

MonitorPool *
caller_sessions_get_pool(CallerSessions *sessions)
{
    return sessions->pool;
}

static void
show_session(Session *session, CallerSessionsFunc func, gpointer user_data)
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

void
caller_sessions_foreach(CallerSessions *sessions, CallerSessionsFunc func, gpointer user_data)
{
    GHashTableIter callers;
    gpointer session;

    g_hash_table_iter_init(&callers, sessions->by_caller);
    while (g_hash_table_iter_next(&callers, NULL, &session))
        show_session(session, func, user_data);
    /* Who has left holds a monitor for as long as something of theirs is under way in it. */
    for (GList *i = sessions->leaving.head; i; i = i->next)
        show_session(i->data, func, user_data);
}

CallerSessions *
caller_sessions_new(GMainContext *context, Vm *vm, const MonitorPoolLimits *limits, MonitorPoolModeFunc func,
                    gpointer user_data)
{
    CallerSessions *sessions = g_new0(CallerSessions, 1);

    sessions->context = g_main_context_ref(context);
    sessions->vm = vm;
    sessions->pool = monitor_pool_new(context, vm, limits, func, user_data);
    sessions->by_caller = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, session_free);
    sessions->resources = caller_resources_new(vm);
    sessions->authz_objects = authz_objects_new(vm);
    return sessions;
}

/* A callback may bring about that others end. @error: NULL: the VM has gone, which is what `quit` was to bring about: the end
 * of the control monitor may be seen before the end of the one that it went by. */
static void
fail_tickets(CallerSessions *sessions, gboolean is_for_good, const GError *error)
{
    const QmpReply empty = { .value = { "{}", 2 } };
    g_autoptr(GError) gone = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The VM has gone");

    for (guint n = sessions->tickets.length; n > 0 && sessions->tickets.head; n--) {
        GList *link = g_queue_pop_head_link(&sessions->tickets);
        CallerSessionTicket *ticket = link->data;
        QmpReplyFunc func = ticket->func;
        gpointer user_data = ticket->user_data;
        gboolean has_quit = !error && g_str_equal(ticket->command, "quit") && !qmp_ticket_is_waiting(ticket->ticket);
        g_queue_push_tail_link(&sessions->tickets, link);
        abandon_ticket(ticket, is_for_good);
        if (func)
            func(has_quit ? &empty : NULL, has_quit ? NULL : error ? error : gone, user_data);
    }
}

void
caller_sessions_fail(CallerSessions *sessions, const GError *error)
{
    fail_tickets(sessions, /* is_for_good= */ FALSE, error);
}

void
caller_sessions_leave(CallerSessions *sessions, CallerSessionsLeftFunc func, gpointer user_data)
{
    g_autoptr(GList) callers = g_hash_table_get_keys(sessions->by_caller);

    sessions->on_left = func;
    sessions->user_data = user_data;
    sessions->on_done = NULL; /* whoever wanted to know goes with the VM's object */
    monitor_pool_leave(sessions->pool);
    fail_tickets(sessions, /* is_for_good= */ FALSE, /* error= */ NULL);
    for (GList *i = callers; i; i = i->next)
        caller_sessions_drop_caller(sessions, i->data);
    start_sweep(sessions);
}

void
caller_sessions_free(CallerSessions *sessions)
{
    fail_tickets(sessions, /* is_for_good= */ TRUE, /* error= */ NULL);
    timer_stop(&sessions->sweeper);
    monitor_pool_free(sessions->pool);
    g_hash_table_unref(sessions->by_caller);
    while (sessions->leaving.head) {
        Session *session = sessions->leaving.head->data;
        g_queue_unlink(&sessions->leaving, &session->link);
        session_free(session);
    }
    authz_objects_free(sessions->authz_objects);
    caller_resources_free(sessions->resources);
    g_main_context_unref(sessions->context);
    g_free(sessions);
}
