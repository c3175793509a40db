/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the module reads lines of HMP, for test-hmp.py: a line of input is a line of HMP as a JSON string, a line of output
 * an array of its command and its words, with null last where the next word cannot be read. */
#include <stdio.h>
#include <string.h>

#include "hmp-line.h"
#include "json-print.h"
#include "json-tree.h"

static void
append(GString *text, const char *word)
{
    if (text->len > 1)
        g_string_append_c(text, ',');
    json_print_string(text, word, strlen(word), JSON_PRINT_COMPACT);
}

static void
print_words(const char *line)
{
    g_autoptr(GString) text = g_string_new("[");
    g_autofree char *command = hmp_line_dup_command(line, &line);
    gboolean is_bad = FALSE;
    char *word;

    if (command)
        append(text, command);
    while (command && (word = hmp_line_dup_word(&line, &is_bad))) {
        append(text, word);
        g_free(word);
    }
    printf("%s%s]\n", text->str, is_bad ? ",null" : "");
}

int
main(void)
{
    char input[8192];

    while (fgets(input, sizeof input, stdin)) {
        g_autoptr(JsonNode) node = json_tree_parse(input, strlen(input), NULL);
        gsize length;
        print_words(node ? json_tree_get_characters(node, &length) : "");
    }
    return 0;
}
