/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments that raise what a command is: those by which QEMU runs a program, opens a way round this policy, or takes a
 * descriptor that nobody gave to the caller. The gate asks before each call. Owns nothing.
 *
 * Most rules look at the arguments of one command (the table below). Others look at every string, wherever it is: a number
 * in the place of a descriptor's name is QEMU's own descriptor of that number (monitor_fd_param() of QEMU takes
 * anything that begins with a digit for one), `exec:` is a program, and `json:` in a file's name holds arguments that are
 * not looked at here. Whoever names a device like that is asked for more than necessary. */
#include "command-arguments.h"

#include <string.h>

#define HOST POLICY_CLASSES(POLICY_CLASS_HOST)

/* Arguments come from plugin/qmp-json.c, which refuses what is nested deeper than 1,024. */
static PolicyClasses look_at(const char *name, JsonNode *node);

static const char *
get_string(JsonObject *object, const char *name)
{
    JsonNode *node = object ? json_object_get_member(object, name) : NULL;

    return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : NULL;
}

static JsonObject *
get_object(JsonObject *object, const char *name)
{
    JsonNode *node = object ? json_object_get_member(object, name) : NULL;

    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

/* Its elements that are objects. */
static GPtrArray *
get_objects(JsonObject *object, const char *name)
{
    JsonNode *node = object ? json_object_get_member(object, name) : NULL;
    JsonArray *array = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
    GPtrArray *objects = g_ptr_array_new();

    for (guint i = 0; array && i < json_array_get_length(array); i++) {
        JsonNode *element = json_array_get_element(array, i);
        if (JSON_NODE_HOLDS_OBJECT(element))
            g_ptr_array_add(objects, json_node_get_object(element));
    }
    return objects;
}

/* Of a member, as far as its name tells: `fd`, `vhostfds`, `fdname`. */
static gboolean
is_descriptor(const char *name)
{
    return g_str_has_suffix(name, "fd") || g_str_has_suffix(name, "fds") || g_str_equal(name, "fdname");
}

/* Several are separated by colons. */
static gboolean
has_number(const char *text)
{
    for (const char *at = text; at; at = strchr(at, ':'), at = at ? at + 1 : NULL)
        if (g_ascii_isdigit(*at))
            return TRUE;
    return FALSE;
}

static PolicyClasses
look_at_string(const char *name, const char *text)
{
    /* `str` is what a SocketAddress calls one, and other things are called that hold colons. */
    gboolean is_raw = is_descriptor(name) ? has_number(text) : g_str_equal(name, "str") && g_ascii_isdigit(text[0]);
    gboolean has_nul = g_str_has_prefix(text, "\xef\xb7\x90\"");
    gboolean is_prefixed = g_str_has_prefix(text, "fd:") && g_ascii_isdigit(text[strlen("fd:")]);
    gboolean is_hidden = g_str_has_prefix(text, "exec:") || strstr(text, "json:");

    return is_raw || has_nul || is_prefixed || is_hidden ? HOST : 0;
}

static PolicyClasses
look_at_object(JsonObject *object)
{
    JsonObjectIter members;
    const char *name;
    JsonNode *value;
    PolicyClasses classes = 0;

    json_object_iter_init(&members, object);
    while (json_object_iter_next(&members, &name, &value))
        classes |= look_at(name, value);
    return classes;
}

/* @name: of the member that it is, or is an element of. */
static PolicyClasses
look_at(const char *name, JsonNode *node)
{
    PolicyClasses classes = 0;

    if (JSON_NODE_HOLDS_OBJECT(node))
        return look_at_object(json_node_get_object(node));
    if (json_node_get_value_type(node) == G_TYPE_STRING)
        return look_at_string(name, json_node_get_string(node));
    if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) != G_TYPE_BOOLEAN)
        return is_descriptor(name) ? HOST : 0; /* 7.2 makes a string of it for a device */
    for (guint i = 0; JSON_NODE_HOLDS_ARRAY(node) && i < json_array_get_length(json_node_get_array(node)); i++)
        classes |= look_at(name, json_array_get_element(json_node_get_array(node), i));
    return classes;
}

/* What gets written there is guest memory. */
static PolicyClasses
look_at_file(const char *uri, JsonObject *address)
{
    gboolean is_file =
        (uri && g_str_has_prefix(uri, "file:")) || g_strcmp0(get_string(address, "transport"), "file") == 0;

    return is_file ? POLICY_CLASSES(POLICY_CLASS_READ_GUEST) : 0;
}

static PolicyClasses
look_at_channels(JsonObject *arguments)
{
    g_autoptr(GPtrArray) channels = get_objects(arguments, "channels");
    PolicyClasses classes = 0;

    for (guint i = 0; i < channels->len; i++) {
        JsonObject *address = get_object(g_ptr_array_index(channels, i), "addr");
        classes |= g_strcmp0(get_string(address, "transport"), "exec") == 0 ? HOST : look_at_file(NULL, address);
    }
    return classes;
}

static PolicyClasses
raise_migrate(JsonObject *arguments)
{
    return look_at_file(get_string(arguments, "uri"), /* address= */ NULL) | look_at_channels(arguments);
}

/* What is read becomes the guest, and tells the caller nothing. */
static PolicyClasses
raise_migrate_incoming(JsonObject *arguments)
{
    return look_at_channels(arguments) & HOST;
}

/* Since QEMU 10.2 a migration can end in another program's taking QEMU's place. */
static PolicyClasses
raise_migrate_parameters(JsonObject *arguments)
{
    const char *mode = get_string(arguments, "mode");

    return json_object_has_member(arguments, "cpr-exec-command") || g_strcmp0(mode, "cpr-exec") == 0 ? HOST : 0;
}

