/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets that share a turn of the loop: what breaks here leaves a VM unheard behind one that floods, or calls a socket that is
 * gone. */
#include "poll-set.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_PEERS 40

typedef struct Fixture Fixture;

typedef struct Peer {
    PollMember member; /* first */
    Fixture *fixture; /* weak */
    int fds[2]; /* owned; the member's end, and the other */
    guint n_ready, n_woken, n_flushed;
} Peer;

struct Fixture {
    GMainContext *context; /* owned */
    Peer peers[N_PEERS];
    Peer *leaves; /* weak; leaves, from inside the next function that is called; NULL: none does */
    gboolean is_slow; /* each takes longer than a turn may */
    gboolean nests; /* the next runs the loop */
};

static void
flush_peer(PollMember *member)
{
    ((Peer *)member)->n_flushed++;
}

static void
on_ready(PollMember *member, GIOCondition condition)
{
    Peer *peer = (Peer *)member;
    Fixture *fixture = peer->fixture;
    gint64 begin = g_get_monotonic_time();

    g_assert_nonnull(member->set);
    peer->n_ready += condition != 0;
    peer->n_woken += condition == 0;
    while (fixture->is_slow && g_get_monotonic_time() - begin < 1100)
        ;
    if (fixture->leaves)
        poll_member_leave(&g_steal_pointer(&fixture->leaves)->member);
    if (fixture->nests) {
        fixture->nests = FALSE;
        while (g_main_context_iteration(fixture->context, FALSE) && peer->n_ready < 3)
            ;
    }
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    static const PollMemberFuncs funcs = { flush_peer, on_ready };

    fixture->context = g_main_context_new();
    for (guint i = 0; i < N_PEERS; i++) {
        Peer *peer = &fixture->peers[i];
        peer->fixture = fixture;
        g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, peer->fds));
        poll_member_join(&peer->member, fixture->context, peer->fds[0], &funcs);
        g_assert_true(poll_member_set(&peer->member, TRUE, G_IO_IN));
    }
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    for (guint i = 0; i < N_PEERS; i++) {
        poll_member_leave(&fixture->peers[i].member);
        close(fixture->peers[i].fds[0]);
        close(fixture->peers[i].fds[1]);
    }
    g_assert_false(g_main_context_pending(fixture->context));
    g_main_context_unref(fixture->context);
}

static void
run_turns(Fixture *fixture, guint n)
{
    for (guint i = 0; i < n; i++)
        g_main_context_iteration(fixture->context, FALSE);
}

/* Nobody reads, so that the peer stays ready. */
static void
say(Fixture *fixture, guint first, guint n)
{
    for (guint i = first; i < first + n; i++)
        g_assert_cmpint(write(fixture->peers[i].fds[1], "x", 1), ==, 1);
}

static guint
count_ready(Fixture *fixture)
{
    guint n = 0;

    for (guint i = 0; i < N_PEERS; i++)
        n += fixture->peers[i].n_ready;
    return n;
}

/* Of as many as there are, none waits for long behind the others, though each turn serves one. */
static void
test_turns(Fixture *fixture, gconstpointer unused)
{
    fixture->is_slow = TRUE;
    say(fixture, 0, N_PEERS);
    run_turns(fixture, 3 * N_PEERS);
    for (guint i = 0; i < N_PEERS; i++)
        g_assert_cmpuint(fixture->peers[i].n_ready + fixture->peers[i].n_woken, >=, 2);
}

/* A turn ends, so that others of the loop have theirs. */
static void
test_end_of_turn(Fixture *fixture, gconstpointer unused)
{
    fixture->is_slow = TRUE;
    say(fixture, 0, N_PEERS);
    run_turns(fixture, 1);
    g_assert_cmpuint(count_ready(fixture), ==, 1);
    fixture->is_slow = FALSE;
    run_turns(fixture, 4);
    for (guint i = 0; i < N_PEERS; i++)
        g_assert_cmpuint(fixture->peers[i].n_ready + fixture->peers[i].n_woken, >=, 1);
}

static void
test_leave(Fixture *fixture, gconstpointer unused)
{
    say(fixture, 0, 2);
    fixture->leaves = &fixture->peers[1]; /* epoll gives the first that was ready first */
    run_turns(fixture, 1);
    g_assert_cmpuint(fixture->peers[0].n_ready, ==, 1);
    g_assert_cmpuint(fixture->peers[1].n_ready, ==, 0);
}

static void
test_leave_itself(Fixture *fixture, gconstpointer unused)
{
    say(fixture, 0, 1);
    fixture->leaves = &fixture->peers[0];
    run_turns(fixture, 3);
    g_assert_cmpuint(fixture->peers[0].n_ready, ==, 1);
}

