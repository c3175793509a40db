/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records of the audit: nobody fills the log, and nobody hides in it, or hides another. */
#include "audit-fold.h"

typedef struct Fixture {
    AuditFold *fold; /* owned; NULL: has been freed */
    guint64 counted, crowded; /* repeats, and those counted together */
    guint n_records; /* in which they are told */
} Fixture;

static void
on_counted(gpointer record, guint64 count, gboolean is_crowd, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_assert_nonnull(record);
    g_assert_cmpuint(count, >, 0);
    *(is_crowd ? &fixture->crowded : &fixture->counted) += count;
    fixture->n_records++;
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->fold = audit_fold_new(g_main_context_default(), on_counted, g_free, fixture);
}

static void
end(Fixture *fixture)
{
    g_clear_pointer(&fixture->fold, audit_fold_free);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    end(fixture);
}

/* TRUE: to be written at once. */
static gboolean
take(Fixture *fixture, guint32 uid, gboolean is_allowed, const char *record, const char *crowd)
{
    AuditKey key = { uid, is_allowed, record, crowd };
    gboolean is_crowd;
    gpointer *place = audit_fold_take(fixture->fold, &key, &is_crowd);

    if (!place)
        return FALSE;
    g_assert_null(*place);
    *place = g_strdup(record);
    return !is_crowd;
}

/* Different ones: how many are written at once. */
static guint
flood(Fixture *fixture, guint32 uid, gboolean is_allowed, guint n)
{
    guint n_written = 0;

    for (guint i = 0; i < n; i++) {
        g_autofree char *record = g_strdup_printf("%u", i);

        n_written += take(fixture, uid, is_allowed, record, is_allowed ? "yes" : "no");
    }
    return n_written;
}

static void
test_repeats(Fixture *fixture, gconstpointer unused)
{
    g_assert_true(take(fixture, 33, FALSE, "quit", "no"));
    for (guint i = 0; i < 1500; i++)
        g_assert_false(take(fixture, 33, FALSE, "quit", "no"));
    g_assert_true(take(fixture, 33, FALSE, "stop", "no"));
    end(fixture);
    g_assert_cmpuint(fixture->counted, ==, 1500);
    g_assert_cmpuint(fixture->n_records, ==, 1);
}

/* However many they are, what is written is bounded, and all are counted. */
static void
test_different_ones(Fixture *fixture, gconstpointer unused)
{
    guint n_written = flood(fixture, 33, FALSE, 10000);

    g_assert_cmpuint(n_written, <, 100);
    /* One that has been written is counted by itself, whatever came after it. */
    g_assert_false(take(fixture, 33, FALSE, "0", "no"));
    end(fixture);
    g_assert_cmpuint(fixture->counted, ==, 1);
    g_assert_cmpuint(n_written + fixture->crowded, ==, 10000);
    g_assert_cmpuint(fixture->n_records, ==, 2);
}

/* Neither another user's, nor what the same one is allowed, nor a command of another class. */
static void
test_nobody_hides(Fixture *fixture, gconstpointer unused)
{
    flood(fixture, 33, FALSE, 10000);
    g_assert_true(take(fixture, 34, FALSE, "quit", "no"));
    g_assert_true(take(fixture, 33, TRUE, "quit", "yes"));
    flood(fixture, 33, TRUE, 10000);
    g_assert_false(take(fixture, 33, TRUE, "device_add", "yes, configure"));
    end(fixture);
    g_assert_cmpuint(fixture->n_records, ==, 3);
}

/* The time is over by itself; what comes after it is written again. */
static void
test_window(Fixture *fixture, gconstpointer unused)
{
    g_assert_true(take(fixture, 33, TRUE, "stop", "yes"));
    g_assert_false(take(fixture, 33, TRUE, "stop", "yes"));
    while (fixture->n_records == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(fixture->counted, ==, 1);
    g_assert_true(take(fixture, 33, TRUE, "stop", "yes"));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/audit-fold/repeats", test_repeats);
    ADD("/audit-fold/different-ones", test_different_ones);
    ADD("/audit-fold/nobody-hides", test_nobody_hides);
    ADD("/audit-fold/window", test_window);
    return g_test_run();
}
