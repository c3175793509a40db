/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-steps.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "order-calls.h"
#include "order-checks.h"

/* Calls of one caller in one order. */
#define MAX_CALLS 4

/* us; longer than idle-timeout. */
#define IDLE_TIME ((gint64)11 * G_TIME_SPAN_SECOND)

/* us; after so long without a word QEMU counts as stuck. */
#define SILENT_TIME ((gint64)70 * G_TIME_SPAN_SECOND)

static gboolean
is_there(OrderWorld *world, OrderCaller *caller)
{
    return caller->connection && caller->calls->len < MAX_CALLS && world->host.instance;
}

static gboolean
is_a_there(OrderWorld *world)
{
    return is_there(world, world->a);
}

static gboolean
is_b_there(OrderWorld *world)
{
    return world->host.instance && (!world->b || is_there(world, world->b));
}

static gboolean
has_client(OrderWorld *world)
{
    return order_world_get_client(world) != NULL;
}

static void
take_native(OrderWorld *world)
{
    static const char text[] = "{\"execute\":\"qmp_capabilities\"}{\"execute\":\"stop\",\"id\":1}";
    OrderClient *client = order_world_get_client(world);

    if (send(client->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        client->has_ended = TRUE;
}

static void
take_close(OrderWorld *world)
{
    g_ptr_array_remove(world->clients, order_world_get_client(world));
}

static gboolean
is_polkit_asked(OrderWorld *world)
{
    return order_polkit_count_questions(world->polkit) > 0;
}

static void
take_yes(OrderWorld *world)
{
    order_polkit_answer(world->polkit, TRUE);
}

static void
take_no(OrderWorld *world)
{
    order_polkit_answer(world->polkit, FALSE);
}

static guint
count_held(OrderWorld *world)
{
    return order_qemu_count_held(world->qemu) + (world->former ? order_qemu_count_held(world->former) : 0);
}

static gboolean
is_qemu_asked(OrderWorld *world)
{
    return count_held(world) > 0;
}

/* A QEMU that is sure to take a monitor refuses nothing of what an agent has left to it (vm/plug-guard.h); nor does a former one, which
 * has been let go when another came. */
static gboolean
is_qemu_asked_by_somebody(OrderWorld *world)
{
    return order_qemu_count_held(world->qemu) > 0 && order_world_has_vm(world);
}

/* Where it is the same as to answer all, the step is none. */
static gboolean
is_qemu_asked_more(OrderWorld *world)
{
    return count_held(world) > 1;
}

static void
take_answer(OrderWorld *world)
{
    order_qemu_answer_all(world->qemu);
    if (world->former)
        order_qemu_answer_all(world->former);
}

static void
take_answer_one(OrderWorld *world)
{
    if (order_qemu_count_held(world->qemu) > 0)
        order_qemu_answer_one(world->qemu);
    else
        order_qemu_answer_one(world->former);
}

static void
take_refuse(OrderWorld *world)
{
    order_qemu_refuse_all(world->qemu);
}

static gboolean
has_job(OrderWorld *world)
{
    return order_qemu_is_up(world->qemu) && order_qemu_has_job(world->qemu);
}

static void
take_job_ends(OrderWorld *world)
{
    order_qemu_end_job(world->qemu);
}

static gboolean
is_plugged(OrderWorld *world)
{
    return order_qemu_count_plugged(world->qemu) > 0;
}

static void
take_unplug(OrderWorld *world)
{
    order_qemu_drop_plugged(world->qemu);
}

static gboolean
is_qemu_up(OrderWorld *world)
{
    return order_qemu_is_up(world->qemu);
}

static void
take_go(OrderWorld *world)
{
    order_qemu_go(world->qemu);
}

static void
take_remove(OrderWorld *world)
{
    const char *path = ORDER_VM_PATH;

    order_caller_send(world->keeper, "RemoveVM",
                      order_world_new_call(world, ORDER_ROOT, ORDER_NAME ".Manager", "RemoveVM", DBUS_TYPE_OBJECT_PATH,
                                           &path, DBUS_TYPE_INVALID));
    world->is_removed = TRUE;
}

static gboolean
is_name_free(OrderWorld *world)
{
    return !world->former && !order_world_has_vm(world) && world->host.instance && !world->host.is_stopping;
}

static gboolean
is_a_on_bus(OrderWorld *world)
{
    return world->a->connection != NULL;
}

static void
take_leave(OrderWorld *world)
{
    order_caller_leave(world->a);
}

static gboolean
is_a_off_bus(OrderWorld *world)
{
    return !world->a->connection && world->host.instance;
}

/* The same program, started again. */
static void
take_return(OrderWorld *world)
{
    order_caller_free(world->a);
    world->a = order_world_add_caller(world, "a");
}

static gboolean
is_b_on_bus(OrderWorld *world)
{
    return world->b && world->b->connection;
}

static void
take_b_leave(OrderWorld *world)
{
    order_caller_leave(world->b);
}

static void
take_polkit_restart(OrderWorld *world)
{
    order_polkit_restart(world->polkit);
}

static void
take_event(OrderWorld *world)
{
    order_qemu_tell_event(world->qemu);
}

static gboolean
is_host_running(OrderWorld *world)
{
    return world->host.instance && !world->host.is_stopping;
}

static void
take_stop(OrderWorld *world)
{
    order_host_prepare_stop(&world->host);
}

static void
take_reload(OrderWorld *world)
{
    world->is_reloaded = !world->is_reloaded;
    order_host_reload(&world->host, world->kind->config.asks_owner != world->is_reloaded);
}

static gboolean
is_host_there(OrderWorld *world)
{
    return world->host.instance != NULL;
}

static void
take_idle(OrderWorld *world)
{
    order_world_pass_time(world, IDLE_TIME);
    order_checks_after_idle(world);
}

static void
take_silence(OrderWorld *world)
{
    order_world_pass_time(world, SILENT_TIME);
}

const OrderStep order_steps[] = {
    /* The caller. */
    { "method", is_a_there, order_calls_method, TRUE },
    { "execute", is_a_there, order_calls_execute, TRUE },
    { "json", is_a_there, order_calls_json, FALSE },
    { "wait", is_a_there, order_calls_wait, TRUE },
    { "wait-in-time", is_a_there, order_calls_wait_in_time, FALSE },
    { "wait-stop", is_a_there, order_calls_wait_stop, FALSE },
    { "open", is_a_there, order_calls_open, TRUE },
    { "fdset", is_a_there, order_calls_fdset, TRUE },
    { "property", is_a_there, order_calls_property, FALSE },
    { "introspect", is_a_there, order_calls_introspect, FALSE },
    { "screenshot", is_a_there, order_calls_screenshot, FALSE },
    { "display", is_a_there, order_calls_display, FALSE },
    { "list", is_a_there, order_calls_list, FALSE },
    { "subscribe", is_a_there, order_calls_subscribe, FALSE },
    { "cancel", is_a_there, order_calls_cancel, FALSE },
    { "leave", is_a_on_bus, take_leave, TRUE },
    { "return", is_a_off_bus, take_return, FALSE },
    /* Another caller. */
    { "b-method", is_b_there, order_calls_b_method, FALSE },
    { "b-leave", is_b_on_bus, take_b_leave, FALSE },
    /* The client of the native session. */
    { "native", has_client, take_native, TRUE },
    { "close", has_client, take_close, TRUE },
    /* Polkit. */
    { "yes", is_polkit_asked, take_yes, TRUE },
    { "no", is_polkit_asked, take_no, TRUE },
    { "polkit-restarts", is_polkit_asked, take_polkit_restart, FALSE },
    /* QEMU. */
    { "answer", is_qemu_asked, take_answer, TRUE },
    { "answer-one", is_qemu_asked_more, take_answer_one, TRUE },
    { "refuse", is_qemu_asked_by_somebody, take_refuse, TRUE },
    { "job-ends", has_job, take_job_ends, TRUE },
    { "event", is_qemu_up, take_event, FALSE },
    { "unplug", is_plugged, take_unplug, TRUE },
    { "go", is_qemu_up, take_go, TRUE },
    /* Somebody who may. */
    { "remove", order_world_has_vm, take_remove, TRUE },
    { "come", is_name_free, order_world_replace_qemu, TRUE },
    /* The host. */
    { "reload", is_host_running, take_reload, FALSE },
    { "stop", is_host_running, take_stop, TRUE },
    { "quit", is_host_there, order_world_quit, TRUE },
    /* Time. */
    { "idle", is_host_there, take_idle, TRUE },
    { "silence", is_host_there, take_silence, TRUE },
    { 0 },
};

const OrderStep *
order_steps_find(const char *name)
{
    for (const OrderStep *step = order_steps; step->name; step++)
        if (g_str_equal(step->name, name))
            return step;
    return NULL;
}

void
order_step_take(const OrderStep *step, OrderWorld *world)
{
    step->take(world);
    order_world_settle(world);
}
