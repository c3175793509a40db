/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of an HMP line stands in the log. */
#include "hmp-word.h"

static void
test_words(void)
{
    static const struct {
        const char *line, *word;
    } rows[] = {
        { "info status", "info" },
        { " \\t\\u000b\\f info", "info" },
        { "x/16xb 0x100", "x" },
        { "quit", "quit" },
        { "set_password vnc secret", "set_password" },
        { "object_add\\u000bsecret,id=s,data=secret", "object_add" },
        { "secret", "?" },
        { "inf", "?" },
        { "infos", "?" },
        { "", "?" },
        { "\\\"info\\\"", "?" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text = g_strdup_printf("{\"command-line\": \"%s\"}", rows[i].line);
        g_autoptr(JsonNode) arguments = json_from_string(text, NULL);

        g_assert_cmpstr(hmp_word_get("human-monitor-command", arguments), ==, rows[i].word);
        g_assert_null(hmp_word_get("quit", arguments));
    }
}

static void
test_no_line(void)
{
    static const char *const texts[] = { "{}", "{\"command-line\": 1}", "{\"command-line\": {}}", "{\"command-line\": null}" };

    g_assert_cmpstr(hmp_word_get("human-monitor-command", NULL), ==, "?");
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(JsonNode) arguments = json_from_string(texts[i], NULL);

        g_assert_cmpstr(hmp_word_get("human-monitor-command", arguments), ==, "?");
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hmp-word/words", test_words);
    g_test_add_func("/hmp-word/no-line", test_no_line);
    return g_test_run();
}
