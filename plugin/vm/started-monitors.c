/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owned by the QemuConnection, which is not up before these questions are answered:
 *
 *   started_monitors_ask()  asks for objects
 *   on_objects_listed()     monitors are asked which device they are on, and QEMU for its character devices
 *   on_chardevs_listed()    is all that there is to go by where no monitors were listed
 *   on_children_listed()    where they were, each device of ours is asked whether anybody is at its other end
 *
 * A QEMU that lists its monitors (11.1) is not asked by query-chardev: it ends (SIGSEGV) if that looks at a connection which its I/O
 * thread is just closing, and so an agent that was killed in that moment took the VM with it.
 *
 * Both lists tell more than monitors, and are asked for once: every byte of a command costs QEMU 2.5 us. So the authz objects
 * and what a killed agent has left are noted here as well. */
#include "started-monitors.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "json-member.h"
#include "json-print.h"
#include "json-tree.h"
#include "name-list.h"
#include "qmp-monitor.h"

/* The agent's own line in the control queue. */
#define OWN_LINE ""

/* More than an agent can have left: each caller has one monitor, of 16 by default, and few agents are killed in their midst. */
#define MAX_LEFT_OVERS 64u

/* Bytes of the name of a monitor of ours; they are 30. */
#define MAX_LABEL 64u

/* QEMU's names for the devices of `-qmp`, `-monitor` and the like. */
#define QEMUS_OWN "compat_monitor"

typedef enum NameKind {
    NAME_OF_OBJECT = 1 << 0, /* a monitor */
    NAME_OF_CHARDEV = 1 << 1, /* what a monitor is on */
    NAME_IN_USE = 1 << 2, /* a character device that has a user; detail: its file, as QEMU writes it */
    NAME_OF_AUTHZ = 1 << 3, /* an object that says who may connect */
    NAME_LEFT_OVER = 1 << 4, /* a character device of an agent that was killed */
} NameKind;

/* Nobody starts a QEMU with as many monitors as are kept; one that has more devices in use is none to be taken apart: where the cap is met
 * no caller ends anything. */
#define MONITOR_KINDS (NAME_OF_OBJECT | NAME_OF_CHARDEV | NAME_IN_USE)

/* Its user is an agent: this one, one that was killed, or another that lives. */
typedef struct OwnDevice {
    StartedMonitors *monitors; /* weak */
    char label[];
} OwnDevice;

struct StartedMonitors {
    QmpQueue *queue; /* weak */
    StartedMonitorsFunc func;
    gpointer user_data;
    char *path; /* owned; of the socket; empty: it has none; NULL: all are answered */
    guint unanswered;
    gboolean are_listed; /* QEMU tells which monitors it has */
    NameList names;
};

static void
answered(StartedMonitors *monitors)
{
    if (--monitors->unanswered > 0)
        return;
    g_clear_pointer(&monitors->path, g_free);
    monitors->func(monitors->user_data);
}

/* FALSE: the connection has ended, and the VM with it. */
static gboolean
query_qemu(StartedMonitors *monitors, const QmpCommand *command, QmpReplyFunc func, gpointer user_data)
{
    gboolean is_sent =
        qmp_queue_submit(monitors->queue, OWN_LINE, command, func, user_data, /* error= */ NULL) != NULL;

    monitors->unanswered += is_sent;
    return is_sent;
}

/* @name is a child of @parent. */
static gboolean
query_property(StartedMonitors *monitors, const char *parent, const char *name, const char *property,
               QmpReplyFunc func, gpointer user_data)
{
    g_autoptr(GString) arguments = g_string_new("{\"path\":");
    g_autofree char *path = g_strconcat(parent, "/", name, NULL);

    json_print_string(arguments, path, strlen(path), JSON_PRINT_COMPACT);
    g_string_append_printf(arguments, ",\"property\":\"%s\"}", property);
    return query_qemu(monitors, &(QmpCommand){ .name = "qom-get", .arguments = arguments->str }, func, user_data);
}

/* NULL: an error, or more than is read: any name may be of @kinds then. */
static JsonNode *
parse_objects_reply(StartedMonitors *monitors, const QmpReply *reply, guint kinds)
{
    JsonNode *node;

    if (!reply || reply->error_class)
        return NULL;
    node = json_tree_parse_answer(reply->value.text, reply->value.length);
    if (!node)
        monitors->names.unreadable |= kinds;
    return node;
}

/* Where monitors are no objects, nobody need look one up under an object's name. */
static void
note_chardev(StartedMonitors *monitors, const char *label)
{
    name_list_note(&monitors->names, label, NAME_OF_CHARDEV | (monitors->are_listed ? 0 : NAME_OF_OBJECT));
}

static void
on_chardev(const QmpReply *reply, const GError *error, gpointer user_data)
{
    StartedMonitors *monitors = user_data;
    g_autoptr(JsonNode) label = parse_objects_reply(monitors, reply, MONITOR_KINDS);

    if (label && json_tree_get_type(label) == JSON_TREE_STRING)
        note_chardev(monitors, json_tree_get_string(label));
    answered(monitors);
}

