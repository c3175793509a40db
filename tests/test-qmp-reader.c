/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of a native session's client: after any nonsense the client gets one complaint, in words that programs know, and
 * its next command is read. */
#include "qmp-reader.h"

#include <string.h>

#include "json-print.h"

/* More than one message may have. */
#define MAX_COMMAND 64

/* Each message as its JSON text or "!" and the complaint, and its bytes, one a line. */
static void
note_message(JsonNode *value, const char *complaint, gsize size, gpointer user_data)
{
    GString *seen = user_data;

    if (value) {
        json_print_node(seen, value, JSON_PRINT_QEMU);
        json_node_unref(value);
    } else {
        g_string_append_printf(seen, "!%s", complaint);
    }
    g_string_append_printf(seen, " %zu\n", size);
}

/* Feeds @text, @step bytes at a time, to a new reader, and returns what it reads. */
static char *
read_in_steps(const char *text, gsize step)
{
    GString *seen = g_string_new(NULL);
    gsize length = strlen(text);
    QmpReader reader;

    qmp_reader_init(&reader, MAX_COMMAND, note_message, seen);
    for (gsize at = 0; at < length;) {
        gsize end = MIN(at + step, length);
        while (at < end)
            at += qmp_reader_feed(&reader, text + at, end - at);
    }
    qmp_reader_clear(&reader);
    return g_string_free(seen, FALSE);
}

/* A client may write its commands byte by byte, or ten at once. */
static void
test_messages(void)
{
    const char *text = "{\"execute\":\"stop\"}\r\n {'id':1}[2]";

    for (gsize step = 1; step <= strlen(text); step++) {
        g_autofree char *seen = read_in_steps(text, step);
        g_assert_cmpstr(seen, ==, "{\"execute\": \"stop\"} 18\n{\"id\": 1} 8\n[2] 3\n");
    }
}

/* One feed ends with one message, so that the server can stop reading between two. */
static void
test_one_a_feed(void)
{
    g_autoptr(GString) seen = g_string_new(NULL);
    const char *text = "{}{}";
    QmpReader reader;

    qmp_reader_init(&reader, MAX_COMMAND, note_message, seen);
    g_assert_cmpuint(qmp_reader_feed(&reader, text, 4), ==, 2);
    g_assert_cmpstr(seen->str, ==, "{} 2\n");
    g_assert_cmpuint(qmp_reader_feed(&reader, text + 2, 2), ==, 2);
    g_assert_cmpstr(seen->str, ==, "{} 2\n{} 2\n");
    qmp_reader_clear(&reader);
}

/* The next line after nonsense is read. */
static void
test_nonsense(void)
{
    static const char *const nonsense[] = { "}\n", "nonsense\n", "{\"a\" 1}\n", "\xff\n", "{\"a\":\"\xff\"}\n" };

    for (guint i = 0; i < G_N_ELEMENTS(nonsense); i++) {
        g_autofree char *text = g_strconcat(nonsense[i], "{\"execute\":\"stop\"}", NULL);
        for (gsize step = 1; step <= strlen(text); step++) {
            g_autofree char *seen = read_in_steps(text, step);
            g_assert_true(g_str_has_prefix(seen, "!JSON parse error, "));
            g_assert_true(g_str_has_suffix(seen, "\n{\"execute\": \"stop\"} 18\n"));
        }
    }
}

/* A document with a name that stands in it twice costs its client no more than that document. */
static void
test_value_that_is_none(void)
{
    g_autoptr(GString) seen = g_string_new(NULL);
    const char *text = "{\"a\":1,\"a\":2} {}";
    QmpReader reader;
    gsize used;

    qmp_reader_init(&reader, MAX_COMMAND, note_message, seen);
    used = qmp_reader_feed(&reader, text, strlen(text));
    g_assert_true(g_str_has_prefix(seen->str, "!JSON parse error, "));
    g_string_truncate(seen, 0);
    qmp_reader_feed(&reader, text + used, strlen(text) - used);
    g_assert_cmpstr(seen->str, ==, "{} 2\n");
    qmp_reader_clear(&reader);
}

/* Neither a message without end nor one of very many values fills the agent's memory. */
static void
test_limits(void)
{
    g_autofree char *blanks = g_strnfill(MAX_COMMAND, ' ');
    g_autofree char *too_long = g_strdup_printf("{\"a\":\"%s\n{}", blanks);
    g_autofree char *first = read_in_steps(too_long, 1);
    g_autoptr(GString) many = g_string_new("[0"), seen = g_string_new(NULL);
    QmpReader reader;

    g_assert_cmpstr(first, ==, "!JSON token size limit exceeded 65\n{} 2\n");
    while (many->len < 1024 * 1024)
        g_string_append(many, ",0");
    g_string_append_c(many, ']');
    qmp_reader_init(&reader, many->len, note_message, seen);
    g_assert_cmpuint(qmp_reader_feed(&reader, many->str, many->len), ==, many->len);
    g_assert_true(g_str_has_prefix(seen->str, "!JSON token count limit exceeded "));
    qmp_reader_clear(&reader);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp-reader/messages", test_messages);
    g_test_add_func("/qmp-reader/one-a-feed", test_one_a_feed);
    g_test_add_func("/qmp-reader/nonsense", test_nonsense);
    g_test_add_func("/qmp-reader/value-that-is-none", test_value_that_is_none);
    g_test_add_func("/qmp-reader/limits", test_limits);
    return g_test_run();
}
