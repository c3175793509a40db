/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The commands of the scripted QEMU: each does as much as a later answer, or a left-over in it, depends on. */
#include "order-qemu-parts.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "json-member.h"
#include "order-schema.h"

/* Does one command. Gives the value that it returns; NULL: QEMU has no such thing as the command is about. */
typedef char *(*CommandFunc)(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments);

static char *
do_nothing(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    return g_strdup("{}");
}

static char *
do_getfd(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    if (command->fd < 0)
        return NULL;
    g_hash_table_insert(command->monitor->names, g_strdup(json_member_get_string(arguments, "fdname")),
                        GINT_TO_POINTER(g_steal_fd(&command->fd)));
    return g_strdup("{}");
}

static char *
do_closefd(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    const char *name = json_member_get_string(arguments, "fdname");

    return g_hash_table_remove(command->monitor->names, name) ? g_strdup("{}") : NULL;
}

static char *
do_chardev_add(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    JsonObject *data = json_member_get_object(json_member_get_object(arguments, "backend"), "data");
    JsonObject *address = json_member_get_object(json_member_get_object(data, "addr"), "data");
    const char *name = address ? json_member_get_string(address, "str") : NULL;
    gpointer key, fd;

    if (!name || !g_hash_table_steal_extended(command->monitor->names, name, &key, &fd))
        return NULL;
    g_free(key);
    g_hash_table_insert(qemu->chardevs, g_strdup(json_member_get_string(arguments, "id")), fd);
    return g_strdup("{}");
}

/* The connection of a character device becomes a monitor's. */
static char *
plug_monitor(OrderQemu *qemu, JsonObject *arguments)
{
    const char *id = json_member_get_string(arguments, "id");
    gpointer key, fd;

    if (!g_hash_table_lookup_extended(qemu->chardevs, id, NULL, &fd) || GPOINTER_TO_INT(fd) < 0)
        return NULL;
    g_hash_table_steal_extended(qemu->chardevs, id, &key, &fd);
    g_hash_table_insert(qemu->chardevs, key, GINT_TO_POINTER(-1));
    order_qemu_add_monitor(qemu, GPOINTER_TO_INT(fd), id);
    return g_strdup("{}");
}

static char *
do_monitor_add(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    return plug_monitor(qemu, arguments);
}

static char *
do_object_add(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    if (g_strcmp0(json_member_get_string(arguments, "qom-type"), "monitor-qmp") == 0)
        return plug_monitor(qemu, arguments);
    return g_strdup("{}");
}

static OrderMonitor *
find_monitor(OrderQemu *qemu, const char *id)
{
    for (guint i = 0; i < qemu->monitors->len; i++)
        if (g_strcmp0(((OrderMonitor *)g_ptr_array_index(qemu->monitors, i))->id, id) == 0)
            return g_ptr_array_index(qemu->monitors, i);
    return NULL;
}

/* The character device stays, with its connection. */
static char *
unplug_monitor(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    const char *id = json_member_get_string(arguments, "id");
    OrderMonitor *monitor = id ? find_monitor(qemu, id) : NULL;

    if (!monitor)
        return NULL;
    g_hash_table_insert(qemu->chardevs, g_steal_pointer(&monitor->id), GINT_TO_POINTER(g_steal_fd(&monitor->fd)));
    g_ptr_array_remove(qemu->monitors, monitor);
    return g_strdup("{}");
}

static char *
do_chardev_remove(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    const char *id = json_member_get_string(arguments, "id");

    if (!id || find_monitor(qemu, id))
        return NULL;
    return g_hash_table_remove(qemu->chardevs, id) ? g_strdup("{}") : NULL;
}

static char *
do_stop(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    if (qemu->is_running)
        order_qemu_send_event(qemu, "STOP", "{}");
    qemu->is_running = FALSE;
    qemu->was_paused = TRUE;
    return g_strdup("{}");
}

static char *
do_cont(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    if (!qemu->is_running)
        order_qemu_send_event(qemu, "RESUME", "{}");
    qemu->is_running = TRUE;
    return g_strdup("{}");
}

static char *
do_query_status(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    return g_strdup_printf("{\"status\": \"%s\", \"running\": %s}", qemu->is_running ? "running" : "paused",
                           qemu->is_running ? "true" : "false");
}

void
order_qemu_tell_job(OrderQemu *qemu, const char *status)
{
    g_autofree char *data = g_strdup_printf("{\"id\": \"%s\", \"status\": \"%s\"}", qemu->job, status);

    order_qemu_send_event(qemu, "JOB_STATUS_CHANGE", data);
}

static char *
do_blockdev_create(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    if (qemu->job)
        return NULL;
    qemu->job = g_strdup(json_member_get_string(arguments, "job-id"));
    qemu->has_job_ended = FALSE;
    order_qemu_tell_job(qemu, "created");
    order_qemu_tell_job(qemu, "running");
    return g_strdup("{}");
}

