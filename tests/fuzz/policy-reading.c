/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy-reading.h"

#include <string.h>

#include "backend-class.h"
#include "json-tree.h"
#include "object-class.h"
#include "type-class.h"

gboolean
policy_reading_matches(const char *text, const char *expression)
{
    g_autofree char *whole = g_strdup_printf("\\A(?:%s)\\z", expression);
    g_autoptr(GRegex) regex = g_regex_new(whole, G_REGEX_RAW | G_REGEX_DOTALL, 0, NULL);

    g_assert_nonnull(regex);
    return g_regex_match(regex, text, 0, NULL);
}

gboolean
policy_reading_has_word(const char *words, const char *word)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);

    return *word && g_strv_contains((const char *const *)list, word);
}

const char *
policy_reading_get_string(JsonObject *object, const char *name)
{
    JsonNode *node = object ? json_object_get_member(object, name) : NULL;

    return node && json_tree_get_type(node) == JSON_TREE_STRING ? json_tree_get_string(node) : NULL;
}

JsonObject *
policy_reading_get_object(JsonObject *object, const char *name)
{
    JsonNode *node = object ? json_object_get_member(object, name) : NULL;

    return node && json_tree_get_type(node) == JSON_TREE_OBJECT ? json_node_get_object(node) : NULL;
}

/* A value that is neither an object nor an array, in the member @name or in an array that is. */
static PolicyClasses
read_leaf(const char *name, JsonNode *node)
{
    const char *number = "[ \\t\\n\\x0b\\f\\r]*[-+]?[0-9].*";
    gboolean is_descriptor = policy_reading_matches(name, ".*fds?|fdname");
    JsonTreeType type = json_tree_get_type(node);

    if (type == JSON_TREE_STRING_WITH_NUL)
        return POLICY_HOST;
    if (type == JSON_TREE_INT || type == JSON_TREE_UINT || type == JSON_TREE_DOUBLE)
        return is_descriptor ? POLICY_HOST : 0;
    if (type != JSON_TREE_STRING)
        return 0;

    const char *text = json_tree_get_string(node);
    g_auto(GStrv) pieces = g_strsplit(text, ":", -1);
    for (guint i = 0; is_descriptor && pieces[i]; i++)
        if (policy_reading_matches(pieces[i], number))
            return POLICY_HOST;
    if (g_str_equal(name, "str") && policy_reading_matches(text, number))
        return POLICY_HOST;
    if (g_str_has_prefix(text, "fd:") && policy_reading_matches(text + 3, number))
        return POLICY_HOST;
    return policy_reading_matches(text, "exec:.*|.*json:.*") ? POLICY_HOST : 0;
}

static PolicyClasses
read_everywhere(const char *name, JsonNode *node)
{
    PolicyClasses classes = 0;

    if (json_tree_get_type(node) == JSON_TREE_OBJECT) {
        g_autoptr(GList) names = json_object_get_members(json_node_get_object(node));
        for (GList *at = names; at; at = at->next)
            classes |= read_everywhere(at->data, json_object_get_member(json_node_get_object(node), at->data));
        return classes;
    }
    if (json_tree_get_type(node) == JSON_TREE_ARRAY) {
        g_autoptr(GList) elements = json_array_get_elements(json_node_get_array(node));
        for (GList *at = elements; at; at = at->next)
            classes |= read_everywhere(name, at->data);
        return classes;
    }
    return read_leaf(name, node);
}

/* The elements of the array @name that are objects, each of them in turn. */
typedef PolicyClasses (*ReadElement)(JsonObject *element);

static PolicyClasses
read_each(JsonObject *arguments, const char *name, ReadElement read)
{
    JsonNode *node = json_object_get_member(arguments, name);
    PolicyClasses classes = 0;

    if (!node || json_tree_get_type(node) != JSON_TREE_ARRAY)
        return 0;
    for (guint i = 0; i < json_array_get_length(json_node_get_array(node)); i++) {
        JsonNode *element = json_array_get_element(json_node_get_array(node), i);
        if (json_tree_get_type(element) == JSON_TREE_OBJECT)
            classes |= read(json_node_get_object(element));
    }
    return classes;
}

