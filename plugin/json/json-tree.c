/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values in json-glib's trees. Called by whoever needs a value instead of its text; owns nothing.
 *
 * A JsonNode cannot hold every value. The others are kept as a string that begins with a marker, the noncharacter U+FDD0
 * (by Unicode's rules never exchanged), and the byte behind the marker says how to read it:
 *
 *     a digit     an integer from 2^63 to 2^64-1
 *     a quote     a string that holds U+0000; in what follows each is written C0 80
 *     U+FDD0      a string that itself begins with U+FDD0 */
#include "json-tree.h"

#include <string.h>

#define MARKER "\xef\xb7\x90"
#define MARKER_LENGTH 3
#define NUL "\xc0\x80"

GQuark
json_tree_error_quark(void)
{
    return g_quark_from_string("org-qemu-monitor1-json-tree-error");
}

static JsonNode *
new_plain_string(const char *string)
{
    return json_node_init_string(json_node_alloc(), string);
}

/* The text behind the marker; NULL: the node is not marked. */
static const char *
get_marked(JsonNode *node)
{
    const char *string = json_node_get_string(node);
    return strncmp(string, MARKER, MARKER_LENGTH) == 0 ? string + MARKER_LENGTH : NULL;
}

static JsonTreeType
get_string_type(JsonNode *node)
{
    const char *rest = get_marked(node);
    if (rest && g_ascii_isdigit(*rest))
        return JSON_TREE_UINT;
    return rest && *rest == '"' ? JSON_TREE_STRING_WITH_NUL : JSON_TREE_STRING;
}

JsonTreeType
json_tree_get_type(JsonNode *node)
{
    switch (json_node_get_node_type(node)) {
    case JSON_NODE_OBJECT:
        return JSON_TREE_OBJECT;
    case JSON_NODE_ARRAY:
        return JSON_TREE_ARRAY;
    case JSON_NODE_NULL:
        return JSON_TREE_NULL;
    case JSON_NODE_VALUE:
        break;
    }
    GType type = json_node_get_value_type(node);
    if (type == G_TYPE_BOOLEAN)
        return JSON_TREE_BOOLEAN;
    if (type == G_TYPE_STRING)
        return get_string_type(node);
    return type == G_TYPE_INT64 ? JSON_TREE_INT : JSON_TREE_DOUBLE;
}

JsonCursorType
json_tree_get_cursor_type(JsonNode *node)
{
    static const JsonCursorType types[] = {
        [JSON_TREE_NULL] = JSON_CURSOR_NULL,
        [JSON_TREE_BOOLEAN] = JSON_CURSOR_BOOLEAN,
        [JSON_TREE_INT] = JSON_CURSOR_INT,
        [JSON_TREE_UINT] = JSON_CURSOR_UINT,
        [JSON_TREE_DOUBLE] = JSON_CURSOR_DOUBLE,
        [JSON_TREE_STRING] = JSON_CURSOR_STRING,
        [JSON_TREE_STRING_WITH_NUL] = JSON_CURSOR_STRING,
        [JSON_TREE_ARRAY] = JSON_CURSOR_ARRAY,
        [JSON_TREE_OBJECT] = JSON_CURSOR_OBJECT,
    };

    return types[json_tree_get_type(node)];
}

gint64
json_tree_get_int(JsonNode *node)
{
    return json_node_get_int(node);
}

guint64
json_tree_get_uint(JsonNode *node)
{
    if (json_tree_get_type(node) == JSON_TREE_UINT)
        return g_ascii_strtoull(get_marked(node), NULL, 10);
    return (guint64)json_node_get_int(node);
}

gdouble
json_tree_get_double(JsonNode *node)
{
    if (json_tree_get_type(node) == JSON_TREE_UINT)
        return (gdouble)json_tree_get_uint(node);
    return json_node_get_double(node);
}

const char *
json_tree_get_string(JsonNode *node)
{
    const char *rest = get_marked(node);
    return rest ? rest : json_node_get_string(node);
}

const char *
json_tree_get_characters(JsonNode *node, gsize *ret_length)
{
    const char *string = json_tree_get_string(node);

    string += json_tree_get_type(node) == JSON_TREE_STRING_WITH_NUL;
    *ret_length = strlen(string);
    return string;
}

JsonNode *
json_tree_new_uint(guint64 value)
{
    if (value <= G_MAXINT64)
        return json_node_init_int(json_node_alloc(), (gint64)value);
    g_autofree char *string = g_strdup_printf(MARKER "%" G_GUINT64_FORMAT, value);
    return new_plain_string(string);
}

JsonNode *
json_tree_new_string(const char *value)
{
    if (strncmp(value, MARKER, MARKER_LENGTH) != 0)
        return new_plain_string(value);
    g_autofree char *string = g_strconcat(MARKER, value, NULL);
    return new_plain_string(string);
}

JsonNode *
json_tree_new_string_len(const char *value, gsize length)
{
    g_autoptr(GString) string = NULL;

    if (!memchr(value, '\0', length))
        return json_tree_new_string(value);
    string = g_string_new(MARKER "\"");
    for (gsize i = 0; i < length; i++)
        g_string_append_len(string, value[i] ? value + i : NUL, value[i] ? 1 : 2);
    return new_plain_string(string->str);
}