/* The last to leave ends the set from inside it. */
static void
test_leave_last(Fixture *fixture, gconstpointer unused)
{
    for (guint i = 1; i < N_PEERS; i++)
        poll_member_leave(&fixture->peers[i].member);
    say(fixture, 0, 1);
    poll_member_wake(&fixture->peers[0].member);
    fixture->leaves = &fixture->peers[0];
    run_turns(fixture, 2);
    g_assert_cmpuint(fixture->peers[0].n_woken, ==, 1);
    g_assert_cmpuint(fixture->peers[0].n_ready, ==, 0);
}

/* A main loop inside a callback serves all, and lets one leave that the turn outside has found ready. */
static void
test_loop_inside(Fixture *fixture, gconstpointer unused)
{
    say(fixture, 0, 3);
    fixture->nests = TRUE;
    run_turns(fixture, 1);
    g_assert_cmpuint(fixture->peers[0].n_ready, >=, 3);
    g_assert_cmpuint(fixture->peers[2].n_ready, >=, 1);
}

static void
test_wake(Fixture *fixture, gconstpointer unused)
{
    Peer *peer = &fixture->peers[0];

    poll_member_wake(&peer->member);
    poll_member_wake(&peer->member);
    g_assert_cmpuint(peer->n_woken, ==, 0);
    run_turns(fixture, 3);
    g_assert_cmpuint(peer->n_woken, ==, 1);
    poll_member_wake(&peer->member);
    poll_member_leave(&peer->member);
    run_turns(fixture, 1);
    g_assert_cmpuint(peer->n_woken, ==, 1);
}

static void
test_flush(Fixture *fixture, gconstpointer unused)
{
    Peer *peer = &fixture->peers[0];

    poll_member_flush_later(&peer->member);
    poll_member_flush_later(&peer->member);
    run_turns(fixture, 3);
    g_assert_cmpuint(peer->n_flushed, ==, 1);
    poll_member_flush_later(&peer->member);
    poll_member_leave(&peer->member);
    run_turns(fixture, 1);
    g_assert_cmpuint(peer->n_flushed, ==, 1);
}

/* A socket whose other end is gone says so for ever: polled for nothing, it wakes nobody. */
static void
test_not_polled(Fixture *fixture, gconstpointer unused)
{
    Peer *peer = &fixture->peers[0];

    shutdown(peer->fds[1], SHUT_RDWR);
    g_assert_true(poll_member_set(&peer->member, FALSE, 0));
    run_turns(fixture, 3);
    g_assert_cmpuint(peer->n_ready, ==, 0);
    g_assert_true(poll_member_set(&peer->member, TRUE, 0));
    run_turns(fixture, 1);
    g_assert_cmpuint(peer->n_ready, ==, 1);
}

static void
test_one_descriptor(Fixture *fixture, gconstpointer unused)
{
    int before = fcntl(fixture->peers[0].fds[0], F_DUPFD_CLOEXEC, 0), after;

    for (guint i = 0; i < N_PEERS; i++)
        poll_member_leave(&fixture->peers[i].member);
    /* The set's has been made for the first member, and is free again: a lower one than was free before. */
    after = fcntl(fixture->peers[0].fds[0], F_DUPFD_CLOEXEC, 0);
    g_assert_cmpint(after, <, before);
    close(before);
    close(after);
}

/* epoll takes no plain file. */
static void
test_refused(void)
{
    static const PollMemberFuncs funcs = { flush_peer, on_ready };
    g_autoptr(GMainContext) context = g_main_context_new();
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    PollMember member;

    poll_member_join(&member, context, fd, &funcs);
    g_assert_false(poll_member_set(&member, TRUE, G_IO_IN));
    g_assert_cmpint(errno, ==, EPERM);
    poll_member_leave(&member);
    close(fd);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, func) g_test_add(path, Fixture, NULL, set_up, func, tear_down)
    ADD("/poll-set/turns", test_turns);
    ADD("/poll-set/end-of-turn", test_end_of_turn);
    ADD("/poll-set/leave", test_leave);
    ADD("/poll-set/leave-itself", test_leave_itself);
    ADD("/poll-set/leave-last", test_leave_last);
    ADD("/poll-set/loop-inside", test_loop_inside);
    ADD("/poll-set/wake", test_wake);
    ADD("/poll-set/flush", test_flush);
    ADD("/poll-set/not-polled", test_not_polled);
    ADD("/poll-set/one-descriptor", test_one_descriptor);
    g_test_add_func("/poll-set/refused", test_refused);
    return g_test_run();
}
