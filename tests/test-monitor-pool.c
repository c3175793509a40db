/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who gets which monitor: what breaks here lets callers meet in one monitor who must not, or leaves QEMU with monitors
 * that nobody uses. */
#include "monitor-pool.h"

#include "test-vm-fixture.h"

typedef struct Fixture {
    VmFixture base;
    MonitorPool *pool; /* owned; NULL when freed */
    MonitorLease leases[4];
    guint n_modes; /* how often the mode has changed */
} Fixture;

typedef struct Case {
    guint major, minor;
    guint max_monitors;
    gboolean isolation_required;
} Case;

static void
on_mode(gpointer user_data)
{
    ((Fixture *)user_data)->n_modes++;
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    const Case *options = data;
    MonitorPoolLimits limits = { .idle_timeout = G_MAXINT64, .max_monitors = options->max_monitors };

    vm_fixture_set_up(&fixture->base, options->major, options->minor, options->isolation_required);
    fixture->pool = monitor_pool_new(fixture->base.context, fixture->base.vm, &limits, on_mode, fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->pool, monitor_pool_free);
    if (!fixture->base.is_down)
        vm_fixture_settle(&fixture->base);
    vm_fixture_tear_down(&fixture->base);
}

static void
find(Fixture *fixture, guint i)
{
    g_autoptr(GError) error = NULL;

    monitor_pool_find(fixture->pool, &fixture->leases[i], &error);
    g_assert_no_error(error);
    g_assert_nonnull(fixture->leases[i].pooled);
}

static void
assert_refused(Fixture *fixture, guint i, QmpErrorCode code)
{
    g_autoptr(GError) error = NULL;

    g_assert_false(monitor_pool_find(fixture->pool, &fixture->leases[i], &error));
    g_assert_error(error, QMP_ERROR, (int)code);
    g_assert_null(fixture->leases[i].pooled);
}

/* Callers up to the cap: each has a monitor of their own, which stays theirs; those after it share one. */
static void
test_own(Fixture *fixture, gconstpointer unused)
{
    g_assert_cmpstr(monitor_pool_get_mode(fixture->pool), ==, "hotplug");
    for (guint i = 0; i < 4; i++) {
        find(fixture, i);
        fixture->leases[i].pending = 1;
    }
    g_assert_true(fixture->leases[0].pooled != fixture->leases[1].pooled);
    g_assert_true(fixture->leases[2].pooled != fixture->leases[1].pooled);
    g_assert_true(fixture->leases[3].pooled == fixture->leases[2].pooled);
    find(fixture, 0);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(test_qemu_get_n_plugged(fixture->base.qemu), ==, 3);
    g_assert_cmpstr(pooled_monitor_get_mode(fixture->leases[3].pooled), ==, "hotplug");
    for (guint i = 0; i < 4; i++)
        monitor_lease_give_back(&fixture->leases[i]);
    vm_fixture_settle(&fixture->base);
    /* The common one stays for the next caller, and not for good: nobody need have sent a command by it. */
    g_assert_cmpuint(test_qemu_get_n_plugged(fixture->base.qemu), ==, 1);
    monitor_pool_set_limits(fixture->pool, &(MonitorPoolLimits){ .idle_timeout = 0, .max_monitors = 3 });
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(test_qemu_get_n_plugged(fixture->base.qemu), ==, 0);
}

/* A caller who comes when all monitors are taken: the one that was idle for the longest time is theirs, and never one with
 * commands under way, named descriptors, or a session that holds it. */
static void
test_idle(Fixture *fixture, gconstpointer unused)
{
    find(fixture, 0);
    find(fixture, 1);
    fixture->leases[1].pending = 1;
    find(fixture, 2);
    g_assert_null(fixture->leases[0].pooled);
    g_assert_nonnull(fixture->leases[1].pooled);
    fixture->leases[2].has_names = TRUE;
    fixture->leases[1].pending = 0;
    fixture->leases[1].is_holding = TRUE;
    find(fixture, 0);
    g_assert_nonnull(fixture->leases[1].pooled);
    g_assert_nonnull(fixture->leases[2].pooled);
    find(fixture, 3);
    g_assert_true(fixture->leases[3].pooled == fixture->leases[0].pooled);
}

/* A QEMU that takes no monitor: the callers share the control monitor from then on, and nobody tries again for each of
 * them. */
static void
test_refused(Fixture *fixture, gconstpointer unused)
{
    test_qemu_set_answer(fixture->base.qemu, "object-add",
                         "\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no\"}");
    find(fixture, 0);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpstr(monitor_pool_get_mode(fixture->pool), ==, "shared");
    g_assert_cmpuint(fixture->n_modes, ==, 1);
    g_assert_cmpstr(pooled_monitor_get_mode(fixture->leases[0].pooled), ==, "shared");
    g_assert_cmpstr(pooled_monitor_get_id(fixture->leases[0].pooled), ==, "control");
    find(fixture, 1);
    find(fixture, 2);
    g_assert_true(fixture->leases[1].pooled == fixture->leases[2].pooled);
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 object-add"), ==, 1);
}

/* A QEMU that is short of descriptors for a moment: that caller shares, the next has a monitor of their own again. */
static void
test_refused_for_once(Fixture *fixture, gconstpointer unused)
{
    test_qemu_set_answer(fixture->base.qemu, "object-add",
                         "\"error\": {\"class\": \"GenericError\", \"desc\": \"too many\"}");
    find(fixture, 0);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpstr(monitor_pool_get_mode(fixture->pool), ==, "hotplug");
    g_assert_cmpstr(pooled_monitor_get_mode(fixture->leases[0].pooled), ==, "shared");
    test_qemu_set_answer(fixture->base.qemu, "object-add", "\"return\": {}");
    find(fixture, 1);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpstr(pooled_monitor_get_mode(fixture->leases[1].pooled), ==, "hotplug");
}

