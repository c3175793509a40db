/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values without loss: what a caller passes must reach QEMU bit by bit, and what QEMU answers the caller. */
#include <math.h>
#include <string.h>

#include "json-cursor.h"
#include "json-print.h"
#include "json-tree.h"

static char *
to_text(JsonNode *node)
{
    GString *text = g_string_new(NULL);
    json_print_node(text, node, JSON_PRINT_COMPACT);
    return g_string_free(text, FALSE);
}

/* From memory of its own without a zero at the end, so that a sanitizer sees a byte too many. */
static JsonNode *
parse(const char *text, gsize length, GError **error)
{
    g_autofree char *copy = g_memdup2(text, length);
    return json_tree_parse(copy, length, error);
}

static JsonNode *
parse_ok(const char *text)
{
    g_autoptr(GError) error = NULL;
    JsonNode *node = parse(text, strlen(text), &error);
    g_assert_no_error(error);
    g_assert_nonnull(node);
    return node;
}

static void
assert_written(const char *text, const char *expected)
{
    g_autoptr(JsonNode) node = parse_ok(text);
    g_autofree char *written = to_text(node);
    g_assert_cmpstr(written, ==, expected);
}

static void
test_compact(void)
{
    assert_written(" { \"b\" : [ 1 , 2.0 , true , null ] , \"a\" : { } } ", "{\"b\":[1,2.0,true,null],\"a\":{}}");
    assert_written("[]", "[]");
    assert_written("\"\\u00e9\\/\\u20ac\\ud83d\\ude00\"", "\"\xc3\xa9/\xe2\x82\xac\xf0\x9f\x98\x80\"");
    assert_written("\"\\u0001\\b\\t\\n\\f\\r\\u001f\\u007f\\\"\\\\\"",
                   "\"\\u0001\\b\\t\\n\\f\\r\\u001F\x7f\\\"\\\\\"");
    assert_written("1e20", "1e20");
    assert_written("0.00001", "1e-5");
    assert_written("0.1", "0.1");
}

static void
test_types(void)
{
    static const struct {
        const char *text;
        JsonTreeType type;
    } cases[] = {
        { "null", JSON_TREE_NULL },
        { "true", JSON_TREE_BOOLEAN },
        { "9223372036854775807", JSON_TREE_INT },
        { "-9223372036854775808", JSON_TREE_INT },
        { "9223372036854775808", JSON_TREE_UINT },
        { "18446744073709551615", JSON_TREE_UINT },
        { "1.0", JSON_TREE_DOUBLE },
        { "1e3", JSON_TREE_DOUBLE },
        { "-0.0", JSON_TREE_DOUBLE },
        { "\"\"", JSON_TREE_STRING },
        { "\"\\u0000\"", JSON_TREE_STRING_WITH_NUL },
        { "\"a\\u0000b\"", JSON_TREE_STRING_WITH_NUL },
        { "\"\\ufdd0\\u0000\"", JSON_TREE_STRING_WITH_NUL },
        { "\"\\ufdd0\"", JSON_TREE_STRING },
        { "\"\\ufdd07\"", JSON_TREE_STRING },
        { "\"\\ufdd0\\\"\"", JSON_TREE_STRING },
        { "[]", JSON_TREE_ARRAY },
        { "{}", JSON_TREE_OBJECT },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(JsonNode) node = parse_ok(cases[i].text);
        g_assert_cmpint(json_tree_get_type(node), ==, cases[i].type);
        g_autofree char *written = to_text(node);
        g_autoptr(JsonNode) again = parse_ok(written);
        g_assert_cmpint(json_tree_get_type(again), ==, cases[i].type);
    }
}

/* A caller who means one thing and QEMU that reads another: such text must not pass. */
static void
test_refused(void)
{
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        { "", "ends too early, at byte 0" },
        { "  ", "ends too early" },
        { "{", "ends too early, at byte 1" },
        { "{\"a\":1", "ends too early" },
        { "-", "ends too early" },
        { "{} {}", "more than one value, at byte 3" },
        { "1 2", "more than one value, at byte 2" },
        { "01", "more than one value, at byte 1" },
        { "{}x", "more than one value, at byte 2" },
        { " {\"a\":1,\"a\":2}", "\"a\" is there twice, at byte 9" },
        { "{\"a\":1,\"\\u0061\":2}", "\"a\" is there twice" },
        { "[{\"x\":{\"a\":1,\"b\":[{}],\"a\":{}}}]", "\"a\" is there twice" },
        { "{\"a\\u0000\":1}", "U+0000 in the name of a member at byte 2" },
        { "  [1,'x']", "a value was expected at byte 5" },
        { "[18446744073709551616]", "an integer outside" },
        { "[1e309]", "too large for a double" },
        { "\xef\xbb\xbf{}", "a value was expected at byte 0" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(parse(cases[i].text, strlen(cases[i].text), &error));
        g_assert_error(error, JSON_TREE_ERROR, JSON_TREE_ERROR_INVALID);
        if (!strstr(error->message, cases[i].says))
            g_error("%s: %s", cases[i].text, error->message);
    }
    g_autoptr(GError) error = NULL;
    g_assert_null(parse("{}\0", 3, &error));
    g_assert_error(error, JSON_TREE_ERROR, JSON_TREE_ERROR_INVALID);
}

