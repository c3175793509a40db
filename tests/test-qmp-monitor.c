/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A monitor that is plugged into QEMU and unplugged again: what breaks here leaves monitors behind, each of which makes every
 * command of the VM slower, or removes somebody else's. */
#include "qmp-monitor.h"

#include <string.h>

#include "test-vm-fixture.h"

#define ID QMP_MONITOR_PREFIX "test"

typedef struct Fixture {
    VmFixture base;
    QmpMonitor *monitor; /* owned; NULL when freed */
    gboolean is_ready;
    guint n_events, n_ended;
    int code; /* of the error that it ended with */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    vm_fixture_set_up(&fixture->base, 11, 1, /* isolation_required= */ FALSE);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->monitor, qmp_monitor_free);
    vm_fixture_settle(&fixture->base);
    vm_fixture_tear_down(&fixture->base);
}

static void
on_ready(QmpMonitor *monitor, gpointer user_data)
{
    ((Fixture *)user_data)->is_ready = TRUE;
}

static void
on_event(QmpMonitor *monitor, const QmpEvent *event, gpointer user_data)
{
    ((Fixture *)user_data)->n_events++;
}

static void
on_ended(QmpMonitor *monitor, const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->n_ended++;
    fixture->code = error->code;
    g_clear_pointer(&fixture->monitor, qmp_monitor_free);
}

static QmpQueue *
get_control(Fixture *fixture)
{
    return qemu_connection_get_control(vm_get_qemu(fixture->base.vm));
}

static void
plug(Fixture *fixture, QmpMonitorKind kind)
{
    static const QmpMonitorFuncs funcs = { on_ready, on_event, on_ended };
    QmpMonitorPlan plan = {
        .kind = kind,
        .context = fixture->base.context,
        .control = get_control(fixture),
        .ending = qemu_connection_get_ending(vm_get_qemu(fixture->base.vm)),
        .guarded_fd = -1,
        .id = ID,
    };

    fixture->monitor = qmp_monitor_new(&plan, &funcs, fixture, NULL);
    g_assert_nonnull(fixture->monitor);
}

static guint
count(Fixture *fixture, const char *line)
{
    return test_qemu_count(fixture->base.qemu, line);
}

/* A caller gets a monitor, which hears events, and it is gone with the caller. */
static void
test_plugged(Fixture *fixture, gconstpointer unused)
{
    plug(fixture, QMP_MONITOR_OBJECT);
    g_assert_null(qmp_monitor_get_client(fixture->monitor));
    qmp_peer_wait_until(fixture->base.context, fixture->is_ready);
    g_assert_nonnull(qmp_monitor_get_client(fixture->monitor));
    g_assert_cmpuint(test_qemu_get_n_plugged(fixture->base.qemu), ==, 1);
    test_qemu_send(fixture->base.qemu, 1, "{\"event\":\"RTC_CHANGE\"}\n");
    qmp_peer_wait_until(fixture->base.context, fixture->n_events == 1);
    g_clear_pointer(&fixture->monitor, qmp_monitor_free);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 object-del"), ==, 0);
    g_assert_cmpuint(count(fixture, "0 chardev-remove {\"id\":\"" ID "\"}"), ==, 1);
    g_assert_cmpuint(test_qemu_get_n_plugged(fixture->base.qemu), ==, 0);
    g_assert_cmpuint(fixture->n_ended, ==, 0);
}

/* A QEMU that does not know such objects will not learn it, and one that is short of something may have it later. The parts
 * that it took are removed. */
static void
test_refused(Fixture *fixture, gconstpointer unused)
{
    test_qemu_set_answer(fixture->base.qemu, "object-add",
                         "\"error\": {\"class\": \"GenericError\", \"desc\": \"no memory\"}");
    plug(fixture, QMP_MONITOR_OBJECT);
    qmp_peer_wait_until(fixture->base.context, fixture->n_ended == 1);
    g_assert_cmpint(fixture->code, ==, QMP_ERROR_LIMIT);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 chardev-remove"), ==, 1);
    g_assert_cmpuint(count(fixture, "0 object-del"), ==, 0);
    test_qemu_set_answer(fixture->base.qemu, "object-add",
                         "\"error\": {\"class\": \"GenericError\", \"desc\": \"Parameter 'qom-type' does not accept "
                         "value 'monitor-qmp'\"}");
    plug(fixture, QMP_MONITOR_OBJECT);
    qmp_peer_wait_until(fixture->base.context, fixture->n_ended == 2);
    g_assert_cmpint(fixture->code, ==, QMP_ERROR_PROTOCOL);
}

static void
ignore_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
}

/* An agent that is killed while the control monitor is busy: QEMU has all three commands, or none. With the first alone QEMU would keep the
 * guard, and in it both ends of the agent's own connection, and let no other agent in. */
