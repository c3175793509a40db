/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-world.h"

#include <glib/gstdio.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <unistd.h>

#include "order-checks.h"
#include "order-vm.h"
#include "test-clock.h"

/* Turns without a rest: somebody goes round in circles. */
#define MAX_TURNS 10000

/* Everything that anybody had sent to the bus before the first of these has been passed on when the second has been answered:
 * dbus-daemon reads from all connections before it serves one of them again. */
#define N_SYNCS 2

/* A connection that is being made takes more: the bus accepts it, reads, and writes, one after the other. The module makes one to ask
 * polkit for the first time. */
#define N_SYNCS_TO_CONNECT 4

#define MATCH_MODULE "type='signal',path_namespace='" ORDER_ROOT "'"

void
order_world_fail(OrderWorld *world, const char *format, ...)
{
    va_list arguments;

    if (world->fault->len > 0)
        return;
    va_start(arguments, format);
    g_string_vprintf(world->fault, format, arguments);
    va_end(arguments);
}

gint64
order_world_get_next(guint *ret_n_polled)
{
    GMainContext *context = g_main_context_default();
    GPollFD fds[256];
    gint priority, timeout, n;

    g_main_context_acquire(context);
    g_main_context_prepare(context, &priority);
    n = g_main_context_query(context, G_MAXINT, &timeout, fds, G_N_ELEMENTS(fds));
    for (gint i = 0; i < n && i < (gint)G_N_ELEMENTS(fds); i++)
        fds[i].revents = 0;
    g_main_context_check(context, priority, fds, n);
    g_main_context_release(context);
    if (ret_n_polled)
        *ret_n_polled = (guint)n;
    return timeout < 0 ? -1 : (gint64)timeout * G_TIME_SPAN_MILLISECOND;
}

static void
free_client(gpointer data)
{
    close(((OrderClient *)data)->fd);
    g_free(data);
}

static gboolean
run_client(OrderClient *client)
{
    char buffer[4096];
    gssize n;

    if (client->has_ended)
        return FALSE;
    n = recv(client->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    client->has_ended = n == 0;
    return n >= 0;
}

static gboolean
run_clients(OrderWorld *world)
{
    gboolean has_run = FALSE;

    for (guint i = 0; i < world->clients->len; i++)
        has_run |= run_client(g_ptr_array_index(world->clients, i));
    return has_run;
}

OrderClient *
order_world_get_client(OrderWorld *world)
{
    for (guint i = world->clients->len; i-- > 0;)
        if (!((OrderClient *)g_ptr_array_index(world->clients, i))->has_ended)
            return g_ptr_array_index(world->clients, i);
    return NULL;
}

void
order_world_add_client(OrderWorld *world, int fd)
{
    OrderClient *client = g_new0(OrderClient, 1);

    client->fd = fd;
    g_ptr_array_add(world->clients, client);
}

/* The client's end of the connection is in the answer to OpenMonitor(), and is the client's from then on. */
static void
take_clients(OrderWorld *world)
{
    for (guint i = 0; i < world->a->calls->len; i++) {
        OrderCall *call = g_ptr_array_index(world->a->calls, i);
        int fd;
        if (!g_str_equal(call->what, "OpenMonitor") || !call->answer || !dbus_message_has_signature(call->answer, "h"))
            continue;
        dbus_message_get_args(call->answer, NULL, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID);
        order_world_add_client(world, fd);
        dbus_message_unref(call->answer);
        call->answer = dbus_message_new(DBUS_MESSAGE_TYPE_METHOD_RETURN);
    }
}

/* Whether something had come for anybody on the bus. */
static gboolean
run_bus(OrderWorld *world)
{
    OrderCaller *callers[] = { world->keeper, world->a, world->b };
    GPollFD fds[G_N_ELEMENTS(callers) + 1];

    for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
        OrderCaller *caller = i > 0 ? callers[i - 1] : NULL;
        DBusConnection *connection = i == 0   ? order_polkit_get_connection(world->polkit)
                                     : caller ? caller->connection
                                              : NULL;
        fds[i] = (GPollFD){ .fd = -1, .events = G_IO_IN };
        if (connection)
            dbus_connection_get_unix_fd(connection, &fds[i].fd);
    }
    /* While the keeper waited for the bus, more may have come than its answer. */
    if (dbus_connection_get_dispatch_status(world->keeper->connection) == DBUS_DISPATCH_DATA_REMAINS)
        order_caller_run(world->keeper);
    if (g_poll(fds, G_N_ELEMENTS(fds), 0) <= 0)
        return FALSE;
    if (fds[0].revents)
        order_polkit_run(world->polkit);
    for (guint i = 0; i < G_N_ELEMENTS(callers); i++)
        if (fds[i + 1].revents)
            order_caller_run(callers[i]);
    return TRUE;
}