/* Callers of a VM that is never to be shared: one too many is refused, and told how many monitors there are. */
static void
test_isolation(Fixture *fixture, gconstpointer unused)
{
    for (guint i = 0; i < 3; i++) {
        find(fixture, i);
        fixture->leases[i].pending = 1;
    }
    assert_refused(fixture, 3, QMP_ERROR_LIMIT);
    monitor_lease_give_back(&fixture->leases[1]);
    find(fixture, 3);
}

/* A VM that is never to be shared, whose QEMU is short of descriptors for a moment: the caller is told, and never meets others on
 * the control monitor. */
static void
test_isolation_refused_for_once(Fixture *fixture, gconstpointer unused)
{
    test_qemu_set_answer(fixture->base.qemu, "object-add",
                         "\"error\": {\"class\": \"GenericError\", \"desc\": \"too many\"}");
    find(fixture, 0);
    vm_fixture_settle(&fixture->base);
    g_assert_null(fixture->leases[0].pooled);
    g_assert_cmpstr(monitor_pool_get_mode(fixture->pool), ==, "hotplug");
    test_qemu_set_answer(fixture->base.qemu, "object-add", "\"return\": {}");
    find(fixture, 0);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpstr(pooled_monitor_get_mode(fixture->leases[0].pooled), ==, "hotplug");
}

/* A VM that is never to be shared, on a QEMU that has nothing but its control monitor: nobody gets in. */
static void
test_isolation_without_monitors(Fixture *fixture, gconstpointer unused)
{
    g_assert_cmpstr(monitor_pool_get_mode(fixture->pool), ==, "shared");
    assert_refused(fixture, 0, QMP_ERROR_PROTOCOL);
    /* QEMU's schema says that it takes monitors after all. */
    monitor_pool_set_can_hotplug(fixture->pool, TRUE);
    g_assert_cmpstr(monitor_pool_get_mode(fixture->pool), ==, "hotplug");
    monitor_pool_set_can_hotplug(fixture->pool, TRUE);
    g_assert_cmpuint(fixture->n_modes, ==, 1);
    find(fixture, 0);
}

/* A QEMU that closes a caller's monitor: the caller has none, and gets another with the next command. */
static void
test_closed(Fixture *fixture, gconstpointer unused)
{
    find(fixture, 0);
    qmp_peer_wait_until(fixture->base.context, caller_monitor_is_ready(pooled_monitor_get_monitor(
                                                   fixture->leases[0].pooled, QMP_EXECUTE_DEFAULT)));
    test_qemu_close(fixture->base.qemu, 1);
    qmp_peer_wait_until(fixture->base.context, !fixture->leases[0].pooled);
    find(fixture, 0);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(test_qemu_get_n_plugged(fixture->base.qemu), ==, 1);
}

/* Somebody who unblocks a hung QEMU out of band: the command does not wait for a monitor that QEMU does not get to. */
static void
test_urgent(Fixture *fixture, gconstpointer unused)
{
    CallerMonitor *own, *urgent;

    test_qemu_withhold(fixture->base.qemu, "getfd");
    find(fixture, 0);
    own = pooled_monitor_get_monitor(fixture->leases[0].pooled, QMP_EXECUTE_DEFAULT);
    urgent = pooled_monitor_get_monitor(fixture->leases[0].pooled, QMP_EXECUTE_OOB);
    g_assert_false(caller_monitor_is_on_control(own));
    g_assert_true(caller_monitor_is_on_control(urgent));
    test_qemu_release(fixture->base.qemu, "getfd");
    qmp_peer_wait_until(fixture->base.context, caller_monitor_is_ready(own));
    g_assert_true(pooled_monitor_get_monitor(fixture->leases[0].pooled, QMP_EXECUTE_OOB) == own);
}

/* A VM that is let go while its callers are still there: their monitors go with them, and the common one with its last. */
static void
test_leave(Fixture *fixture, gconstpointer unused)
{
    for (guint i = 0; i < 4; i++) {
        find(fixture, i);
        fixture->leases[i].pending = 1;
    }
    vm_fixture_settle(&fixture->base);
    monitor_pool_leave(fixture->pool);
    for (guint i = 0; i < 3; i++)
        monitor_lease_give_back(&fixture->leases[i]);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(test_qemu_get_n_plugged(fixture->base.qemu), ==, 1);
    monitor_lease_give_back(&fixture->leases[3]);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(test_qemu_get_n_plugged(fixture->base.qemu), ==, 0);
}

static const Case hotplug = { 11, 1, .max_monitors = 3 };
static const Case isolated = { 11, 1, .max_monitors = 3, .isolation_required = TRUE };
static const Case isolated_old = { 7, 2, .max_monitors = 3, .isolation_required = TRUE };

#define ADD(path, options, test) g_test_add(path, Fixture, options, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/monitor-pool/own", &hotplug, test_own);
    ADD("/monitor-pool/idle", &hotplug, test_idle);
    ADD("/monitor-pool/refused", &hotplug, test_refused);
    ADD("/monitor-pool/refused-for-once", &hotplug, test_refused_for_once);
    ADD("/monitor-pool/isolation", &isolated, test_isolation);
    ADD("/monitor-pool/isolation-refused-for-once", &isolated, test_isolation_refused_for_once);
    ADD("/monitor-pool/isolation-without-monitors", &isolated_old, test_isolation_without_monitors);
    ADD("/monitor-pool/closed", &hotplug, test_closed);
    ADD("/monitor-pool/urgent", &hotplug, test_urgent);
    ADD("/monitor-pool/leave", &hotplug, test_leave);
    return g_test_run();
}
