/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-ends.h"

#include <unistd.h>

#include "order-checks.h"
#include "order-vm.h"

/* us; more than any timer of the module. */
#define LONG_TIME ((gint64)10 * 60 * G_TIME_SPAN_SECOND)

/* us; the host's patience with an instance that prepares its stop. */
#define STOP_TIME ((gint64)2 * G_TIME_SPAN_SECOND)

/* us; a caller's monitor is removed, and its fdsets. */
#define IDLE_TIME ((gint64)15 * G_TIME_SPAN_SECOND)

const char *const order_ends[] = { "removed", "gone", "left", "stopped", "quit", "served", NULL };

static guint
count_fds(void)
{
    g_autoptr(GDir) fds = g_dir_open("/proc/self/fd", 0, NULL);
    guint n = 0;

    while (g_dir_read_name(fds))
        n++;
    return n;
}

static void
check_left_over(OrderWorld *world, OrderQemu *qemu, gboolean counts_fdsets)
{
    g_autofree char *left_over = order_qemu_dup_left_over(qemu, counts_fdsets);

    if (left_over)
        order_world_fail(world, "left in QEMU:%s", left_over);
}

/* Of an agent that ends without any preparation fdsets stay, and so they do in a QEMU whose guest stands when the VM goes. */
static void
check_all_left_over(OrderWorld *world)
{
    OrderQemu *qemus[] = { world->qemu, world->former };

    for (guint i = 0; i < G_N_ELEMENTS(qemus); i++)
        if (qemus[i] && !(world->has_quit && order_qemu_was_left(qemus[i])))
            check_left_over(world, qemus[i], !world->has_quit && !order_qemu_was_paused(qemus[i]));
}

/* The VM stays, and nobody uses it. A screenshot's fdset is kept for the next one. */
static void
check_unused_vm(OrderWorld *world)
{
    if (!order_world_has_vm(world))
        return;
    order_qemu_continue(world->qemu);
    order_world_pass_time(world, IDLE_TIME);
    check_left_over(world, world->qemu, !world->has_picture);
}

static void
leave_callers(OrderWorld *world)
{
    order_caller_leave(world->a);
    if (world->b)
        order_caller_leave(world->b);
    g_ptr_array_set_size(world->clients, 0);
    order_world_settle(world);
}

/* Jobs in a row: calls may have waited for one after the other. */
#define MAX_JOBS 8

/* Everybody answers, and the VM stays: every call is answered by the one whom it has waited for. */
static void
serve(OrderWorld *world)
{
    order_polkit_set_obliging(world->polkit, TRUE);
    order_qemu_set_holding(world->qemu, FALSE);
    if (world->former)
        order_qemu_set_holding(world->former, FALSE);
    order_world_pass_time(world, IDLE_TIME);
    for (guint i = 0; i < MAX_JOBS && order_qemu_is_up(world->qemu) && order_qemu_has_job(world->qemu); i++) {
        order_qemu_end_job(world->qemu);
        order_world_pass_time(world, IDLE_TIME);
    }
    order_checks_after_step(world);
    order_checks_after_service(world);
}

static void
begin_end(OrderWorld *world, const char *how)
{
    if (g_str_equal(how, "removed") && order_world_has_vm(world))
        order_vm_remove(world);
    else if (g_str_equal(how, "gone"))
        order_qemu_go(world->qemu);
    else if (g_str_equal(how, "left"))
        leave_callers(world);
    else if (g_str_equal(how, "stopped") && world->host.instance && !world->host.is_stopping)
        order_world_stop(world);
    else if (g_str_equal(how, "served"))
        serve(world);
    else if (g_str_equal(how, "quit") && world->host.instance)
        order_world_quit(world);
    order_world_settle(world);
    order_checks_after_step(world);
}

/* Monitors that are objects go with their connection, whatever becomes of the agent; those of monitor-add do not. */
static gboolean
may_leave_something(OrderWorld *world)
{
    return world->has_quit && world->kind->qemu == ORDER_QEMU_MONITOR_ADD;
}

/* Nobody listens at the path of a native session any more, and its file has gone. */
static void
check_paths(OrderWorld *world)
{
    g_autofree char *path = world->directory ? g_build_filename(world->directory, ORDER_NATIVE, NULL) : NULL;
    g_autoptr(GDir) directory = path ? g_dir_open(path, 0, NULL) : NULL;

    if (directory && g_dir_read_name(directory))
        order_world_fail(world, "the path of a native session is left");
}

static void
check_rest(OrderWorld *world)
{
    guint n_polled, n_fds = count_fds();
    gint64 next = order_world_get_next(&n_polled);

    if (next >= 0)
        order_world_fail(world, "something waits for its time, with nothing to do");
    if (world->n_fds == 0 && world->host.instance) {
        world->n_fds = n_fds;
        world->n_polled = n_polled;
    }
    if (world->n_fds > 0 && n_fds > world->n_fds)
        order_world_fail(world, "%u descriptors are left", n_fds - world->n_fds);
    if (world->n_polled > 0 && n_polled > world->n_polled)
        order_world_fail(world, "%u descriptors are polled still", n_polled - world->n_polled);
    if (!world->host.instance && n_polled > 1)
        order_world_fail(world, "%u descriptors are polled, and the module has stopped", n_polled - 1);
    if (order_polkit_count_questions(world->polkit) > 0)
        order_world_fail(world, "polkit has a question that nobody waits for");
    if (world->host.store && g_hash_table_size(world->host.store) > 0)
        order_world_fail(world, "a descriptor is left in the store");
    if (g_hash_table_size(world->published) > 0)
        order_world_fail(world, "an object is left on the bus");
    check_paths(world);
}

void
order_ends_run(OrderWorld *world, const char *how)
{
    begin_end(world, how);
    order_qemu_set_holding(world->qemu, FALSE);
    if (world->former)
        order_qemu_set_holding(world->former, FALSE);
    order_world_settle(world);
    order_world_pass_time(world, world->host.is_stopping ? STOP_TIME : IDLE_TIME);
    if (world->host.is_stopping)
        order_world_end_stop(world);
    order_world_settle(world);
    order_checks_after_step(world);
    if (g_str_equal(how, "left"))
        check_unused_vm(world);
    leave_callers(world);
    order_vm_forget(world);
    order_world_pass_time(world, LONG_TIME);
    if (!may_leave_something(world))
        check_all_left_over(world);
    order_checks_after_step(world);
    g_clear_pointer(&world->a, order_caller_free);
    g_clear_pointer(&world->b, order_caller_free);
    g_clear_pointer(&world->qemu, order_qemu_free);
    g_clear_pointer(&world->former, order_qemu_free);
    g_ptr_array_set_size(world->keeper->calls, 0);
    order_polkit_set_obliging(world->polkit, TRUE);
    order_world_pass_time(world, LONG_TIME);
    check_rest(world);
}
