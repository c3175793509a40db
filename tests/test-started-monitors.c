/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which monitors a QEMU was started with, by what a scripted QEMU says: one that is missed here can be ended by any caller; and
 * a QEMU that lists them without end costs no more than a QEMU that has a few. */
#include "started-monitors.h"

#include "test-vm-fixture.h"

typedef struct Fixture {
    VmFixture base;
    StartedMonitors *monitors; /* owned */
    gboolean is_told;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    vm_fixture_set_up(&fixture->base, 11, 1, /* isolation_required= */ FALSE);
    fixture->monitors = started_monitors_new(/* fd= */ -1);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    started_monitors_free(fixture->monitors);
    vm_fixture_tear_down(&fixture->base);
}

static void
on_monitors_known(gpointer user_data)
{
    ((Fixture *)user_data)->is_told = TRUE;
}

/* What QEMU says: of its objects, of the device of each monitor among them, of its devices. One that lists its monitors is asked for the
 * children of /chardevs. */
static void
ask(Fixture *fixture, const char *objects, const char *device, const char *chardevs)
{
    test_qemu_set_answer(fixture->base.qemu, "qom-list {\"path\":\"/objects\"}", objects);
    test_qemu_set_answer(fixture->base.qemu, "qom-list {\"path\":\"/chardevs\"}", chardevs);
    test_qemu_set_answer(fixture->base.qemu, "qom-get", device);
    test_qemu_set_answer(fixture->base.qemu, "query-chardev", chardevs);
    started_monitors_ask(fixture->monitors, qemu_connection_get_control(vm_get_qemu(fixture->base.vm)),
                         on_monitors_known, fixture);
    qmp_peer_wait_until(fixture->base.context, fixture->is_told);
}

#define NO "\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}"

/* QEMU 11.1 tells of its monitors: each, and the device under it, is one; another object or device is none, and the agent's
 * own are not QEMU's. */
static void
test_listed(Fixture *fixture, gconstpointer unused)
{
    ask(fixture,
        "\"return\": [{\"name\": \"mon\", \"type\": \"child<monitor-qmp>\"}, {\"name\": \"io\", \"type\": "
        "\"child<iothread>\"},"
        " {\"name\": \"org.qemu.Monitor1-1\", \"type\": \"child<monitor-qmp>\"}]",
        "\"return\": \"dev\"",
        "\"return\": [{\"name\": \"serial\", \"type\": \"child<chardev-pty>\"}]");
    /* The fixture's own questions were before. */
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 query-chardev"), ==, 1);
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 qom-list {\"path\":\"/chardevs\"}"), ==, 1);
    g_assert_true(started_monitors_are_objects(fixture->monitors));
    g_assert_true(started_monitors_has_object(fixture->monitors, "mon"));
    g_assert_true(started_monitors_has_chardev(fixture->monitors, "dev"));
    g_assert_false(started_monitors_has_object(fixture->monitors, "io"));
    g_assert_false(started_monitors_has_object(fixture->monitors, "org.qemu.Monitor1-1"));
    g_assert_false(started_monitors_may_have_chardev(fixture->monitors, "serial"));
}

/* An older QEMU tells of devices alone: those that QEMU has named, and the one at the VM's address; of others in use nobody
 * can tell. */
static void
test_not_listed(Fixture *fixture, gconstpointer unused)
{
    ask(fixture, "\"return\": []", NO,
        "\"return\": [{\"label\": \"compat_monitor0\", \"frontend-open\": true, \"filename\": \"vc\"},"
        " {\"label\": \"mine\", \"frontend-open\": true, \"filename\": \"unix:/run/vm.qmp,server=on\"},"
        " {\"label\": \"used\", \"frontend-open\": true, \"filename\": \"pty\"},"
        " {\"label\": \"free\", \"frontend-open\": false, \"filename\": \"pty\"}]");
    g_assert_false(started_monitors_are_objects(fixture->monitors));
    started_monitors_note_path(fixture->monitors, "/run/vm.qmp");
    g_assert_true(started_monitors_has_chardev(fixture->monitors, "compat_monitor0"));
    g_assert_true(started_monitors_has_chardev(fixture->monitors, "mine"));
    g_assert_false(started_monitors_has_chardev(fixture->monitors, "used"));
    g_assert_true(started_monitors_may_have_chardev(fixture->monitors, "used"));
    g_assert_false(started_monitors_may_have_chardev(fixture->monitors, "free"));
}