static void
test_all_or_nothing(Fixture *fixture, gconstpointer unused)
{
    static const char *const withheld[] = { "query-kvm", "getfd", "chardev-add" };

    for (guint n = 1; n <= 7; n++) {
        for (guint i = 0; i < G_N_ELEMENTS(withheld); i++)
            test_qemu_withhold(fixture->base.qemu, withheld[i]);
        for (guint i = 0; i < n; i++)
            g_assert_nonnull(qmp_queue_submit(get_control(fixture), "", &(QmpCommand){ .name = "query-kvm" },
                                              ignore_reply, NULL, NULL));
        plug(fixture, QMP_MONITOR_OBJECT);
        qmp_peer_settle(fixture->base.context);
        g_assert_cmpuint(count(fixture, "0 object-add"), ==, count(fixture, "0 getfd"));
        test_qemu_release_all(fixture->base.qemu);
        qmp_peer_wait_until(fixture->base.context, fixture->is_ready);
        g_assert_cmpuint(count(fixture, "0 object-add"), ==, n);
        g_clear_pointer(&fixture->monitor, qmp_monitor_free);
        vm_fixture_settle(&fixture->base);
        fixture->is_ready = FALSE;
    }
}

/* A caller who leaves while QEMU is still at it: the sequence goes on to its end, and is undone. */
static void
test_freed_half_way(Fixture *fixture, gconstpointer unused)
{
    test_qemu_withhold(fixture->base.qemu, "object-add");
    plug(fixture, QMP_MONITOR_OBJECT);
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 object-add") == 1);
    g_clear_pointer(&fixture->monitor, qmp_monitor_free);
    g_assert_cmpuint(count(fixture, "0 object-del"), ==, 0);
    test_qemu_release(fixture->base.qemu, "object-add");
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 object-del"), ==, 0);
    g_assert_cmpuint(count(fixture, "0 chardev-remove"), ==, 1);
    g_assert_false(fixture->is_ready);
    g_assert_cmpuint(fixture->n_ended, ==, 0);
}

static guint
count_fds(void)
{
    g_autoptr(GDir) directory = g_dir_open("/proc/self/fd", 0, NULL);
    guint n = 0;

    while (g_dir_read_name(directory))
        n++;
    return n;
}

/* Callers who come and go while QEMU is stopped: what has not been sent for one who has left is not sent, and takes no descriptors. One
 * sequence is sent, and then there is room for no other. */
static void
test_come_and_go(Fixture *fixture, gconstpointer unused)
{
    guint n_before = count_fds();

    test_qemu_withhold(fixture->base.qemu, "getfd");
    test_qemu_withhold(fixture->base.qemu, "chardev-add");
    test_qemu_withhold(fixture->base.qemu, "object-add");
    for (guint i = 0; i < 100; i++) {
        plug(fixture, i % 2 ? QMP_MONITOR_OBJECT : QMP_MONITOR_ADD);
        qmp_peer_settle(fixture->base.context);
        if (i % 3)
            g_clear_pointer(&fixture->monitor, qmp_monitor_free);
        else
            g_clear_pointer(&fixture->monitor, qmp_monitor_free_at_once);
    }
    g_assert_cmpuint(count_fds(), <, n_before + 10);
    test_qemu_release_all(fixture->base.qemu);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 getfd"), <=, 2);
    g_assert_cmpuint(test_qemu_get_n_plugged(fixture->base.qemu), ==, 0);
}

static void
remove_is_busy(Fixture *fixture)
{
    test_qemu_set_answer(fixture->base.qemu, "chardev-remove",
                         "\"error\": {\"class\": \"GenericError\", \"desc\": \"Chardev 'x' is busy\"}");
}

/* QEMU 11.1 ends itself when a monitor is closed that it is answering: our end stays until the answer is there, for as long as QEMU does
 * not keep it waiting for ever. */
static void
test_at_a_command(Fixture *fixture, gconstpointer unused)
{
    TestQemu *qemu = fixture->base.qemu;
    guint id;

    plug(fixture, QMP_MONITOR_OBJECT);
    qmp_peer_wait_until(fixture->base.context, fixture->is_ready);
    test_qemu_withhold(qemu, "query-kvm");
    id = qmp_client_execute(qmp_monitor_get_client(fixture->monitor), &(QmpCommand){ .name = "query-kvm" },
                            ignore_reply, NULL);
    qmp_peer_wait_until(fixture->base.context, count(fixture, "1 query-kvm") == 1);
    qmp_client_cancel(qmp_monitor_get_client(fixture->monitor), id);
    test_qemu_withhold(qemu, "chardev-remove");
    remove_is_busy(fixture);
    g_clear_pointer(&fixture->monitor, qmp_monitor_free);
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 chardev-remove") == 1);
    g_assert_cmpuint(test_qemu_get_n_plugged(qemu), ==, 1);
    test_qemu_release(qemu, "query-kvm");
    qmp_peer_settle(fixture->base.context);
    g_assert_cmpuint(test_qemu_get_n_plugged(qemu), ==, 1);
    test_qemu_release(qemu, "chardev-remove");
    qmp_peer_wait_until(fixture->base.context, test_qemu_get_n_plugged(qemu) == 0);
    vm_fixture_settle(&fixture->base);
}

