/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A name that is looked up too often holds everybody while a directory of users is slow; a name that is kept too long
 * answers polkit's rules for a user who has gone. */
#include "user-names.h"

/* A database of the test's own. Callbacks without data leave no other place for it. */
static guint n_look_ups;
static const char *suffix;

static char *
look_up(guint32 uid)
{
    n_look_ups++;
    return suffix ? g_strdup_printf("user-%u%s", uid, suffix) : NULL;
}

static void
assert_name(UserNames *names, guint32 uid, gint64 now, const char *name, guint n)
{
    g_assert_cmpstr(user_names_get(names, uid, now), ==, name);
    g_assert_cmpuint(n_look_ups, ==, n);
}

static UserNames *
new_names(const char *of_suffix)
{
    n_look_ups = 0;
    suffix = of_suffix;
    return user_names_new(look_up);
}

static void
test_once(void)
{
    UserNames *names = new_names("");
    gint64 minute = G_TIME_SPAN_MINUTE;

    assert_name(names, 1, 5, "user-1", 1);
    assert_name(names, 1, 5 + 10 * minute - 1, "user-1", 1);
    assert_name(names, 2, 6, "user-2", 2);
    suffix = "-renamed";
    assert_name(names, 1, 5 + 10 * minute, "user-1-renamed", 3);
    assert_name(names, 1, 5 + 20 * minute - 1, "user-1-renamed", 3);
    user_names_free(names);
}

/* Asked again soon, but not at each question. */
static void
test_without_name(void)
{
    UserNames *names = new_names(NULL);

    assert_name(names, 1, 0, NULL, 1);
    assert_name(names, 1, G_TIME_SPAN_MINUTE - 1, NULL, 1);
    suffix = "";
    assert_name(names, 1, G_TIME_SPAN_MINUTE, "user-1", 2);
    user_names_free(names);
}

/* Of more users than there is room for, the oldest is looked up again. */
static void
test_many(void)
{
    UserNames *names = new_names("");

    for (guint32 uid = 0; uid < 64; uid++)
        user_names_get(names, uid, 0);
    assert_name(names, 0, 0, "user-0", 64);
    assert_name(names, 64, 0, "user-64", 65);
    assert_name(names, 1, 0, "user-1", 65);
    assert_name(names, 0, 0, "user-0", 66);
    user_names_free(names);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/user-names/once", test_once);
    g_test_add_func("/user-names/without-name", test_without_name);
    g_test_add_func("/user-names/many", test_many);
    return g_test_run();
}
