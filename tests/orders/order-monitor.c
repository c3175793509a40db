/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monitors of the scripted QEMU: what comes on their connections, and what is sent there. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "json-print.h"
#include "order-qemu-parts.h"

#define MAX_COMMAND (1024u * 1024)
#define GREETING                                                                                                      \
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 3, \"minor\": %u, \"major\": %u}, \"package\": \"\"}, "           \
    "\"capabilities\": [\"oob\"]}}\r\n"

void
order_close_fd(gpointer fd)
{
    if (GPOINTER_TO_INT(fd) >= 0)
        close(GPOINTER_TO_INT(fd));
}

static void
close_fds(GArray *fds)
{
    for (guint i = 0; i < fds->len; i++)
        close(g_array_index(fds, int, i));
    g_array_set_size(fds, 0);
}

static void
order_command_free(OrderCommand *command)
{
    order_close_fd(GINT_TO_POINTER(command->fd));
    json_node_unref(command->node);
    g_free(command);
}

/* us; the agent's patience with a QEMU whose VM has gone. */
#define PATIENCE ((gint64)2 * G_TIME_SPAN_SECOND)

gboolean
order_monitor_is_control(OrderMonitor *monitor)
{
    return !monitor->id && !(monitor->listener && monitor->listener->is_spare);
}

static gboolean
has_waited_long(OrderCommand *command)
{
    return g_get_monotonic_time() - command->since >= PATIENCE;
}

/* An agent that has left cannot be told from one that is there while its own ends travel unread in the connection
 * (vm/plug-guard.h): then the last commands are answered, and nobody hears it. */
static void
drop_commands_of(OrderMonitor *monitor)
{
    OrderQemu *qemu = monitor->qemu;

    qemu->was_left |= order_monitor_is_control(monitor) && monitor->was_late;
    qemu->was_silent |= monitor->was_late;
    for (GList *i = qemu->held.head, *next; i; i = next) {
        OrderCommand *command = i->data;
        next = i->next;
        if (command->monitor != monitor)
            continue;
        qemu->was_left |= order_monitor_is_control(monitor);
        qemu->was_silent |= has_waited_long(command);
        order_command_free(command);
        g_queue_delete_link(&qemu->held, i);
    }
}

void
order_monitor_free(gpointer data)
{
    OrderMonitor *monitor = data;

    drop_commands_of(monitor);
    if (monitor->listener)
        monitor->listener->monitor = NULL;
    /* A monitor object with close-action=delete takes its character device along. */
    if (monitor->id)
        g_hash_table_remove(monitor->qemu->chardevs, monitor->id);
    order_close_fd(GINT_TO_POINTER(monitor->fd));
    close_fds(monitor->fds);
    g_array_unref(monitor->fds);
    g_hash_table_unref(monitor->names);
    json_framer_clear(&monitor->framer);
    g_free(monitor->id);
    g_free(monitor);
}

/* The agent may have closed its end. */
static void
send_text(OrderMonitor *monitor, const char *text)
{
    gssize n =
        monitor->fd < 0 ? (gssize)strlen(text) : send(monitor->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);

    g_assert_true(n == (gssize)strlen(text) || (n < 0 && errno != EAGAIN));
}

OrderMonitor *
order_qemu_add_monitor(OrderQemu *qemu, int fd, const char *id)
{
    OrderMonitor *monitor = g_new0(OrderMonitor, 1);
    g_autofree char *greeting = g_strdup_printf(GREETING, qemu->kind == ORDER_QEMU_OBJECTS ? 1u : 2u,
                                                qemu->kind == ORDER_QEMU_OBJECTS ? 11u : 7u);

    monitor->qemu = qemu;
    monitor->fd = fd;
    monitor->id = g_strdup(id);
    json_framer_init(&monitor->framer, JSON_DIALECT_RFC8259, MAX_COMMAND);
    monitor->fds = g_array_new(FALSE, FALSE, sizeof(int));
    monitor->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, order_close_fd);
    g_ptr_array_add(qemu->monitors, monitor);
    if (!id)
        qemu->shutdown_at = 0; /* whoever comes then does not know */
    send_text(monitor, greeting);
    return monitor;
}

void
order_qemu_send_event(OrderQemu *qemu, const char *name, const char *data)
{
    g_autofree char *text = g_strdup_printf(
        "{\"timestamp\": {\"seconds\": 1, \"microseconds\": %u}, \"event\": \"%s\", \"data\": %s}\r\n",
        ++qemu->n_stamps, name, data);

    qemu->n_events++;
    if (g_str_equal(name, "STOP"))
        qemu->shutdown_at = 0;
    for (guint i = 0; i < qemu->monitors->len; i++)
        send_text(g_ptr_array_index(qemu->monitors, i), text);
}

/* A second negotiation is a command that is not there. */
static const char *
get_error_class(OrderCommand *command)
{
    return g_str_equal(order_command_get_name(command), "qmp_capabilities") ? "CommandNotFound" : "GenericError";
}

/* @value: taken; NULL: @error. */
static void
send_answer(OrderCommand *command, char *value, const char *error)
{
    JsonNode *id = json_object_get_member(json_node_get_object(command->node), "id");
    g_autoptr(GString) text = g_string_new("{");

    command->monitor->was_late = has_waited_long(command);
    if (value)
        g_string_append_printf(text, "\"return\": %s", value);
    else
        g_string_append_printf(text, "\"error\": {\"class\": \"%s\", \"desc\": \"%s: %s\"}", get_error_class(command),
                               order_command_get_name(command), error);
    if (id) {
        g_string_append(text, ", \"id\": ");
        json_print_node(text, id, JSON_PRINT_COMPACT);
    }
    g_string_append(text, "}\r\n");
    send_text(command->monitor, text->str);
    g_free(value);
}

