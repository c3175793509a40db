/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-qemu.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "order-qemu-parts.h"

static void
free_fdset(gpointer data)
{
    OrderFdset *set = data;

    close(set->fd);
    g_free(set->opaque);
    g_free(set);
}

static void
free_listener(gpointer data)
{
    close(((OrderListener *)data)->fd);
    g_free(data);
}

static void
add_listener(OrderQemu *qemu, const struct sockaddr_un *address, socklen_t length, gboolean is_spare)
{
    OrderListener *listener = g_new0(OrderListener, 1);

    listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    listener->is_spare = is_spare;
    g_assert_no_errno(bind(listener->fd, (const struct sockaddr *)address, length));
    g_assert_no_errno(listen(listener->fd, /* backlog= */ 1));
    g_ptr_array_add(qemu->listeners, listener);
}

void
order_qemu_listen(OrderQemu *qemu, const char *name, gboolean is_spare)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    socklen_t length = (socklen_t)(G_STRUCT_OFFSET(struct sockaddr_un, sun_path) + 1 + strlen(name));

    memcpy(address.sun_path + 1, name, strlen(name));
    add_listener(qemu, &address, length, is_spare);
}

void
order_qemu_listen_at(OrderQemu *qemu, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    g_assert_cmpuint(g_strlcpy(address.sun_path, path, sizeof address.sun_path), <, sizeof address.sun_path);
    unlink(path);
    add_listener(qemu, &address, sizeof address, /* is_spare= */ FALSE);
}

gboolean
order_qemu_is_listening(OrderQemu *qemu)
{
    return qemu->listeners->len > 0;
}

static gboolean
accept_client(OrderQemu *qemu, OrderListener *listener)
{
    int fd = listener->monitor ? -1 : accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd < 0)
        return FALSE;
    if (!listener->is_spare)
        qemu->n_events = 0;
    listener->monitor = order_qemu_add_monitor(qemu, fd, /* id= */ NULL);
    listener->monitor->listener = listener;
    return TRUE;
}

gboolean
order_qemu_run(OrderQemu *qemu)
{
    gboolean has_read = FALSE;

    if (qemu->is_stopped)
        return FALSE;
    for (guint i = 0; i < qemu->listeners->len; i++)
        has_read |= accept_client(qemu, g_ptr_array_index(qemu->listeners, i));
    /* A command may add a monitor or remove one. */
    for (guint i = 0; i < qemu->monitors->len; i++) {
        OrderMonitor *monitor = g_ptr_array_index(qemu->monitors, i);
        if (!order_monitor_read(monitor, &has_read))
            order_monitor_end(monitor);
    }
    return has_read;
}

void
order_qemu_stop(OrderQemu *qemu)
{
    qemu->is_stopped = TRUE;
    qemu->stopped_at = g_get_monotonic_time();
}

void
order_qemu_go_on(OrderQemu *qemu)
{
    qemu->is_stopped = FALSE;
    while (qemu->stopped_at && order_qemu_run(qemu))
        ;
    qemu->stopped_at = 0;
}

gboolean
order_qemu_is_stopped(OrderQemu *qemu)
{
    return qemu->is_stopped;
}

guint
order_qemu_count_held(OrderQemu *qemu)
{
    return qemu->held.length;
}

guint
order_qemu_count_events(OrderQemu *qemu)
{
    return qemu->n_events;
}

gboolean
order_qemu_is_up(OrderQemu *qemu)
{
    for (guint i = 0; i < qemu->monitors->len; i++)
        if (order_monitor_is_control(g_ptr_array_index(qemu->monitors, i)))
            return TRUE;
    return FALSE;
}

gboolean
order_qemu_has_gone(OrderQemu *qemu)
{
    return qemu->has_gone;
}

gboolean
order_qemu_has_job(OrderQemu *qemu)
{
    return qemu->job && !qemu->has_job_ended;
}

guint
order_qemu_count_plugged(OrderQemu *qemu)
{
    guint n = 0;

    for (guint i = 0; i < qemu->monitors->len; i++)
        n += !order_monitor_is_control(g_ptr_array_index(qemu->monitors, i)) &&
             ((OrderMonitor *)g_ptr_array_index(qemu->monitors, i))->fd >= 0;
    return n;
}

/* An answer may have more held, which are not of this turn. */
static void
answer_some(OrderQemu *qemu, guint n)
{
    for (guint i = 0; i < n && qemu->held.head && !qemu->is_stopped; i++)
        order_command_answer(g_queue_pop_head(&qemu->held));
}

void
order_qemu_set_holding(OrderQemu *qemu, gboolean is_holding)
{
    qemu->is_holding = is_holding;
    if (is_holding)
        return;
    order_qemu_go_on(qemu);
    order_qemu_answer_all(qemu);
}

void
order_qemu_answer_all(OrderQemu *qemu)
{
    answer_some(qemu, qemu->held.length);
}

