/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The type of an array in a variant: one that is chosen wrongly loses a number, and a long look at a large one serves nobody else
 * meanwhile. */
#include <string.h>

#include "value-look.h"

static const QmpType any = { .kind = QMP_TYPE_ANY }, integer = { .kind = QMP_TYPE_INT }, number = { .kind = QMP_TYPE_NUMBER },
                     object = { .kind = QMP_TYPE_OBJECT };
static const QmpType integers = { .kind = QMP_TYPE_ARRAY, .element = &integer };
static const QmpType numbers = { .kind = QMP_TYPE_ARRAY, .element = &number };
static const QmpType objects = { .kind = QMP_TYPE_ARRAY, .element = &object };
static const QmpType anything = { .kind = QMP_TYPE_ARRAY, .element = &any };
static const QmpType lists = { .kind = QMP_TYPE_ARRAY, .element = &integers };
static const QmpType lists_of_lists = { .kind = QMP_TYPE_ARRAY, .element = &lists };

static const struct {
    const QmpType *type;
    const char *text, *signature;
    gboolean is_of_type;
} cases[] = {
    /* No type is known: elements of one type stay that, and others become variants. */
    { NULL, "[]", "av", FALSE },
    { NULL, "[1,2]", "ax", FALSE },
    { NULL, "[1,\"a\"]", "av", FALSE },
    { NULL, "[1,18446744073709551615]", "av", FALSE },
    { NULL, "[[1],[2]]", "aax", FALSE },
    { NULL, "[[1],[\"a\"]]", "av", FALSE },
    { NULL, "[{},{\"a\":1}]", "aa{sv}", FALSE },
    { NULL, "[1,[2],3]", "av", FALSE },
    { NULL, "[null,null]", "ag", FALSE },
    { NULL, "[true]", "ab", FALSE },
    { NULL, "[0.5,1]", "av", FALSE },
    { NULL, "[[[]]]", "aaav", FALSE },
    { NULL, "[[1],\"a\",[2]]", "av", FALSE },
    { NULL, "[[1],{}]", "av", FALSE },
    { NULL, "[{},[1]]", "av", FALSE },
    { NULL, "[[1,\"a\",[2]],[3,true]]", "aav", FALSE },
    { NULL, "[[1,\"a\",[2]],[3]]", "av", FALSE },
    { NULL, "[[[1,\"a\"]],[[true]]]", "av", FALSE },
    { NULL, "[[[1,\"a\"]],[[true,1]]]", "aaav", FALSE },
    { NULL, "[[[[1],2],3],4]", "av", FALSE },
    { NULL, "[[[1,[\"]\"],{\"]\":\"[\"}]],[[2,true]]]", "aaav", FALSE },
    { NULL, "[[[[1],[2,true]]],[[[3]]]]", "av", FALSE },
    { NULL, "[[],[1]]", "av", FALSE },
    { NULL, "[[],[],[]]", "aav", FALSE },
    { NULL, " [ { \"a\" : [ 1 , 2 ] } , { } ] ", "aa{sv}", FALSE },
    /* QEMU's type counts, unless an element is something else: nothing of that may be lost. */
    { &integers, "[]", "ax", TRUE },
    { &integers, "[1,2]", "ax", TRUE },
    { &integers, "[1,18446744073709551615]", "av", FALSE },
    { &integers, "[18446744073709551615]", "at", FALSE },
    { &integers, "[1,\"a\"]", "av", FALSE },
    { &integers, "[0.5,1.5]", "ad", FALSE },
    { &numbers, "[1,0.5]", "ad", TRUE },
    { &numbers, "[1,9007199254740993]", "ax", FALSE },
    { &objects, "[{\"a\":[]},{\"]\":\"}\"}]", "aa{sv}", TRUE },
    { &objects, "[{\"a\":[]},1]", "av", FALSE },
    { &anything, "[1,[2],{}]", "av", TRUE },
    { &lists, "[[1],[]]", "aax", TRUE },
    { &lists, "[[1],2]", "av", FALSE },
    { &lists, "[[1],[\"a\"]]", "av", FALSE },
    { &lists, "[[\"b\"],[\"a\"]]", "aas", FALSE },
    { &lists_of_lists, "[[[1],[2]],[],[[3]]]", "aaax", TRUE },
    { &lists_of_lists, "[[[1],[2]],[],[[true]]]", "av", FALSE },
};