static void
count_turn(OrderWorld *world)
{
    if (++world->n_turns > MAX_TURNS)
        g_error("somebody is never quiet");
}

void
order_world_end_stop(OrderWorld *world)
{
    order_host_stop(&world->host);
    if (world->qemu)
        order_qemu_leave(world->qemu);
    if (world->former)
        order_qemu_leave(world->former);
}

static gboolean
run_everybody(OrderWorld *world)
{
    gboolean has_run = FALSE;

    while (g_main_context_iteration(NULL, FALSE)) {
        has_run = TRUE;
        count_turn(world);
    }
    if (world->qemu)
        has_run |= order_qemu_run(world->qemu);
    if (world->former)
        has_run |= order_qemu_run(world->former);
    has_run |= run_bus(world);
    if (world->a)
        take_clients(world);
    has_run |= run_clients(world);
    if (world->host.is_stopping && world->host.has_stopped) {
        order_world_end_stop(world);
        has_run = TRUE;
    }
    if (world->host.has_failed) {
        /* Nobody is told of the end of what was on a bus that is lost. */
        g_hash_table_remove_all(world->published);
        order_world_quit(world);
        has_run = TRUE;
    }
    world->n_moves += has_run;
    return has_run;
}

static guint
count_syncs(OrderWorld *world)
{
    return order_polkit_count_asked(world->polkit) > world->n_asked_before ? N_SYNCS : N_SYNCS_TO_CONNECT;
}

void
order_world_settle(OrderWorld *world)
{
    world->n_turns = 0;
    for (guint n = 0; n <= count_syncs(world); n++) {
        while (run_everybody(world)) {
            n = 0;
            count_turn(world);
        }
        if (n < count_syncs(world))
            order_caller_sync(world->keeper);
    }
}

/* Everybody was quiet, and has been told of nothing but the time: if nobody moves, the bus has nothing for anybody either. */
static void
settle_at_time(OrderWorld *world)
{
    if (run_everybody(world))
        order_world_settle(world);
}

void
order_world_pass_time(OrderWorld *world, gint64 microseconds)
{
    order_world_settle(world);
    while (microseconds > 0) {
        gint64 next = order_world_get_next(/* ret_n_polled= */ NULL);
        gint64 step = next < 0 ? microseconds : CLAMP(next, 1, microseconds);
        test_clock_advance(step);
        microseconds -= step;
        settle_at_time(world);
    }
}

gboolean
order_world_has_vm(OrderWorld *world)
{
    return world->qemu && order_qemu_is_up(world->qemu) && !world->is_removed && world->host.instance &&
           !world->host.is_stopping;
}

DBusMessage *
order_world_new_call(OrderWorld *world, const char *path, const char *interface, const char *member, int first_type,
                     ...)
{
    DBusMessage *call = dbus_message_new_method_call(ORDER_NAME, path, interface, member);
    va_list arguments;

    dbus_message_set_auto_start(call, FALSE);
    dbus_message_set_allow_interactive_authorization(call, TRUE);
    va_start(arguments, first_type);
    dbus_message_append_args_valist(call, first_type, arguments);
    va_end(arguments);
    return call;
}

static void
on_signal(DBusMessage *signal, gpointer user_data)
{
    order_checks_take_signal(user_data, signal);
}

/* Of the QEMU that AddVM() is called for, below the directory. */
#define SOCKET "/qmp"

/* Descriptors are kept by a record in the run directory. */
static void
make_directory(OrderWorld *world)
{
    g_autoptr(GError) error = NULL;

    g_unsetenv("XDG_RUNTIME_DIR");
    if (!world->kind->config.has_store && world->kind->way != ORDER_WAY_ADDRESS)
        return;
    world->directory = g_dir_make_tmp("test-orders-XXXXXX", &error);
    g_assert_no_error(error);
    if (world->kind->config.has_store)
        g_setenv("XDG_RUNTIME_DIR", world->directory, TRUE);
    if (world->kind->way == ORDER_WAY_ADDRESS)
        world->socket = g_strconcat(world->directory, SOCKET, NULL);
}

