/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM that is forgotten, or an agent that ends: what breaks here leaves monitors in QEMU, or an agent that does not
 * end. */
#include "vm-teardown.h"

#include "test-vm-fixture.h"

typedef struct Fixture {
    VmFixture base;
    CallerSessions *sessions; /* owned; NULL: the teardown has it */
    VmTeardown *teardown; /* owned; NULL when freed */
    guint n_ended;
    guint n_replies;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    MonitorPoolLimits limits = { .idle_timeout = G_MAXINT64, .max_monitors = 4 };

    vm_fixture_set_up(&fixture->base, 11, 1, /* isolation_required= */ FALSE);
    fixture->sessions = caller_sessions_new(fixture->base.context, fixture->base.vm, &limits, NULL, NULL);
    fixture->teardown = vm_teardown_new(fixture->base.context);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->teardown, vm_teardown_free);
    g_clear_pointer(&fixture->sessions, caller_sessions_free);
    vm_fixture_tear_down(&fixture->base);
}

static void
on_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    ((Fixture *)user_data)->n_replies++;
}

/* The teardown has the VM from now on. */
static void
begin(Fixture *fixture)
{
    vm_teardown_add(fixture->teardown, g_steal_pointer(&fixture->base.vm), g_steal_pointer(&fixture->sessions));
}

static void
submit(Fixture *fixture, const char *command)
{
    CallerSession *session = caller_sessions_get(fixture->sessions, ":1.1", 1000, NULL);
    CallerSessionCommand request = { .name = command };

    g_assert_nonnull(caller_session_submit(session, &request, on_reply, fixture, NULL));
}

static void
on_ended(gpointer user_data)
{
    ((Fixture *)user_data)->n_ended++;
}

static void
on_ended_free(gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->n_ended++;
    g_clear_pointer(&fixture->teardown, vm_teardown_free);
}

/* An agent that ends with nothing to put in order: it need not wait. */
static void
test_nothing(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(vm_teardown_wait(fixture->teardown, on_ended, fixture));
    g_assert_cmpuint(fixture->n_ended, ==, 0);
}

/* An agent that ends with callers: their monitors are unplugged first, and then the agent is told, once; it may free the
 * teardown on that. */
static void
test_callers(Fixture *fixture, gconstpointer unused)
{
    submit(fixture, "stop");
    qmp_peer_wait_until(fixture->base.context, fixture->n_replies == 1);
    begin(fixture);
    g_assert_true(vm_teardown_wait(fixture->teardown, on_ended_free, fixture));
    g_assert_cmpuint(fixture->n_ended, ==, 0);
    qmp_peer_wait_until(fixture->base.context, fixture->n_ended == 1);
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 chardev-remove"), ==, 1);
    qmp_peer_settle(fixture->base.context);
    g_assert_cmpuint(fixture->n_ended, ==, 1);
}

/* A VM that is forgotten while a monitor is being plugged: it is plugged and removed again, and the caller is told that the
 * VM has gone. */
static void
test_plugging(Fixture *fixture, gconstpointer unused)
{
    test_qemu_withhold(fixture->base.qemu, "object-add");
    submit(fixture, "stop");
    qmp_peer_wait_until(fixture->base.context, test_qemu_count(fixture->base.qemu, "0 object-add") == 1);
    begin(fixture);
    g_assert_cmpuint(fixture->n_replies, ==, 1);
    g_assert_true(vm_teardown_wait(fixture->teardown, on_ended, fixture));
    test_qemu_release(fixture->base.qemu, "object-add");
    qmp_peer_wait_until(fixture->base.context, fixture->n_ended == 1);
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 chardev-remove"), ==, 1);
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "1 stop"), ==, 0);
}

/* A QEMU that dies meanwhile: there is nothing to wait for any more. */
static void
test_qemu_dies(Fixture *fixture, gconstpointer unused)
{
    test_qemu_withhold(fixture->base.qemu, "query-fdsets");
    submit(fixture, "stop");
    qmp_peer_wait_until(fixture->base.context, fixture->n_replies == 1);
    begin(fixture);
    g_assert_true(vm_teardown_wait(fixture->teardown, on_ended, fixture));
    test_qemu_close(fixture->base.qemu, 0);
    qmp_peer_wait_until(fixture->base.context, fixture->n_ended == 1);
}

/* A QEMU that answers nothing any more: the agent ends all the same. */
static void
test_silence(Fixture *fixture, gconstpointer unused)
{
    test_qemu_withhold(fixture->base.qemu, "query-fdsets");
    submit(fixture, "stop");
    begin(fixture);
    g_assert_true(vm_teardown_wait(fixture->teardown, on_ended, fixture));
    qmp_peer_wait_until(fixture->base.context, fixture->n_ended == 1);
}

/* An agent that does not wait: all is ended as it is, and nobody is told. */
static void
test_freed(Fixture *fixture, gconstpointer unused)
{
    test_qemu_withhold(fixture->base.qemu, "query-fdsets");
    submit(fixture, "stop");
    begin(fixture);
    g_assert_true(vm_teardown_wait(fixture->teardown, on_ended, fixture));
    g_clear_pointer(&fixture->teardown, vm_teardown_free);
    g_assert_cmpuint(fixture->n_ended, ==, 0);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/vm-teardown/nothing", test_nothing);
    ADD("/vm-teardown/callers", test_callers);
    ADD("/vm-teardown/plugging", test_plugging);
    ADD("/vm-teardown/qemu-dies", test_qemu_dies);
    ADD("/vm-teardown/silence", test_silence);
    ADD("/vm-teardown/freed", test_freed);
    return g_test_run();
}
