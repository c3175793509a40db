/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A caller's way to QEMU: commands wait until their monitor is there, and find another way where QEMU takes none. What
 * breaks here loses a caller's command, or answers it twice. */
#include "caller-monitor.h"

#include "test-vm-fixture.h"

typedef struct Fixture {
    VmFixture base;
    CallerMonitor *monitor; /* owned; NULL when freed */
    GString *log; /* owned; what callers were told, a blank after each */
    guint n_ended;
    gboolean was_ready; /* when it ended */
    gboolean uses_control; /* once it has ended */
} Fixture;

static QemuConnection *
get_qemu(Fixture *fixture)
{
    return vm_get_qemu(fixture->base.vm);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    vm_fixture_set_up(&fixture->base, 11, 1, /* isolation_required= */ FALSE);
    fixture->log = g_string_new(NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->monitor, caller_monitor_free);
    if (!fixture->base.is_down)
        vm_fixture_settle(&fixture->base);
    vm_fixture_tear_down(&fixture->base);
    g_string_free(fixture->log, TRUE);
}

static void
on_ended(CallerMonitor *monitor, gboolean was_ready, const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->n_ended++;
    fixture->was_ready = was_ready;
    if (fixture->uses_control)
        caller_monitor_use_control(monitor);
    else
        g_clear_pointer(&fixture->monitor, caller_monitor_free);
}

static void
plug(Fixture *fixture)
{
    static const CallerMonitorFuncs funcs = { on_ended };
    QmpMonitorPlan plan = {
        .kind = QMP_MONITOR_OBJECT,
        .context = fixture->base.context,
        .control = qemu_connection_get_control(get_qemu(fixture)),
        .guarded_fd = -1,
        .id = QMP_MONITOR_PREFIX "test",
    };

    fixture->monitor = caller_monitor_new(get_qemu(fixture), &plan, &funcs, fixture, NULL);
    g_assert_nonnull(fixture->monitor);
}

static void
on_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    GString *log = user_data;

    if (reply && reply->error_class)
        g_string_append(log, "error-reply ");
    else if (reply)
        g_string_append_printf(log, "%.*s ", (int)reply->value.length, reply->value.text);
    else
        g_string_append_printf(log, "error%d ", error->code);
}

static QmpTicket *
submit(Fixture *fixture, const char *name)
{
    QmpCommand command = { .name = name, .flags = QMP_EXECUTE_BEHIND_BARRIER };

    return qmp_queue_submit(caller_monitor_get_queue(fixture->monitor), ":1.1", &command, on_reply, fixture->log,
                            NULL);
}

/* A caller whose monitor is still being plugged: the command waits, and goes by that monitor alone. */
static void
test_plugged(Fixture *fixture, gconstpointer unused)
{
    plug(fixture);
    g_assert_false(caller_monitor_is_ready(fixture->monitor));
    g_assert_cmpstr(caller_monitor_get_id(fixture->monitor), ==, QMP_MONITOR_PREFIX "test");
    g_assert_nonnull(submit(fixture, "stop"));
    qmp_peer_wait_until(fixture->base.context, fixture->log->len > 0);
    g_assert_cmpstr(fixture->log->str, ==, "{} ");
    g_assert_true(caller_monitor_is_ready(fixture->monitor));
    g_assert_false(caller_monitor_is_on_control(fixture->monitor));
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "1 stop"), ==, 1);
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 stop"), ==, 0);
}

/* A caller of a QEMU that takes no monitor: the command that waited goes by the control monitor. */
static void
test_refused(Fixture *fixture, gconstpointer unused)
{
    fixture->uses_control = TRUE;
    test_qemu_set_answer(fixture->base.qemu, "object-add",
                         "\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}");
    plug(fixture);
    g_assert_nonnull(submit(fixture, "stop"));
    qmp_peer_wait_until(fixture->base.context, fixture->log->len > 0);
    g_assert_cmpstr(fixture->log->str, ==, "{} ");
    g_assert_cmpuint(fixture->n_ended, ==, 1);
    g_assert_false(fixture->was_ready);
    g_assert_true(caller_monitor_is_ready(fixture->monitor) && caller_monitor_is_on_control(fixture->monitor));
    g_assert_cmpstr(caller_monitor_get_id(fixture->monitor), ==, "control");
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 stop"), ==, 1);
}

