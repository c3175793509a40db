/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is cheap to send and dear to read: all other callers would wait for it. */
#include <string.h>

#include "json-cost.h"
#include "json-tree.h"

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

    g_assert_null(json_tree_parse_arguments(text, strlen(text), &error));
    g_assert_error(error, JSON_TREE_ERROR, JSON_TREE_ERROR_LIMIT);
    g_assert_nonnull(strstr(error->message, excess));
    g_free(text);
}

static void
assert_taken(char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) node = json_tree_parse_arguments(text, strlen(text), &error);

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
    g_autoptr(JsonNode) node = json_tree_parse(plain, strlen(plain), NULL);
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(node);
    g_assert_null(json_tree_parse(colliding, strlen(colliding), &error));
    g_assert_error(error, JSON_TREE_ERROR, JSON_TREE_ERROR_LIMIT);
}

/* Of a native session. */
static void
test_command(void)
{
    g_autofree char *right = repeat("[0", ",0", 4998, "]"), *many = repeat("[0", ",0", 4999, "]"), *wide = collide(600);
    g_autoptr(JsonNode) node = json_tree_build_command(right, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(node);
    g_assert_null(json_tree_build_command(many, &error));
    g_assert_error(error, JSON_TREE_ERROR, JSON_TREE_ERROR_LIMIT);
    g_assert_null(json_tree_build_command(wide, NULL));
}

static JsonNode *
parse_answer(char *text)
{
    JsonNode *node = json_tree_parse_answer(text, strlen(text));

    g_free(text);
    return node;
}

/* Of a QEMU to a question of the agent's own: everybody waits while it is read. */
static void
test_answers(void)
{
    g_autoptr(JsonNode) node = parse_answer(repeat("[0", ",0", 16382, "]"));
    g_autoptr(JsonNode) wide = parse_answer(repeat("[", " ", 1024 * 1024 - 2, "]"));

    g_assert_nonnull(node);
    g_assert_nonnull(wide);
    g_assert_null(parse_answer(repeat("[0", ",0", 16383, "]")));
    g_assert_null(parse_answer(repeat("[", " ", 1024 * 1024 - 1, "]")));
    g_assert_null(parse_answer(collide(600)));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-cost/arguments", test_arguments);
    g_test_add_func("/json-cost/replies", test_replies);
    g_test_add_func("/json-cost/command", test_command);
    g_test_add_func("/json-cost/answers", test_answers);
    return g_test_run();
}
