/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-vm-fixture.h"

static gboolean
on_connected(Vm *vm, GError **error, gpointer user_data)
{
    return TRUE;
}

static gboolean
on_up(Vm *vm, GError **error, gpointer user_data)
{
    ((VmFixture *)user_data)->is_up = TRUE;
    return TRUE;
}

static void
on_changed(Vm *vm, gpointer user_data)
{
    VmFixture *fixture = user_data;

    if (fixture->on_changed)
        fixture->on_changed(fixture->user_data);
}

static void
on_event(Vm *vm, const QmpEvent *event, gpointer user_data)
{
}

static void
on_stuck(Vm *vm, const GError *error, gpointer user_data)
{
}

static void
on_ending(Vm *vm, gpointer user_data)
{
}

static gboolean
on_down(Vm *vm, VmDown how, const GError *error, gpointer user_data)
{
    ((VmFixture *)user_data)->is_down = TRUE;
    return TRUE;
}

void
vm_fixture_set_up(VmFixture *fixture, guint major, guint minor, gboolean isolation_required)
{
    static const VmFuncs funcs = { on_connected, on_up, on_changed, on_event, on_stuck, on_ending, on_down };
    VmSpec spec = { .origin = VM_FROM_FD, .isolation_required = isolation_required, .timeout = G_MAXUINT64 };

    fixture->context = g_main_context_new();
    fixture->qemu = test_qemu_new(fixture->context, major, minor, &spec.fd);
    fixture->vm = vm_new(fixture->context, &spec, /* max_reply= */ 2 * 1024 * 1024, &funcs, fixture);
    qmp_peer_wait_until(fixture->context, fixture->is_up);
}

void
vm_fixture_tear_down(VmFixture *fixture)
{
    g_clear_pointer(&fixture->vm, vm_free);
    test_qemu_free(fixture->qemu);
    qmp_peer_settle(fixture->context);
    g_main_context_unref(fixture->context);
}

void
vm_fixture_settle(VmFixture *fixture)
{
    QmpQueue *control = qemu_connection_get_control(vm_get_qemu(fixture->vm));

    do {
        qmp_peer_wait_until(fixture->context, !qmp_queue_is_busy(control));
        qmp_peer_settle(fixture->context);
    } while (qmp_queue_is_busy(control));
}
