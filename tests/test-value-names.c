/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QEMU that names a member twice: with two entries of one key on the bus, clients would differ on which one counts. */
#include <string.h>

#include "value-names.h"

static gboolean
add(ValueNames *names, const char *name)
{
    return value_names_add(names, (JsonCursorText){ name, strlen(name) });
}

static void
test_few(void)
{
    ValueNameStack all;
    ValueNames outer, inner;

    value_name_stack_init(&all);
    value_names_begin(&outer, &all);
    g_assert_true(add(&outer, "a") && add(&outer, "b"));
    value_names_begin(&inner, &all);
    g_assert_true(add(&inner, "a"));
    g_assert_false(add(&inner, "a"));
    g_assert_false(add(&inner, "\\u0061"));
    value_names_end(&inner);
    g_assert_false(add(&outer, "a"));
    g_assert_true(add(&outer, "c"));
    /* Not the same up to U+0000. */
    g_assert_true(add(&outer, "a\\u0000b") && add(&outer, "a\\u0000"));
    value_names_end(&outer);
    g_assert_cmpuint(all.n, ==, 0);
    value_name_stack_clear(&all);
}

/* Names of eight letters, in an order of the test's: 0: forth, 1: back, 2: neither. A fifth is written with an escape. */
static GPtrArray *
make_names(guint order, guint n)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < n; i++) {
        guint number = order == 0 ? i : order == 1 ? n - i : i * 2654435761u;
        g_ptr_array_add(names, g_strdup_printf(i % 5 == 0 ? "\\u006e%08x" : "n%08x", number));
    }
    return names;
}

static void
add_all(ValueNames *names, const GPtrArray *texts)
{
    for (guint i = 0; i < texts->len; i++)
        g_assert_true(add(names, texts->pdata[i]));
}

/* A QEMU with a large object: in whatever order its names come, one that comes again is found, and no other one is taken for it. */
static void
test_orders(void)
{
    for (guint order = 0; order < 3; order++) {
        g_autoptr(GPtrArray) texts = make_names(order, 5000);
        ValueNameStack all;
        ValueNames names;

        value_name_stack_init(&all);
        value_names_begin(&names, &all);
        add_all(&names, texts);
        for (guint i = 0; i < texts->len; i++) {
            const char *text = texts->pdata[i];
            g_autofree char *escaped = g_strdup_printf("\\u006e%s", strlen(text) > 9 ? text + 6 : text + 1);
            g_assert_false(add(&names, text));
            g_assert_false(add(&names, escaped));
        }
        g_assert_true(add(&names, "n0000000") && add(&names, "n000000000") && add(&names, "") && add(&names, "o"));
        value_names_end(&names);
        value_name_stack_clear(&all);
    }
}

/* What test-holds counts the instructions of. */
static void
test_large(void)
{
    g_autoptr(GPtrArray) texts = make_names(/* order= */ 2, 100000);
    ValueNameStack all;
    ValueNames names;

    value_name_stack_init(&all);
    value_names_begin(&names, &all);
    add_all(&names, texts);
    value_names_end(&names);
    value_name_stack_clear(&all);
}

static void
test_many(void)
{
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    ValueNameStack all;
    ValueNames names;

    value_name_stack_init(&all);
    value_names_begin(&names, &all);
    for (guint i = 0; i < 1000; i++) {
        g_ptr_array_add(texts, g_strdup_printf("name-%u", i));
        g_assert_true(add(&names, texts->pdata[i]));
    }
    for (guint i = 0; i < 1000; i++)
        g_assert_false(add(&names, texts->pdata[i]));
    g_assert_false(add(&names, "\\u006eame-999"));
    value_names_end(&names);
    value_name_stack_clear(&all);
}

/* An agent whose QEMU writes all names with escapes: what they are without them takes memory too, which is accounted for. */
static void
test_memory_of_escaped(void)
{
    ValueNameStack all;
    ValueNames names;
    gsize before;

    value_name_stack_init(&all);
    value_names_begin(&names, &all);
    for (guint i = 0; i < 64; i++) {
        g_autofree char *name = g_strdup_printf("%u", i);
        g_assert_true(add(&names, g_intern_string(name)));
    }
    g_assert_true(add(&names, "x"));
    before = all.more;
    g_assert_true(add(&names, "\\u0061bcdefghijklmnopqrstuvwxyz"));
    g_assert_cmpuint(all.more - before, >=, 26);
    value_names_end(&names);
    g_assert_cmpuint(all.more, ==, 0);
    value_name_stack_clear(&all);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/value-names/few", test_few);
    g_test_add_func("/value-names/many", test_many);
    g_test_add_func("/value-names/memory-of-escaped", test_memory_of_escaped);
    g_test_add_func("/value-names/orders", test_orders);
    g_test_add_func("/value-names/large", test_large);
    return g_test_run();
}