static void
remove_directory(OrderWorld *world)
{
    const char *names[] = { SOCKET, ORDER_NATIVE, "/qemu-monitor/state/vms", "/qemu-monitor/state", "/qemu-monitor", "" };

    for (guint i = 0; world->directory && i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_strconcat(world->directory, names[i], NULL);
        g_remove(path);
    }
    g_unsetenv("XDG_RUNTIME_DIR");
    g_free(world->directory);
}

OrderWorld *
order_world_new(const OrderWorldKind *kind)
{
    OrderWorld *world = g_new0(OrderWorld, 1);
    const char *address;

    world->kind = kind;
    world->daemon = test_daemon_new();
    address = test_daemon_get_address(world->daemon);
    /* Polkit is asked there. Sockets of the user's VMs are none of a test's business. */
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", address, TRUE);
    make_directory(world);
    world->polkit = order_polkit_new(address);
    world->keeper = order_caller_new("keeper", address);
    world->keeper->on_signal = on_signal;
    world->keeper->user_data = world;
    order_caller_add_match(world->keeper, MATCH_MODULE);
    world->published = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    world->clients = g_ptr_array_new_with_free_func(free_client);
    world->fault = g_string_new(NULL);
    order_host_init(&world->host, address, &kind->config);
    return world;
}

void
order_world_free(OrderWorld *world)
{
    if (world->host.instance)
        order_host_stop(&world->host);
    order_host_clear(&world->host);
    order_caller_free(world->keeper);
    order_polkit_free(world->polkit);
    test_daemon_free(world->daemon);
    g_ptr_array_unref(world->clients);
    g_hash_table_unref(world->published);
    g_string_free(world->fault, TRUE);
    remove_directory(world);
    g_free(world->path);
    g_free(world->socket);
    g_free(world);
}

/* A VM of the key file is there again, whoever has removed it. One that was given by a descriptor is lost with its agent, where nobody keeps
 * descriptors. */
void
order_world_start(OrderWorld *world)
{
    if (world->kind->way == ORDER_WAY_GROUP)
        world->is_removed = !order_host_has_group(&world->host);
    else if (!world->host.store)
        world->is_removed = TRUE;
    world->n_asked_before = order_polkit_count_asked(world->polkit);
    order_host_start(&world->host);
    while (!world->host.is_ready) {
        order_world_settle(world);
        test_clock_advance(G_TIME_SPAN_SECOND);
    }
}

void
order_world_stop(OrderWorld *world)
{
    world->has_stopped = TRUE;
    order_host_prepare_stop(&world->host);
}

void
order_world_quit(OrderWorld *world)
{
    world->has_quit = world->has_stopped = TRUE;
    order_world_end_stop(world);
}

void
order_world_send(OrderWorld *world, OrderCaller *caller, const char *what, DBusMessage *message)
{
    OrderCall *call = order_caller_send(caller, what, message);

    call->is_late = !g_str_equal(call->path, ORDER_ROOT) && !g_hash_table_contains(world->published, call->path) &&
                    world->host.instance && !world->host.is_stopping;
}

OrderCaller *
order_world_add_caller(OrderWorld *world, const char *name)
{
    return order_caller_new(name, test_daemon_get_address(world->daemon));
}

void
order_world_begin(OrderWorld *world, OrderStage stage)
{
    world->has_picture = world->has_quit = world->has_stopped = FALSE;
    order_polkit_set_obliging(world->polkit, TRUE);
    order_host_set_asks_owner(&world->host, world->kind->config.asks_owner);
    if (!world->host.instance)
        order_world_start(world);
    else if (world->is_reloaded)
        order_host_reload(&world->host);
    world->is_reloaded = world->is_removed = FALSE;
    world->a = order_world_add_caller(world, "a");
    world->n_succeeded = world->n_came = 0;
    world->is_kept = FALSE;
    world->asked_at = g_get_monotonic_time();
    order_vm_begin(world, stage);
    order_qemu_set_holding(world->qemu, stage != ORDER_STAGE_ADDED);
    order_world_settle(world);
    if (stage == ORDER_STAGE_ADDED && !g_hash_table_contains(world->published, ORDER_VM_PATH))
        order_world_fail(world, "the VM is not added");
}

void
order_world_hold(OrderWorld *world)
{
    order_polkit_set_obliging(world->polkit, FALSE);
    order_qemu_set_holding(world->qemu, TRUE);
}