/* Errors go out on D-Bus, which cuts off whoever sends what is not UTF-8. */
static void
test_long_name(void)
{
    for (guint length = 90; length < 110; length++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *filling = g_strnfill(length, 'x');
        g_autofree char *text = g_strdup_printf("{\"%s\xe2\x82\xac\":1,\"%s\xe2\x82\xac\":2}", filling, filling);
        g_assert_null(parse(text, strlen(text), &error));
        g_assert_error(error, JSON_TREE_ERROR, JSON_TREE_ERROR_INVALID);
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
    }
}

static guint64
random_bits(void)
{
    return (guint64)(guint32)g_test_rand_int() << 32 | (guint32)g_test_rand_int();
}

/* Numbers of every size, with the edges more often than chance would. */
static guint64
random_uint(void)
{
    guint64 value = random_bits() >> g_test_rand_int_range(0, 64);
    switch (g_test_rand_int_range(0, 4)) {
    case 0:
        return ~value;
    case 1:
        return (G_GUINT64_CONSTANT(1) << 63) + (guint64)g_test_rand_int_range(-3, 3);
    default:
        return value;
    }
}

static void
test_integers(void)
{
    for (guint round = 0; round < 20000; round++) {
        guint64 value = random_uint();
        g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);
        g_autoptr(JsonNode) node = parse_ok(text);
        g_assert_cmpuint(json_tree_get_uint(node), ==, value);
        g_assert_cmpfloat(json_tree_get_double(node), ==, (gdouble)value);
        g_autofree char *written = to_text(node);
        g_assert_cmpstr(written, ==, text);
        g_autoptr(JsonNode) built = json_tree_new_uint(value);
        g_autofree char *written_built = to_text(built);
        g_assert_cmpstr(written_built, ==, text);

        g_autofree char *negative = g_strdup_printf("%" G_GINT64_FORMAT, (gint64)value);
        g_autoptr(JsonNode) signed_node = parse_ok(negative);
        g_assert_cmpint(json_tree_get_int(signed_node), ==, (gint64)value);
        g_autofree char *signed_written = to_text(signed_node);
        g_assert_cmpstr(signed_written, ==, negative);
    }
}

static void
assert_double(gdouble value)
{
    g_autoptr(JsonNode) node = json_node_init_double(json_node_alloc(), value);
    g_autofree char *text = to_text(node);
    g_autoptr(JsonNode) again = parse_ok(text);
    g_assert_cmpint(json_tree_get_type(again), ==, JSON_TREE_DOUBLE);
    gdouble read = json_tree_get_double(again);
    g_assert_cmpmem(&read, sizeof(read), &value, sizeof(value));
}

static void
test_doubles(void)
{
    static const gdouble edges[] = { 0.0,
                                     -0.0,
                                     1.0,
                                     0.1,
                                     1e15,
                                     1e16,
                                     1e17,
                                     123456789012345680.0,
                                     G_MAXDOUBLE,
                                     -G_MAXDOUBLE,
                                     G_MINDOUBLE,
                                     4.9406564584124654e-324,
                                     2.2250738585072011e-308 };
    for (guint i = 0; i < G_N_ELEMENTS(edges); i++)
        assert_double(edges[i]);
    for (guint round = 0; round < 50000; round++) {
        guint64 bits = random_bits();
        gdouble value;
        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value))
            assert_double(value);
    }
}

static char *
random_string(void)
{
    static const gunichar special[] = { 0xfdd0, 0xfdd0, '"',    '\\',   '/',    '\n',   1,       0x1f,     0x7f,
                                        0x80,   0xd7ff, 0xe000, 0xfeff, 0xfffe, 0xffff, 0x10000, 0x10ffff, '7' };
    GString *string = g_string_new(NULL);
    for (int n = g_test_rand_int_range(0, 12); n > 0; n--) {
        gunichar c = (gunichar)g_test_rand_int_range(1, 0x110000);
        if (g_test_rand_bit() || (c >= 0xd800 && c < 0xe000))
            c = special[g_test_rand_int_range(0, G_N_ELEMENTS(special))];
        g_string_append_unichar(string, c);
    }
    return g_string_free(string, FALSE);
}

/* The same string with everything that can be escaped escaped. */
static char *
escape_all(const char *string)
{
    GString *text = g_string_new("\"");
    for (const char *at = string; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (c >= 0x10000)
            g_string_append_printf(text, "\\u%04x\\u%04X", 0xd800 + ((c - 0x10000) >> 10),
                                   0xdc00 + ((c - 0x10000) & 0x3ff));
        else
            g_string_append_printf(text, "\\u%04x", c);
    }
    return g_string_free(g_string_append_c(text, '"'), FALSE);
}

