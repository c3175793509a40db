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
    value_names_end(&outer);
    g_assert_cmpuint(all.n, ==, 0);
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

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/value-names/few", test_few);
    g_test_add_func("/value-names/many", test_many);
    return g_test_run();
}