/* A caller who must not share and gets no monitor: the command that waited is failed, and sent nowhere. */
static void
test_refused_and_freed(Fixture *fixture, gconstpointer unused)
{
    test_qemu_set_answer(fixture->base.qemu, "object-add",
                         "\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}");
    plug(fixture);
    g_assert_nonnull(submit(fixture, "stop"));
    qmp_peer_wait_until(fixture->base.context, fixture->n_ended == 1);
    g_assert_null(fixture->monitor);
    g_assert_cmpstr(fixture->log->str, ==, "error0 ");
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 stop"), ==, 0);
}

/* A caller whose monitor dies with a command under way and more behind it: each is failed once. */
static void
test_ended(Fixture *fixture, gconstpointer unused)
{
    test_qemu_withhold(fixture->base.qemu, "stop");
    plug(fixture);
    for (guint i = 0; i < 10; i++)
        g_assert_nonnull(submit(fixture, "stop"));
    qmp_peer_wait_until(fixture->base.context, test_qemu_count(fixture->base.qemu, "1 stop") == 7);
    test_qemu_close(fixture->base.qemu, 1);
    qmp_peer_wait_until(fixture->base.context, fixture->n_ended == 1);
    g_assert_true(fixture->was_ready);
    g_assert_null(fixture->monitor);
    g_assert_cmpstr(fixture->log->str, ==, "error0 error0 error0 error0 error0 error0 error0 error0 error0 error0 ");
}

/* A caller who leaves before the monitor is plugged: QEMU keeps nothing of it. */
static void
test_freed_while_plugging(Fixture *fixture, gconstpointer unused)
{
    QmpTicket *ticket;

    plug(fixture);
    ticket = submit(fixture, "stop");
    g_assert_true(qmp_ticket_is_waiting(ticket));
    qmp_ticket_cancel(ticket);
    g_clear_pointer(&fixture->monitor, caller_monitor_free);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpstr(fixture->log->str, ==, "");
    g_assert_cmpuint(fixture->n_ended, ==, 0);
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 object-del"), ==, 0);
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 chardev-remove"), ==, 1);
}

/* A caller on a monitor of their own who has stopped the VM: that reply too waits until the run state is known. */
static void
test_barrier(Fixture *fixture, gconstpointer unused)
{
    TestQemu *qemu = fixture->base.qemu;
    guint n;

    plug(fixture);
    test_qemu_withhold(qemu, "stop");
    g_assert_nonnull(submit(fixture, "stop"));
    qmp_peer_wait_until(fixture->base.context, test_qemu_count(qemu, "1 stop") == 1);
    n = test_qemu_count(qemu, "0 query-status");
    test_qemu_withhold(qemu, "query-status");
    test_qemu_send(qemu, 1, "{\"event\": \"STOP\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 1}}\r\n");
    test_qemu_release(qemu, "stop");
    qmp_peer_wait_until(fixture->base.context, test_qemu_count(qemu, "0 query-status") > n);
    qmp_peer_settle(fixture->base.context);
    g_assert_cmpstr(fixture->log->str, ==, "");
    test_qemu_release(qemu, "query-status");
    qmp_peer_wait_until(fixture->base.context, fixture->log->len > 0);
    g_assert_cmpstr(fixture->log->str, ==, "{} ");
}

/* A native session whose client has said nothing yet: an event on its monitor is nobody's. */
static void
test_event_before_any_command(Fixture *fixture, gconstpointer unused)
{
    plug(fixture);
    qmp_peer_wait_until(fixture->base.context, caller_monitor_is_ready(fixture->monitor));
    test_qemu_send(fixture->base.qemu, 1,
                   "{\"event\": \"STOP\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 1}}\r\n");
    qmp_peer_settle(fixture->base.context);
    g_assert_nonnull(submit(fixture, "stop"));
    qmp_peer_wait_until(fixture->base.context, fixture->log->len > 0);
    g_assert_cmpstr(fixture->log->str, ==, "{} ");
}