/* A QEMU that keeps the monitor in spite of all is asked to remove it by its name, once. */
static void
test_kept(Fixture *fixture, gconstpointer unused)
{
    plug(fixture, QMP_MONITOR_OBJECT);
    qmp_peer_wait_until(fixture->base.context, fixture->is_ready);
    remove_is_busy(fixture);
    g_clear_pointer(&fixture->monitor, qmp_monitor_free);
    qmp_peer_wait_until(fixture->base.context, test_qemu_get_n_plugged(fixture->base.qemu) == 0);
    g_assert_cmpuint(count(fixture, "0 object-del"), ==, 0);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 object-del"), ==, 1);
    g_assert_cmpuint(count(fixture, "0 chardev-remove"), ==, 32);
}

/* A QEMU that lets go of the character device a little late is asked again, for as long as it says that the device is busy, and
 * not for ever. */
static void
test_busy(Fixture *fixture, gconstpointer unused)
{
    plug(fixture, QMP_MONITOR_ADD);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 monitor-add"), ==, 1);
    remove_is_busy(fixture);
    g_clear_pointer(&fixture->monitor, qmp_monitor_free);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 monitor-remove"), ==, 1);
    g_assert_cmpuint(count(fixture, "0 chardev-remove"), ==, 32);
}

/* A spare is not connected to while QEMU ends, for the negotiation is a command; once QEMU stays, it is. */
static void
test_spare_of_an_ending(Fixture *fixture, gconstpointer unused)
{
    static const QmpMonitorFuncs funcs = { on_ready, on_event, on_ended };
    g_autoptr(QmpAddress) nowhere = qmp_address_parse("unix:/nonexistent/spare", NULL);
    QmpEnding *ending = qemu_connection_get_ending(vm_get_qemu(fixture->base.vm));
    QmpMonitorPlan plan = {
        .kind = QMP_MONITOR_SPARE,
        .context = fixture->base.context,
        .ending = ending,
        .guarded_fd = -1,
        .id = ID,
        .address = nowhere,
    };

    for (guint i = 0; i < 2; i++) {
        qmp_ending_begin_quit(ending);
        fixture->monitor = qmp_monitor_new(&plan, &funcs, fixture, NULL);
        qmp_peer_settle(fixture->base.context);
        g_assert_cmpuint(fixture->n_ended, ==, 0);
        if (i == 0)
            g_clear_pointer(&fixture->monitor, qmp_monitor_free);
        qmp_ending_end_quit(ending, /* reply= */ NULL, /* is_connected= */ TRUE);
    }
    qmp_peer_wait_until(fixture->base.context, fixture->n_ended == 1);
    g_assert_cmpint(fixture->code, ==, QMP_ERROR_MISSING);
}

/* Likewise a monitor that was being plugged when another caller had QEMU quit is not negotiated on. */
static void
test_plugged_into_an_ending(Fixture *fixture, gconstpointer unused)
{
    QmpEnding *ending = qemu_connection_get_ending(vm_get_qemu(fixture->base.vm));

    plug(fixture, QMP_MONITOR_OBJECT);
    qmp_ending_begin_quit(ending);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(test_qemu_get_n_plugged(fixture->base.qemu), ==, 1);
    g_assert_cmpuint(count(fixture, "1 qmp_capabilities"), ==, 0);
    qmp_ending_end_quit(ending, /* reply= */ NULL, /* is_connected= */ TRUE);
    qmp_peer_wait_until(fixture->base.context, fixture->is_ready);
    g_assert_cmpuint(count(fixture, "1 qmp_capabilities"), ==, 1);
}

/* A monitor that somebody else has removed: its user is told once. */
static void
test_closed(Fixture *fixture, gconstpointer unused)
{
    plug(fixture, QMP_MONITOR_OBJECT);
    qmp_peer_wait_until(fixture->base.context, fixture->is_ready);
    test_qemu_close(fixture->base.qemu, 1);
    qmp_peer_wait_until(fixture->base.context, fixture->n_ended > 0);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(fixture->n_ended, ==, 1);
    g_assert_cmpint(fixture->code, ==, QMP_ERROR_DISCONNECTED);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/qmp-monitor/plugged", test_plugged);
    ADD("/qmp-monitor/refused", test_refused);
    ADD("/qmp-monitor/all-or-nothing", test_all_or_nothing);
    ADD("/qmp-monitor/freed-half-way", test_freed_half_way);
    ADD("/qmp-monitor/at-a-command", test_at_a_command);
    ADD("/qmp-monitor/kept", test_kept);
    ADD("/qmp-monitor/busy", test_busy);
    ADD("/qmp-monitor/closed", test_closed);
    ADD("/qmp-monitor/come-and-go", test_come_and_go);
    ADD("/qmp-monitor/spare-of-an-ending", test_spare_of_an_ending);
    ADD("/qmp-monitor/plugged-into-an-ending", test_plugged_into_an_ending);
    return g_test_run();
}