void
order_command_answer(OrderCommand *command)
{
    const char *error = NULL;
    char *value = order_command_run(command, &error);

    send_answer(command, value, error);
    order_command_free(command);
}

void
order_command_refuse(OrderCommand *command)
{
    send_answer(command, /* value= */ NULL, "refused");
    order_command_free(command);
}

static gboolean
brings_fd(OrderCommand *command)
{
    return g_str_equal(order_command_get_name(command), "getfd") ||
           g_str_equal(order_command_get_name(command), "add-fd");
}

/* Answers come in order: the first negotiation is before all commands. */
static gboolean
is_answered_at_once(OrderCommand *command)
{
    OrderMonitor *monitor = command->monitor;
    gboolean is_first = !monitor->is_negotiated && g_str_equal(order_command_get_name(command), "qmp_capabilities");

    monitor->is_negotiated |= is_first;
    return is_first || !monitor->qemu->is_holding;
}

/* us; after so long without STOP a QEMU has stayed. */
#define ENDING_TIME ((gint64)10 * G_TIME_SPAN_SECOND)

/* A QEMU that ends dies of what comes in band. */
static void
note_asked(OrderCommand *command)
{
    OrderQemu *qemu = command->monitor->qemu;

    if (qemu->shutdown_at && g_get_monotonic_time() - qemu->shutdown_at < ENDING_TIME && !qemu->asked &&
        json_object_has_member(json_node_get_object(command->node), "execute"))
        qemu->asked = g_strdup(order_command_get_name(command));
}

static void
take_command(OrderMonitor *monitor, const char *text, gsize length)
{
    OrderCommand *command = g_new0(OrderCommand, 1);

    command->monitor = monitor;
    command->fd = -1;
    command->since = monitor->qemu->stopped_at ? monitor->qemu->stopped_at : g_get_monotonic_time();
    command->node = json_tree_parse(text, length, NULL);
    g_assert_nonnull(command->node);
    note_asked(command);
    if (brings_fd(command) && monitor->fds->len > 0) {
        command->fd = g_array_index(monitor->fds, int, 0);
        g_array_remove_index(monitor->fds, 0);
    }
    if (is_answered_at_once(command))
        order_command_answer(command);
    else
        g_queue_push_tail(&monitor->qemu->held, command);
}

/* Such a byte is in no JSON, and QEMU's reader begins anew behind it. */
#define NO_JSON '\xff'

/* Of what is wrong QEMU complains as if it were a command's answer. */
static void
begin_anew(OrderMonitor *monitor)
{
    static const char complaint[] = "{\"execute\": \"" ORDER_COMPLAINT "\"}";

    json_framer_clear(&monitor->framer);
    json_framer_init(&monitor->framer, JSON_DIALECT_RFC8259, MAX_COMMAND);
    monitor->qemu->shutdown_at = 0; /* an agent that has the connection of another does not know */
    take_command(monitor, complaint, strlen(complaint));
}

static void
take_text(OrderMonitor *monitor, const char *text, gsize length)
{
    gsize used;

    for (gsize at = 0; at < length; at += used) {
        used = 1;
        if (text[at] == NO_JSON) {
            begin_anew(monitor);
            continue;
        }
        JsonFramerResult result = json_framer_feed(&monitor->framer, text + at, length - at, &used);
        g_assert_true(result == JSON_FRAMER_MORE || result == JSON_FRAMER_DOCUMENT);
        if (result == JSON_FRAMER_DOCUMENT)
            take_command(monitor, monitor->framer.text, monitor->framer.scan.offset);
    }
}

/* Descriptors that no command has taken are closed when others come. */
static void
take_fds(OrderMonitor *monitor, struct msghdr *message)
{
    struct cmsghdr *header = message->msg_controllen > 0 ? CMSG_FIRSTHDR(message) : NULL;

    if (!header)
        return;
    close_fds(monitor->fds);
    g_array_set_size(monitor->fds, (guint)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int)));
    memcpy(monitor->fds->data, CMSG_DATA(header), monitor->fds->len * sizeof(int));
}

/* Bytes; one more is read by the framer's cursor. */
#define CHUNK 65536

/* Of one message. */
#define MAX_FDS 4

gboolean
order_monitor_read(OrderMonitor *monitor, gboolean *ret_has_read)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(MAX_FDS * sizeof(int))];
    } control;
    char buffer[CHUNK + 1] = "";
    struct iovec data = { buffer, CHUNK };
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    gssize n =
        monitor->fd < 0 ? (errno = EAGAIN, -1) : recvmsg(monitor->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n < 0 && errno == EAGAIN)
        return TRUE;
    *ret_has_read = TRUE;
    if (n <= 0)
        return FALSE;
    take_fds(monitor, &message);
    take_text(monitor, buffer, (gsize)n);
    return TRUE;
}

void
order_monitor_end(OrderMonitor *monitor)
{
    OrderQemu *qemu = monitor->qemu;

    if (monitor->id && qemu->kind == ORDER_QEMU_MONITOR_ADD) {
        close(g_steal_fd(&monitor->fd));
        drop_commands_of(monitor);
    } else {
        g_ptr_array_remove(qemu->monitors, monitor);
    }
}
