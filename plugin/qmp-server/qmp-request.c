/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by qmp-server.c; owns nothing. QEMU looks at members in the order of its hash table, we in the order given: of
 * several mistakes in one request another may be named. */
#include "qmp-request.h"

#include "json-print.h"
#include "json-tree.h"

static JsonNode *
get_request_member(JsonNode *message, const char *name)
{
    return JSON_NODE_HOLDS_OBJECT(message) ? json_object_get_member(json_node_get_object(message), name) : NULL;
}

gboolean
qmp_request_is_oob(JsonNode *message)
{
    return get_request_member(message, "exec-oob") && !get_request_member(message, "execute");
}

static char *
dup_member_string(JsonNode *node)
{
    JsonTreeType type = json_tree_get_type(node);
    gsize length;

    if (type != JSON_TREE_STRING && type != JSON_TREE_STRING_WITH_NUL)
        return NULL;
    return g_strdup(json_tree_get_characters(node, &length));
}

char *
qmp_request_dup_string(JsonNode *message, const char *name)
{
    JsonNode *node = get_request_member(message, name);

    return node ? dup_member_string(node) : NULL;
}

char *
qmp_request_dup_id(JsonNode *message)
{
    JsonNode *id = get_request_member(message, "id");
    GString *text;

    if (!id)
        return NULL;
    text = g_string_new(NULL);
    json_print_node(text, id, JSON_PRINT_QEMU);
    return g_string_free(text, FALSE);
}

static char *
find_unexpected(JsonNode *message, gboolean may_be_oob)
{
    static const char *const expected[] = { "execute", "arguments", "id", NULL };
    JsonObjectIter members;
    const char *name;
    JsonNode *value;

    json_object_iter_init_ordered(&members, json_node_get_object(message));
    while (json_object_iter_next_ordered(&members, &name, &value))
        if (!g_strv_contains(expected, name) && !(may_be_oob && g_str_equal(name, "exec-oob")))
            return g_strdup_printf("QMP input member '%s' is unexpected", name);
    return NULL;
}

char *
qmp_request_read(JsonNode *message, gboolean may_be_oob, QmpRequest *request)
{
    JsonNode *execute = get_request_member(message, "execute"), *oob = get_request_member(message, "exec-oob");
    char *unexpected;

    *request = (QmpRequest){ .arguments = get_request_member(message, "arguments"), .is_oob = oob != NULL };
    if (!JSON_NODE_HOLDS_OBJECT(message))
        return g_strdup("QMP input must be a JSON object");
    if ((unexpected = find_unexpected(message, may_be_oob)))
        return unexpected;
    if (execute && oob)
        return g_strdup("QMP input member 'execute' clashes with 'exec-oob'");
    if (request->arguments && !JSON_NODE_HOLDS_OBJECT(request->arguments))
        return g_strdup("QMP input member 'arguments' must be an object");
    if (!execute && !oob)
        return g_strdup("QMP input lacks member 'execute'");
    request->name = dup_member_string(oob ? oob : execute);
    if (!request->name)
        return g_strdup_printf("QMP input member '%s' must be a string", oob ? "exec-oob" : "execute");
    return NULL;
}

void
qmp_request_clear(QmpRequest *request)
{
    g_clear_pointer(&request->name, g_free);
}

static char *
read_capability(JsonArray *enable, guint i, gboolean offers_oob)
{
    g_autofree char *name = dup_member_string(json_array_get_element(enable, i));

    if (!name)
        return g_strdup_printf("Invalid parameter type for 'enable[%u]', expected: string", i);
    if (!g_str_equal(name, "oob"))
        return g_strdup_printf("Parameter 'null' does not accept value '%s'", name);
    return offers_oob ? NULL : g_strdup("Capability oob not available");
}

char *
qmp_request_read_capabilities(JsonNode *arguments, gboolean offers_oob, gboolean *ret_oob)
{
    JsonNode *enable = arguments ? get_request_member(arguments, "enable") : NULL;
    JsonArray *names = enable && JSON_NODE_HOLDS_ARRAY(enable) ? json_node_get_array(enable) : NULL;
    char *complaint = NULL;
    g_autoptr(GList) members = arguments ? json_object_get_members(json_node_get_object(arguments)) : NULL;

    if (enable && !names)
        return g_strdup("Invalid parameter type for 'enable', expected: array");
    for (guint i = 0; names && !complaint && i < json_array_get_length(names); i++)
        complaint = read_capability(names, i, offers_oob);
    for (GList *i = members; i && !complaint; i = i->next)
        if (!g_str_equal(i->data, "enable"))
            complaint = g_strdup_printf("Parameter '%s' is unexpected", (const char *)i->data);
    *ret_oob = names && json_array_get_length(names) > 0;
    return complaint;
}
