/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owned by the QemuConnection, which is not up before these questions are answered:
 *
 *   started_monitors_ask()  asks for objects and character devices
 *   on_objects_listed()     monitors are asked which device they are on
 *   on_chardevs_listed()    is all that there is to go by where none were listed
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
#include "qmp-monitor.h"

/* The agent's own line in the control queue. */
#define OWN_LINE ""

/* Nobody starts a QEMU with as many monitors; one that has more devices in use is none to be taken apart. */
#define MAX_NAMES 256u

/* Bytes of a name. QEMU's have no limit; a path takes 107. */
#define MAX_NAME 512u

/* More than an agent can have left: each caller has one monitor, of 16 by default, and few agents are killed in their midst. */
#define MAX_LEFT_OVERS 64u

/* Bytes of the name of a monitor of ours; they are 30. */
#define MAX_LABEL 64u

/* QEMU's names for the devices of `-qmp`, `-monitor` and the like. */
#define QEMUS_OWN "compat_monitor"

typedef enum NameKind {
    NAME_OF_OBJECT = 1 << 0, /* a monitor */
    NAME_OF_CHARDEV = 1 << 1, /* what a monitor is on */
    NAME_IN_USE = 1 << 2, /* a character device that has a user */
    NAME_OF_AUTHZ = 1 << 3, /* an object that says who may connect */
    NAME_LEFT_OVER = 1 << 4, /* a character device of an agent that was killed */
} NameKind;

/* These have one cap, and where it is met no caller ends anything. */
#define MONITOR_KINDS (NAME_OF_OBJECT | NAME_OF_CHARDEV | NAME_IN_USE)

/* QEMU has one or two, so that a list is searched faster than a table, and takes a tenth of its memory. */
typedef struct Name {
    struct Name *next; /* owned */
    guint kinds; /* NameKind */
    char *file; /* owned; of a device that has a user, as QEMU writes it; NULL: of no interest */
    char text[];
} Name;

struct StartedMonitors {
    QmpQueue *queue; /* weak */
    StartedMonitorsFunc func;
    gpointer user_data;
    char *path; /* owned; of the socket; empty: it has none; NULL: all are answered */
    guint unanswered;
    gboolean are_listed; /* QEMU tells which monitors it has */
    guint unreadable; /* NameKind: QEMU tells more than is read, or nothing: any name may be of these */
    Name *names; /* owned */
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

/* NULL: an error, or more than is read: any name may be of @kinds then. */
static JsonNode *
parse_objects_reply(StartedMonitors *monitors, const QmpReply *reply, guint kinds)
{
    JsonNode *node;

    if (!reply || reply->error_class)
        return NULL;
    node = json_tree_parse_answer(reply->value.text, reply->value.length);
    if (!node)
        monitors->unreadable |= kinds;
    return node;
}

static Name *
find_name(StartedMonitors *monitors, const char *text)
{
    for (Name *name = monitors->names; name; name = name->next)
        if (g_str_equal(name->text, text))
            return name;
    return NULL;
}

static gboolean
has_name(StartedMonitors *monitors, const char *text, guint kinds)
{
    const Name *name = find_name(monitors, text);

    return name && (name->kinds & kinds);
}

static guint
count_names(StartedMonitors *monitors, guint kinds)
{
    guint n = 0;

    for (Name *name = monitors->names; name; name = name->next)
        n += (name->kinds & kinds) != 0;
    return n;
}

/* NULL: there is no room. */
static Name *
add_name(StartedMonitors *monitors, const char *text, guint kinds)
{
    guint counted = kinds & MONITOR_KINDS ? MONITOR_KINDS : kinds;
    gsize length = strlen(text);
    Name *name;

    if (length > MAX_NAME || count_names(monitors, counted) >= MAX_NAMES) {
        monitors->unreadable |= counted;
        return NULL;
    }
    name = g_malloc0(sizeof(Name) + length + 1);
    memcpy(name->text, text, length);
    name->next = monitors->names;
    monitors->names = name;
    return name;
}

static Name *
note_name(StartedMonitors *monitors, const char *text, guint kinds)
{
    Name *name = find_name(monitors, text);

    if (!name)
        name = add_name(monitors, text, kinds);
    if (name)
        name->kinds |= kinds;
    return name;
}

static void
forget_kinds(StartedMonitors *monitors, const char *text, guint kinds)
{
    Name *name = find_name(monitors, text);

    if (name)
        name->kinds &= ~kinds;
}

/* Where monitors are no objects, nobody need look one up under an object's name. */
static void
note_chardev(StartedMonitors *monitors, const char *label)
{
    note_name(monitors, label, NAME_OF_CHARDEV | (monitors->are_listed ? 0 : NAME_OF_OBJECT));
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

static void
query_device(StartedMonitors *monitors, const char *name)
{
    g_autoptr(GString) arguments = g_string_new("{\"path\":");
    g_autofree char *path = g_strconcat("/objects/", name, NULL);

    json_print_string(arguments, path, strlen(path), JSON_PRINT_COMPACT);
    g_string_append(arguments, ",\"property\":\"chardev\"}");
    query_qemu(monitors, &(QmpCommand){ .name = "qom-get", .arguments = arguments->str }, on_chardev);
}

/* QEMU writes the type of a member of /objects as child<authz-list>. */
static void
note_listed_object(StartedMonitors *monitors, JsonObject *object)
{
    const char *name = object ? json_member_get_string(object, "name") : NULL;
    const char *type = object ? json_member_get_string(object, "type") : NULL;
    gboolean is_monitor = name && type && g_str_has_prefix(type, "child<monitor-");

    monitors->are_listed |= is_monitor;
    if (is_monitor && !g_str_has_prefix(name, QMP_MONITOR_PREFIX) && note_name(monitors, name, NAME_OF_OBJECT))
        query_device(monitors, name);
    else if (name && type && g_str_has_prefix(type, "child<authz-"))
        note_name(monitors, name, NAME_OF_AUTHZ);
}

static void
on_objects_listed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    StartedMonitors *monitors = user_data;
    g_autoptr(JsonNode) list = parse_objects_reply(monitors, reply, MONITOR_KINDS);
    JsonArray *objects = list && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;

    if (!objects)
        monitors->unreadable |= NAME_OF_AUTHZ;
    for (guint i = 0; objects && i < json_array_get_length(objects); i++)
        note_listed_object(monitors, json_member_get_object_at(objects, i));
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
    for (Name *name = monitors->names; name; name = name->next)
        if (name->file && (name->kinds & NAME_IN_USE) && is_at(name->file, path))
            note_chardev(monitors, name->text);
}

/* A device that is known to be a monitor's is looked up by no path. */
static void
note_device_in_use(StartedMonitors *monitors, const char *label, const char *file)
{
    Name *name = note_name(monitors, label, NAME_IN_USE);

    if (name && g_str_has_prefix(label, QEMUS_OWN))
        note_chardev(monitors, label);
    else if (name && file && !name->file)
        name->file = g_strndup(file, strnlen(file, MAX_NAME));
}

/* QEMU says of a character device whose other end is closed that it is `disconnected:fd:…`. */
static void
look_at_own_chardev(StartedMonitors *monitors, const char *label, const char *file)
{
    if (strlen(label) <= MAX_LABEL && file && g_str_has_prefix(file, "disconnected:") &&
        count_names(monitors, NAME_LEFT_OVER) < MAX_LEFT_OVERS)
        note_name(monitors, label, NAME_LEFT_OVER);
}

static void
look_at_chardev(StartedMonitors *monitors, JsonObject *chardev)
{
    const char *label = chardev ? json_member_get_string(chardev, "label") : NULL;
    const char *file = chardev ? json_member_get_string(chardev, "filename") : NULL;

    if (label && g_str_has_prefix(label, QMP_MONITOR_PREFIX))
        look_at_own_chardev(monitors, label, file);
    else if (label && !monitors->are_listed && json_member_get_boolean(chardev, "frontend-open"))
        note_device_in_use(monitors, label, file);
}

/* Objects were asked for first, and QEMU answers in order. */
static void
on_chardevs_listed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    StartedMonitors *monitors = user_data;
    guint kinds = monitors->are_listed ? NAME_LEFT_OVER : MONITOR_KINDS;
    g_autoptr(JsonNode) list = parse_objects_reply(monitors, reply, kinds);
    JsonArray *chardevs = list && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;

