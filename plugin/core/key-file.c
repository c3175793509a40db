/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "key-file.h"

#include <string.h>

/* Whether @line, which is stripped, is `[group]`. */
static gboolean
is_group(const char *line, const char *group)
{
    gsize length = strlen(group);

    return line[0] == '[' && strncmp(line + 1, group, length) == 0 && line[length + 1] == ']';
}

/* Whether @line, which is stripped, is `key=…`. */
static gboolean
is_key(const char *line, const char *key)
{
    gsize length = strlen(key);

    if (strncmp(line, key, length) != 0)
        return FALSE;
    line += length;
    return line[strspn(line, " \t")] == '=';
}

guint
key_file_find_line(const char *text, const char *group, const char *key)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    gboolean is_inside = FALSE;
    guint found = 0;

    for (guint i = 0; lines[i]; i++) {
        const char *line = g_strstrip(lines[i]);
        if (*line == '[')
            is_inside = is_group(line, group);
        if (is_inside && (key ? is_key(line, key) : *line == '['))
            found = i + 1;
    }
    return found;
}

void
key_file_prefix_error(GError **error, const char *file, const char *group, const char *key)
{
    g_autofree char *text = NULL;
    guint line = g_file_get_contents(file, &text, NULL, NULL) ? key_file_find_line(text, group, key) : 0;

    if (line > 0)
        g_prefix_error(error, "%s:%u: ", file, line);
    else
        g_prefix_error(error, "%s: ", file);
}
