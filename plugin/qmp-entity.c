/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-entity.h"

#include "qmp-json.h"

const char *
qmp_entity_get_string(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);
    return node && qmp_json_get_type(node) == QMP_JSON_STRING ? qmp_json_get_string(node) : NULL;
}

JsonArray *
qmp_entity_get_array(JsonObject *object, const char *name)
{
    JsonNode *node = json_object_get_member(object, name);
    return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
}

JsonObject *
qmp_entity_get_object(JsonObject *object, const char *name)
{
    JsonNode *node = object ? json_object_get_member(object, name) : NULL;
    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

guint64
qmp_entity_get_uint(JsonObject *object, const char *name)
{
    JsonNode *node = object ? json_object_get_member(object, name) : NULL;
    QmpJsonType type = node ? qmp_json_get_type(node) : QMP_JSON_NULL;

    if (type == QMP_JSON_UINT || (type == QMP_JSON_INT && qmp_json_get_int(node) >= 0))
        return qmp_json_get_uint(node);
    return 0;
}

gboolean
qmp_entity_get_int(JsonNode *node, const char *name, gint64 *ret_value)
{
    JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    JsonNode *value = object ? json_object_get_member(object, name) : NULL;

    if (!value || qmp_json_get_type(value) != QMP_JSON_INT)
        return FALSE;
    *ret_value = qmp_json_get_int(value);
    return TRUE;
}

JsonObject *
qmp_entity_get_object_at(JsonArray *array, guint i)
{
    JsonNode *node = json_array_get_element(array, i);
    return JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

gboolean
qmp_entity_has_feature(JsonObject *entity, const char *feature)
{
    JsonArray *features = qmp_entity_get_array(entity, "features");
    for (guint i = 0; features && i < json_array_get_length(features); i++) {
        JsonNode *node = json_array_get_element(features, i);
        if (qmp_json_get_type(node) == QMP_JSON_STRING && g_str_equal(qmp_json_get_string(node), feature))
            return TRUE;
    }
    return FALSE;
}

gboolean
qmp_entity_get_boolean(JsonObject *entity, const char *name)
{
    JsonNode *node = json_object_get_member(entity, name);
    return node && qmp_json_get_type(node) == QMP_JSON_BOOLEAN && json_node_get_boolean(node);
}