/* A caller who adds something by the name of a monitor that has gone: it is theirs. */
static void
test_added(Fixture *fixture, gconstpointer unused)
{
    ask(fixture, "\"return\": [{\"name\": \"mon\", \"type\": \"child<monitor-qmp>\"}]", "\"return\": \"dev\"",
        "\"return\": []");
    started_monitors_note_object(fixture->monitors, "mon");
    started_monitors_note_chardev(fixture->monitors, "dev");
    g_assert_false(started_monitors_has_object(fixture->monitors, "mon"));
    g_assert_false(started_monitors_may_have_chardev(fixture->monitors, "dev"));
}

/* A QEMU that does not answer the questions, or answers nonsense: nothing is known, and nobody waits. */
static void
test_nonsense(Fixture *fixture, gconstpointer unused)
{
    ask(fixture, "\"return\": [7, {\"name\": 7, \"type\": \"child<monitor-qmp>\"}, {\"name\": \"x\"}]", NO,
        "\"return\": {\"label\": \"compat_monitor0\"}");
    g_assert_false(started_monitors_has_object(fixture->monitors, "x"));
    g_assert_false(started_monitors_may_have_chardev(fixture->monitors, "compat_monitor0"));
}

/* @n devices in use with names of @length letters. */
static char *
make_chardevs(guint n, guint length)
{
    GString *list = g_string_new("\"return\": [");

    for (guint i = 0; i < n; i++)
        g_string_append_printf(list, "%s{\"label\": \"%0*u\", \"frontend-open\": true, \"filename\": \"pty\"}",
                               i > 0 ? ", " : "", (int)length, i);
    g_string_append_c(list, ']');
    return g_string_free(list, FALSE);
}

/* A QEMU that lists more than any has, or names that are longer than any: no caller ends anything there, whatever it is
 * called, and the rest of the list is not kept. */
static void
test_too_much(Fixture *fixture, gconstpointer data)
{
    const guint *size = data;
    g_autofree char *chardevs = make_chardevs(size[0], size[1]);

    ask(fixture, "\"return\": []", NO, chardevs);
    g_assert_cmpint(started_monitors_has_object(fixture->monitors, "anything"), ==, size[2]);
    g_assert_cmpint(started_monitors_has_chardev(fixture->monitors, "anything"), ==, size[2]);
}

#define TOO_LONG QMP_MONITOR_PREFIX "0123456789012345678901234567890123456789012345678"

/* What QEMU says of its devices after an agent was killed: @more devices of it are left, beside one that is in use, one that
 * QEMU does not tell of, and one that is somebody else's. */
static char *
make_left_over(TestQemu *qemu, guint more)
{
    static const char *const others[] = { QMP_MONITOR_PREFIX "alive", "web", QMP_MONITOR_PREFIX "gone", TOO_LONG };
    static const char *const answers[] = { "\"return\": true", "\"return\": false", NO, "\"return\": false" };
    GString *list = g_string_new("\"return\": [{\"name\": \"type\", \"type\": \"string\"}");

    for (guint i = 0; i < G_N_ELEMENTS(others) + more; i++) {
        gboolean is_other = i < G_N_ELEMENTS(others);
        g_autofree char *name = is_other ? g_strdup(others[i])
                                         : g_strdup_printf(QMP_MONITOR_PREFIX "%zu", i - G_N_ELEMENTS(others) + 1);
        g_autofree char *question =
            g_strdup_printf("qom-get {\"path\":\"/chardevs/%s\",\"property\":\"connected\"}", name);
        test_qemu_set_answer(qemu, question, is_other ? answers[i] : "\"return\": false");
        g_string_append_printf(list, ", {\"name\": \"%s\", \"type\": \"child<chardev-socket>\"}", name);
    }
    g_string_append_c(list, ']');
    return g_string_free(list, FALSE);
}

#define MONITOR_LISTED "\"return\": [{\"name\": \"mon\", \"type\": \"child<monitor-qmp>\"}]"

/* The next agent after one that was killed removes that one's monitors with nobody at their other end: not a monitor that is in
 * use, and nobody else's; and of a QEMU that lists them without end, no more than an agent can have left. */
static void
test_left_over(Fixture *fixture, gconstpointer data)
{
    const guint *n = data;
    g_autofree char *chardevs = make_left_over(fixture->base.qemu, n[0]);

    ask(fixture, MONITOR_LISTED, "\"return\": \"dev\"", chardevs);
    started_monitors_remove_left_over(fixture->monitors, QMP_MONITOR_OBJECT);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 object-del"), ==, n[1]);
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 chardev-remove"), ==, n[1]);
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 object-del {\"id\":\"" QMP_MONITOR_PREFIX "1\"}"), ==,
                     n[1] > 0);
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 closefd"), ==, n[1] > 0);
}

