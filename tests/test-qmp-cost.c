/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is cheap to send and dear to read: all other callers would wait for it. */
#include <string.h>

#include "qmp-cost.h"
#include "qmp-error.h"
#include "qmp-json.h"
#include "qmp-reader.h"

/* @n times @part, between @before and @after. */
static char *
repeat(const char *before, const char *part, guint n, const char *after)
{
    GString *text = g_string_new(before);

    for (guint i = 0; i < n; i++)
        g_string_append(text, part);
    g_string_append(text, after);
    return g_string_free(text, FALSE);
}

/* Members whose names all have one value in json-glib's table: "Ez" and "FY" have the same. */
static char *
collide(guint n)
{
    GString *text = g_string_new("{");

    for (guint i = 0; i < n; i++) {
        g_string_append(text, i > 0 ? ",\"" : "\"");
        for (guint bit = 0; bit < 14; bit++)
            g_string_append(text, i >> bit & 1 ? "Ez" : "FY");
        g_string_append(text, "\":1");
    }
    g_string_append_c(text, '}');
    return g_string_free(text, FALSE);
}

static void
assert_limit(char *text, const char *excess)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(qmp_json_parse_arguments(text, strlen(text), &error));
    g_assert_error(error, QMP_ERROR, QMP_ERROR_LIMIT);
    g_assert_nonnull(strstr(error->message, excess));
    g_free(text);
}

static void
assert_taken(char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) node = qmp_json_parse_arguments(text, strlen(text), &error);

    g_assert_no_error(error);
    g_assert_nonnull(node);
    g_free(text);
}

static void
test_arguments(void)
{
    assert_taken(repeat("[0", ",0", 4998, "]"));
    assert_limit(repeat("[0", ",0", 4999, "]"), "more than 5000 values");
    assert_limit(repeat("[[]", ",[]", 60000, "]"), "more than 5000 values");
    assert_limit(repeat("[{}", ",{}", 60000, "]"), "more than 5000 values");
    assert_limit(repeat("[\"\"", ",\"\"", 60000, "]"), "more than 5000 values");
    assert_taken(collide(500));
    assert_limit(collide(600), "too many members");
    /* Not even looked at: it is no JSON. */
    assert_limit(repeat("", "x", 256 * 1024 + 1, ""), "262145 bytes");
}

/* QEMU has to be a good deal worse than any to be refused. */
static void
test_replies(void)
{
    g_autofree char *plain = repeat("[0", ",0", 100000, "]"), *colliding = collide(2000);
    g_autoptr(JsonNode) node = qmp_json_parse(plain, strlen(plain), NULL);
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(node);
    g_assert_null(qmp_json_parse(colliding, strlen(colliding), &error));
    g_assert_error(error, QMP_ERROR, QMP_ERROR_LIMIT);
}

static void
on_value(JsonNode *value, const char *complaint, gsize size, gpointer user_data)
{
    GString *heard = user_data;

    g_string_append(heard, value ? "value" : complaint);
    g_clear_pointer(&value, json_node_unref);
}

/* @text: owned. */
static void
assert_heard(char *text, const char *expected)
{
    g_autoptr(GString) heard = g_string_new(NULL);
    QmpReader *reader = qmp_reader_new(QMP_DIALECT_NEW, QMP_COST_BYTES, on_value, heard);

    for (const char *c = text; *c; c++)
        qmp_reader_feed(reader, *c);
    qmp_reader_free(reader);
    g_free(text);
    g_assert_cmpstr(heard->str, ==, expected);
}

/* Of a native session; what comes behind is read as before. */
static void
test_native(void)
{
    assert_heard(repeat("[0", ",0", 4998, "]"), "value");
    assert_heard(repeat("[0", ",0", 4999, "]{}"), "JSON token count limit exceededvalue");
    assert_heard(collide(600), "JSON token count limit exceeded");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp-cost/arguments", test_arguments);
    g_test_add_func("/qmp-cost/replies", test_replies);
    g_test_add_func("/qmp-cost/native", test_native);
    return g_test_run();
}