/* QEMU writes the type of a member of /objects as child<authz-list>. */
static void
note_listed_object(StartedMonitors *monitors, JsonObject *object)
{
    const char *name = object ? json_member_get_string(object, "name") : NULL;
    const char *type = object ? json_member_get_string(object, "type") : NULL;
    gboolean is_monitor = name && type && g_str_has_prefix(type, "child<monitor-");

    monitors->are_listed |= is_monitor;
    if (is_monitor && !g_str_has_prefix(name, QMP_MONITOR_PREFIX) &&
        name_list_note(&monitors->names, name, NAME_OF_OBJECT))
        query_property(monitors, "/objects", name, "chardev", on_chardev, monitors);
    else if (name && type && g_str_has_prefix(type, "child<authz-"))
        name_list_note(&monitors->names, name, NAME_OF_AUTHZ);
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
    for (const Name *name = monitors->names.first; name; name = name->next)
        if (name->detail && (name->kinds & NAME_IN_USE) && is_at(name->detail, path))
            note_chardev(monitors, name->text);
}

/* A device that is known to be a monitor's is looked up by no path. */
static void
note_device_in_use(StartedMonitors *monitors, const char *label, const char *file)
{
    Name *name = name_list_note(&monitors->names, label, NAME_IN_USE);

    if (name && g_str_has_prefix(label, QEMUS_OWN))
        note_chardev(monitors, label);
    else if (name && file && !name->detail)
        name->detail = g_strndup(file, strnlen(file, NAME_LIST_MAX_LENGTH));
}

/* QEMU says of a character device whose other end is closed that it is `disconnected:fd:…`. */
static void
look_at_own_chardev(StartedMonitors *monitors, const char *label, const char *file)
{
    if (strlen(label) <= MAX_LABEL && file && g_str_has_prefix(file, "disconnected:") &&
        name_list_count(&monitors->names, NAME_LEFT_OVER) < MAX_LEFT_OVERS)
        name_list_note(&monitors->names, label, NAME_LEFT_OVER);
}

static void
look_at_chardev(StartedMonitors *monitors, JsonObject *chardev)
{
    const char *label = chardev ? json_member_get_string(chardev, "label") : NULL;
    const char *file = chardev ? json_member_get_string(chardev, "filename") : NULL;

    if (label && g_str_has_prefix(label, QMP_MONITOR_PREFIX))
        look_at_own_chardev(monitors, label, file);
    else if (label && json_member_get_boolean(chardev, "frontend-open"))
        note_device_in_use(monitors, label, file);
}

static void
on_chardevs_listed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    StartedMonitors *monitors = user_data;
    g_autoptr(JsonNode) list = parse_objects_reply(monitors, reply, MONITOR_KINDS);
    JsonArray *chardevs = list && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;

    for (guint i = 0; chardevs && i < json_array_get_length(chardevs); i++)
        look_at_chardev(monitors, json_member_get_object_at(chardevs, i));
    started_monitors_note_path(monitors, monitors->path);
    answered(monitors);
}

static void
on_connected(const QmpReply *reply, const GError *error, gpointer user_data)
{
    OwnDevice *device = user_data;
    StartedMonitors *monitors = device->monitors;
    g_autoptr(JsonNode) is_connected = parse_objects_reply(monitors, reply, NAME_LEFT_OVER);

    if (is_connected && json_tree_get_type(is_connected) == JSON_TREE_BOOLEAN && !json_node_get_boolean(is_connected))
        name_list_note(&monitors->names, device->label, NAME_LEFT_OVER);
    g_free(device);
    answered(monitors);
}

static void
query_own_device(StartedMonitors *monitors, const char *label)
{
    gsize size = strlen(label) + 1;
    OwnDevice *device = g_malloc(sizeof(OwnDevice) + size);

    device->monitors = monitors;
    memcpy(device->label, label, size);
    if (!query_property(monitors, "/chardevs", label, "connected", on_connected, device))
        g_free(device);
}

static void
on_children_listed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    StartedMonitors *monitors = user_data;
    g_autoptr(JsonNode) list = parse_objects_reply(monitors, reply, NAME_LEFT_OVER);
    JsonArray *children = list && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;
    guint n_own = 0;

    for (guint i = 0; children && i < json_array_get_length(children) && n_own < MAX_LEFT_OVERS; i++) {
        JsonObject *child = json_member_get_object_at(children, i);
        const char *label = child ? json_member_get_string(child, "name") : NULL;
        if (!label || !g_str_has_prefix(label, QMP_MONITOR_PREFIX) || strlen(label) > MAX_LABEL)
            continue;
        query_own_device(monitors, label);
        n_own++;
    }
    answered(monitors);
}

