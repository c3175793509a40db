/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owned by the QemuConnection, which is not up before these questions are answered:
 *
 *   started_monitors_ask()  asks for objects and character devices
 *   on_objects_listed()     monitors are asked which device they are on
 *   on_chardevs_listed()    is all that there is to go by where none were listed */
#include "started-monitors.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "json-member.h"
#include "json-print.h"
#include "json-tree.h"
#include "qmp-monitor.h"

/* The agent's own line in the control queue. */
#define OWN_LINE ""

/* Of each kind. Nobody starts a QEMU with as many monitors; one that has more devices in use is none to be taken apart. */
#define MAX_NAMES 256u

/* Bytes of a name. QEMU's have no limit; a path takes 107. */
#define MAX_NAME 512u

/* QEMU's names for the devices of `-qmp`, `-monitor` and the like. */
#define QEMUS_OWN "compat_monitor"

struct StartedMonitors {
    QmpQueue *queue; /* weak */
    StartedMonitorsFunc func;
    gpointer user_data;
    char *path; /* owned; of the socket; empty: it has none */
    guint unanswered;
    gboolean are_listed; /* QEMU tells which monitors it has */
    gboolean is_unreadable; /* QEMU tells more than is read: any name may be a monitor's */
    GHashTable *objects, *chardevs; /* owned; their names, with nothing to them */
    GHashTable *in_use; /* owned; label of a character device → its file, as QEMU writes it */
};

static void
answered(StartedMonitors *monitors)
{
    if (--monitors->unanswered == 0)
        monitors->func(monitors->user_data);
}

static void
query_qemu(StartedMonitors *monitors, const QmpCommand *command, QmpReplyFunc func)
{
    monitors->unanswered++;
    if (!qmp_queue_submit(monitors->queue, OWN_LINE, command, func, monitors, /* error= */ NULL))
        monitors->unanswered--; /* the connection has ended, and the VM with it */
}

/* NULL: an error, or more than is read. */
static JsonNode *
parse_objects_reply(StartedMonitors *monitors, const QmpReply *reply)
{
    JsonNode *node;

    if (!reply || reply->error_class)
        return NULL;
    node = json_tree_parse_answer(reply->value.text, reply->value.length);
    monitors->is_unreadable |= !node;
    return node;
}

/* FALSE: there is no room. */
static gboolean
note(StartedMonitors *monitors, GHashTable *names, const char *name, const char *value)
{
    if (g_hash_table_size(names) >= MAX_NAMES || strlen(name) > MAX_NAME) {
        monitors->is_unreadable = TRUE;
        return FALSE;
    }
    g_hash_table_insert(names, g_strdup(name), g_strndup(value, MAX_NAME));
    return TRUE;
}

/* Where monitors are no objects, nobody need look one up under an object's name. */
static void
note_chardev(StartedMonitors *monitors, const char *label)
{
    note(monitors, monitors->chardevs, label, "");
    if (!monitors->are_listed)
        note(monitors, monitors->objects, label, "");
}

static void
on_chardev(const QmpReply *reply, const GError *error, gpointer user_data)
{
    StartedMonitors *monitors = user_data;
    g_autoptr(JsonNode) label = parse_objects_reply(monitors, reply);

    if (label && json_tree_get_type(label) == JSON_TREE_STRING)
        note_chardev(monitors, json_tree_get_string(label));
    answered(monitors);
}

static void
note_monitor_object(StartedMonitors *monitors, JsonObject *object)
{
    const char *name = object ? json_member_get_string(object, "name") : NULL;
    const char *type = object ? json_member_get_string(object, "type") : NULL;
    g_autoptr(GString) arguments = NULL;
    g_autofree char *path = NULL;

    if (!name || !type || !g_str_has_prefix(type, "child<monitor-"))
        return;
    monitors->are_listed = TRUE;
    if (g_str_has_prefix(name, QMP_MONITOR_PREFIX) || !note(monitors, monitors->objects, name, ""))
        return;
    path = g_strconcat("/objects/", name, NULL);
    arguments = g_string_new("{\"path\":");
    json_print_string(arguments, path, strlen(path), JSON_PRINT_COMPACT);
    g_string_append(arguments, ",\"property\":\"chardev\"}");
    query_qemu(monitors, &(QmpCommand){ .name = "qom-get", .arguments = arguments->str }, on_chardev);
}

static void
on_objects_listed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    StartedMonitors *monitors = user_data;
    g_autoptr(JsonNode) list = parse_objects_reply(monitors, reply);
    JsonArray *objects = list && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;

    for (guint i = 0; objects && i < json_array_get_length(objects); i++)
        note_monitor_object(monitors, json_member_get_object_at(objects, i));
    answered(monitors);
}

