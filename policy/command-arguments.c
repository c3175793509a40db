/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Arguments that raise what a command is: those by which QEMU runs a program, opens a way round this policy, or takes
 * a descriptor that nobody gave to the caller. The gate asks before each call. Owns nothing.
 *
 * Most rules look at the arguments of one command (the table below). Others look at every string, wherever it is: a
 * number in the place of a descriptor's name is QEMU's own descriptor of that number, `exec:` is a program, and
 * `json:` in a file's name holds arguments that are not looked at here. Whoever names a device like that is asked for
 * more than necessary.
 *
 * monitor_fd_param() of QEMU takes anything for a number that begins with a digit. A netdev `stream` connects later,
 * when QEMU has no monitor whose names it could look in: then strtol() reads the text, past white space and a sign. */
#include "command-arguments.h"

#include <string.h>

#include "backend-class.h"
#include "block-class.h"
#include "device-class.h"
#include "json-tree.h"
#include "object-class.h"

#define HOST POLICY_CLASSES(POLICY_CLASS_HOST)

/* Arguments come from plugin/json/json-tree.c, which refuses what is nested deeper than 1,024. */
static PolicyClasses classes_of_argument(const char *name, JsonNode *node);

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

/* As strtol() reads it. GLib's isspace() leaves out the vertical tab. */
static gboolean
begins_with_number(const char *text)
{
    text += strspn(text, " \t\n\v\f\r");
    return g_ascii_isdigit(text[*text == '+' || *text == '-']);
}

/* Several are separated by colons. */
static gboolean
has_number(const char *text)
{
    for (const char *at = text; at; at = strchr(at, ':'), at = at ? at + 1 : NULL)
        if (begins_with_number(at))
            return TRUE;
    return FALSE;
}

static PolicyClasses
classes_of_string(const char *name, const char *text)
{
    /* `str` is what a SocketAddress calls one, and other things are called that hold colons. */
    gboolean is_raw = is_descriptor(name) ? has_number(text) : g_str_equal(name, "str") && begins_with_number(text);
    gboolean is_prefixed = g_str_has_prefix(text, "fd:") && begins_with_number(text + strlen("fd:"));
    gboolean is_hidden = g_str_has_prefix(text, "exec:") || strstr(text, "json:");

    return is_raw || is_prefixed || is_hidden ? HOST : 0;
}

static PolicyClasses
classes_of_object(JsonObject *object)
{
    JsonObjectIter members;
    const char *name;
    JsonNode *value;
    PolicyClasses classes = 0;

    json_object_iter_init(&members, object);
    while (json_object_iter_next(&members, &name, &value))
        classes |= classes_of_argument(name, value);
    return classes;
}

static PolicyClasses
classes_of_array(const char *name, JsonArray *array)
{
    PolicyClasses classes = 0;

    for (guint i = 0; i < json_array_get_length(array); i++)
        classes |= classes_of_argument(name, json_array_get_element(array, i));
    return classes;
}

/* @name: of the member that it is, or is an element of. */
static PolicyClasses
classes_of_argument(const char *name, JsonNode *node)
{
    switch (json_tree_get_type(node)) {
    case JSON_TREE_OBJECT:
        return classes_of_object(json_node_get_object(node));
    case JSON_TREE_ARRAY:
        return classes_of_array(name, json_node_get_array(node));
    case JSON_TREE_STRING:
        return classes_of_string(name, json_tree_get_string(node));
    case JSON_TREE_STRING_WITH_NUL:
        return HOST; /* QEMU reads it up to the U+0000 */
    case JSON_TREE_INT:
    case JSON_TREE_UINT:
    case JSON_TREE_DOUBLE:
        return is_descriptor(name) ? HOST : 0; /* 7.2 makes a string of it for a device */
    case JSON_TREE_BOOLEAN:
    case JSON_TREE_NULL:
        break;
    }
    return 0;
}

/* A file that migrate writes holds guest memory. */
static PolicyClasses
raise_file(const char *uri, JsonObject *address)
{
    gboolean is_file = (uri && g_str_has_prefix(uri, "file:")) ||
                       g_strcmp0(policy_member_get_string(address, "transport"), "file") == 0;

    return is_file ? POLICY_CLASSES(POLICY_CLASS_READ_GUEST) : 0;
}

