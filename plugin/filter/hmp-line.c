/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by monitor-ends.c; owns nothing. tests/test-hmp.py holds it against real monitors. */
#include "hmp-line.h"

#include <string.h>

/* Bytes; QEMU cuts off what is longer, and takes the rest for read. */
#define MAX_COMMAND 255u
#define MAX_WORD 1023u

/* isspace() of the C locale; GLib's leaves out the vertical tab. */
static const char spaces[] = " \t\n\v\f\r";

static const char *
skip_spaces(const char *at)
{
    return at + strspn(at, spaces);
}

char *
hmp_line_dup_command(const char *line, const char **ret_rest)
{
    const char *name = skip_spaces(line);
    gsize length = 0;

    while (name[length] && name[length] != '/' && !strchr(spaces, name[length]))
        length++;
    *ret_rest = name + length;
    return *name ? g_strndup(name, MIN(length, MAX_COMMAND)) : NULL;
}

void
hmp_line_skip_options(const char **rest)
{
    const char *at = skip_spaces(*rest);

    while (at[0] == '-' && g_ascii_isalpha(at[1]))
        at = skip_spaces(at + 2);
    *rest = at;
}

static void
append_to_word(GString *word, char c)
{
    if (word->len < MAX_WORD)
        g_string_append_c(word, c);
}

/* @at: behind the first quote. NULL: QEMU cannot read it. */
static const char *
read_quoted(const char *at, GString *word)
{
    while (*at && *at != '"') {
        if (*at != '\\') {
            append_to_word(word, *at++);
            continue;
        }
        at++;
        if (!*at || !strchr("nr\\'\"", *at))
            return NULL;
        append_to_word(word, *at == 'n' ? '\n' : *at == 'r' ? '\r' : *at);
        at++;
    }
    return *at ? at + 1 : NULL;
}

static const char *
read_bare(const char *at, GString *word)
{
    while (*at && !strchr(spaces, *at))
        append_to_word(word, *at++);
    return at;
}

char *
hmp_line_dup_word(const char **rest, gboolean *ret_is_bad)
{
    const char *at = skip_spaces(*rest);
    g_autoptr(GString) word = g_string_new(NULL);

    *ret_is_bad = FALSE;
    if (!*at)
        return NULL;
    at = *at == '"' ? read_quoted(at + 1, word) : read_bare(at, word);
    *ret_is_bad = !at;
    if (!at)
        return NULL;
    *rest = at;
    return g_string_free(g_steal_pointer(&word), FALSE);
}
