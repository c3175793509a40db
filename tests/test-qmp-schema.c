/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QEMU's schema, and arguments held against it: what breaks here refuses what QEMU takes, or lets a mistake through
 * to a guest. */
#include <string.h>

#include "qmp-arguments.h"
#include "json-tree.h"
#include "qmp-schema-parse.h"

#define OBJECT(name, members) "{\"name\":\"" name "\",\"meta-type\":\"object\",\"members\":[" members "]}"
#define MEMBER(name, type) "{\"name\":\"" name "\",\"type\":\"" type "\"}"
#define OPTIONAL(name, type) "{\"name\":\"" name "\",\"type\":\"" type "\",\"default\":null}"
#define COMMAND(name, arguments, result)                                                                              \
    "{\"name\":\"" name "\",\"meta-type\":\"command\",\"arg-type\":\"" arguments "\",\"ret-type\":\"" result "\"}"
#define BUILTIN(name, type) "{\"name\":\"" name "\",\"meta-type\":\"builtin\",\"json-type\":\"" type "\"}"

/* What types name comes before them or after, as QEMU has it. */
static const char text[] =
    "[" COMMAND("scalars", "1", "9") "," COMMAND("device_add", "2", "9") "," COMMAND("union", "4", "9") "," COMMAND(
        "alternate", "7",
        "9") "," COMMAND("future", "11",
                         "9") ","
                              "{\"name\":\"yank\",\"meta-type\":\"command\",\"arg-type\":\"9\",\"ret-type\":\"9\","
                              "\"allow-oob\":true,"
                              "\"features\":[\"unstable\",\"deprecated\"]},"
                              "{\"name\":\"STOP\",\"meta-type\":\"event\",\"arg-type\":\"9\"}," OBJECT(
                                  "1",
                                  MEMBER("i", "int") "," OPTIONAL("n", "number") "," OPTIONAL("b", "bool") "," OPTIONAL("s", "str") "," OPTIONAL(
                                      "z",
                                      "null") "," OPTIONAL("a",
                                                           "any") "," OPTIONAL("l",
                                                                               "[int]") "," OPTIONAL("e",
                                                                                                     "3")) "," OBJECT("2",
                                                                                                                      MEMBER("driver", "str") "," OPTIONAL(
                                                                                                                          "id",
                                                                                                                          "str")) ","
                                                                                                                                  "{\"name\":\"3\",\"meta-type\":\"enum\",\"values\":[\"one\",\"two\"],\"members\":[{\"name\":\"one\"}]},"
                                                                                                                                  "{\"name\":\"4\",\"meta-type\":\"object\",\"tag\":\"kind\",\"members\":[" MEMBER("kind", "3") "," OPTIONAL("x", "int") "],\"variants\":[{\"case\":\"one\",\"type\":\"5\"},{\"case\":\"two\",\"type\":\"9\"}]},"
                                                                                                                                                                                                                                                         "{\"name\":\"5\",\"meta-type\":\"object\",\"tag\":\"sub\",\"members\":[" MEMBER("sub", "3") "],\"variants\":[{\"case\":\"one\",\"type\":\"6\"},{\"case\":\"two\",\"type\":\"9\"}]}," OBJECT("6",
                                                                                                                                                                                                                                                                                                                                                                                                                                                     MEMBER("deep",
                                                                                                                                                                                                                                                                                                                                                                                                                                                            "[6]")) "," OBJECT("7",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                               MEMBER(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "v",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "8")) ","
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         "{\"name\":\"8\",\"meta-type\":\"alternate\",\"members\":[{\"type\":\"str\"},{\"type\":\"6\"},{\"type\":\"null\"}]}," OBJECT(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             "9", "") "," OBJECT("11", MEMBER("set", "12")) ","
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            "{\"name\":\"12\",\"meta-type\":\"set-of\",\"element\":{\"a\":1}},"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            "{\"name\":\"[int]\",\"meta-type\":\"array\",\"element-type\":\"int\"},"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            "{\"name\":\"[6]\",\"meta-type\":\"array\",\"element-type\":\"6\"}," BUILTIN("str",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         "string") "," BUILTIN("int", "int") "," BUILTIN("number", "number") "," BUILTIN("bool", "boolean") "," BUILTIN("null", "null") "," BUILTIN("any",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    "value") "]";