/* Where monitors are no objects, QEMU may have kept a descriptor of a killed agent that nothing tells of. A name is written as JSON has it. */
static void
test_left_descriptor(Fixture *fixture, gconstpointer data)
{
    TestQemu *qemu = fixture->base.qemu;
    gboolean is_left = data != NULL;

    ask(fixture, "\"return\": []", NO, is_left ? data : "\"return\": []");
    started_monitors_remove_left_over(fixture->monitors, QMP_MONITOR_ADD);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(test_qemu_count(qemu, "0 closefd {\"fdname\":\"+\"}"), ==, 1);
    g_assert_cmpuint(test_qemu_count(qemu, "0 monitor-remove"), ==, is_left);
    g_assert_cmpuint(test_qemu_count(qemu, "0 monitor-remove {\"id\":\"" QMP_MONITOR_PREFIX "\\\"\"}"), ==, is_left);
    g_assert_cmpuint(test_qemu_count(qemu, "0 chardev-remove {\"id\":\"" QMP_MONITOR_PREFIX "\\\"\"}"), ==, is_left);
}

/* @n authz objects. */
static char *
make_authz_objects(guint n)
{
    GString *list = g_string_new("\"return\": [{\"name\": \"mon\", \"type\": \"child<monitor-qmp>\"}");

    for (guint i = 0; i < n; i++)
        g_string_append_printf(list, ", {\"name\": \"a%u\", \"type\": \"child<authz-list>\"}", i);
    g_string_append_c(list, ']');
    return g_string_free(list, FALSE);
}

/* The objects that say who may connect are known by the same list; with more of them than are kept any object may be one, and
 * the monitors are known as well as before. */
static void
test_authz(Fixture *fixture, gconstpointer data)
{
    const guint *n = data;
    g_autofree char *objects = make_authz_objects(n[0]);

    ask(fixture, objects, "\"return\": \"dev\"", "\"return\": []");
    g_assert_true(started_monitors_may_have_authz(fixture->monitors, "a0"));
    g_assert_cmpint(started_monitors_may_have_authz(fixture->monitors, "other"), ==, n[1]);
    g_assert_cmpint(started_monitors_may_have_authz(fixture->monitors, NULL), ==, n[1]);
    g_assert_false(started_monitors_may_have_authz(fixture->monitors, "mon") && !n[1]);
    g_assert_true(started_monitors_has_object(fixture->monitors, "mon"));
    g_assert_false(started_monitors_has_object(fixture->monitors, "a0"));
}

/* A QEMU that does not tell its objects: any may say who may connect. */
static void
test_authz_unknown(Fixture *fixture, gconstpointer data)
{
    ask(fixture, data, NO, "\"return\": []");
    g_assert_true(started_monitors_may_have_authz(fixture->monitors, "other"));
    g_assert_false(started_monitors_has_object(fixture->monitors, "other"));
}

int
main(int argc, char **argv)
{
    static const guint most[] = { 256, 512, FALSE }, many[] = { 257, 4, TRUE }, long_one[] = { 1, 513, TRUE };
    static const guint none_left[] = { 0, 0 }, some_left[] = { 3, 3 }, all_left[] = { 65, 62 };
    static const guint few_authz[] = { 256, FALSE }, many_authz[] = { 257, TRUE };

    g_test_init(&argc, &argv, NULL);
#define ADD(path, data, test) g_test_add("/started-monitors/" path, Fixture, data, set_up, test, tear_down)
    ADD("listed", NULL, test_listed);
    ADD("not-listed", NULL, test_not_listed);
    ADD("added", NULL, test_added);
    ADD("nonsense", NULL, test_nonsense);
    ADD("as-much-as-can-be", most, test_too_much);
    ADD("too-many", many, test_too_much);
    ADD("too-long", long_one, test_too_much);
    ADD("nothing-left-over", none_left, test_left_over);
    ADD("left-over", some_left, test_left_over);
    ADD("too-much-left-over", all_left, test_left_over);
    ADD("left-descriptor", NULL, test_left_descriptor);
    ADD("left-monitor",
        "\"return\": [{\"label\": \"" QMP_MONITOR_PREFIX "alive\", \"filename\": \"fd:8\"},"
        " {\"label\": \"web\", \"filename\": \"disconnected:unix:x\"}, {\"label\": \"" QMP_MONITOR_PREFIX "0\"},"
        " {\"label\": \"" QMP_MONITOR_PREFIX "\\\"\", \"filename\": \"disconnected:fd:7\"},"
        " {\"label\": \"" TOO_LONG "\", \"filename\": \"disconnected:fd:9\"}]",
        test_left_descriptor);
    ADD("authz", few_authz, test_authz);
    ADD("too-many-authz", many_authz, test_authz);
    ADD("authz-refused", NO, test_authz_unknown);
    ADD("authz-nonsense", "\"return\": {}", test_authz_unknown);
#undef ADD
    return g_test_run();
}