static void
query_devices(StartedMonitors *monitors)
{
    const QmpCommand children = { .name = "qom-list", .arguments = "{\"path\":\"/chardevs\"}" };
    const QmpCommand chardevs = { .name = "query-chardev" };

    if (monitors->are_listed)
        query_qemu(monitors, &children, on_children_listed, monitors);
    else
        query_qemu(monitors, &chardevs, on_chardevs_listed, monitors);
}

static void
on_objects_listed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    StartedMonitors *monitors = user_data;
    g_autoptr(JsonNode) list = parse_objects_reply(monitors, reply, MONITOR_KINDS);
    JsonArray *objects = list && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;

    if (!objects)
        monitors->names.unreadable |= NAME_OF_AUTHZ;
    for (guint i = 0; objects && i < json_array_get_length(objects); i++)
        note_listed_object(monitors, json_member_get_object_at(objects, i));
    query_devices(monitors);
    answered(monitors);
}

gboolean
started_monitors_are_objects(StartedMonitors *monitors)
{
    return monitors->are_listed;
}

void
started_monitors_note_object(StartedMonitors *monitors, const char *id)
{
    name_list_forget(&monitors->names, id, NAME_OF_OBJECT);
}

void
started_monitors_note_chardev(StartedMonitors *monitors, const char *label)
{
    name_list_forget(&monitors->names, label, NAME_OF_CHARDEV | NAME_IN_USE);
}

gboolean
started_monitors_has_object(StartedMonitors *monitors, const char *id)
{
    return (monitors->names.unreadable & NAME_OF_OBJECT) || name_list_has(&monitors->names, id, NAME_OF_OBJECT);
}

gboolean
started_monitors_has_chardev(StartedMonitors *monitors, const char *label)
{
    return (monitors->names.unreadable & NAME_OF_CHARDEV) || name_list_has(&monitors->names, label, NAME_OF_CHARDEV);
}

gboolean
started_monitors_may_have_chardev(StartedMonitors *monitors, const char *label)
{
    return started_monitors_has_chardev(monitors, label) || name_list_has(&monitors->names, label, NAME_IN_USE);
}

gboolean
started_monitors_may_have_authz(StartedMonitors *monitors, const char *id)
{
    return (monitors->names.unreadable & NAME_OF_AUTHZ) || (id && name_list_has(&monitors->names, id, NAME_OF_AUTHZ));
}

static void
ignore_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
}

static void
close_left_descriptor(StartedMonitors *monitors)
{
    const QmpCommand command = { .name = "closefd", .arguments = "{\"fdname\":\"" QMP_MONITOR_FD "\"}" };

    qmp_queue_submit(monitors->queue, OWN_LINE, &command, ignore_reply, NULL, /* error= */ NULL);
}

static void
remove_left_monitor(StartedMonitors *monitors, QmpMonitorKind kind, const char *id)
{
    const char *commands[] = { kind == QMP_MONITOR_ADD ? "monitor-remove" : "object-del", "chardev-remove" };
    g_autoptr(GString) arguments = g_string_new("{\"id\":");

    json_print_string(arguments, id, strlen(id), JSON_PRINT_COMPACT);
    g_string_append_c(arguments, '}');
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        qmp_queue_submit(monitors->queue, OWN_LINE, &(QmpCommand){ .name = commands[i], .arguments = arguments->str },
                         ignore_reply, NULL, /* error= */ NULL);
}

/* Where monitors are objects a killed agent leaves no descriptor, or the next getfd of that name closes it (plug-guard.c). */
void
started_monitors_remove_left_over(StartedMonitors *monitors, QmpMonitorKind kind)
{
    if (!monitors->are_listed || name_list_count(&monitors->names, NAME_LEFT_OVER) > 0)
        close_left_descriptor(monitors);
    for (const Name *name = monitors->names.first; name; name = name->next)
        if (name->kinds & NAME_LEFT_OVER)
            remove_left_monitor(monitors, kind, name->text);
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
            return g_strndup(name.sun_path, strnlen(name.sun_path, sizeof name.sun_path));
    }
    return g_strdup("");
}

StartedMonitors *
started_monitors_new(int fd)
{
    StartedMonitors *monitors = g_new0(StartedMonitors, 1);

    monitors->names.together = MONITOR_KINDS;
    monitors->path = dup_path(fd);
    return monitors;
}

void
started_monitors_ask(StartedMonitors *monitors, QmpQueue *queue, StartedMonitorsFunc func, gpointer user_data)
{
    monitors->queue = queue;
    monitors->func = func;
    monitors->user_data = user_data;
    query_qemu(monitors, &(QmpCommand){ .name = "qom-list", .arguments = "{\"path\":\"/objects\"}" },
               on_objects_listed, monitors);
}

void
started_monitors_free(StartedMonitors *monitors)
{
    name_list_clear(&monitors->names);
    g_free(monitors->path);
    g_free(monitors);
}