/* Without a descriptor QEMU runs a script when a tap comes up and one when it goes, by default its own. */
static PolicyClasses
raise_tap(JsonObject *arguments)
{
    static const char *const members[] = { "script", "downscript" };

    if (json_object_has_member(arguments, "helper"))
        return HOST;
    if (json_object_has_member(arguments, "fd") || json_object_has_member(arguments, "fds"))
        return 0;
    for (guint i = 0; i < G_N_ELEMENTS(members); i++) {
        const char *script = get_string(arguments, members[i]);
        if (!script || (*script && !g_str_equal(script, "no")))
            return HOST;
    }
    return 0;
}

static PolicyClasses
raise_bridge(JsonObject *arguments)
{
    return json_object_has_member(arguments, "helper") ? HOST : 0;
}

/* `smb` starts a server, and `guestfwd` the program after `-cmd:`. */
static PolicyClasses
raise_user(JsonObject *arguments)
{
    g_autoptr(GPtrArray) forwards = get_objects(arguments, "guestfwd");

    if (json_object_has_member(arguments, "smb"))
        return HOST;
    for (guint i = 0; i < forwards->len; i++) {
        const char *forward = get_string(g_ptr_array_index(forwards, i), "str");
        if (!forward || strstr(forward, "cmd:"))
            return HOST;
    }
    return 0;
}

static PolicyClasses
raise_nothing(JsonObject *arguments)
{
    return 0;
}

/* Those of QEMU 7.2 to 11.1 that start no program that the caller chooses (`bridge` starts QEMU's own helper). Others are
 * HOST: `passt`, and `vde`, whose library runs what follows `cmd://`. */
static PolicyClasses
raise_netdev(JsonObject *arguments)
{
    static const struct {
        const char *type;
        PolicyClasses (*raise)(JsonObject *arguments);
    } types[] = {
        { "af-xdp", raise_nothing },  { "bridge", raise_bridge },      { "dgram", raise_nothing },
        { "hubport", raise_nothing }, { "l2tpv3", raise_nothing },     { "netmap", raise_nothing },
        { "socket", raise_nothing },  { "stream", raise_nothing },     { "tap", raise_tap },
        { "user", raise_user },       { "vhost-user", raise_nothing }, { "vhost-vdpa", raise_nothing },
    };
    const char *type = get_string(arguments, "type");

    for (guint i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_strcmp0(type, types[i].type) == 0)
            return types[i].raise(arguments);
    return HOST;
}

/* A monitor is a way round this policy, and so is `qtest`, which reads and writes the guest's memory. */
static PolicyClasses
raise_object(JsonObject *arguments)
{
    const char *type = get_string(arguments, "qom-type");

    return !type || g_str_has_prefix(type, "monitor") || g_str_has_prefix(type, "x-") || g_str_equal(type, "qtest")
               ? HOST
               : 0;
}

/* Who knows the password of a display sees the screen. */
static PolicyClasses
raise_display(JsonObject *arguments)
{
    return POLICY_CLASSES(POLICY_CLASS_READ_GUEST);
}

/* Its members' classes, and nothing for itself. */
static PolicyClasses
classes_of_transaction(JsonObject *arguments)
{
    g_autoptr(GPtrArray) actions = get_objects(arguments, "actions");
    PolicyClasses classes = 0;

    for (guint i = 0; i < actions->len; i++) {
        JsonObject *action = g_ptr_array_index(actions, i);
        const char *type = get_string(action, "type");
        if (g_strcmp0(type, "abort") != 0)
            classes |= policy_classes_of_command(type ? type : "", json_object_get_member(action, "data"));
    }
    return classes;
}

static PolicyClasses
raise_command(const char *qmp_name, JsonObject *arguments)
{
    static const struct {
        const char *qmp_name;
        PolicyClasses (*raise)(JsonObject *arguments);
    } commands[] = {
        { "change-vnc-password", raise_display },
        { "display-update", raise_display },
        { "expire_password", raise_display },
        { "migrate", raise_migrate },
        { "migrate-incoming", raise_migrate_incoming },
        { "migrate-set-parameters", raise_migrate_parameters },
        { "netdev_add", raise_netdev },
        { "object-add", raise_object },
        { "set_password", raise_display },
    };

    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        if (g_str_equal(qmp_name, commands[i].qmp_name))
            return commands[i].raise(arguments);
    return 0;
}

PolicyClasses
policy_classes_of_command(const char *qmp_name, JsonNode *arguments)
{
    JsonObject *object = arguments && JSON_NODE_HOLDS_OBJECT(arguments) ? json_node_get_object(arguments) : NULL;
    PolicyClasses classes = 0;

    if (object && g_str_equal(qmp_name, "transaction"))
        classes = classes_of_transaction(object);
    if (classes == 0)
        classes = POLICY_CLASSES(policy_class_of_command(qmp_name));
    /* The descriptors that remove-fd names are numbers in an fdset. */
    if (object && !g_str_equal(qmp_name, "remove-fd"))
        classes |= look_at_object(object) | raise_command(qmp_name, object);
    return classes & HOST ? HOST : classes;
}

/* QEMU takes one of several, and it need not be the first: then there is none to be relied on. */
const char *
policy_get_id(JsonNode *arguments)
{
    static const char *const members[] = { "id", "device", "node-name" };
    JsonObject *object = arguments && JSON_NODE_HOLDS_OBJECT(arguments) ? json_node_get_object(arguments) : NULL;
    const char *found = NULL;
    guint n = 0;

    for (guint i = 0; object && i < G_N_ELEMENTS(members); i++) {
        const char *id = get_string(object, members[i]);
        found = id ? id : found;
        n += id != NULL;
    }
    if (object && n == 0)
        found = get_string(object, json_object_has_member(object, "name") ? "name" : "job-id");
    return n <= 1 ? found : NULL;
}
