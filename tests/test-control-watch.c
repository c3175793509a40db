/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A control monitor that is gone is told from a QEMU that is stopped, or held up by a command. What breaks here lets go of a VM
 * that somebody debugs, or has its callers wait for ever. */
#include "control-watch.h"
#include "test-qmp-peer.h"

#define INTERVAL ((guint64)20 * G_TIME_SPAN_MILLISECOND)

/* The agent's end and QEMU's of a monitor. */
typedef struct Monitor {
    QmpClient *client; /* owned */
    QmpPeer *peer; /* owned */
    gboolean is_ready;
} Monitor;

typedef struct Fixture {
    GMainContext *context; /* owned */
    Monitor control, other;
    ControlWatch *watch; /* owned; NULL once it has told of the loss */
    QmpEnding *ending; /* ref */
    guint lost, stuck, unstuck;
} Fixture;

static void
on_ready(QmpClient *client, gpointer user_data)
{
    ((Monitor *)user_data)->is_ready = TRUE;
}

static void
on_event(QmpClient *client, const QmpEvent *event, gpointer user_data)
{
}

static void
on_closed(QmpClient *client, const GError *error, gpointer user_data)
{
}

static void
on_lost(const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_assert_error(error, QMP_ERROR, QMP_ERROR_TIMED_OUT);
    fixture->lost++;
    g_clear_pointer(&fixture->watch, control_watch_free);
}

static void
on_stuck(const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;

    if (!error) {
        fixture->unstuck++;
        return;
    }
    g_assert_error(error, QMP_ERROR, QMP_ERROR_TIMED_OUT);
    fixture->stuck++;
}

static void
start_monitor(Monitor *monitor, GMainContext *context)
{
    static const QmpClientFuncs funcs = { .on_ready = on_ready, .on_event = on_event, .on_closed = on_closed };
    int fd;

    monitor->peer = qmp_peer_new(context, &fd);
    monitor->client = qmp_client_new(context, fd, &(QmpClientLimits){ .timeout = G_MAXUINT64 }, &funcs, monitor);
    qmp_peer_negotiate(monitor->peer, /* oob= */ TRUE);
    qmp_peer_wait_until(context, monitor->is_ready);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    static const ControlWatchFuncs funcs = { on_lost, on_stuck };

    fixture->context = g_main_context_new();
    start_monitor(&fixture->control, fixture->context);
    start_monitor(&fixture->other, fixture->context);
    fixture->ending = qmp_ending_new(fixture->context);
    fixture->watch = control_watch_new(fixture->context, fixture->control.client, fixture->ending, INTERVAL, &funcs,
                                       fixture);
    control_watch_add_witness(fixture->watch, fixture->other.client);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->watch, control_watch_free);
    g_clear_pointer(&fixture->ending, qmp_ending_unref);
    qmp_client_free(fixture->control.client);
    qmp_client_free(fixture->other.client);
    qmp_peer_free(fixture->control.peer);
    qmp_peer_free_with_context(fixture->other.peer, fixture->context);
}

static void
on_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    if (user_data)
        (*(guint *)user_data)++;
}

/* A command under way on the control monitor. */
static void
begin_command(Fixture *fixture, guint *n_replies)
{
    qmp_client_execute(fixture->control.client, &(QmpCommand){ .name = "stop" }, on_reply, n_replies);
    control_watch_look(fixture->watch);
}

/* As long as a loss that is none would take to be told, and longer. */
static void
run_intervals(Fixture *fixture, guint n)
{
    gint64 end = g_get_monotonic_time() + (gint64)(n * INTERVAL);

    while (g_get_monotonic_time() < end) {
        g_main_context_iteration(fixture->context, FALSE);
        g_usleep(500);
    }
}

/* Whether nothing but a descriptor wakes the context up. */
static gboolean
is_asleep(GMainContext *context)
{
    GPollFD fds[16];
    gint priority, timeout = 0;

    g_assert_true(g_main_context_acquire(context));
    g_main_context_prepare(context, &priority);
    g_main_context_query(context, G_MAXINT, &timeout, fds, G_N_ELEMENTS(fds));
    g_main_context_release(context);
    return timeout == -1;
}

/* QEMU serves another monitor, and this one not. */
static void
test_gone(Fixture *fixture, gconstpointer unused)
{
    qmp_peer_echo(fixture->other.peer);
    begin_command(fixture, NULL);
    qmp_peer_wait_until(fixture->context, fixture->lost);
    g_assert_cmpuint(fixture->stuck, ==, 0);
}

/* Nobody had asked it anything for a while: a command on another monitor is reason enough to look. */
static void
test_gone_while_nobody_asked(Fixture *fixture, gconstpointer unused)
{
    qmp_peer_echo(fixture->other.peer);
    control_watch_look(fixture->watch);
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->control.client), ==, 0);
    run_intervals(fixture, 4);
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->control.client), ==, 0);
    control_watch_look(fixture->watch);
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->control.client), ==, 1);
    qmp_peer_wait_until(fixture->context, fixture->lost);
}

/* SIGSTOP, or a debugger: nothing answers. Those who wait are told in the end, and again; the QEMU is kept, and goes on. */
static void
test_stopped(Fixture *fixture, gconstpointer unused)
{
    guint n_replies = 0;

    begin_command(fixture, &n_replies);
    qmp_peer_wait_until(fixture->context, fixture->stuck == 2);
    /* The other monitor's answer is read first. */
    qmp_peer_echo(fixture->other.peer);
    qmp_peer_echo(fixture->control.peer);
    g_assert_cmpuint(fixture->unstuck, ==, 0);
    qmp_peer_wait_until(fixture->context, n_replies == 1);
    run_intervals(fixture, 6);
    g_assert_cmpuint(fixture->unstuck, ==, 1);
    g_assert_cmpuint(fixture->lost, ==, 0);
    g_assert_nonnull(fixture->watch);
}

