/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's schema; see ctl-schema.h. */
#include "ctl-schema.h"

#include <string.h>

#include "ctl-bus.h"

struct CtlSchema {
    JsonParser *parser;   /* owned */
    GHashTable *entities; /* owned: "TYPE NAME", TYPE being command, event or type → JsonObject of the parser */
};

static const char *
get_text(JsonObject *object, const char *member)
{
    return json_object_get_string_member_with_default(object, member, "");
}

static void
note_entity(JsonArray *array, guint index, JsonNode *node, gpointer data)
{
    GHashTable *entities = data;
    JsonObject *entity = json_node_get_object(node);
    const char *meta = get_text(entity, "meta-type");
    gboolean is_type = !g_str_equal(meta, "command") && !g_str_equal(meta, "event");

    g_hash_table_insert(entities, g_strdup_printf("%s %s", is_type ? "type" : meta, get_text(entity, "name")), entity);
}

static gboolean
is_schema_text(JsonNode *node)
{
    return JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING;
}

static gboolean
is_array_of(JsonNode *node, gboolean (*is_element)(JsonNode *element))
{
    if (!JSON_NODE_HOLDS_ARRAY(node))
        return FALSE;
    for (guint i = 0; i < json_array_get_length(json_node_get_array(node)); i++)
        if (!is_element(json_array_get_element(json_node_get_array(node), i)))
            return FALSE;
    return TRUE;
}

/* An entity of the schema, a member or a variant: what is read of it has the type that it is read as. */
static gboolean
is_schema_entity(JsonNode *node)
{
    static const char *const texts[] = { "arg-type", "case", "element-type", "json-type", "meta-type", "name", "tag", "type", NULL };
    JsonObjectIter iter;
    const char *name;
    JsonNode *value;

    if (!JSON_NODE_HOLDS_OBJECT(node))
        return FALSE;
    json_object_iter_init(&iter, json_node_get_object(node));
    while (json_object_iter_next(&iter, &name, &value)) {
        gboolean has_entities = g_str_equal(name, "members") || g_str_equal(name, "variants");
        if ((has_entities && !is_array_of(value, is_schema_entity)) ||
            (g_str_equal(name, "values") && !is_array_of(value, is_schema_text)) || (g_strv_contains(texts, name) && !is_schema_text(value)))
            return FALSE;
    }
    JsonObject *entity = json_node_get_object(node);
    return json_object_has_member(entity, "members") || !g_str_equal(get_text(entity, "meta-type"), "alternate");
}

CtlSchema *
ctl_schema_load(Ctl *ctl, const char *path, GError **error)
{
    g_autoptr(GVariant) reply = ctl_call(ctl, path, CTL_VM, "ExecuteJSON", g_variant_new("(ss)", "query-qmp-schema", ""), NULL,
                                         NULL, error);
    g_autoptr(CtlSchema) schema = g_new0(CtlSchema, 1);
    const char *text;

    schema->parser = json_parser_new();
    schema->entities = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (!reply)
        return NULL;
    g_variant_get(reply, "(&s)", &text);
    if (!json_parser_load_from_data(schema->parser, text, -1, error))
        return NULL;
    JsonNode *root = json_parser_get_root(schema->parser);
    if (!root || !is_array_of(root, is_schema_entity)) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "QEMU's reply to query-qmp-schema is no schema");
        return NULL;
    }
    json_array_foreach_element(json_node_get_array(root), note_entity, schema->entities);
    return g_steal_pointer(&schema);
}

void
ctl_schema_free(CtlSchema *schema)
{
    g_hash_table_unref(schema->entities);
    g_object_unref(schema->parser);
    g_free(schema);
}

static int
compare_names_of_schema(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GStrv
ctl_schema_list(const CtlSchema *schema, const char *meta_type)
{
    g_autofree char *prefix = g_strdup_printf("%s ", meta_type);
    GPtrArray *names = g_ptr_array_new();
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, schema->entities);
    while (g_hash_table_iter_next(&iter, &key, NULL))
        if (g_str_has_prefix(key, prefix))
            g_ptr_array_add(names, g_strdup((char *)key + strlen(prefix)));
    g_ptr_array_sort(names, compare_names_of_schema);
    g_ptr_array_add(names, NULL);
    return (GStrv)g_ptr_array_free(names, FALSE);
}

JsonObject *
ctl_schema_get_type(const CtlSchema *schema, const char *name)
{
    g_autofree char *key = g_strdup_printf("type %s", name);

    return g_hash_table_lookup(schema->entities, key);
}

JsonObject *
ctl_schema_get_arguments(const CtlSchema *schema, const char *command)
{
    g_autofree char *key = g_strdup_printf("command %s", command);
    JsonObject *entity = g_hash_table_lookup(schema->entities, key);

    return entity ? ctl_schema_get_type(schema, get_text(entity, "arg-type")) : NULL;
}

const char *
ctl_schema_get_kind(JsonObject *type)
{
    const char *meta = get_text(type, "meta-type");

    return g_str_equal(meta, "builtin") ? get_text(type, "json-type") : meta;
}

/* The element of the array @list of @object whose member @key is @value. */
static JsonObject *
find_schema_entry(JsonObject *object, const char *list, const char *key, const char *value)
{
    JsonArray *array = json_object_has_member(object, list) ? json_object_get_array_member(object, list) : NULL;

    for (guint i = 0; array && i < json_array_get_length(array); i++) {
        JsonObject *entry = json_array_get_object_element(array, i);
        if (g_str_equal(get_text(entry, key), value))
            return entry;
    }
    return NULL;
}

static JsonObject *
get_variant(const CtlSchema *schema, JsonObject *type, guint index, const char *tag)
{
    JsonObject *variant = json_array_get_object_element(json_object_get_array_member(type, "variants"), index);

    if (tag && !g_str_equal(get_text(variant, "case"), tag))
        return NULL;
    return ctl_schema_get_type(schema, get_text(variant, "type"));
}

static guint
count_variants(JsonObject *type)
{
    return json_object_has_member(type, "variants") ? json_array_get_length(json_object_get_array_member(type, "variants")) : 0;
}

JsonObject *
ctl_schema_get_member(const CtlSchema *schema, JsonObject *type, const char *name, const char *tag)
{
    JsonObject *member = find_schema_entry(type, "members", "name", name);

    for (guint i = 0; i < count_variants(type) && !member; i++) {
        JsonObject *variant = get_variant(schema, type, i, tag);
        member = variant ? find_schema_entry(variant, "members", "name", name) : NULL;
    }
    return member ? ctl_schema_get_type(schema, get_text(member, "type")) : NULL;
}

static void
add_member_names(JsonObject *type, GHashTable *names)
{
    JsonArray *members = json_object_has_member(type, "members") ? json_object_get_array_member(type, "members") : NULL;

    for (guint i = 0; members && i < json_array_get_length(members); i++)
        g_hash_table_add(names, (gpointer)get_text(json_array_get_object_element(members, i), "name"));
}

GStrv
ctl_schema_list_members(const CtlSchema *schema, JsonObject *type)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
    GStrv list;

    add_member_names(type, names);
    for (guint i = 0; i < count_variants(type); i++) {
        JsonObject *variant = get_variant(schema, type, i, NULL);
        if (variant)
            add_member_names(variant, names);
    }
    list = (GStrv)g_hash_table_get_keys_as_array(names, NULL);
    for (guint i = 0; list[i]; i++)
        list[i] = g_strdup(list[i]);
    return list;
}
