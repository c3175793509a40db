/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When QEMU is asked for the numbers of its jobs: an agent that asks though nobody looks keeps the machine awake, one that asks too
 * often slows every command of the VM, and one that forgets to ask shows a bar that stands still. */
#include "job-poll.h"

#include "test-qmp-peer.h"

typedef struct Fixture {
    GMainContext *context; /* owned */
    JobPoll *poll; /* owned */
    gboolean is_watched; /* somebody wants the numbers of the migration */
    gboolean follows_readers; /* and whoever has read some of late wants those of jobs */
    guint n_asked[N_JOB_KINDS];
} Fixture;

static gboolean
is_wanted(JobKind kind, gboolean is_read, gpointer user_data)
{
    Fixture *fixture = user_data;

    return kind == JOB_MIGRATION ? fixture->is_watched : kind == JOB_QMP && fixture->follows_readers && is_read;
}

static void
ask(JobKind kind, gpointer user_data)
{
    ((Fixture *)user_data)->n_asked[kind]++;
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    static const JobPollFuncs funcs = { is_wanted, ask };

    fixture->context = g_main_context_new();
    fixture->poll = job_poll_new(fixture->context, &funcs, fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    job_poll_free(fixture->poll);
    qmp_peer_settle(fixture->context);
    g_main_context_unref(fixture->context);
}

/* Milliseconds until the context wakes up by itself; -1: never. */
static int
get_wake_up(Fixture *fixture)
{
    GPollFD fds[8];
    int timeout, priority;

    g_assert_true(g_main_context_acquire(fixture->context));
    g_main_context_prepare(fixture->context, &priority);
    g_main_context_query(fixture->context, priority, &timeout, fds, G_N_ELEMENTS(fds));
    g_main_context_release(fixture->context);
    return timeout;
}

/* A VM that nobody looks at: the agent is not woken up. */
static void
test_idle(Fixture *fixture, gconstpointer unused)
{
    job_poll_consider(fixture->poll);
    job_poll_note_read(fixture->poll);
    g_assert_cmpint(get_wake_up(fixture), ==, -1);
}

/* A user who watches a migration: the first numbers come at once, the next no sooner than a second later, and none when the
 * migration has ended. */
static void
test_watched(Fixture *fixture, gconstpointer unused)
{
    gint64 begin = g_get_monotonic_time();

    fixture->is_watched = TRUE;
    job_poll_consider(fixture->poll);
    job_poll_consider(fixture->poll);
    qmp_peer_wait_until(fixture->context, fixture->n_asked[JOB_MIGRATION] == 1);
    job_poll_consider(fixture->poll);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_asked[JOB_MIGRATION], ==, 1);
    g_assert_cmpint(get_wake_up(fixture), <=, 1000);
    qmp_peer_wait_until(fixture->context, fixture->n_asked[JOB_MIGRATION] == 2);
    g_assert_cmpint(g_get_monotonic_time() - begin, >=, G_TIME_SPAN_SECOND);
    fixture->is_watched = FALSE;
    qmp_peer_wait_until(fixture->context, get_wake_up(fixture) == -1);
    g_assert_cmpuint(fixture->n_asked[JOB_MIGRATION], ==, 2);
    g_assert_cmpuint(fixture->n_asked[JOB_QMP], ==, 0);
}

/* A program that reads a job's properties: the numbers of jobs are asked for, and of nothing else. */
static void
test_read(Fixture *fixture, gconstpointer unused)
{
    fixture->follows_readers = TRUE;
    job_poll_consider(fixture->poll);
    g_assert_cmpint(get_wake_up(fixture), ==, -1);
    job_poll_note_read(fixture->poll);
    qmp_peer_wait_until(fixture->context, fixture->n_asked[JOB_QMP] == 1);
    g_assert_cmpuint(fixture->n_asked[JOB_MIGRATION], ==, 0);
    g_assert_cmpuint(fixture->n_asked[JOB_DUMP], ==, 0);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/job-poll/idle", test_idle);
    ADD("/job-poll/watched", test_watched);
    ADD("/job-poll/read", test_read);
    return g_test_run();
}