    for (guint i = 0; chardevs && i < json_array_get_length(chardevs); i++)
        look_at_chardev(monitors, json_member_get_object_at(chardevs, i));
    started_monitors_note_path(monitors, monitors->path);
    g_clear_pointer(&monitors->path, g_free);
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
    forget_kinds(monitors, id, NAME_OF_OBJECT);
}

void
started_monitors_note_chardev(StartedMonitors *monitors, const char *label)
{
    forget_kinds(monitors, label, NAME_OF_CHARDEV | NAME_IN_USE);
}

gboolean
started_monitors_has_object(StartedMonitors *monitors, const char *id)
{
    return (monitors->unreadable & NAME_OF_OBJECT) || has_name(monitors, id, NAME_OF_OBJECT);
}

gboolean
started_monitors_has_chardev(StartedMonitors *monitors, const char *label)
{
    return (monitors->unreadable & NAME_OF_CHARDEV) || has_name(monitors, label, NAME_OF_CHARDEV);
}

gboolean
started_monitors_may_have_chardev(StartedMonitors *monitors, const char *label)
{
    return started_monitors_has_chardev(monitors, label) || has_name(monitors, label, NAME_IN_USE);
}

gboolean
started_monitors_may_have_authz(StartedMonitors *monitors, const char *id)
{
    return (monitors->unreadable & NAME_OF_AUTHZ) || (id && has_name(monitors, id, NAME_OF_AUTHZ));
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
    if (!monitors->are_listed || count_names(monitors, NAME_LEFT_OVER) > 0)
        close_left_descriptor(monitors);
    for (Name *name = monitors->names; name; name = name->next)
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
               on_objects_listed);
    query_qemu(monitors, &(QmpCommand){ .name = "query-chardev" }, on_chardevs_listed);
}

void
started_monitors_free(StartedMonitors *monitors)
{
    for (Name *name = monitors->names, *next; name; name = next) {
        next = name->next;
        g_free(name->file);
        g_free(name);
    }
    g_free(monitors->path);
    g_free(monitors);
}
