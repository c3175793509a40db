/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Limits of what callers hold: what breaks here lets one user take all that there is of something, or nobody have any. */
#include "quota.h"

typedef struct Fixture {
    Quota quota;
    QuotaShare shares[64];
    guint n;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
}

/* What everybody has given back leaves nothing behind. */
static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    for (guint i = 0; i < G_N_ELEMENTS(fixture->shares); i++)
        quota_share_return(&fixture->shares[i]);
    g_assert_cmpuint(fixture->quota.held.n, ==, 0);
    g_assert_cmpuint(fixture->quota.held.bytes, ==, 0);
    g_assert_null(fixture->quota.by_caller);
    g_assert_null(fixture->quota.by_user);
}

/* How many of @bytes each they get before they are refused. */
static guint
take_all(Fixture *fixture, const QuotaLimits *limits, const char *caller, guint32 uid, gsize bytes)
{
    guint n = 0;

    while (quota_take(&fixture->quota, limits, caller, uid, bytes, &fixture->shares[fixture->n])) {
        fixture->n++;
        n++;
    }
    g_assert_null(fixture->shares[fixture->n].quota);
    return n;
}

/* A caller with more than its share of things, and one with more than its share of bytes. */
static void
test_caller(Fixture *fixture, gconstpointer unused)
{
    static const QuotaLimits limits = { .of_caller = { 3, 100 } };
    QuotaAmount held;

    g_assert_cmpuint(take_all(fixture, &limits, ":1.1", 1000, 10), ==, 3);
    g_assert_cmpuint(take_all(fixture, &limits, ":1.2", 1000, 50), ==, 2);
    g_assert_cmpuint(take_all(fixture, &limits, ":1.3", 1000, 101), ==, 0);
    held = quota_get_of_caller(&fixture->quota, ":1.2");
    g_assert_cmpuint(held.n, ==, 2);
    g_assert_cmpuint(held.bytes, ==, 100);
    g_assert_cmpuint(quota_get_of_caller(&fixture->quota, ":1.3").n, ==, 0);
    g_assert_cmpuint(quota_get_of_user(&fixture->quota, 1000).bytes, ==, 130);
    g_assert_cmpuint(quota_get_of_user(&fixture->quota, 1001).n, ==, 0);
}

/* A caller whose thing becomes larger: the same limits hold, but for the number of things. */
static void
test_grow(Fixture *fixture, gconstpointer unused)
{
    static const QuotaLimits limits = { .of_caller = { 1, 100 }, .of_all = { 2, 150 } };
    QuotaShare *share = &fixture->shares[0];

    g_assert_true(quota_take(&fixture->quota, &limits, ":1.1", 1000, 10, share));
    g_assert_true(quota_share_grow(share, &limits, 65));
    g_assert_cmpuint(quota_get_of_caller(&fixture->quota, ":1.1").bytes, ==, 75);
    g_assert_cmpuint(quota_get_of_caller(&fixture->quota, ":1.1").n, ==, 1);
    g_assert_false(quota_share_grow(share, &limits, 1));
    g_assert_cmpuint(quota_get_of_user(&fixture->quota, 1000).bytes, ==, 75);
    g_assert_cmpuint(fixture->quota.held.bytes, ==, 75);
    quota_share_return(share);
    g_assert_cmpuint(fixture->quota.held.bytes, ==, 0);
}

/* A user with many connections: half of all is theirs, and the others share the rest alike. */
static void
test_user_leaves_as_much(Fixture *fixture, gconstpointer unused)
{
    static const QuotaLimits limits = { .of_caller = { 4, 0 }, .of_all = { 16, 0 } };
    static const QuotaLimits bytes_limits = { .of_all = { 0, 1600 } };

    g_assert_cmpuint(take_all(fixture, &limits, ":1.1", 1000, 0), ==, 4);
    g_assert_cmpuint(take_all(fixture, &limits, ":1.2", 1000, 0), ==, 4);
    g_assert_cmpuint(take_all(fixture, &limits, ":1.3", 1000, 0), ==, 0);
    g_assert_cmpuint(take_all(fixture, &limits, ":1.4", 1001, 0), ==, 4);
    g_assert_cmpuint(take_all(fixture, &limits, ":1.5", 1002, 0), ==, 2);
    g_assert_cmpuint(take_all(fixture, &bytes_limits, ":1.1", 1000, 100), ==, 8);
    g_assert_cmpuint(take_all(fixture, &bytes_limits, ":1.4", 1001, 100), ==, 4);
}

/* A user with a limit of its own, beside others up to all there is. */
static void
test_user_limit(Fixture *fixture, gconstpointer unused)
{
    static const QuotaLimits limits = { .of_user = { 5, 0 }, .of_all = { 12, 0 } };

    g_assert_cmpuint(take_all(fixture, &limits, ":1.1", 1000, 0), ==, 5);
    g_assert_cmpuint(take_all(fixture, &limits, ":1.2", 1001, 0), ==, 5);
    g_assert_cmpuint(take_all(fixture, &limits, ":1.3", 1002, 0), ==, 2);
}

/* What is given back can be taken again, by anybody. */
static void
test_return(Fixture *fixture, gconstpointer unused)
{
    static const QuotaLimits limits = { .of_all = { 4, 100 } };

    g_assert_cmpuint(take_all(fixture, &limits, ":1.1", 0, 25), ==, 2);
    g_assert_cmpuint(take_all(fixture, &limits, ":1.2", 1001, 25), ==, 1);
    quota_share_return(&fixture->shares[0]);
    quota_share_return(&fixture->shares[0]);
    g_assert_cmpuint(take_all(fixture, &limits, ":1.2", 1001, 25), ==, 1);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/quota/caller", test_caller);
    ADD("/quota/grow", test_grow);
    ADD("/quota/user-leaves-as-much", test_user_leaves_as_much);
    ADD("/quota/user-limit", test_user_limit);
    ADD("/quota/return", test_return);
    return g_test_run();
}
