/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fd-names.h"

#include <string.h>
#include <sys/random.h>

#include "json-member.h"
#include "json-tree.h"

/* Far more than a caller has use for: QEMU itself may have 1024 descriptors as a rule. */
#define MAX_NAMES 1024

/* `c`, a number that nobody can guess, and a dot. */
#define TOKEN_DIGITS 16u
#define PREFIX_SIZE (TOKEN_DIGITS + 2)

struct FdNames {
    char prefix[PREFIX_SIZE +
                1]; /* not a digit first: QEMU takes such a name for the number of a descriptor of its own */
    GHashTable *names; /* owned; set */
};

FdNames *
fd_names_new(void)
{
    FdNames *names = g_new0(FdNames, 1);
    guint64 token;

    if (getrandom(&token, sizeof token, 0) != sizeof token)
        token = (guint64)g_random_int() << 32 | g_random_int();
    g_snprintf(names->prefix, sizeof names->prefix, "c%016" G_GINT64_MODIFIER "x.", token);
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

gboolean
fd_names_is_full(FdNames *names)
{
    return g_hash_table_size(names->names) >= MAX_NAMES;
}

/* A translation under way, and the names that it has found. */
typedef struct Translation {
    FdNames *names;
    GPtrArray *used; /* of strings, owned */
} Translation;

/* Another text than a name of the caller's stays as it is. */
static char *
translate_known(Translation *translation, const char *text)
{
    if (!g_hash_table_contains(translation->names->names, text))
        return g_strdup(text);
    g_ptr_array_add(translation->used, g_strdup(text));
    return g_strconcat(translation->names->prefix, text, NULL);
}

static char *
translate_list(Translation *translation, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", -1);

    for (guint i = 0; parts[i]; i++) {
        char *translated = translate_known(translation, parts[i]);
        g_free(parts[i]);
        parts[i] = translated;
    }
    return g_strjoinv(":", parts);
}

static char *
translate_prefixed(Translation *translation, const char *text)
{
    g_autofree char *name = g_str_has_prefix(text, "fd:") ? translate_known(translation, text + 3) : NULL;

    return name ? g_strconcat("fd:", name, NULL) : g_strdup(text);
}

static char *
translate_text(Translation *translation, const char *member, const char *text)
{
    static const struct {
        const char *member;
        char *(*translate)(Translation *translation, const char *text);
    } rows[] = {
        { "ebpf-rss-fds", translate_known }, { "fd", translate_known },          { "fdname", translate_known },
        { "fds", translate_list },           { "protocol", translate_prefixed }, { "sock-fds", translate_list },
        { "str", translate_known },          { "uri", translate_prefixed },      { "vhostfd", translate_known },
        { "vhostfds", translate_list },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        if (g_str_equal(member, rows[i].member))
            return rows[i].translate(translation, text);
    return g_strdup(text);
}

static JsonNode *translate_node(Translation *translation, const char *member, JsonNode *node);

static JsonNode *
translate_object(Translation *translation, JsonNode *node)
{
    g_autoptr(JsonObject) translated = json_object_new();
    JsonObjectIter members;
    const char *member;
    JsonNode *value;

    json_object_iter_init_ordered(&members, json_node_get_object(node));
    while (json_object_iter_next_ordered(&members, &member, &value))
        json_object_set_member(translated, member, translate_node(translation, member, value));
    return json_node_init_object(json_node_alloc(), translated);
}

static JsonNode *
translate_array(Translation *translation, const char *member, JsonNode *node)
{
    g_autoptr(JsonArray) translated = json_array_new();
    JsonArray *array = json_node_get_array(node);

    for (guint i = 0; i < json_array_get_length(array); i++)
        json_array_add_element(translated, translate_node(translation, member, json_array_get_element(array, i)));
    return json_node_init_array(json_node_alloc(), translated);
}

static JsonNode *
translate_node(Translation *translation, const char *member, JsonNode *node)
{
    g_autofree char *text = NULL;

    if (JSON_NODE_HOLDS_OBJECT(node))
        return translate_object(translation, node);
    if (JSON_NODE_HOLDS_ARRAY(node))
        return translate_array(translation, member, node);
    if (json_tree_get_type(node) != JSON_TREE_STRING)
        return json_node_ref(node);
    text = translate_text(translation, member, json_tree_get_string(node));
    return json_tree_new_string(text);
}

/* A name that is only being given, or taken back, is the caller's in any case. */
static JsonNode *
translate_own(FdNames *names, JsonNode *arguments)
{
    const char *name = json_member_get_string(json_node_get_object(arguments), "fdname");
    g_autoptr(JsonObject) translated = json_object_new();
    g_autofree char *text = NULL;
    JsonObjectIter members;
    const char *member;
    JsonNode *value;

    if (!name || g_ascii_isdigit(*name))
        return json_node_ref(arguments);
    text = g_strconcat(names->prefix, name, NULL);
    json_object_iter_init_ordered(&members, json_node_get_object(arguments));
    while (json_object_iter_next_ordered(&members, &member, &value))
        json_object_set_member(translated, member, json_node_ref(value));
    json_object_set_member(translated, "fdname", json_tree_new_string(text));
    return json_node_init_object(json_node_alloc(), translated);
}

JsonNode *
fd_names_translate(FdNames *names, const char *command, JsonNode *arguments, GPtrArray **ret_used)
{
    g_autoptr(GPtrArray) used = NULL;
    JsonNode *translated;

    *ret_used = NULL;
    if (g_str_equal(command, "getfd") || g_str_equal(command, "closefd"))
        return translate_own(names, arguments);
    if (fd_names_is_empty(names))
        return json_node_ref(arguments);
    used = g_ptr_array_new_with_free_func(g_free);
    translated = translate_node(&(Translation){ names, used }, "", arguments);
    if (used->len > 0)
        *ret_used = g_steal_pointer(&used);
    return translated;
}

/* QEMU shows names to everybody: of a character device whose other end has gone it lists the file `disconnected:fd:NAME`. */
gboolean
fd_names_are_in(const char *text)
{
    for (const char *dot = strchr(text, '.'); dot; dot = strchr(dot + 1, '.')) {
        const char *at = dot;
        while (at > text && dot - at < TOKEN_DIGITS && g_ascii_isxdigit(at[-1]))
            at--;
        if (dot - at == TOKEN_DIGITS && at > text && at[-1] == 'c')
            return TRUE;
    }
    return FALSE;
}

char *
fd_names_translate_back(FdNames *names, const char *text)
{
    g_autoptr(GString) own = NULL;

    if (!strstr(text, names->prefix))
        return NULL;
    own = g_string_new(text);
    g_string_replace(own, names->prefix, "", 0);
    return g_string_free(g_steal_pointer(&own), FALSE);
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