void
order_qemu_answer_one(OrderQemu *qemu)
{
    answer_some(qemu, 1);
}

/* No QEMU refuses to remove what it has. */
static gboolean
removes_something(OrderCommand *command)
{
    static const char *const names[] = {
        "chardev-remove", "closefd", "monitor-remove", "object-del", "remove-fd", NULL
    };

    return g_strv_contains(names, order_command_get_name(command));
}

void
order_qemu_leave(OrderQemu *qemu)
{
    for (GList *i = qemu->held.head; i; i = i->next)
        ((OrderCommand *)i->data)->is_left = TRUE;
}

void
order_qemu_refuse_all(OrderQemu *qemu)
{
    for (guint n = qemu->held.length; n > 0 && qemu->held.head; n--) {
        OrderCommand *command = g_queue_pop_head(&qemu->held);
        if (command->is_left || removes_something(command))
            order_command_answer(command);
        else
            order_command_refuse(command);
    }
}

void
order_qemu_end_job(OrderQemu *qemu)
{
    qemu->has_job_ended = TRUE;
    order_qemu_tell_job(qemu, "concluded");
}

void
order_qemu_tell_event(OrderQemu *qemu)
{
    order_qemu_send_event(qemu, "STOP", "{}");
}

void
order_qemu_power_off(OrderQemu *qemu)
{
    order_qemu_send_event(qemu, "SHUTDOWN", "{}");
    qemu->shutdown_at = g_get_monotonic_time();
    qemu->has_shut_down = TRUE;
}

const char *
order_qemu_get_asked(OrderQemu *qemu)
{
    return qemu->asked;
}

void
order_qemu_go(OrderQemu *qemu)
{
    qemu->has_gone = TRUE;
    g_ptr_array_set_size(qemu->monitors, 0);
    g_ptr_array_set_size(qemu->listeners, 0);
}

void
order_qemu_drop_plugged(OrderQemu *qemu)
{
    for (guint i = qemu->monitors->len; i-- > 0;) {
        OrderMonitor *monitor = g_ptr_array_index(qemu->monitors, i);
        if (!order_monitor_is_control(monitor) && monitor->fd >= 0)
            order_monitor_end(monitor);
    }
}

gboolean
order_qemu_was_left(OrderQemu *qemu)
{
    return qemu->was_left;
}

gboolean
order_qemu_was_paused(OrderQemu *qemu)
{
    return qemu->was_paused;
}

void
order_qemu_continue(OrderQemu *qemu)
{
    if (!qemu->is_running)
        order_qemu_send_event(qemu, "RESUME", "{}");
    qemu->is_running = TRUE;
}

char *
order_qemu_dup_left_over(OrderQemu *qemu, gboolean counts_fdsets)
{
    g_autoptr(GString) text = g_string_new(NULL);
    GHashTableIter iter;
    gpointer key;

    if (qemu->has_gone || qemu->has_shut_down || (qemu->was_left && qemu->was_silent))
        return NULL;
    g_hash_table_iter_init(&iter, qemu->chardevs);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        g_string_append_printf(text, " chardev %s", (const char *)key);
    g_hash_table_iter_init(&iter, qemu->fdsets);
    while (counts_fdsets && g_hash_table_iter_next(&iter, &key, NULL))
        g_string_append_printf(text, " fdset %u", GPOINTER_TO_UINT(key));
    for (guint i = 0; i < qemu->monitors->len; i++) {
        OrderMonitor *monitor = g_ptr_array_index(qemu->monitors, i);
        if (!order_monitor_is_control(monitor))
            g_string_append_printf(text, " monitor %s", monitor->id ? monitor->id : "that is spare");
        if (g_hash_table_size(monitor->names) > 0)
            g_string_append_printf(text, " %u descriptors with names", g_hash_table_size(monitor->names));
    }
    return text->len > 0 ? g_strdup(text->str) : NULL;
}

int
order_qemu_connect(OrderQemu *qemu)
{
    int fds[2];

    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
    order_qemu_add_monitor(qemu, fds[0], /* id= */ NULL);
    return fds[1];
}

OrderQemu *
order_qemu_new(OrderQemuKind kind)
{
    OrderQemu *qemu = g_new0(OrderQemu, 1);

    qemu->kind = kind;
    qemu->is_running = TRUE;
    qemu->monitors = g_ptr_array_new_with_free_func(order_monitor_free);
    qemu->listeners = g_ptr_array_new_with_free_func(free_listener);
    qemu->chardevs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, order_close_fd);
    qemu->fdsets = g_hash_table_new_full(NULL, NULL, NULL, free_fdset);
    return qemu;
}

void
order_qemu_free(OrderQemu *qemu)
{
    g_ptr_array_unref(qemu->monitors);
    g_ptr_array_unref(qemu->listeners);
    g_hash_table_unref(qemu->chardevs);
    g_hash_table_unref(qemu->fdsets);
    g_free(qemu->asked);
    g_free(qemu->job);
    g_free(qemu);
}