static QmpSchema *
parse(const char *schema_text)
{
    g_autoptr(GError) error = NULL;
    QmpSchema *schema = qmp_schema_parse(schema_text, strlen(schema_text), &error);
    g_assert_no_error(error);
    return schema;
}

static const QmpSchemaCommand *
find(const QmpSchema *schema, const char *name)
{
    for (guint i = 0; i < schema->commands->len; i++) {
        const QmpSchemaCommand *command = g_ptr_array_index(schema->commands, i);
        if (g_str_equal(command->name, name))
            return command;
    }
    g_assert_not_reached();
}

static void
test_parse(void)
{
    g_autoptr(QmpSchema) schema = parse(text);
    g_assert_cmpuint(schema->commands->len, ==, 6);
    g_assert_cmpuint(schema->events->len, ==, 1);
    const QmpSchemaCommand *yank = find(schema, "yank"), *scalars = find(schema, "scalars");
    g_assert_true(yank->oob && yank->unstable && yank->deprecated && !yank->open);
    g_assert_true(!scalars->oob && !scalars->unstable && !scalars->deprecated);
    g_assert_true(find(schema, "device_add")->open);
    g_assert_cmpuint(yank->result->n_members, ==, 0);
    const QmpSchemaEvent *stop = g_ptr_array_index(schema->events, 0);
    g_assert_cmpstr(stop->name, ==, "STOP");
    g_assert_true(stop->data == yank->arguments);
    g_assert_cmpint(scalars->arguments->members[6].type->element->kind, ==, QMP_TYPE_INT);
}

typedef struct Case {
    const char *command, *arguments, *error; /* NULL: right */
} Case;

/* The message is the whole promise: place, what is expected, what came. */
static const Case cases[] = {
    { "scalars", "{\"i\":-1}", NULL },
    { "scalars",
      "{\"i\":18446744073709551615,\"n\":1,\"b\":true,\"s\":\"\",\"z\":null,\"a\":[{}],\"l\":[],"
      "\"e\":\"two\"}",
      NULL },
    { "scalars", "{\"i\":1,\"n\":0.5,\"l\":[1,2]}", NULL },
    { "scalars", "{}", "i: is missing" },
    { "scalars", "{\"i\":1.0}", "i: an integer is expected, a number with a fraction was given" },
    { "scalars", "{\"i\":\"1\"}", "i: an integer is expected, a string was given" },
    { "scalars", "{\"i\":1,\"n\":\"x\"}", "n: a number is expected, a string was given" },
    { "scalars", "{\"i\":1,\"b\":1}", "b: a boolean is expected, an integer was given" },
    { "scalars", "{\"i\":1,\"s\":true}", "s: a string is expected, a boolean was given" },
    { "scalars", "{\"i\":1,\"z\":{}}", "z: null is expected, an object was given" },
    { "scalars", "{\"i\":1,\"l\":{}}", "l: an array is expected, an object was given" },
    { "scalars", "{\"i\":1,\"l\":[1,null]}", "l[1]: an integer is expected, null was given" },
    { "scalars", "{\"i\":1,\"e\":\"three\"}", "e: \"three\" is none of: one, two" },
    { "scalars", "{\"i\":1,\"e\":5}", "e: a string is expected, an integer was given" },
    { "scalars", "{\"j\":1}", "j: no such member; there are: i, n, b, s, z, a, l, e" },
    { "yank", "{\"j\":1}", "j: no such member" },
    { "device_add", "{\"driver\":\"x\",\"whatever\":[1]}", NULL },
    { "device_add", "{\"whatever\":[1]}", "driver: is missing" },
    { "device_add", "{\"driver\":1}", "driver: a string is expected, an integer was given" },
    { "union", "{\"kind\":\"two\",\"x\":1}", NULL },
    { "union", "{\"kind\":\"two\",\"sub\":\"one\"}", "sub: no such member; there are: kind, x" },
    { "union", "{\"kind\":\"one\",\"sub\":\"two\"}", NULL },
    { "union", "{\"kind\":\"one\"}", "sub: is missing" },
    { "union", "{\"x\":1}", "kind: is missing" },
    { "union", "{\"sub\":1,\"kind\":\"three\"}", "kind: \"three\" is none of: one, two" },
    { "union", "{\"kind\":1}", "kind: a string is expected, an integer was given" },
    { "union", "{\"kind\":\"one\",\"sub\":\"one\"}", "deep: is missing" },
    { "union", "{\"kind\":\"one\",\"sub\":\"one\",\"deep\":[{\"deep\":[]},{\"deep\":[{}]}]}",
      "deep[1].deep[0].deep: is missing" },
    { "union", "{\"kind\":\"one\",\"sub\":\"one\",\"deep\":[],\"y\":1}",
      "y: no such member; there are: kind, x, sub, deep" },
    { "alternate", "{\"v\":\"x\"}", NULL },
    { "alternate", "{\"v\":null}", NULL },
    { "alternate", "{\"v\":{\"deep\":[]}}", NULL },
    { "alternate", "{\"v\":{}}", "v.deep: is missing" },
    { "alternate", "{\"v\":1}", "v: a string or an object or null is expected, an integer was given" },
    { "future", "{\"set\":[1,2]}", NULL },
};

