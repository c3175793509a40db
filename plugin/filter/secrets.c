/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owned by caller-resources.c, which notes what callers add; asked by command-filter.c.
 *
 * The name of the object and the digest of the data tell that a caller has given a value. The name alone would not do: an
 * object can be removed, and another one of its name be added, by HMP or by a program that the agent knows nothing of. The digest
 * alone would let a caller guess: whoever gives the same value as somebody else would be shown that it is the same.
 *
 * So the object that a path leads to need not be known: a path has many spellings, and may be a part of one. */
#include "secrets.h"

#include <string.h>

#include "hmp-line.h"
#include "json-member.h"
#include "json-tree.h"
#include "lazy-table.h"

/* The property of `secret`. Of all types of QEMU 7.2 to 11.1 only `loader`, a device, has another of this name: a number. */
#define DATA "data"

/* Secrets that one caller can read back. An object of QEMU's stays when its caller leaves, so a caller may well add more than any
 * VM has use for; from then on the caller's secrets are read out to nobody. */
#define MAX_SECRETS 64u
#define MAX_NAME 255u

struct Secrets {
    GHashTable *
        by_caller; /* owned: caller → table of an object's name → the digest of its data; all owned; NULL: there was none yet */
};

Secrets *
secrets_new(void)
{
    return g_new0(Secrets, 1);
}

void
secrets_free(Secrets *secrets)
{
    g_clear_pointer(&secrets->by_caller, g_hash_table_unref);
    g_free(secrets);
}

static char *
digest_data(const char *data)
{
    return g_compute_checksum_for_string(G_CHECKSUM_SHA256, data, -1);
}

/* The name has become another object's. */
static void
forget_secret(Secrets *secrets, const char *name)
{
    GHashTableIter callers;
    gpointer of_caller;

    if (!secrets->by_caller)
        return;
    g_hash_table_iter_init(&callers, secrets->by_caller);
    while (g_hash_table_iter_next(&callers, NULL, &of_caller))
        g_hash_table_remove(of_caller, name);
}

static GHashTable *
get_secrets_of(Secrets *secrets, const char *caller)
{
    GHashTable *of_caller = lazy_table_lookup(secrets->by_caller, caller);

    if (of_caller)
        return of_caller;
    of_caller = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    if (!secrets->by_caller)
        secrets->by_caller =
            g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
    g_hash_table_insert(secrets->by_caller, g_strdup(caller), of_caller);
    return of_caller;
}

void
secrets_note_added(Secrets *secrets, const char *caller, JsonNode *arguments)
{
    JsonObject *members = arguments ? json_node_get_object(arguments) : NULL;
    const char *type = members ? json_member_get_string(members, "qom-type") : NULL;
    const char *name = members ? json_member_get_string(members, "id") : NULL;
    const char *data = members ? json_member_get_string(members, DATA) : NULL;
    GHashTable *of_caller;

    if (!name)
        return;
    forget_secret(secrets, name);
    if (!type || !data || !g_str_equal(type, "secret") || strlen(name) > MAX_NAME)
        return;
    of_caller = get_secrets_of(secrets, caller);
    if (g_hash_table_size(of_caller) < MAX_SECRETS)
        g_hash_table_insert(of_caller, g_strdup(name), digest_data(data));
}

void
secrets_leave(Secrets *secrets, const char *caller)
{
    if (secrets->by_caller)
        g_hash_table_remove(secrets->by_caller, caller);
}

gboolean
secrets_are_read_by(JsonNode *arguments)
{
    const char *property = json_member_get_string(json_node_get_object(arguments), "property");

    return property && g_str_equal(property, DATA);
}

/* QEMU ignores slashes beyond the first of several, and at the end. Owned. */
static char *
dup_last_part(const char *path)
{
    g_autofree char *trimmed = g_strdup(path);
    gsize length = strlen(trimmed);
    const char *slash;

    while (length > 0 && trimmed[length - 1] == '/')
        trimmed[--length] = '\0';
    slash = strrchr(trimmed, '/');
    return g_strdup(slash ? slash + 1 : trimmed);
}

static gboolean
is_given_by(Secrets *secrets, const char *caller, const char *path, const char *data)
{
    GHashTable *of_caller = lazy_table_lookup(secrets->by_caller, caller);
    g_autofree char *name = dup_last_part(path);
    g_autofree char *digest = digest_data(data);
    const char *given = of_caller ? g_hash_table_lookup(of_caller, name) : NULL;

    return given && g_str_equal(given, digest);
}

/* A secret that QEMU reads from a file has no data to show. */
static gboolean
is_secret(JsonNode *value)
{
    gsize length;

    switch (json_tree_get_type(value)) {
    case JSON_TREE_STRING:
    case JSON_TREE_STRING_WITH_NUL:
        json_tree_get_characters(value, &length);
        return length > 0;
    default:
        return FALSE;
    }
}

gboolean
secrets_may_show(Secrets *secrets, const char *caller, JsonNode *arguments, JsonNode *value)
{
    const char *path = json_member_get_string(json_node_get_object(arguments), "path");

    if (!is_secret(value))
        return TRUE;
    return path && json_tree_get_type(value) == JSON_TREE_STRING &&
           is_given_by(secrets, caller, path, json_tree_get_string(value));
}

gboolean
secrets_are_read_by_line(const char *line)
{
    g_autofree char *command = hmp_line_dup_command(line, &line);
    g_autofree char *path = NULL;
    g_autofree char *property = NULL;
    gboolean is_bad;

    if (!command || !g_str_equal(command, "qom-get"))
        return FALSE;
    path = hmp_line_dup_word(&line, &is_bad);
    if (!path)
        return is_bad;
    property = hmp_line_dup_word(&line, &is_bad);
    return is_bad || (property && g_str_equal(property, DATA));
}

gboolean
secrets_are_listed(JsonObject *property)
{
    const char *name = json_member_get_string(property, "name");
    JsonNode *value = json_object_get_member(property, "value");

    return name && value && g_str_equal(name, DATA) && is_secret(value);
}
