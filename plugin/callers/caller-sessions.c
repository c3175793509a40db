/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a caller in one VM, from top to bottom:
 *
 *   caller_sessions_open()         a native session begins, which is a caller of its own in all that follows
 *   caller_sessions_get()          a caller's first command: their session begins (calls/caller-command.c)
 *   caller_session_submit()        each of their commands (caller-session.c)
 *   caller_sessions_drop_caller()  they have left the bus
 *   sweep_sessions()               nothing of theirs is under way: all that is theirs in QEMU goes */
#include "caller-sessions.h"

#include "lazy-table.h"
#include "timer.h"

struct CallerSessions {
    CallerSessionShare share;
    GHashTable *by_caller; /* owned: caller → CallerSession, owned; NULL: there was none yet */
    GQueue leaving; /* of CallerSession, owned: have left, and something is to be done for them */
    GSource *sweeper; /* owned */
    GMainContext *context; /* ref */
    CallerSessionsLeftFunc on_left; /* NULL: the VM stays */
    gpointer user_data;
};

/* Not from inside a reply: a monitor may go with its session. */
static gboolean
sweep_sessions(gpointer user_data)
{
    CallerSessions *sessions = user_data;

    timer_stop(&sessions->sweeper);
    for (GList *i = sessions->leaving.head, *next; i; i = next) {
        next = i->next;
        if (!caller_session_end(i->data))
            continue;
        caller_session_free(i->data);
        g_queue_delete_link(&sessions->leaving, i);
    }
    if (sessions->on_left && !sessions->leaving.head)
        sessions->on_left(sessions->user_data);
    return G_SOURCE_REMOVE;
}

static void
start_sweep(gpointer user_data)
{
    CallerSessions *sessions = user_data;

    if (!sessions->sweeper)
        sessions->sweeper = timer_start(sessions->context, 0, sweep_sessions, sessions);
}

/* Before the first, QEMU is asked which fdsets are there without callers. */
CallerSession *
caller_sessions_get(CallerSessions *sessions, const char *caller, guint32 uid, gboolean *ret_is_new)
{
    CallerSession *session = lazy_table_lookup(sessions->by_caller, caller);

    if (ret_is_new)
        *ret_is_new = !session;
    if (session)
        return session;
    caller_resources_begin(sessions->share.resources);
    session = caller_session_new(&sessions->share, caller, uid);
    if (!sessions->by_caller)
        sessions->by_caller =
            g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)caller_session_free);
    g_hash_table_insert(sessions->by_caller, (char *)caller_session_get_caller(session), session);
    return session;
}

gboolean
caller_sessions_open(CallerSessions *sessions, const char *key, const char *caller, guint32 uid, GError **error)
{
    if (caller_session_open(caller_sessions_get(sessions, key, uid, /* ret_is_new= */ NULL), caller, error))
        return TRUE;
    caller_sessions_drop_caller(sessions, key);
    return FALSE;
}

gboolean
caller_sessions_may_remove_authz(CallerSessions *sessions, JsonNode *arguments)
{
    return authz_objects_may_have(sessions->share.authz_objects, arguments);
}

void
caller_sessions_status_changed(CallerSessions *sessions)
{
    caller_resources_status_changed(sessions->share.resources);
    caller_session_check_waiting(&sessions->share);
}

void
caller_sessions_drop_caller(CallerSessions *sessions, const char *caller)
{
    CallerSession *session = lazy_table_lookup(sessions->by_caller, caller);

    if (!session)
        return;
    g_hash_table_steal(sessions->by_caller, caller);
    g_queue_push_tail(&sessions->leaving, session);
    caller_session_leave(session);
}

void
caller_sessions_drop_fdsets(CallerSessions *sessions, const char *owner)
{
    caller_resources_leave(sessions->share.resources, owner);
}

void
caller_sessions_set_done(CallerSessions *sessions, CallerSessionsDoneFunc func, gpointer user_data)
{
    sessions->share.on_done = func;
    sessions->share.done_data = user_data;
}

MonitorPool *
caller_sessions_get_pool(CallerSessions *sessions)
{
    return sessions->share.pool;
}

void
caller_sessions_foreach(CallerSessions *sessions, CallerSessionsFunc func, gpointer user_data)
{
    g_autoptr(GList) callers = lazy_table_list_keys(sessions->by_caller);

    for (GList *i = callers; i; i = i->next)
        caller_session_show(g_hash_table_lookup(sessions->by_caller, i->data), func, user_data);
    /* A caller who has left holds a monitor for as long as something of theirs is under way in it. */
    for (GList *i = sessions->leaving.head; i; i = i->next)
        caller_session_show(i->data, func, user_data);
}

CallerSessions *
caller_sessions_new(GMainContext *context, Vm *vm, const MonitorPoolLimits *limits, MonitorPoolModeFunc func,
                    gpointer user_data)
{
    CallerSessions *sessions = g_new0(CallerSessions, 1);

    sessions->context = g_main_context_ref(context);
    sessions->share.vm = vm;
    sessions->share.pool = monitor_pool_new(context, vm, limits, func, user_data);
    sessions->share.resources = caller_resources_new(vm);
    sessions->share.authz_objects = authz_objects_new(qemu_connection_get_started_monitors(vm_get_qemu(vm)));
    sessions->share.on_idle = start_sweep;
    sessions->share.user_data = sessions;
    return sessions;
}

void
caller_sessions_fail(CallerSessions *sessions, const GError *error)
{
    caller_session_fail_all(&sessions->share, /* is_for_good= */ FALSE, error);
}

void
caller_sessions_leave(CallerSessions *sessions, CallerSessionsLeftFunc func, gpointer user_data)
{
    g_autoptr(GList) callers = lazy_table_list_keys(sessions->by_caller);

    sessions->on_left = func;
    sessions->user_data = user_data;
    sessions->share.on_done = NULL; /* whoever wanted to know goes with the VM's object */
    monitor_pool_leave(sessions->share.pool);
    caller_session_fail_all(&sessions->share, /* is_for_good= */ FALSE, /* error= */ NULL);
    for (GList *i = callers; i; i = i->next)
        caller_sessions_drop_caller(sessions, i->data);
    start_sweep(sessions);
}

void
caller_sessions_free(CallerSessions *sessions)
{
    caller_session_fail_all(&sessions->share, /* is_for_good= */ TRUE, /* error= */ NULL);
    timer_stop(&sessions->sweeper);
    monitor_pool_free(sessions->share.pool);
    g_clear_pointer(&sessions->by_caller, g_hash_table_unref);
    while (sessions->leaving.head)
        caller_session_free(g_queue_pop_head(&sessions->leaving));
    authz_objects_free(sessions->share.authz_objects);
    caller_resources_free(sessions->share.resources);
    g_main_context_unref(sessions->context);
    g_free(sessions);
}