static void
test_arguments(void)
{
    g_autoptr(QmpSchema) schema = parse(text);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(JsonNode) node = json_tree_parse(cases[i].arguments, strlen(cases[i].arguments), NULL);
        g_autoptr(GError) error = NULL;
        gboolean right = qmp_arguments_check(find(schema, cases[i].command), json_node_get_object(node), &error);
        g_test_message("%s %s", cases[i].command, cases[i].arguments);
        g_assert_cmpstr(error ? error->message : NULL, ==, cases[i].error);
        g_assert_true(right == !error);
        if (error)
            g_assert_error(error, QMP_SCHEMA_ERROR, QMP_SCHEMA_ERROR_ARGUMENT);
    }
}

/* A QEMU that lies costs us its schema, and nothing else. */
static void
test_lies(void)
{
    static const char *const lies[] = {
        "",
        "{}",
        "[",
        "[1]",
        "[{}]",
        "[{\"name\":\"a\"}]",
        "[{\"name\":\"a\\u0000b\",\"meta-type\":\"x\"}]",
        "[{\"name\":\"a\",\"meta-type\":\"x\"}",
        "[{\"name\":\"a\",\"meta-type\":\"x\"}}",
        "[{\"name\":\"a\",\"meta-type\":\"x\"} {\"name\":\"b\",\"meta-type\":\"x\"}]",
        "[{\"name\":\"a\",\"meta-type\":\"enum\"}]",
        "[{\"name\":\"a\",\"meta-type\":\"enum\",\"values\":[1]}]",
        "[{\"name\":\"a\",\"meta-type\":\"array\"}]",
        "[{\"name\":\"a\",\"meta-type\":\"array\",\"element-type\":\"b\"}]",
        /* an array of itself, and one that only seems to end */
        "[{\"name\":\"a\",\"meta-type\":\"array\",\"element-type\":\"a\"}]",
        "[{\"name\":\"a\",\"meta-type\":\"array\",\"element-type\":\"b\"},"
        "{\"name\":\"b\",\"meta-type\":\"array\",\"element-type\":\"a\"}]",
        "[{\"name\":\"a\",\"meta-type\":\"object\"}]",
        "[{\"name\":\"a\",\"meta-type\":\"object\",\"members\":[1]}]",
        "[{\"name\":\"a\",\"meta-type\":\"object\",\"members\":[{\"type\":\"a\"}]}]",
        "[{\"name\":\"a\",\"meta-type\":\"object\",\"members\":[{\"name\":\"a\"}]}]",
        "[{\"name\":\"a\",\"meta-type\":\"object\",\"members\":[],\"tag\":\"x\"}]",
        "[{\"name\":\"a\",\"meta-type\":\"object\",\"members\":[],\"tag\":1,\"variants\":[]}]",
        "[{\"name\":\"a\",\"meta-type\":\"alternate\"}]",
        "[{\"name\":\"a\",\"meta-type\":\"command\"}]",
        "[{\"name\":\"a\",\"meta-type\":\"command\",\"arg-type\":\"i\",\"ret-type\":\"i\"}," BUILTIN("i", "int") "]",
        "[{\"name\":\"a\",\"meta-type\":\"event\"}]",
        "[{\"name\":\"a\",\"meta-type\":\"event\",\"arg-type\":\"i\"}," BUILTIN("i", "int") "]",
        "[" COMMAND("a<b", "o", "o") "," OBJECT("o", "") "]",
        "[" COMMAND("", "o", "o") "," OBJECT("o", "") "]",
        "[" COMMAND("a", "o", "o") "," COMMAND("a", "o", "o") "," OBJECT("o", "") "]",
        "[" OBJECT("o", MEMBER("a<b", "i")) "," BUILTIN("i", "int") "]",
    };
    for (guint i = 0; i < G_N_ELEMENTS(lies); i++) {
        g_autoptr(GError) error = NULL;
        g_test_message("%s", lies[i]);
        g_assert_null(qmp_schema_parse(lies[i], strlen(lies[i]), &error));
        g_assert_nonnull(error);
    }
}