/* The agent asks something by itself, which it may not of a QEMU that ends. */
static void
ask_for_agent(Fixture *fixture)
{
    g_assert_nonnull(qemu_connection_ask(get_qemu(fixture), &(QmpCommand){ .name = "query-kvm" }, on_reply,
                                         fixture->log));
    qmp_peer_settle(fixture->base.context);
}

/* A caller quits: QEMU is asked nothing more, by no monitor, for QEMU 10.0 dies of that; unless QEMU has refused to quit. */
static void
test_quit(Fixture *fixture, gconstpointer unused)
{
    TestQemu *qemu = fixture->base.qemu;
    guint n;

    plug(fixture);
    for (guint i = 0; i < 2; i++) {
        test_qemu_set_answer(qemu, "quit",
                             i == 0 ? "\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}" : "\"return\": {}");
        test_qemu_withhold(qemu, "quit");
        g_assert_nonnull(submit(fixture, "quit"));
        qmp_peer_wait_until(fixture->base.context, test_qemu_count(qemu, "1 quit") == i + 1);
        n = test_qemu_count(qemu, "0 ");
        test_qemu_send(qemu, 1, "{\"event\": \"RTC_CHANGE\"}\r\n");
        ask_for_agent(fixture);
        g_assert_cmpuint(test_qemu_count(qemu, "0 "), ==, n);
        test_qemu_release(qemu, "quit");
        qmp_peer_settle(fixture->base.context);
        g_assert_cmpuint(test_qemu_count(qemu, "0 query-kvm"), ==, 1);
    }
    g_assert_cmpstr(fixture->log->str, ==, "error-reply {} {} ");
    g_clear_pointer(&fixture->monitor, caller_monitor_free);
    test_qemu_close(qemu, 0);
    qmp_peer_wait_until(fixture->base.context, fixture->base.is_down);
}

/* A guest that powers off while a caller's command is under way: the same, until QEMU is known to stay. */
static void
test_shutdown(Fixture *fixture, gconstpointer unused)
{
    TestQemu *qemu = fixture->base.qemu;
    guint n;

    plug(fixture);
    test_qemu_withhold(qemu, "stop");
    g_assert_nonnull(submit(fixture, "stop"));
    qmp_peer_wait_until(fixture->base.context, test_qemu_count(qemu, "1 stop") == 1);
    n = test_qemu_count(qemu, "0 ");
    test_qemu_send(qemu, 1, "{\"event\": \"SHUTDOWN\"}\r\n{\"event\": \"RTC_CHANGE\"}\r\n");
    qmp_peer_settle(fixture->base.context);
    ask_for_agent(fixture);
    g_assert_nonnull(submit(fixture, "cont"));
    g_assert_cmpuint(test_qemu_count(qemu, "0 ") + test_qemu_count(qemu, "1 cont"), ==, n);
    test_qemu_release(qemu, "stop");
    qmp_peer_settle(fixture->base.context);
    g_assert_cmpstr(fixture->log->str, ==, "{} ");
    test_qemu_send(qemu, 0, "{\"event\": \"STOP\"}\r\n");
    qmp_peer_wait_until(fixture->base.context, test_qemu_count(qemu, "1 cont") == 1);
    g_assert_cmpuint(test_qemu_count(qemu, "0 query-kvm"), ==, 1);
    g_assert_cmpuint(test_qemu_count(qemu, "0 "), ==, n + 2); /* and query-status */
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/caller-monitor/plugged", test_plugged);
    ADD("/caller-monitor/event-before-any-command", test_event_before_any_command);
    ADD("/caller-monitor/refused", test_refused);
    ADD("/caller-monitor/refused-and-freed", test_refused_and_freed);
    ADD("/caller-monitor/ended", test_ended);
    ADD("/caller-monitor/freed-while-plugging", test_freed_while_plugging);
    ADD("/caller-monitor/barrier", test_barrier);
    ADD("/caller-monitor/quit", test_quit);
    ADD("/caller-monitor/shutdown", test_shutdown);
    return g_test_run();
}
