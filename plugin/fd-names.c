/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fd-names.h"

#include <string.h>

#include "qmp-json.h"

struct FdNames {
    guint number;
    GHashTable *names; /* owned; set */
};

FdNames *
fd_names_new(guint number)
{
    FdNames *names = g_new0(FdNames, 1);

    names->number = number;
    names->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return names;
}

void
fd_names_free(FdNames *names)
{
    g_hash_table_unref(names->names);
    g_free(names);
}

void
fd_names_add(FdNames *names, const char *name)
{
    g_hash_table_add(names->names, g_strdup(name));
}

void
fd_names_remove(FdNames *names, const char *name)
{
    g_hash_table_remove(names->names, name);
}

void
fd_names_clear(FdNames *names)
{
    g_hash_table_remove_all(names->names);
}

gboolean
fd_names_is_empty(FdNames *names)
{
    return g_hash_table_size(names->names) == 0;
}

/* Not a digit first: QEMU takes such a name for the number of a descriptor of its own. */
static char *
translate_name(FdNames *names, const char *name)
{
    return g_strdup_printf("c%u.%s", names->number, name);
}

/* A name of the caller's, or what is none as it is. */
static char *
translate_known(FdNames *names, const char *text)
{
    return g_hash_table_contains(names->names, text) ? translate_name(names, text) : g_strdup(text);
}

static char *
translate_list(FdNames *names, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);

    for (guint i = 0; parts[i]; i++) {
        char *translated = translate_known(names, parts[i]);
        g_free(parts[i]);
        parts[i] = translated;
    }
    return g_strjoinv(":", parts);
}

static char *
translate_text(FdNames *names, const char *member, const char *text)
{
    static const char *const one[] = { "fdname", "fd", "vhostfd", "str", NULL };
    static const char *const several[] = { "fds", "vhostfds", "uri", NULL };

    if (g_strv_contains(one, member))
        return translate_known(names, text);
    if (g_strv_contains(several, member))
        return translate_list(names, text);
    return g_strdup(text);
}

static JsonNode *translate_node(FdNames *names, const char *member, JsonNode *node);

static JsonNode *
translate_object(FdNames *names, JsonNode *node)
{
    g_autoptr(JsonObject) translated = json_object_new();
    JsonObjectIter members;
    const char *member;
    JsonNode *value;

    json_object_iter_init_ordered(&members, json_node_get_object(node));
    while (json_object_iter_next_ordered(&members, &member, &value))
        json_object_set_member(translated, member, translate_node(names, member, value));
    return json_node_init_object(json_node_alloc(), translated);
}

static JsonNode *
translate_array(FdNames *names, const char *member, JsonNode *node)
{
    g_autoptr(JsonArray) translated = json_array_new();
    JsonArray *array = json_node_get_array(node);

    for (guint i = 0; i < json_array_get_length(array); i++)
        json_array_add_element(translated, translate_node(names, member, json_array_get_element(array, i)));
    return json_node_init_array(json_node_alloc(), translated);
}

static JsonNode *
translate_node(FdNames *names, const char *member, JsonNode *node)
{
    g_autofree char *text = NULL;

    if (JSON_NODE_HOLDS_OBJECT(node))
        return translate_object(names, node);
    if (JSON_NODE_HOLDS_ARRAY(node))
        return translate_array(names, member, node);
    if (qmp_json_get_type(node) != QMP_JSON_STRING)
        return json_node_ref(node);
    text = translate_text(names, member, qmp_json_get_string(node));
    return qmp_json_new_string(text);
}

/* A name that is only being given, or taken back, is the caller's in any case. */
static JsonNode *
translate_own(FdNames *names, JsonNode *arguments)
{
    JsonNode *translated, *name = json_object_get_member(json_node_get_object(arguments), "fdname");
    g_autofree char *text = NULL;

    if (!name || qmp_json_get_type(name) != QMP_JSON_STRING || g_ascii_isdigit(*qmp_json_get_string(name)))
        return json_node_ref(arguments);
    text = translate_name(names, qmp_json_get_string(name));
    translated = translate_object(names, arguments);
    json_object_set_member(json_node_get_object(translated), "fdname", qmp_json_new_string(text));
    return translated;
}

JsonNode *
fd_names_translate(FdNames *names, const char *command, JsonNode *arguments)
{
    if (g_str_equal(command, "getfd") || g_str_equal(command, "closefd"))
        return translate_own(names, arguments);
    if (fd_names_is_empty(names))
        return json_node_ref(arguments);
    return translate_node(names, "", arguments);
}

GPtrArray *
fd_names_dup(FdNames *names)
{
    GPtrArray *copies = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer name;

    g_hash_table_iter_init(&iter, names->names);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_ptr_array_add(copies, g_strdup(name));
    return copies;
}
