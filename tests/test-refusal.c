/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A refusal that does not say who may not do what, where and why sends its reader looking for the wrong mistake. */
#include "refusal.h"

static void
assert_text(const Refusal *refusal, const char *text)
{
    g_autofree char *told = refusal_dup_text(refusal);

    g_assert_cmpstr(told, ==, text);
}

static void
test_says_who_what_where_and_why(void)
{
    Refusal refusal = { 1001, ":1.6", "quit", "web", "not authorized" };

    assert_text(&refusal, "User 1001 may not call quit on the VM \"web\": not authorized");
    refusal.vm = NULL;
    assert_text(&refusal, "User 1001 may not call quit: not authorized");
    refusal.uid = REFUSAL_NO_UID;
    assert_text(&refusal, ":1.6 may not call quit: not authorized");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/refusal/who-what-where-why", test_says_who_what_where_and_why);
    return g_test_run();
}