/* A union that is its own variant, a tag that is no member: nothing is walked through for ever. */
static void
test_circles(void)
{
    static const char circle[] = "[" COMMAND(
        "c", "u", "u") ","
                       "{\"name\":\"u\",\"meta-type\":\"object\",\"members\":[],\"tag\":\"t\","
                       "\"variants\":[{\"case\":\"x\",\"type\":\"u\"},{\"case\":\"y\",\"type\":\"i\"}]}," BUILTIN(
                           "i", "int") "]";
    static const char *const arguments[] = { "{\"t\":\"x\"}", "{\"t\":\"y\"}", "{\"t\":1}", "{}",
                                             "{\"t\":\"x\",\"a\":1}" };
    g_autoptr(QmpSchema) schema = parse(circle);
    for (guint i = 0; i < G_N_ELEMENTS(arguments); i++) {
        g_autoptr(JsonNode) node = json_tree_parse(arguments[i], strlen(arguments[i]), NULL);
        g_assert_false(qmp_arguments_check(find(schema, "c"), json_node_get_object(node), NULL));
    }
}

static void
test_too_many_commands(void)
{
    g_autoptr(GString) many = g_string_new("[" OBJECT("o", ""));
    g_autoptr(GError) error = NULL;
    for (guint i = 0; i < 5000; i++)
        g_string_append_printf(many, "," COMMAND("c%u", "o", "o"), i);
    g_string_append_c(many, ']');
    g_assert_null(qmp_schema_parse(many->str, many->len, &error));
    g_assert_error(error, QMP_SCHEMA_ERROR, QMP_SCHEMA_ERROR_MALFORMED);
    g_assert_nonnull(strstr(error->message, "2048"));
}

