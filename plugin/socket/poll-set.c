/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Used by QmpSocket. A set is a GSource, which its members keep; the set owns the epoll descriptor, and none of theirs.
 *
 * A turn of the loop serves a few members, and not for long, so that a thousand sockets that have something to say at once leave
 * turns to D-Bus in between. Members that are left over are the first of the next turn. */
#include "poll-set.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "fd-reserve.h"

/* Members that are served in one turn at most. */
#define BATCH 16

/* us. No other member is begun with later in a turn; one takes up to 2 ms. */
#define TURN_TIME 1000

/* The members that a turn has found ready. A main loop inside a callback has a batch of its own. */
typedef struct Batch {
    struct Batch *outer; /* weak */
    PollMember *members[BATCH]; /* weak; NULL: has left meanwhile */
} Batch;

struct PollSet {
    GSource source;
    int epoll; /* owned; -1: could not be made yet */
    gpointer tag; /* weak; of @epoll in the source */
    guint n_members;
    GQueue waking, flushing; /* of PollMember, weak, by their links */
    Batch *batch; /* weak; the innermost */
};

static void
flush_members(PollSet *set)
{
    GList *link;

    while ((link = g_queue_pop_head_link(&set->flushing))) {
        PollMember *member = g_steal_pointer(&link->data);
        member->funcs->flush(member);
    }
}

/* At every turn of the loop, before it sleeps. */
static gboolean
prepare_set(GSource *source, gint *timeout)
{
    PollSet *set = (PollSet *)source;

    *timeout = -1;
    flush_members(set);
    return set->waking.length > 0;
}

static gboolean
is_turn_over(gint64 begin)
{
    return g_get_monotonic_time() - begin >= TURN_TIME;
}

/* A member that wakes itself again comes in the next turn. */
static void
wake_members(PollSet *set, gint64 begin)
{
    guint n = MIN(set->waking.length, BATCH);

    for (guint i = 0; i < n && set->waking.head && !is_turn_over(begin); i++) {
        PollMember *member = g_steal_pointer(&g_queue_pop_head_link(&set->waking)->data);
        member->funcs->on_ready(member, 0);
    }
}

static void
serve_members(PollSet *set, gint64 begin)
{
    struct epoll_event events[BATCH];
    Batch batch = { .outer = set->batch };
    int n = epoll_wait(set->epoll, events, BATCH, 0);

    for (int i = 0; i < n; i++)
        batch.members[i] = events[i].data.ptr;
    set->batch = &batch;
    for (int i = 0; i < n; i++) {
        PollMember *member = batch.members[i];
        if (member && i > 0 && is_turn_over(begin))
            poll_member_wake(member);
        else if (member)
            member->funcs->on_ready(member, (GIOCondition)events[i].events);
    }
    set->batch = batch.outer;
}

static gboolean
dispatch_set(GSource *source, GSourceFunc unused_func, gpointer unused_data)
{
    PollSet *set = (PollSet *)source;
    gboolean is_ready = set->tag && g_source_query_unix_fd(source, set->tag) != 0;
    gint64 begin = g_get_monotonic_time();

    wake_members(set, begin);
    if (is_ready)
        serve_members(set, begin);
    return G_SOURCE_CONTINUE;
}

static void
finalize_set(GSource *source)
{
    PollSet *set = (PollSet *)source;

    if (set->epoll >= 0)
        close(set->epoll);
}

static GSourceFuncs set_funcs = { .prepare = prepare_set, .dispatch = dispatch_set, .finalize = finalize_set };

/* GLib finds only sources that have a callback. */
static gboolean
never_called(gpointer unused_data)
{
    return G_SOURCE_CONTINUE;
}

static PollSet *
ref_set(GMainContext *context)
{
    GSource *source = g_main_context_find_source_by_funcs_user_data(context, &set_funcs, NULL);

    if (source)
        return (PollSet *)g_source_ref(source);
    source = g_source_new(&set_funcs, sizeof(PollSet));
    ((PollSet *)source)->epoll = -1;
    g_source_set_callback(source, never_called, NULL, NULL);
    /* Otherwise GLib takes the descriptor out of the poll set for every dispatch, at five system calls. */
    g_source_set_can_recurse(source, TRUE);
    g_source_attach(source, context);
    return (PollSet *)source;
}

void
poll_member_join(PollMember *member, GMainContext *context, int fd, const PollMemberFuncs *funcs)
{
    *member = (PollMember){ .set = ref_set(context), .funcs = funcs, .fd = fd };
    member->set->n_members++;
}

static void
drop_link(GQueue *queue, GList *link)
{
    if (link->data)
        g_queue_unlink(queue, link);
    link->data = NULL;
}

void
poll_member_leave(PollMember *member)
{
    PollSet *set = g_steal_pointer(&member->set);

    if (!set)
        return;
    if (member->is_polled)
        epoll_ctl(set->epoll, EPOLL_CTL_DEL, member->fd, NULL);
    for (Batch *batch = set->batch; batch; batch = batch->outer)
        for (guint i = 0; i < BATCH; i++)
            if (batch->members[i] == member)
                batch->members[i] = NULL;
    drop_link(&set->waking, &member->waking);
    drop_link(&set->flushing, &member->flushing);
    if (--set->n_members == 0)
        g_source_destroy(&set->source);
    g_source_unref(&set->source);
}

static gboolean
ensure_epoll(PollSet *set)
{
    if (set->epoll >= 0)
        return TRUE;
    set->epoll = fd_reserve_pass(epoll_create1(EPOLL_CLOEXEC));
    if (set->epoll >= 0)
        set->tag = g_source_add_unix_fd(&set->source, set->epoll, G_IO_IN);
    return set->epoll >= 0;
}

gboolean
poll_member_set(PollMember *member, gboolean is_polled, GIOCondition wanted)
{
    int operation = !is_polled ? EPOLL_CTL_DEL : member->is_polled ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    struct epoll_event event = { .events = (guint32)wanted, .data.ptr = member };

    if (is_polled == member->is_polled && (!is_polled || wanted == member->polled))
        return TRUE;
    if (!ensure_epoll(member->set) || epoll_ctl(member->set->epoll, operation, member->fd, &event) < 0)
        return FALSE;
    member->is_polled = is_polled;
    member->polled = wanted;
    return TRUE;
}

static void
queue_link(GQueue *queue, GList *link, PollMember *member)
{
    if (link->data)
        return;
    link->data = member;
    g_queue_push_tail_link(queue, link);
}

void
poll_member_wake(PollMember *member)
{
    queue_link(&member->set->waking, &member->waking, member);
}

void
poll_member_flush_later(PollMember *member)
{
    queue_link(&member->set->flushing, &member->flushing, member);
}
