/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-same.h"

#include <string.h>

#include "json-tree.h"

static gboolean
is_same_object(JsonObject *a, JsonObject *b)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *value;

    if (json_object_get_size(a) != json_object_get_size(b))
        return FALSE;
    json_object_iter_init(&iter, a);
    while (json_object_iter_next(&iter, &name, &value))
        if (!json_object_has_member(b, name) || !json_is_same(value, json_object_get_member(b, name)))
            return FALSE;
    return TRUE;
}

static gboolean
is_same_array(JsonArray *a, JsonArray *b)
{
    if (json_array_get_length(a) != json_array_get_length(b))
        return FALSE;
    for (guint i = 0; i < json_array_get_length(a); i++)
        if (!json_is_same(json_array_get_element(a, i), json_array_get_element(b, i)))
            return FALSE;
    return TRUE;
}

static gboolean
is_same_text(JsonNode *a, JsonNode *b)
{
    gsize length, other;
    const char *text = json_tree_get_characters(a, &length);
    const char *other_text = json_tree_get_characters(b, &other);

    return length == other && memcmp(text, other_text, length) == 0;
}

static gboolean
is_number(JsonTreeType type)
{
    return type == JSON_TREE_INT || type == JSON_TREE_UINT || type == JSON_TREE_DOUBLE;
}

gboolean
json_is_same(JsonNode *a, JsonNode *b)
{
    JsonTreeType type = json_tree_get_type(a), other = json_tree_get_type(b);

    if (is_number(type) && is_number(other) && (type == JSON_TREE_DOUBLE || other == JSON_TREE_DOUBLE))
        return json_tree_get_double(a) == json_tree_get_double(b);
    if (type != other)
        return FALSE;
    switch (type) {
    case JSON_TREE_OBJECT:
        return is_same_object(json_node_get_object(a), json_node_get_object(b));
    case JSON_TREE_ARRAY:
        return is_same_array(json_node_get_array(a), json_node_get_array(b));
    case JSON_TREE_STRING:
    case JSON_TREE_STRING_WITH_NUL:
        return is_same_text(a, b);
    case JSON_TREE_INT:
        return json_tree_get_int(a) == json_tree_get_int(b);
    case JSON_TREE_UINT:
        return json_tree_get_uint(a) == json_tree_get_uint(b);
    case JSON_TREE_BOOLEAN:
        return json_node_get_boolean(a) == json_node_get_boolean(b);
    case JSON_TREE_NULL:
        return TRUE;
    case JSON_TREE_DOUBLE: /* above */
        break;
    }
    return FALSE;
}
