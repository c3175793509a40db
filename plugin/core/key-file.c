/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called while a configuration is read; owns the places of its lines. A file of 3,000 VMs may have a mistake in each of them, so it is read
 * once. */
#include "key-file.h"

#include <string.h>

struct KeyFileLines {
    char *file; /* owned; NULL: there is only the text */
    GHashTable *places; /* owned; "GROUP" or "GROUP\nKEY" (owned) → number of the line; NULL: not read yet */
    GPtrArray *repeated; /* owned, of Repeated; with @places */
};

/* A line that repeats a key. */
typedef struct Repeated {
    char *group, *key; /* owned */
    guint first; /* line */
} Repeated;

static void
repeated_free(gpointer data)
{
    Repeated *repeated = data;

    g_free(repeated->group);
    g_free(repeated->key);
    g_free(repeated);
}

static void
note_place(KeyFileLines *lines, char *name, guint line)
{
    g_hash_table_replace(lines->places, name, GUINT_TO_POINTER(line));
}

/* Takes @key. */
static void
note_key(KeyFileLines *lines, const char *group, char *key, guint line)
{
    char *name = g_strconcat(group, "\n", key, NULL);
    guint first = GPOINTER_TO_UINT(g_hash_table_lookup(lines->places, name));

    if (first > 0) {
        Repeated *repeated = g_new0(Repeated, 1);
        *repeated = (Repeated){ g_strdup(group), g_strdup(key), first };
        g_ptr_array_add(lines->repeated, repeated);
    }
    note_place(lines, name, line);
    g_free(key);
}

/* @line is stripped. Returns the group that the next lines belong to. */
static char *
note_key_line(KeyFileLines *lines, char *group, const char *line, guint number)
{
    const char *end = strchr(line, *line == '[' ? ']' : '=');

    if (*line == '[') {
        g_free(group);
        group = end ? g_strndup(line + 1, (gsize)(end - line) - 1) : NULL;
        if (group)
            note_place(lines, g_strdup(group), number);
    } else if (group && end && *line != '#') {
        note_key(lines, group, g_strchomp(g_strndup(line, (gsize)(end - line))), number);
    }
    return group;
}

static void
read_key_lines(KeyFileLines *lines, const char *text)
{
    g_auto(GStrv) all = g_strsplit(text, "\n", -1);
    char *group = NULL;

    lines->places = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    lines->repeated = g_ptr_array_new_with_free_func(repeated_free);
    for (guint i = 0; all[i]; i++)
        group = note_key_line(lines, group, g_strstrip(all[i]), i + 1);
    g_free(group);
}

KeyFileLines *
key_file_lines_new(const char *file)
{
    KeyFileLines *lines = g_new0(KeyFileLines, 1);

    lines->file = g_strdup(file);
    return lines;
}

KeyFileLines *
key_file_lines_new_from_text(const char *text)
{
    KeyFileLines *lines = key_file_lines_new(/* file= */ NULL);

    read_key_lines(lines, text);
    return lines;
}

void
key_file_lines_free(KeyFileLines *lines)
{
    g_clear_pointer(&lines->places, g_hash_table_unref);
    g_clear_pointer(&lines->repeated, g_ptr_array_unref);
    g_free(lines->file);
    g_free(lines);
}

static void
ensure_lines(KeyFileLines *lines)
{
    g_autofree char *text = NULL;

    if (!lines->places)
        read_key_lines(lines, g_file_get_contents(lines->file, &text, NULL, NULL) ? text : "");
}

guint
key_file_lines_find(KeyFileLines *lines, const char *group, const char *key)
{
    g_autofree char *name = key ? g_strconcat(group, "\n", key, NULL) : g_strdup(group);

    ensure_lines(lines);
    return GPOINTER_TO_UINT(g_hash_table_lookup(lines->places, name));
}

void
key_file_lines_foreach_repeated(KeyFileLines *lines, KeyFileRepeatedFunc func, gpointer user_data)
{
    ensure_lines(lines);
    for (guint i = 0; i < lines->repeated->len; i++) {
        const Repeated *repeated = lines->repeated->pdata[i];
        func(repeated->group, repeated->key, repeated->first, user_data);
    }
}

void
key_file_lines_prefix_error(KeyFileLines *lines, GError **error, const char *group, const char *key)
{
    guint line = key_file_lines_find(lines, group, key);

    if (line > 0)
        g_prefix_error(error, "%s:%u: ", lines->file, line);
    else
        g_prefix_error(error, "%s: ", lines->file);
}