static void
test_strings(void)
{
    for (guint round = 0; round < 20000; round++) {
        g_autofree char *string = random_string();
        g_autoptr(JsonNode) built = json_tree_new_string(string);
        g_assert_cmpint(json_tree_get_type(built), ==, JSON_TREE_STRING);
        g_assert_cmpstr(json_tree_get_string(built), ==, string);
        g_autofree char *text = to_text(built);
        g_autoptr(JsonNode) read = parse_ok(text);
        g_assert_cmpstr(json_tree_get_string(read), ==, string);
        g_autofree char *escaped = escape_all(string);
        g_autoptr(JsonNode) read_escaped = parse_ok(escaped);
        g_assert_cmpstr(json_tree_get_string(read_escaped), ==, string);
        g_autofree char *text_again = to_text(read_escaped);
        g_assert_cmpstr(text_again, ==, text);
    }
}

/* U+0000 cannot be read as a C string, but must not be cut on its way through. */
static void
test_nul(void)
{
    assert_written("{\"a\":[\"x\\u0000y\",\"\\u0000\"]}", "{\"a\":[\"x\\u0000y\",\"\\u0000\"]}");
    g_autofree char *string = NULL;
    gsize length;
    string = json_cursor_text_dup((JsonCursorText){ "a\\u0000\\n", strlen("a\\u0000\\n") }, &length);
    g_assert_cmpmem(string, length, "a\0\n", 3);
}

/* Names keep what they are: nobody decodes them. */
static void
test_names(void)
{
    g_autoptr(JsonNode) node = parse_ok("{\"\\ufdd0\":1,\"\":2,\"\\n\\\"\":3}");
    JsonObject *object = json_node_get_object(node);
    g_assert_cmpint(json_object_get_int_member(object, "\xef\xb7\x90"), ==, 1);
    g_assert_cmpint(json_object_get_int_member(object, ""), ==, 2);
    g_assert_cmpint(json_object_get_int_member(object, "\n\""), ==, 3);
    g_autofree char *written = to_text(node);
    g_assert_cmpstr(written, ==, "{\"\xef\xb7\x90\":1,\"\":2,\"\\n\\\"\":3}");
}

static void
append_random(GString *text, guint depth)
{
    g_autofree char *string = random_string();
    switch (g_test_rand_int_range(0, depth > 0 ? 8 : 6)) {
    case 0:
        g_string_append(text, "null");
        break;
    case 1:
        g_string_append(text, g_test_rand_bit() ? "true" : "false");
        break;
    case 2:
        g_string_append_printf(text, "%" G_GUINT64_FORMAT, random_uint());
        break;
    case 3:
        g_string_append_printf(text, "%" G_GINT64_FORMAT, (gint64)random_uint());
        break;
    case 4:
        g_string_append(text, "\"a\\u0000b\"");
        break;
    case 5:
        json_print_string(text, string, strlen(string), JSON_PRINT_COMPACT);
        break;
    case 6:
        g_string_append_c(text, '[');
        for (int n = g_test_rand_int_range(0, 5), i = 0; i < n; i++) {
            g_string_append(text, i > 0 ? "," : "");
            append_random(text, depth - 1);
        }
        g_string_append_c(text, ']');
        break;
    default:
        g_string_append_c(text, '{');
        for (int n = g_test_rand_int_range(0, 5), i = 0; i < n; i++) {
            g_string_append_printf(text, "%s\"%d\":", i > 0 ? "," : "", i);
            append_random(text, depth - 1);
        }
        g_string_append_c(text, '}');
        break;
    }
}

/* Compact text of any shape comes out as it went in. */
static void
test_trees(void)
{
    for (guint round = 0; round < 5000; round++) {
        g_autoptr(GString) text = g_string_new(NULL);
        append_random(text, 6);
        assert_written(text->str, text->str);
    }
}

/* The deepest document that is let in must not overflow the stack. */
static void
test_deep(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < 500; i++)
        g_string_append(text, "{\"a\":[");
    for (guint i = 0; i < 500; i++)
        g_string_append(text, "]}");
    assert_written(text->str, text->str);
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-tree/compact", test_compact);
    g_test_add_func("/json-tree/types", test_types);
    g_test_add_func("/json-tree/refused", test_refused);
    g_test_add_func("/json-tree/long-name", test_long_name);
    g_test_add_func("/json-tree/integers", test_integers);
    g_test_add_func("/json-tree/doubles", test_doubles);
    g_test_add_func("/json-tree/strings", test_strings);
    g_test_add_func("/json-tree/nul", test_nul);
    g_test_add_func("/json-tree/names", test_names);
    g_test_add_func("/json-tree/trees", test_trees);
    g_test_add_func("/json-tree/deep", test_deep);
    return g_test_run();
}
