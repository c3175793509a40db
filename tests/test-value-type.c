/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which D-Bus type a value becomes: one that is chosen wrongly rounds a number, or ends the agent's connection to the bus. */
#include "value-type.h"

#include "value.h"

static const QmpType any = { .kind = QMP_TYPE_ANY }, null = { .kind = QMP_TYPE_NULL },
                     boolean = { .kind = QMP_TYPE_BOOLEAN }, integer = { .kind = QMP_TYPE_INT },
                     number = { .kind = QMP_TYPE_NUMBER }, string = { .kind = QMP_TYPE_STRING },
                     word = { .kind = QMP_TYPE_ENUM }, object = { .kind = QMP_TYPE_OBJECT };
static const QmpType integers = { .kind = QMP_TYPE_ARRAY, .element = &integer };
static const QmpType lists = { .kind = QMP_TYPE_ARRAY, .element = &integers };
static const QmpMember branches[] = { { .type = &string }, { .type = &integers } };
static const QmpType alternate = { .kind = QMP_TYPE_ALTERNATE, .members = branches, .n_members = 2 };

/* Somebody who reads the introspection: the type of every schema's type is fixed. */
static void
test_schema(void)
{
    static const struct {
        const QmpType *type;
        const char *signature;
    } cases[] = {
        { &any, "v" },        { &alternate, "v" }, { &null, "g" },    { &boolean, "b" },
        { &integer, "x" },    { &number, "d" },    { &string, "s" },  { &word, "s" },
        { &object, "a{sv}" }, { &integers, "ax" }, { &lists, "aax" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) signature = g_string_new(NULL);
        value_append_signature(signature, cases[i].type);
        g_assert_cmpstr(signature->str, ==, cases[i].signature);
    }
}

/* Somebody who reads a variant: QEMU's type where the value is one of it, and the value's own where it is not. */
static void
test_choose(void)
{
    static const struct {
        const QmpType *type;
        const char *text;
        const QmpType *chosen;
    } cases[] = {
        { NULL, "1", NULL },
        { &any, "1", NULL },
        { &integer, "1", &integer },
        { &integer, "18446744073709551615", NULL },
        { &integer, "\"1\"", NULL },
        { &number, "1", &number },
        { &number, "9007199254740993", NULL },
        { &number, "0.5", &number },
        { &string, "null", NULL },
        { &integers, "[]", &integers },
        { &integers, "[1,2]", &integers },
        { &integers, "{}", NULL },
        { &lists, "[[1],[]]", &lists },
        { &alternate, "\"a\"", &string },
        { &alternate, "[7]", &integers },
        { &alternate, "true", NULL },
        { &alternate, "{}", NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_true(value_type_choose(cases[i].type, json_cursor_at(cases[i].text)) == cases[i].chosen);
}

/* Somebody who reads a variant: of all but arrays the value says enough. */
static void
test_simple(void)
{
    g_assert_null(value_type_get_simple_signature(NULL, JSON_CURSOR_ARRAY));
    g_assert_cmpstr(value_type_get_simple_signature(NULL, JSON_CURSOR_UINT), ==, "t");
    g_assert_cmpstr(value_type_get_simple_signature(&number, JSON_CURSOR_INT), ==, "d");
}

/* Somebody who counts bytes: a number that no double can hold is never made one. */
static void
test_exact(void)
{
    static const struct {
        const char *text;
        gboolean is_exact;
    } cases[] = {
        { "0", TRUE },
        { "-1", TRUE },
        { "9007199254740992", TRUE },
        { "9007199254740993", FALSE },
        { "-9007199254740993", FALSE },
        { "9223372036854775807", FALSE },
        { "-9223372036854775808", TRUE },
        { "9223372036854775808", TRUE },
        { "9223372036854775809", FALSE },
        { "18446744073709551615", FALSE },
        { "18446744073709549568", TRUE },
        { "0.1", TRUE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        JsonCursor cursor = json_cursor_at(cases[i].text);
        JsonCursorNumber read = json_cursor_read_number(&cursor);
        g_assert_true(value_type_is_exact_double(&read) == cases[i].is_exact);
    }
}

/* A QEMU that returns something else than the contract says: the value must be refused before libdbus ends the process. */
static void
test_may_be(void)
{
    static const struct {
        JsonCursorType value;
        const char *fits, *others; /* a blank between */
    } cases[] = {
        { JSON_CURSOR_NULL, "v g", "s b x ax a{sv}" },
        { JSON_CURSOR_BOOLEAN, "v b", "s x g ax" },
        { JSON_CURSOR_INT, "v x t d", "s b y i ax" },
        { JSON_CURSOR_UINT, "v x t d", "s b" },
        { JSON_CURSOR_DOUBLE, "v d", "x t s" },
        { JSON_CURSOR_STRING, "v s", "g o x as" },
        { JSON_CURSOR_ARRAY, "v ax av aa{sv}", "a{sv} s" },
        { JSON_CURSOR_OBJECT, "v a{sv}", "av as s" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(GStrv) fits = g_strsplit(cases[i].fits, " ", -1);
        g_auto(GStrv) others = g_strsplit(cases[i].others, " ", -1);
        for (guint j = 0; fits[j]; j++)
            g_assert_true(value_type_may_be(cases[i].value, fits[j]));
        for (guint j = 0; others[j]; j++)
            g_assert_false(value_type_may_be(cases[i].value, others[j]));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/value-type/schema", test_schema);
    g_test_add_func("/value-type/choose", test_choose);
    g_test_add_func("/value-type/simple", test_simple);
    g_test_add_func("/value-type/exact", test_exact);
    g_test_add_func("/value-type/may-be", test_may_be);
    return g_test_run();
}
