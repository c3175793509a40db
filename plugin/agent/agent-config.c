/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading a module's key file; see agent-config.h. Used by agent.c. Owns nothing. */
#include "agent-config.h"

#include <gio/gio.h>
#include <string.h>

static gboolean
can_parse(const char *text, gsize size)
{
    g_autoptr(GKeyFile) key_file = g_key_file_new();

    return size == 0 || g_key_file_load_from_data(key_file, text, size, G_KEY_FILE_NONE, /* error= */ NULL);
}

/* GLib names no line number, but a text up to the line at fault is the shortest that does not parse. Halving finds that line of 12,000 with
 * 14 texts, 10 MB of them; one line after the other would take 13 s. */
static guint
find_bad_line(const char *text, gsize size)
{
    g_autoptr(GArray) ends = g_array_new(/* zero_terminated= */ FALSE, /* clear= */ FALSE, sizeof(gsize));
    guint good = 0, bad;

    for (gsize end = 0; end < size; g_array_append_val(ends, end)) {
        const char *newline = memchr(text + end, '\n', size - end);
        end = newline != NULL ? (gsize)(newline - text) + 1 : size;
    }
    for (bad = ends->len; bad > good + 1;) {
        guint middle = good + (bad - good) / 2;
        if (can_parse(text, g_array_index(ends, gsize, middle - 1)))
            good = middle;
        else
            bad = middle;
    }
    return bad;
}

gboolean
agent_config_load(const char *directory, const char *name, GKeyFile **ret_key_file, char **ret_path, GError **error)
{
    g_autoptr(GKeyFile) key_file = g_key_file_new();
    g_autofree char *file = g_strconcat(directory, "/", name, ".conf", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) own_error = NULL;
    gsize size;

    if (!g_file_get_contents(file, &text, &size, &own_error)) {
        if (!g_error_matches(own_error, G_FILE_ERROR, G_FILE_ERROR_NOENT)) {
            g_propagate_error(error, g_steal_pointer(&own_error));
            return FALSE;
        }
        *ret_key_file = NULL;
        *ret_path = NULL;
        return TRUE;
    }
    /* GLib takes an empty text for an error; as a configuration it says nothing. */
    if (size > 0 && !g_key_file_load_from_data(key_file, text, size, G_KEY_FILE_NONE, &own_error)) {
        g_propagate_prefixed_error(error, g_steal_pointer(&own_error), "%s:%u: ", file, find_bad_line(text, size));
        return FALSE;
    }
    *ret_key_file = g_steal_pointer(&key_file);
    *ret_path = g_steal_pointer(&file);
    return TRUE;
}