static PolicyClasses
read_channel(JsonObject *channel)
{
    const char *transport = policy_reading_get_string(policy_reading_get_object(channel, "addr"), "transport");

    if (g_strcmp0(transport, "exec") == 0)
        return POLICY_HOST;
    return g_strcmp0(transport, "file") == 0 ? POLICY_CLASSES(POLICY_CLASS_READ_GUEST) : 0;
}

static PolicyClasses
read_action(JsonObject *action)
{
    const char *type = policy_reading_get_string(action, "type");

    if (!type || !policy_reading_matches(type, "abort|block-dirty-bitmap-(add|clear|disable|enable|merge|remove)|blockdev-backup|"
                                               "blockdev-snapshot|blockdev-snapshot-(internal-)?sync|drive-backup"))
        return POLICY_HOST;
    return g_str_equal(type, "abort") ? 0 : policy_reading(type, json_object_get_member(action, "data"));
}

static PolicyClasses
read_chardev(JsonObject *arguments)
{
    JsonObject *backend = policy_reading_get_object(arguments, "backend");
    JsonObject *data = policy_reading_get_object(backend, "data");
    g_autoptr(JsonObject) nothing = json_object_new();

    return policy_reading_of_type(&policy_chardev_types, policy_reading_get_string(backend, "type"), data ? data : nothing);
}

static gboolean
is_number_beyond(JsonObject *arguments, const char *name, gint64 max)
{
    JsonNode *node = json_object_get_member(arguments, name);

    return node && (json_tree_get_type(node) != JSON_TREE_INT || json_tree_get_int(node) != CLAMP(json_tree_get_int(node), 0, max));
}

static PolicyClasses
read_announcement(JsonObject *arguments)
{
    return is_number_beyond(arguments, "initial", 100000) || is_number_beyond(arguments, "max", 100000) ||
                   is_number_beyond(arguments, "rounds", 1000) || is_number_beyond(arguments, "step", 10000)
               ? POLICY_CLASSES(POLICY_CLASS_DESTROY)
               : 0;
}

static PolicyClasses
read_command(const char *command, JsonObject *arguments)
{
    const char *uri = policy_reading_get_string(arguments, "uri");

    if (g_str_equal(command, "migrate"))
        return read_each(arguments, "channels", read_channel) |
               (uri && g_str_has_prefix(uri, "file:") ? POLICY_CLASSES(POLICY_CLASS_READ_GUEST) : 0);
    if (g_str_equal(command, "migrate-incoming"))
        return read_each(arguments, "channels", read_channel) & POLICY_HOST;
    if (g_str_equal(command, "migrate-set-parameters"))
        return json_object_has_member(arguments, "cpr-exec-command") ||
                       g_strcmp0(policy_reading_get_string(arguments, "mode"), "cpr-exec") == 0
                   ? POLICY_HOST
                   : 0;
    if (g_str_equal(command, "announce-self"))
        return read_announcement(arguments);
    if (g_str_equal(command, "chardev-add") || g_str_equal(command, "chardev-change"))
        return read_chardev(arguments);
    if (g_str_equal(command, "device_add"))
        return policy_reading_of_device(arguments);
    if (g_str_equal(command, "display-reload"))
        return policy_reading_of_type(&policy_display_types, policy_reading_get_string(arguments, "type"), arguments);
    if (g_str_equal(command, "netdev_add"))
        return policy_reading_of_type(&policy_netdev_types, policy_reading_get_string(arguments, "type"), arguments);
    if (g_str_equal(command, "object-add"))
        return policy_reading_of_type(&policy_object_types, policy_reading_get_string(arguments, "qom-type"), arguments);
    return policy_reading_of_block(command, arguments);
}

PolicyClasses
policy_reading(const char *command, JsonNode *arguments)
{
    gboolean is_object = arguments && json_tree_get_type(arguments) == JSON_TREE_OBJECT;
    JsonObject *object = is_object ? json_node_get_object(arguments) : NULL;
    PolicyClasses own = POLICY_CLASSES(policy_class_of_command(command));
    PolicyClasses actions = object && g_str_equal(command, "transaction") ? read_each(object, "actions", read_action) : 0;
    PolicyClasses classes = actions ? actions : own;

    if (object && !g_str_equal(command, "remove-fd"))
        classes |= read_everywhere("", arguments) | read_command(command, object);
    return classes & POLICY_HOST ? POLICY_HOST : classes;
}