static char *
do_query_jobs(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    if (!qemu->job)
        return g_strdup("[]");
    return g_strdup_printf("[{\"id\": \"%s\", \"type\": \"create\", \"status\": \"%s\", \"current-progress\": 1, "
                           "\"total-progress\": 2}]",
                           qemu->job, qemu->has_job_ended ? "concluded" : "running");
}

static char *
do_job_dismiss(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    if (!qemu->job || !qemu->has_job_ended)
        return NULL;
    order_qemu_tell_job(qemu, "null");
    g_clear_pointer(&qemu->job, g_free);
    return g_strdup("{}");
}

static char *
do_add_fd(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    guint wanted = (guint)json_member_get_uint(arguments, "fdset-id");
    OrderFdset *set;

    if (command->fd < 0)
        return NULL;
    while (wanted == 0 || g_hash_table_contains(qemu->fdsets, GUINT_TO_POINTER(wanted)))
        wanted++;
    set = g_new0(OrderFdset, 1);
    set->fd = g_steal_fd(&command->fd);
    set->opaque = g_strdup(json_member_get_string(arguments, "opaque"));
    g_hash_table_insert(qemu->fdsets, GUINT_TO_POINTER(wanted), set);
    return g_strdup_printf("{\"fdset-id\": %u, \"fd\": 9}", wanted);
}

static char *
do_remove_fd(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    gpointer id = GUINT_TO_POINTER((guint)json_member_get_uint(arguments, "fdset-id"));

    if (!g_hash_table_contains(qemu->fdsets, id))
        return NULL;
    /* While the guest stands, QEMU says that it has removed the set, and keeps it. */
    if (qemu->is_running)
        g_hash_table_remove(qemu->fdsets, id);
    return g_strdup("{}");
}

static char *
do_query_fdsets(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    g_autoptr(GString) text = g_string_new("[");
    GHashTableIter iter;
    gpointer id, set;

    g_hash_table_iter_init(&iter, qemu->fdsets);
    while (g_hash_table_iter_next(&iter, &id, &set))
        g_string_append_printf(text, "%s{\"fdset-id\": %u, \"fds\": [{\"fd\": 9, \"opaque\": \"%s\"}]}",
                               text->len > 1 ? ", " : "", GPOINTER_TO_UINT(id), ((OrderFdset *)set)->opaque);
    g_string_append_c(text, ']');
    return g_strdup(text->str);
}

