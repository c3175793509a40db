/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads the tables of types. Owns nothing. Called by the tables' own files. */
#include "type-class.h"

#include <stdlib.h>
#include <string.h>

#include "json-tree.h"

static int
compare_name(gconstpointer name, gconstpointer row)
{
    return strcmp(name, ((const PolicyType *)row)->name);
}

const PolicyType *
policy_types_find(const PolicyTypes *types, const char *name)
{
    return name ? bsearch(name, types->rows, types->n_rows, sizeof(*types->rows), compare_name) : NULL;
}

gboolean
policy_names_contain(const char *names, const char *name)
{
    gsize length = strlen(name);

    if (length == 0 || strchr(name, ' '))
        return FALSE;
    for (const char *at = strstr(names, name); at; at = strstr(at + 1, name)) {
        gboolean begins = at == names || at[-1] == ' ';
        if (begins && (at[length] == ' ' || at[length] == '\0'))
            return TRUE;
    }
    return FALSE;
}

const char *
policy_member_get_string(JsonObject *object, const char *name)
{
    JsonNode *node = object ? json_object_get_member(object, name) : NULL;

    return node && json_tree_get_type(node) == JSON_TREE_STRING ? json_tree_get_string(node) : NULL;
}

JsonObject *
policy_member_get_object(JsonObject *object, const char *name)
{
    JsonNode *node = object ? json_object_get_member(object, name) : NULL;

    return node && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

gboolean
policy_can_name(JsonNode *node)
{
    switch (json_tree_get_type(node)) {
    case JSON_TREE_STRING:
    case JSON_TREE_STRING_WITH_NUL:
    case JSON_TREE_ARRAY:
    case JSON_TREE_OBJECT:
        return TRUE;
    case JSON_TREE_NULL:
    case JSON_TREE_BOOLEAN:
    case JSON_TREE_INT:
    case JSON_TREE_UINT:
    case JSON_TREE_DOUBLE:
        break;
    }
    return FALSE;
}

PolicyClasses
policy_members_classify(JsonObject *members, const char *names, const char *more)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *value;

    json_object_iter_init(&iter, members);
    while (json_object_iter_next(&iter, &name, &value))
        if (policy_can_name(value) && !policy_names_contain(names, name) && !(more && policy_names_contain(more, name)))
            return POLICY_HOST;
    return 0;
}

PolicyClasses
policy_types_classify(const PolicyTypes *types, const char *name, JsonObject *members)
{
    const PolicyType *type = policy_types_find(types, name);

    if (!type || type->classes & POLICY_HOST || policy_members_classify(members, type->members, types->common))
        return POLICY_HOST;
    return type->classes | (type->raise ? type->raise(members) : 0);
}