/* Somebody whose array is looked at in parts of any size: what it is does not depend on them. Each part looks at some of the text. */
static void
test_parts(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        for (gsize most = 1; most < 40; most++) {
            g_autofree char *signature = NULL;
            ValueLook look;
            gsize left, n_parts = 0;

            value_look_begin(&look, cases[i].type, json_cursor_at(cases[i].text));
            do
                left = most;
            while (n_parts++ < 2 * strlen(cases[i].text) + 2 && !value_look_part(&look, &left));
            signature = value_look_dup_signature(&look);
            g_assert_cmpstr(signature, ==, cases[i].signature);
            g_assert_true(look.type == (cases[i].is_of_type ? cases[i].type : NULL));
        }
}

/* Somebody who waits while a large array of another caller's is looked at: no part passes more elements than there are bytes left. */
static void
assert_bounded(const QmpType *type, const char *begin, const char *element, const char *end)
{
    g_autoptr(GString) text = g_string_new(begin);
    ValueLook look;
    gboolean is_over = FALSE;

    for (guint i = 0; i < 5000; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "," : "", element);
    g_string_append(text, end);
    value_look_begin(&look, type, json_cursor_at(text->str));
    for (gsize n = 0; !is_over; n++) {
        const char *at = look.cursor.at;
        gsize left = 1000;

        is_over = value_look_part(&look, &left);
        g_assert_cmpint(ABS(look.cursor.at - at), <=, 1000 + (gssize)strlen(element));
        g_assert_cmpuint(n, <, text->len / 500);
    }
}

static void
test_large(void)
{
    assert_bounded(NULL, "[", "7", "]");
    assert_bounded(NULL, "[", "\"text\"", "]");
    assert_bounded(NULL, "[", "{\"a\":[]}", "]");
    assert_bounded(NULL, "[[", "[7,8]", "]]");
    assert_bounded(NULL, "[[1,true,", "7", "]]");
    assert_bounded(NULL, "[[[1,true],2,", "[7,8]", "]]");
    assert_bounded(NULL, "[{\"a\":[", "7", "]}]");
    assert_bounded(NULL, "[{\"a\":[", "{\"b\":{}}", "]}]");
    assert_bounded(&integers, "[", "7", "]");
    assert_bounded(&objects, "[{\"a\":[", "7", "]}]");
    assert_bounded(&lists_of_lists, "[[", "[7,8]", "]]");
}

/* Somebody whose value is large: what cannot change the type any more is not looked at. */
static void
test_looks_no_further(void)
{
    static const char text[] = "[1,[2,[3,[4]]],5,6,7]";
    ValueLook look;
    gsize left = 1000;

    value_look_begin(&look, /* type= */ NULL, json_cursor_at(text));
    g_assert_true(value_look_part(&look, &left));
    g_assert_cmpstr(look.cursor.at, ==, "[2,[3,[4]]],5,6,7]");
}

/* A QEMU that nests without end: what is too deep is found there, when its turn comes. */
static void
test_deep(void)
{
    for (guint depth = VALUE_LOOK_DEPTH - 2; depth < VALUE_LOOK_DEPTH + 3; depth++) {
        g_autofree char *open = g_strnfill(depth, '['), *close = g_strnfill(depth, ']');
        g_autofree char *text = g_strconcat(open, "1", close, NULL), *arrays = g_strnfill(MIN(depth, VALUE_LOOK_DEPTH + 1), 'a');
        g_autofree char *expected = g_strconcat(arrays, depth > VALUE_LOOK_DEPTH ? "v" : "x", NULL), *signature = NULL;
        ValueLook look;
        gsize left = 10000;

        value_look_begin(&look, /* type= */ NULL, json_cursor_at(text));
        g_assert_true(value_look_part(&look, &left));
        signature = value_look_dup_signature(&look);
        g_assert_cmpstr(signature, ==, expected);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/value-look/parts", test_parts);
    g_test_add_func("/value-look/large", test_large);
    g_test_add_func("/value-look/looks-no-further", test_looks_no_further);
    g_test_add_func("/value-look/deep", test_deep);
    return g_test_run();
}
