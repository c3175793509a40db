/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-member.h"

#include "json-tree.h"

const char *
json_member_get_string(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);
    return node && json_tree_get_type(node) == JSON_TREE_STRING ? json_tree_get_string(node) : NULL;
}

JsonArray *
json_member_get_array(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);
    return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

JsonObject *
json_member_get_object(JsonObject *object, const char *name)
{
    JsonNode *node = object ? json_object_get_member(object, name) : NULL;
    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

guint64
json_member_get_uint(JsonObject *object, const char *name)
{
    JsonNode *node = object ? json_object_get_member(object, name) : NULL;
    JsonTreeType type = node ? json_tree_get_type(node) : JSON_TREE_NULL;

    if (type == JSON_TREE_UINT || (type == JSON_TREE_INT && json_tree_get_int(node) >= 0))
        return json_tree_get_uint(node);
    return 0;
}

gboolean
json_member_get_int(JsonNode *node, const char *name, gint64 *ret_value)
{
    JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    JsonNode *value = object ? json_object_get_member(object, name) : NULL;

    if (!value || json_tree_get_type(value) != JSON_TREE_INT)
        return FALSE;
    *ret_value = json_tree_get_int(value);
    return TRUE;
}

JsonObject *
json_member_get_object_at(JsonArray *array, guint i)
{
    JsonNode *node = json_array_get_element(array, i);
    return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

gboolean
json_member_has_word(JsonObject *object, const char *name, const char *word)
{
    JsonArray *words = json_member_get_array(object, name);

    for (guint i = 0; words && i < json_array_get_length(words); i++) {
        JsonNode *node = json_array_get_element(words, i);
        if (json_tree_get_type(node) == JSON_TREE_STRING && g_str_equal(json_tree_get_string(node), word))
            return TRUE;
    }
    return FALSE;
}

gboolean
json_member_get_boolean(JsonObject *entity, const char *name)
{
    JsonNode *node = json_object_get_member(entity, name);
    return node && json_tree_get_type(node) == JSON_TREE_BOOLEAN && json_node_get_boolean(node);
}
