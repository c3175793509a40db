/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-steps.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "order-add.h"
#include "order-calls.h"
#include "order-step-funcs.h"
#include "order-vm.h"

/* Calls of one caller in one order. */
#define MAX_CALLS 4

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

/* Some client finds the socket, where the agent listens still. */
static gboolean
is_path_there(OrderWorld *world)
{
    return world->path && access(world->path, F_OK) == 0;
}

static void
take_connect(OrderWorld *world)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    g_assert_cmpuint(g_strlcpy(address.sun_path, world->path, sizeof address.sun_path), <, sizeof address.sun_path);
    g_assert_no_errno(connect(fd, (struct sockaddr *)&address, sizeof address));
    order_world_add_client(world, fd);
}

static gboolean
may_open_path(OrderWorld *world)
{
    return is_a_there(world) && world->kind->config.has_store;
}

static void
take_close(OrderWorld *world)
{
    g_ptr_array_remove(world->clients, order_world_get_client(world));
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
may_add(OrderWorld *world)
{
    return world->kind->way == ORDER_WAY_ADDRESS && is_a_there(world);
}

static gboolean
may_b_add(OrderWorld *world)
{
    return world->kind->way == ORDER_WAY_ADDRESS && is_b_there(world);
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

const OrderStep order_steps[] = {
    /* The caller. */
    { "method", is_a_there, order_calls_method, TRUE },
    { "execute", is_a_there, order_calls_execute, TRUE },
    { "json", is_a_there, order_calls_json, FALSE },
    { "wait", is_a_there, order_calls_wait, TRUE },
    { "wait-in-time", is_a_there, order_calls_wait_in_time, FALSE },
    { "wait-stop", is_a_there, order_calls_wait_stop, FALSE },
    { "open", is_a_there, order_calls_open, TRUE },
    { "open-path", may_open_path, order_calls_open_path, FALSE },
    { "fdset", is_a_there, order_calls_fdset, TRUE },
    { "property", is_a_there, order_calls_property, FALSE },
    { "introspect", is_a_there, order_calls_introspect, FALSE },
    { "screenshot", is_a_there, order_calls_screenshot, FALSE },
    { "display", is_a_there, order_calls_display, FALSE },
    { "list", is_a_there, order_calls_list, FALSE },
    { "objects", is_a_there, order_calls_objects, FALSE },
    { "job-property", is_a_there, order_calls_job_property, FALSE },
    { "quiet", is_a_there, order_calls_quiet, FALSE },
    { "subscribe", is_a_there, order_calls_subscribe, FALSE },
    { "cancel", is_a_there, order_calls_cancel, FALSE },
    { "add", may_add, order_add_named, TRUE },
    { "add-unnamed", may_add, order_add_unnamed, TRUE },
    { "add-elsewhere", may_add, order_add_elsewhere, TRUE },
    { "add-for-user", may_add, order_add_for_user, TRUE },
    { "add-for-nobody", may_add, order_add_for_nobody, FALSE },
    { "leave", is_a_on_bus, take_leave, TRUE },
    { "return", is_a_off_bus, take_return, FALSE },
    /* Another caller. */
    { "b-method", is_b_there, order_calls_b_method, FALSE },
    { "b-add", may_b_add, order_add_as_b, TRUE },
    { "b-leave", is_b_on_bus, take_b_leave, FALSE },
    /* The client of the native session. */
    { "connect", is_path_there, take_connect, FALSE },
    { "native", has_client, take_native, TRUE },
    { "close", has_client, take_close, TRUE },
    /* Polkit. */
    { "yes", order_is_polkit_asked, order_take_yes, TRUE },
    { "no", order_is_polkit_asked, order_take_no, TRUE },
    { "challenge", order_is_polkit_asked, order_take_challenge, FALSE },
    { "polkit-leaves", order_is_polkit_there, order_take_polkit_leave, FALSE },
    { "polkit-comes", order_is_polkit_away, order_take_polkit_come, FALSE },
    /* QEMU. */
    { "answer", order_is_qemu_asked, order_take_answer, TRUE },
    { "answer-one", order_is_qemu_asked_more, order_take_answer_one, TRUE },
    { "refuse", order_is_qemu_asked_by_somebody, order_take_refuse, TRUE },
    { "job-ends", order_has_job, order_take_job_ends, TRUE },
    { "event", order_is_qemu_awake, order_take_event, FALSE },
    { "power-off", order_is_qemu_awake, order_take_power_off, TRUE },
    { "listen", order_add_may_listen, order_add_listen, TRUE },
    { "mute", order_add_may_listen, order_add_listen_mute, TRUE },
    { "dead-path", order_add_may_leave_path, order_add_leave_path, TRUE },
    { "stall", order_is_qemu_awake, order_take_stall, FALSE },
    { "go-on", order_is_qemu_stalled, order_take_go_on, TRUE },
    { "unplug", order_is_plugged, order_take_unplug, TRUE },
    { "go", order_is_qemu_there, order_take_go, TRUE },
    /* Somebody who may. */
    { "remove", order_is_vm_told, order_vm_remove, TRUE },
    { "come", order_is_name_free, order_vm_replace_qemu, TRUE },
    { "group-out", order_has_group, order_take_group_out, TRUE },
    { "group-in", order_has_no_group, order_take_group_in, TRUE },
    /* The host. */
    { "reload", order_is_host_running, order_take_reload, FALSE },
    { "stop", order_is_host_running, order_world_stop, TRUE },
    { "quit", order_is_host_there, order_world_quit, TRUE },
    { "start", order_is_host_away, order_world_start, TRUE },
    { "bus-lost", order_may_bus_end, order_take_bus_lost, TRUE },
    { "clear", order_is_state_there, order_take_clear, FALSE },
    /* Time. */
    { "idle", order_is_host_there, order_take_idle, TRUE },
    { "silence", order_is_host_there, order_take_silence, TRUE },
    { 0 },
};
G_STATIC_ASSERT(G_N_ELEMENTS(order_steps) - 1 <= 64); /* OrderMask */

const OrderStep *
order_steps_find(const char *name)
{
    for (const OrderStep *step = order_steps; step->name; step++)
        if (g_str_equal(step->name, name))
            return step;
    return NULL;
}

gboolean
order_step_take(const OrderStep *step, OrderWorld *world)
{
    gboolean was_waiting = order_world_get_next(/* ret_n_polled= */ NULL) >= 0;
    guint64 n_before = world->n_moves;

    step->take(world);
    order_world_settle(world);
    return was_waiting || world->n_moves != n_before;
}