/* The other end has closed. */
static gboolean
is_disconnected(OrderQemu *qemu, const char *id, int fd)
{
    OrderMonitor *monitor = find_monitor(qemu, id);
    char byte;

    return monitor ? monitor->fd < 0 : recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static char *
do_query_chardev(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    g_autoptr(GString) text = g_string_new("[");
    GHashTableIter iter;
    gpointer id, fd;

    g_hash_table_iter_init(&iter, qemu->chardevs);
    while (g_hash_table_iter_next(&iter, &id, &fd))
        g_string_append_printf(text, "%s{\"label\": \"%s\", \"filename\": \"%sfd:9\", \"frontend-open\": true}",
                               text->len > 1 ? ", " : "", (const char *)id,
                               is_disconnected(qemu, id, GPOINTER_TO_INT(fd)) ? "disconnected:" : "");
    g_string_append_c(text, ']');
    return g_strdup(text->str);
}

static char *
do_query_commands(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    return g_strdup(qemu->kind == ORDER_QEMU_MONITOR_ADD ? "[{\"name\": \"monitor-add\"}]" : "[]");
}

static char *
do_query_schema(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    return g_strdup(qemu->kind == ORDER_QEMU_OBJECTS ? ORDER_SCHEMA_WITH_MONITORS : ORDER_SCHEMA);
}

static char *
list_children_of_chardevs(OrderQemu *qemu)
{
    g_autoptr(GString) text = g_string_new("[{\"name\": \"type\", \"type\": \"string\"}");
    GHashTableIter iter;
    gpointer id;

    g_hash_table_iter_init(&iter, qemu->chardevs);
    while (g_hash_table_iter_next(&iter, &id, NULL))
        g_string_append_printf(text, ", {\"name\": \"%s\", \"type\": \"child<chardev-socket>\"}", (const char *)id);
    g_string_append_c(text, ']');
    return g_strdup(text->str);
}

/* Where monitors are objects, the agent's own is one. */
static char *
do_qom_list(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    static const char own[] = "[{\"name\": \"compat_monitor0\", \"type\": \"child<monitor-qmp>\"}]";

    if (g_strcmp0(json_member_get_string(arguments, "path"), "/chardevs") == 0)
        return list_children_of_chardevs(qemu);
    return g_strdup(qemu->kind == ORDER_QEMU_OBJECTS ? own : "[]");
}

/* Of a monitor its device, of a device whether anybody is at its other end. */
static char *
do_qom_get(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    static const char device[] = "/chardevs/";
    const char *path = json_member_get_string(arguments, "path");
    const char *id = g_str_has_prefix(path, device) ? path + strlen(device) : NULL;
    gpointer fd;

    if (!id)
        return g_strdup("\"compat_monitor0\"");
    if (!g_hash_table_lookup_extended(qemu->chardevs, id, NULL, &fd))
        return NULL;
    return g_strdup(is_disconnected(qemu, id, GPOINTER_TO_INT(fd)) ? "false" : "true");
}

static char *
do_job_cancel(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    if (!qemu->job || qemu->has_job_ended)
        return NULL;
    order_qemu_tell_job(qemu, "aborting");
    order_qemu_end_job(qemu);
    return g_strdup("{}");
}

/* Into an fdset, as PNG or as PPM; nobody looks further than the first bytes. */
static char *
do_screendump(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    const char *name = json_member_get_string(arguments, "filename");
    gboolean is_png = g_strcmp0(json_member_get_string(arguments, "format"), "png") == 0;
    const char *text = is_png ? "\x89PNG\r\n\x1a\n..." : "P6\n1 1\n255\n...";
    gpointer id = GUINT_TO_POINTER((guint)g_ascii_strtoull(name + strlen("/dev/fdset/"), NULL, 10)), set;

    if (!g_hash_table_lookup_extended(qemu->fdsets, id, NULL, &set))
        return NULL;
    g_assert_cmpint(pwrite(((OrderFdset *)set)->fd, text, strlen(text), 0), ==, strlen(text));
    return g_strdup("{}");
}

/* The display's client goes at once. */
static char *
do_add_client(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    const char *name = json_member_get_string(arguments, "fdname");

    return g_hash_table_remove(command->monitor->names, name) ? g_strdup("{}") : NULL;
}

static char *
do_complain(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    return NULL;
}

/* The first time is answered before all else. */
static char *
do_capabilities(OrderQemu *qemu, OrderCommand *command, JsonObject *arguments)
{
    gboolean is_done = command->monitor->has_capabilities;

    command->monitor->has_capabilities = TRUE;
    return is_done ? NULL : g_strdup("{}");
}

static const struct {
    const char *name;
    CommandFunc func; /* NULL: @value is returned */
    const char *value;
} commands[] = {
    { "add_client", do_add_client, NULL },
    { "add-fd", do_add_fd, NULL },
    { "blockdev-create", do_blockdev_create, NULL },
    { "chardev-add", do_chardev_add, NULL },
    { "chardev-remove", do_chardev_remove, NULL },
    { "closefd", do_closefd, NULL },
    { ORDER_COMPLAINT, do_complain, NULL },
    { "cont", do_cont, NULL },
    { "getfd", do_getfd, NULL },
    { "job-cancel", do_job_cancel, NULL },
    { "job-dismiss", do_job_dismiss, NULL },
    { "monitor-add", do_monitor_add, NULL },
    { "monitor-remove", unplug_monitor, NULL },
    { "object-add", do_object_add, NULL },
    { "object-del", unplug_monitor, NULL },
    { "qmp_capabilities", do_capabilities, NULL },
    { "qom-get", do_qom_get, NULL },
    { "qom-list", do_qom_list, NULL },
    { "query-block-jobs", NULL, "[]" },
    { "query-chardev", do_query_chardev, NULL },
    { "query-commands", do_query_commands, NULL },
    { "query-fdsets", do_query_fdsets, NULL },
    { "query-jobs", do_query_jobs, NULL },
    { "query-name", NULL, "{\"name\": \"web\"}" },
    { "query-qmp-schema", do_query_schema, NULL },
    { "query-status", do_query_status, NULL },
    { "query-target", NULL, "{\"arch\": \"x86_64\"}" },
    { "query-uuid", NULL, "{\"UUID\": \"12345678-1234-1234-1234-123456789abc\"}" },
    { "query-vnc-servers", NULL, "[{\"id\": \"default\"}]" },
    { "remove-fd", do_remove_fd, NULL },
    { "screendump", do_screendump, NULL },
    { "stop", do_stop, NULL },
};

const char *
order_command_get_name(OrderCommand *command)
{
    JsonObject *object = json_node_get_object(command->node);
    const char *name = json_member_get_string(object, "execute");

    return name ? name : json_member_get_string(object, "exec-oob");
}

char *
order_command_run(OrderCommand *command, const char **ret_error)
{
    JsonObject *arguments = json_member_get_object(json_node_get_object(command->node), "arguments");
    const char *name = order_command_get_name(command),
               *id = arguments ? json_member_get_string(arguments, "id") : NULL;
    OrderQemu *qemu = command->monitor->qemu;
    CommandFunc func = do_nothing;

    *ret_error = g_str_equal(name, "chardev-remove") && id && find_monitor(qemu, id) ? "it is busy" : "not found";
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        if (!g_str_equal(name, commands[i].name))
            continue;
        if (commands[i].value)
            return g_strdup(commands[i].value);
        func = commands[i].func;
    }
    return func(qemu, command, arguments);
}