/* Parses @begin, @n times @part, in which `#` is a number, and @end. */
static QmpSchema *
parse_many(const char *begin, const char *part, guint n, const char *end, GError **error)
{
    g_autoptr(GString) many = g_string_new(begin);
    g_auto(GStrv) halves = g_strsplit(part, "#", 2);

    for (guint i = 0; i < n; i++)
        g_string_append_printf(many, "%s%06u%s", halves[0], i, halves[1]);
    g_string_append(many, end);
    return qmp_schema_parse(many->str, many->len, error);
}

/* A schema is taken with @n such parts, and refused with @too_many. */
static void
assert_most(const char *begin, const char *part, guint n, guint too_many, const char *end, const char *says)
{
    g_autoptr(QmpSchema) schema = parse_many(begin, part, n, end, NULL);
    g_autoptr(GError) error = NULL;

    g_assert_nonnull(schema);
    g_assert_null(parse_many(begin, part, too_many, end, &error));
    g_assert_error(error, QMP_SCHEMA_ERROR, QMP_SCHEMA_ERROR_MALFORMED);
    g_assert_nonnull(strstr(error->message, says));
}

/* A QEMU whose schema is dear to read, to keep or to tell of: all other VMs' callers would wait for it. */
static void
test_too_much(void)
{
    g_autofree char *name = g_strnfill(255, 'n');
    g_autofree char *command = g_strdup_printf(",{\"name\":\"%.240s#\",\"meta-type\":\"command\","
                                               "\"arg-type\":\"o\",\"ret-type\":\"o\"}",
                                               name);
    g_autofree char *object = g_strdup_printf("[" BUILTIN("i", "int") "," OBJECT("o", MEMBER("%s", "i")), name);
    g_autofree char *long_name = g_strdup_printf("[" BUILTIN("i", "int") "," OBJECT("o", MEMBER("%sn", "i")) "]", name);

    assert_most("[{\"name\":\"e\",\"meta-type\":\"enum\",\"values\":[\"\"", ",\"#xx\"", 5900, 6000, "]}]",
                "larger than any");
    assert_most("[" BUILTIN("i", "int") ",{\"name\":\"a\",\"meta-type\":\"alternate\",\"members\":[{\"type\":\"i\"}",
                ",{\"type\":\"i\",\"x\":\"#\"}", 7, 8, "]}]", "9 branches");
    assert_most(object, command, 684, 685, "]", "require too much");
    g_assert_null(qmp_schema_parse(long_name, strlen(long_name), NULL));
}

/* A wrong word where hundreds are right: the error lists some, and says that there are more. */
static void
test_many_words(void)
{
    g_autoptr(GString) list = g_string_new("[" OBJECT("o", MEMBER("e", "e")) "," COMMAND("c", "o", "o"));
    g_autoptr(GError) error = NULL;

    g_string_append(list, ",{\"name\":\"e\",\"meta-type\":\"enum\",\"values\":[\"w\"");
    for (guint i = 0; i < 1000; i++)
        g_string_append_printf(list, ",\"word%u\"", i);
    g_string_append(list, "]}]");
    g_autoptr(QmpSchema) schema = parse(list->str);
    g_autoptr(JsonNode) node = json_tree_parse("{\"e\":\"other\"}", 13, NULL);
    g_assert_false(qmp_arguments_check(find(schema, "c"), json_node_get_object(node), &error));
    g_assert_true(g_str_has_prefix(error->message, "e: \"other\" is none of: w, word0, word1, "));
    g_assert_true(g_str_has_suffix(error->message, ", …"));
    g_assert_cmpuint(strlen(error->message), <, 500);
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp-schema/parse", test_parse);
    g_test_add_func("/qmp-schema/arguments", test_arguments);
    g_test_add_func("/qmp-schema/many-words", test_many_words);
    g_test_add_func("/qmp-schema/lies", test_lies);
    g_test_add_func("/qmp-schema/circles", test_circles);
    g_test_add_func("/qmp-schema/too-many-commands", test_too_many_commands);
    g_test_add_func("/qmp-schema/too-much", test_too_much);
    return g_test_run();
}