/* One long command: in band nothing is answered on any monitor, out of band all is. */
static void
test_held_up(Fixture *fixture, gconstpointer unused)
{
    qmp_peer_expect(fixture->control.peer, "{\"execute\":\"stop\"}");
    for (guint i = 0; i < 30; i++) {
        qmp_peer_expect(fixture->control.peer, "{\"exec-oob\":\"query-yank\",\"id\":1}");
        qmp_peer_send(fixture->control.peer, "{\"return\": [], \"id\": 1}");
    }
    begin_command(fixture, NULL);
    qmp_peer_wait_until(fixture->context, qmp_peer_is_done(fixture->control.peer));
    g_assert_cmpuint(fixture->lost, ==, 0);
    g_assert_cmpuint(fixture->stuck, ==, 0);
}

/* It is the agent that does not read, because the bus is behind. */
static void
test_paused(Fixture *fixture, gconstpointer unused)
{
    qmp_peer_echo(fixture->other.peer);
    qmp_peer_echo(fixture->control.peer);
    qmp_client_pause(fixture->control.client);
    begin_command(fixture, NULL);
    run_intervals(fixture, 30);
    qmp_client_resume(fixture->control.client);
    qmp_peer_wait_until(fixture->context, qmp_client_get_in_flight(fixture->control.client) == 0);
    g_assert_cmpuint(fixture->lost, ==, 0);
    g_assert_cmpuint(fixture->stuck, ==, 0);
}

/* Without another monitor nobody can know. */
static void
test_no_witness(Fixture *fixture, gconstpointer unused)
{
    qmp_peer_echo(fixture->other.peer);
    control_watch_remove_witness(fixture->watch, fixture->other.client);
    begin_command(fixture, NULL);
    qmp_peer_wait_until(fixture->context, fixture->stuck);
    g_assert_cmpuint(fixture->lost, ==, 0);
    /* One that comes later will do. */
    control_watch_add_witness(fixture->watch, fixture->other.client);
    qmp_peer_wait_until(fixture->context, fixture->lost);
}

/* A command of a caller's on their own monitor is not answered, and the control monitor was heard a moment ago. */
static void
test_stopped_elsewhere(Fixture *fixture, gconstpointer unused)
{
    qmp_client_execute(fixture->other.client, &(QmpCommand){ .name = "stop" }, on_reply, NULL);
    control_watch_look(fixture->watch);
    qmp_peer_wait_until(fixture->context, fixture->stuck);
    g_assert_cmpuint(fixture->lost, ==, 0);
    qmp_peer_echo(fixture->other.peer);
    qmp_peer_echo(fixture->control.peer);
    qmp_peer_wait_until(fixture->context, is_asleep(fixture->context));
    g_assert_cmpuint(fixture->unstuck, ==, 1);
    g_assert_cmpuint(fixture->lost, ==, 0);
}

/* It is stopped with `quit` under way, after which nothing is asked in band: those who wait are told all the same. */
static void
test_stopped_at_quit(Fixture *fixture, gconstpointer unused)
{
    qmp_ending_begin_quit(fixture->ending);
    control_watch_look(fixture->watch);
    qmp_peer_expect(fixture->control.peer, "{\"exec-oob\":\"query-yank\",\"id\":0}");
    qmp_peer_wait_until(fixture->context, qmp_peer_is_done(fixture->control.peer));
    qmp_peer_wait_until(fixture->context, fixture->stuck);
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->control.client), ==, 1);
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->other.client), ==, 0);
    g_assert_cmpuint(fixture->lost, ==, 0);
}

/* A QEMU that ends may take its time to write out its disks, and dies of a question. */
static void
test_ending(Fixture *fixture, gconstpointer unused)
{
    qmp_peer_echo(fixture->other.peer);
    run_intervals(fixture, 6);
    qmp_ending_begin_quit(fixture->ending);
    control_watch_look(fixture->watch);
    qmp_peer_expect(fixture->control.peer, "{\"exec-oob\":\"query-yank\",\"id\":0}");
    qmp_peer_wait_until(fixture->context, qmp_peer_is_done(fixture->control.peer));
    begin_command(fixture, NULL);
    run_intervals(fixture, 6);
    g_assert_cmpuint(fixture->lost, ==, 0);
    qmp_ending_end_quit(fixture->ending, /* reply= */ NULL, /* is_connected= */ TRUE);
    qmp_peer_wait_until(fixture->context, fixture->lost);
}

/* Nothing wakes an agent that waits for nothing. */
static void
test_idle(Fixture *fixture, gconstpointer unused)
{
    guint n_replies = 0;

    qmp_peer_echo(fixture->control.peer);
    begin_command(fixture, &n_replies);
    qmp_peer_wait_until(fixture->context, n_replies == 1);
    qmp_peer_wait_until(fixture->context, is_asleep(fixture->context));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/control-watch/gone", test_gone);
    ADD("/control-watch/gone-while-nobody-asked", test_gone_while_nobody_asked);
    ADD("/control-watch/stopped", test_stopped);
    ADD("/control-watch/held-up", test_held_up);
    ADD("/control-watch/paused", test_paused);
    ADD("/control-watch/stopped-elsewhere", test_stopped_elsewhere);
    ADD("/control-watch/stopped-at-quit", test_stopped_at_quit);
    ADD("/control-watch/ending", test_ending);
    ADD("/control-watch/no-witness", test_no_witness);
    ADD("/control-watch/idle", test_idle);
    return g_test_run();
}
