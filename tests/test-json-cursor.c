/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading in order: a value that is skipped one byte too far, or too short, moves every value behind it. */
#include <string.h>

#include "json-cursor.h"
#include "json-scan.h"

/* As a cursor needs it, with one byte behind it and no more. */
static char *
dup_scanned(const char *text)
{
    gsize length = strlen(text), used;
    char *copy = g_malloc(length + 1);
    JsonScan scan;

    memcpy(copy, text, length);
    copy[length] = '}';
    json_scan_init(&scan, JSON_DIALECT_QEMU);
    json_scan_feed(&scan, copy, length + 1, &used);
    g_assert_null(scan.error);
    g_assert_cmpuint(used, ==, length);
    return copy;
}

static JsonCursor
skip_in_parts(const char *text, gsize most)
{
    JsonCursor cursor = json_cursor_at(text);
    guint depth = 0;
    gsize left;

    do
        left = most;
    while (!json_cursor_skip_part(&cursor, &depth, &left));
    return cursor;
}

static void
test_types(void)
{
    static const struct {
        const char *text;
        JsonCursorType type;
    } cases[] = {
        { "null", JSON_CURSOR_NULL },
        { "true", JSON_CURSOR_BOOLEAN },
        { "false", JSON_CURSOR_BOOLEAN },
        { "0", JSON_CURSOR_INT },
        { "-0", JSON_CURSOR_INT },
        { "9223372036854775807", JSON_CURSOR_INT },
        { "-9223372036854775808", JSON_CURSOR_INT },
        { "9223372036854775808", JSON_CURSOR_UINT },
        { "18446744073709551615", JSON_CURSOR_UINT },
        { "18446744073709551616", JSON_CURSOR_DOUBLE },
        { "-9223372036854775809", JSON_CURSOR_DOUBLE },
        { "1.0", JSON_CURSOR_DOUBLE },
        { "1e3", JSON_CURSOR_DOUBLE },
        { "\"\"", JSON_CURSOR_STRING },
        { "'it\\'s \"q\"'", JSON_CURSOR_STRING },
        { "\"a\\\\\"", JSON_CURSOR_STRING },
        { "[]", JSON_CURSOR_ARRAY },
        { " [ {\"]\": '}'}, \"\\\"]\" ]", JSON_CURSOR_ARRAY },
        { "{\"a\":[1,[],{}],\"b\":{}}", JSON_CURSOR_OBJECT },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = dup_scanned(cases[i].text);
        JsonCursor cursor = json_cursor_at(text);
        g_assert_cmpint(json_cursor_get_type(&cursor), ==, cases[i].type);
        json_cursor_skip(&cursor);
        g_assert_cmpuint((gsize)(cursor.at - text), ==, strlen(cases[i].text));
        for (gsize most = 1; most < 5; most++)
            g_assert_cmpuint((gsize)(skip_in_parts(text, most).at - text), ==, strlen(cases[i].text));
    }
}

static void
test_order(void)
{
    g_autofree char *text = dup_scanned("{ \"a\" : [ 1 , -2.5, true ] ,\"b\\u0062\":null,\"c\":\"x\"}");
    JsonCursor cursor = json_cursor_at(text);
    JsonCursorText name;

    json_cursor_enter(&cursor);
    g_assert_true(json_cursor_next_member(&cursor, &name) && json_cursor_text_equal(name, "a"));
    json_cursor_enter(&cursor);
    g_assert_true(json_cursor_next_element(&cursor));
    g_assert_cmpint(json_cursor_read_number(&cursor).i64, ==, 1);
    g_assert_true(json_cursor_next_element(&cursor));
    g_assert_true(json_cursor_read_number(&cursor).real == -2.5);
    g_assert_true(json_cursor_next_element(&cursor) && json_cursor_read_boolean(&cursor));
    g_assert_false(json_cursor_next_element(&cursor));
    g_assert_true(json_cursor_next_member(&cursor, &name) && name.length == strlen("b\\u0062"));
    json_cursor_skip(&cursor);
    g_assert_true(json_cursor_next_member(&cursor, &name));
    g_assert_true(json_cursor_text_equal(json_cursor_read_string(&cursor), "x"));
    g_assert_false(json_cursor_next_member(&cursor, &name));
    g_assert_cmpint(*cursor.at, ==, '}');
}

static JsonCursorSearch
search_member(const char *object, const char *name, gsize most)
{
    JsonCursorSearch search;
    gsize left;

    json_cursor_search_begin(&search, json_cursor_at(object));
    do
        left = most;
    while (!json_cursor_search_part(&search, name, &left));
    return search;
}

static void
test_search(void)
{
    g_autofree char *text = dup_scanned("{\"x\":{\"name\":1},\"y\":\"name\",\"z\":[[ 2 ]], \"name\" :7}"), *empty = dup_scanned("{}");

    for (gsize most = 1; most < 30; most++) {
        JsonCursorSearch search = search_member(text, "name", most);
        g_assert_true(search.is_found);
        g_assert_cmpint(json_cursor_read_number(&search.cursor).i64, ==, 7);
        g_assert_false(search_member(text, "nam", most).is_found);
        g_assert_false(search_member(empty, "name", most).is_found);
    }
}

/* Somebody who waits while a large value of another caller's is left behind: no part is larger than was asked for. */
static void
test_skip_part(void)
{
    static const char *const elements[] = { "1", "[]", "{\"a\":\"b\"}", "\"]\"" };

    for (guint i = 0; i < G_N_ELEMENTS(elements); i++) {
        GString *text = g_string_new("[[");
        JsonCursor cursor;
        guint depth = 0;
        gsize left;

        for (guint n = 0; n < 2000; n++)
            g_string_append_printf(text, "%s,", elements[i]);
        g_string_append(text, "0]]");
        cursor = json_cursor_at(text->str);
        for (gboolean is_over = FALSE; !is_over;) {
            const char *at = cursor.at;
            left = 100;
            is_over = json_cursor_skip_part(&cursor, &depth, &left);
            g_assert_cmpint(cursor.at - at, <=, 100 + (gssize)strlen(elements[i]));
            g_assert_true(is_over || cursor.at > at);
        }
        g_assert_true(cursor.at == text->str + text->len);
        g_string_free(text, TRUE);
    }
}

static void
test_strings(void)
{
    static const struct {
        const char *text, *expected;
        gsize length;
    } cases[] = {
        { "\"plain\"", "plain", 5 },
        { "\"\\b\\f\\n\\r\\t\\/\\\\\\\"\"", "\b\f\n\r\t/\\\"", 8 },
        { "\"\\u00e9\\ud83d\\ude00\"", "\xc3\xa9\xf0\x9f\x98\x80", 6 },
        { "\"a\\u0000b\"", "a\0b", 3 },
        { "\"\xc0\x80\"", "\0", 1 },
        { "'\\'\"'", "'\"", 2 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = dup_scanned(cases[i].text);
        JsonCursor cursor = json_cursor_at(text);
        gsize length;
        g_autofree char *string = json_cursor_text_dup(json_cursor_read_string(&cursor), &length);
        g_assert_cmpmem(string, length, cases[i].expected, cases[i].length);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-cursor/types", test_types);
    g_test_add_func("/json-cursor/order", test_order);
    g_test_add_func("/json-cursor/search", test_search);
    g_test_add_func("/json-cursor/skip-part", test_skip_part);
    g_test_add_func("/json-cursor/strings", test_strings);
    return g_test_run();
}