/* QEMU writes `unix:PATH,server=on`, and `disconnected:` before it where nobody is connected. */
static gboolean
is_at(const char *file, const char *path)
{
    const char *at = strstr(file, "unix:");

    at = at ? at + strlen("unix:") : file;
    return *path && g_str_has_prefix(at, path) && (at[strlen(path)] == ',' || at[strlen(path)] == '\0');
}

void
started_monitors_note_path(StartedMonitors *monitors, const char *path)
{
    GHashTableIter in_use;
    gpointer label, file;

    g_hash_table_iter_init(&in_use, monitors->in_use);
    while (g_hash_table_iter_next(&in_use, &label, &file))
        if (is_at(file, path))
            note_chardev(monitors, label);
}

static void
look_at_chardev(StartedMonitors *monitors, JsonObject *chardev)
{
    const char *label = chardev ? json_member_get_string(chardev, "label") : NULL;
    const char *file = chardev ? json_member_get_string(chardev, "filename") : NULL;

    if (!label || g_str_has_prefix(label, QMP_MONITOR_PREFIX) || !json_member_get_boolean(chardev, "frontend-open") ||
        !note(monitors, monitors->in_use, label, file ? file : ""))
        return;
    if (g_str_has_prefix(label, QEMUS_OWN))
        note_chardev(monitors, label);
}

/* Objects were asked for first, and QEMU answers in order. */
static void
on_chardevs_listed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    StartedMonitors *monitors = user_data;
    g_autoptr(JsonNode) list = monitors->are_listed ? NULL : parse_objects_reply(monitors, reply);
    JsonArray *chardevs = list && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;

    for (guint i = 0; chardevs && i < json_array_get_length(chardevs); i++)
        look_at_chardev(monitors, json_member_get_object_at(chardevs, i));
    started_monitors_note_path(monitors, monitors->path);
    answered(monitors);
}

void
started_monitors_note_object(StartedMonitors *monitors, const char *id)
{
    g_hash_table_remove(monitors->objects, id);
}

void
started_monitors_note_chardev(StartedMonitors *monitors, const char *label)
{
    g_hash_table_remove(monitors->chardevs, label);
    g_hash_table_remove(monitors->in_use, label);
}

gboolean
started_monitors_has_object(StartedMonitors *monitors, const char *id)
{
    return monitors->is_unreadable || g_hash_table_contains(monitors->objects, id);
}

gboolean
started_monitors_has_chardev(StartedMonitors *monitors, const char *label)
{
    return monitors->is_unreadable || g_hash_table_contains(monitors->chardevs, label);
}

gboolean
started_monitors_may_have_chardev(StartedMonitors *monitors, const char *label)
{
    return started_monitors_has_chardev(monitors, label) || g_hash_table_contains(monitors->in_use, label);
}

/* QEMU names a socket by the path that it is bound to, which is its own end where it listens, and ours where we do. */
static char *
dup_path(int fd)
{
    typedef int (*NameFunc)(int fd, struct sockaddr *name, socklen_t *length);
    static NameFunc const ends[] = { getpeername, getsockname };

    for (guint i = 0; i < G_N_ELEMENTS(ends); i++) {
        struct sockaddr_un name = { 0 };
        socklen_t length = sizeof name;
        if (ends[i](fd, (struct sockaddr *)&name, &length) == 0 && name.sun_family == AF_UNIX && name.sun_path[0])
            return g_strndup(name.sun_path, sizeof name.sun_path);
    }
    return g_strdup("");
}

StartedMonitors *
started_monitors_new(int fd)
{
    StartedMonitors *monitors = g_new0(StartedMonitors, 1);

    monitors->path = dup_path(fd);
    monitors->objects = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    monitors->chardevs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    monitors->in_use = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return monitors;
}

void
started_monitors_ask(StartedMonitors *monitors, QmpQueue *queue, StartedMonitorsFunc func, gpointer user_data)
{
    monitors->queue = queue;
    monitors->func = func;
    monitors->user_data = user_data;
    query_qemu(monitors, &(QmpCommand){ .name = "qom-list", .arguments = "{\"path\":\"/objects\"}" },
               on_objects_listed);
    query_qemu(monitors, &(QmpCommand){ .name = "query-chardev" }, on_chardevs_listed);
}

void
started_monitors_free(StartedMonitors *monitors)
{
    g_free(monitors->path);
    g_hash_table_unref(monitors->objects);
    g_hash_table_unref(monitors->chardevs);
    g_hash_table_unref(monitors->in_use);
    g_free(monitors);
}