static PolicyClasses
raise_channels(JsonObject *arguments)
{
    g_autoptr(GPtrArray) channels = get_objects(arguments, "channels");
    PolicyClasses classes = 0;

    for (guint i = 0; i < channels->len; i++) {
        JsonObject *address = policy_member_get_object(g_ptr_array_index(channels, i), "addr");
        classes |=
            g_strcmp0(policy_member_get_string(address, "transport"), "exec") == 0 ? HOST : raise_file(NULL, address);
    }
    return classes;
}

/* `exec:` in a URI is among the rules for every string, above. */
static PolicyClasses
raise_migrate(JsonObject *arguments)
{
    return raise_file(policy_member_get_string(arguments, "uri"), /* address= */ NULL) | raise_channels(arguments);
}

/* The stream that is read becomes the guest, and tells the caller nothing. */
static PolicyClasses
raise_migrate_incoming(JsonObject *arguments)
{
    return raise_channels(arguments) & HOST;
}

/* Since QEMU 10.2 a migration can end in another program's taking QEMU's place. */
static PolicyClasses
raise_migrate_parameters(JsonObject *arguments)
{
    const char *mode = policy_member_get_string(arguments, "mode");

    return json_object_has_member(arguments, "cpr-exec-command") || g_strcmp0(mode, "cpr-exec") == 0 ? HOST : 0;
}

/* QEMU takes any numbers (7.2 to 11.1), and a delay below 0 holds its main loop for as long as that: of 24 days QEMU does not
 * come back. The limits are those that QEMU itself has for the migration parameters of these names. */
static PolicyClasses
raise_announcement(JsonObject *arguments)
{
    static const struct {
        const char *name;
        guint64 max;
    } limits[] = { { "initial", 100000 }, { "max", 100000 }, { "rounds", 1000 }, { "step", 10000 } };

    for (guint i = 0; i < G_N_ELEMENTS(limits); i++) {
        JsonNode *number = json_object_get_member(arguments, limits[i].name);
        gboolean is_whole = number && json_tree_get_type(number) == JSON_TREE_INT;
        if (number && (!is_whole || json_tree_get_int(number) < 0 || json_tree_get_uint(number) > limits[i].max))
            return POLICY_CLASSES(POLICY_CLASS_DESTROY);
    }
    return 0;
}

/* The actions that a transaction can have in it; anything else is HOST, another transaction too. */
static gboolean
is_transaction_action(const char *type)
{
    static const char *const actions[] = {
        "abort",
        "block-dirty-bitmap-add",
        "block-dirty-bitmap-clear",
        "block-dirty-bitmap-disable",
        "block-dirty-bitmap-enable",
        "block-dirty-bitmap-merge",
        "block-dirty-bitmap-remove",
        "blockdev-backup",
        "blockdev-snapshot",
        "blockdev-snapshot-internal-sync",
        "blockdev-snapshot-sync",
        "drive-backup",
        NULL,
    };

    return type && g_strv_contains(actions, type);
}

/* Its members' classes, and nothing for itself. */
static PolicyClasses
classes_of_transaction(JsonObject *arguments)
{
    g_autoptr(GPtrArray) actions = get_objects(arguments, "actions");
    PolicyClasses classes = 0;

    for (guint i = 0; i < actions->len && !(classes & HOST); i++) {
        JsonObject *action = g_ptr_array_index(actions, i);
        const char *type = policy_member_get_string(action, "type");
        if (!is_transaction_action(type))
            return HOST;
        if (!g_str_equal(type, "abort"))
            classes |= policy_classes_of_command(type, json_object_get_member(action, "data"));
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
        { "announce-self", raise_announcement },         { "chardev-add", policy_classes_of_chardev },
        { "chardev-change", policy_classes_of_chardev }, { "device_add", policy_classes_of_device },
        { "display-reload", policy_classes_of_display }, { "migrate", raise_migrate },
        { "migrate-incoming", raise_migrate_incoming },  { "migrate-set-parameters", raise_migrate_parameters },
        { "netdev_add", policy_classes_of_netdev },      { "object-add", policy_classes_of_object },
    };

    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        if (g_str_equal(qmp_name, commands[i].qmp_name))
            return commands[i].raise(arguments);
    return policy_classes_of_block(qmp_name, arguments);
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
        classes |= classes_of_object(object) | raise_command(qmp_name, object);
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
        const char *id = policy_member_get_string(object, members[i]);
        found = id ? id : found;
        n += id != NULL;
    }
    if (object && n == 0)
        found = policy_member_get_string(object, json_object_has_member(object, "name") ? "name" : "job-id");
    return n <= 1 ? found : NULL;
}
