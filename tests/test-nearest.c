/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What somebody meant who mistyped a name: what the question names, and that nobody can make the search expensive. */
#include "nearest.h"

#include <string.h>

static const char *const commands[] = { "query-status", "query-stats", "query-block", "stop", "cont", "device_add",
                                        "device_del", "blockdev-snapshot-internal-sync", NULL };

static void
check(const char *wrong, const char *question)
{
    Nearest nearest;
    g_autofree char *asked = NULL;

    nearest_init(&nearest, wrong);
    nearest_offer_all(&nearest, commands);
    asked = nearest_dup_question(&nearest);
    g_assert_cmpstr(asked, ==, question);
}

static void
test_typing_errors(void)
{
    check("query-stat", "; did you mean query-stats or query-status?");
    check("query-statsu", "; did you mean query-status or query-stats?");
    check("qurey-stauts", "; did you mean query-status or query-stats?");
    check("uery-block", "; did you mean query-block?");
    check("query-bloock", "; did you mean query-block?");
    check("stpo", "; did you mean stop?");
    check("cnot", "; did you mean cont?");
    check("otps", "");
    check("stopp", "; did you mean stop?");
    check("sto", "; did you mean stop?");
    check("ont", "; did you mean cont?");
    check("device_dd", "; did you mean device_add or device_del?");
    check("blockdev-snapshot-internal-snc", "; did you mean blockdev-snapshot-internal-sync?");
}

static void
test_the_right_name_otherwise_written(void)
{
    check("QueryStatus", "; did you mean query-status?");
    check("QUERY_STATUS", "; did you mean query-status?");
    check("query_status", "; did you mean query-status?");
    check("DeviceAdd", "; did you mean device_add?");
    check("STOP", "; did you mean stop?");
}

static void
test_nothing_is_near(void)
{
    check("", "");
    check("-", "");
    check("x", "");
    check("st", "");
    check("foo", "");
    check("query", "");
    check("migrate", "");
    check("\xff\xfe", "");
}

/* Whatever lengths the two have: around the cap, and of a byte each. */
static void
test_lengths(void)
{
    for (guint i = 1; i <= NEAREST_MAX_LENGTH + 2; i++) {
        for (guint j = 1; j <= NEAREST_MAX_LENGTH + 2; j++) {
            g_autofree char *wrong = g_strnfill(i, 'a'), *right = g_strnfill(j, 'a');
            guint difference = MAX(i, j) - MIN(i, j);
            gboolean is_near = MAX(i, j) <= NEAREST_MAX_LENGTH && difference <= MIN(i / 3, 3);
            Nearest nearest;
            nearest_init(&nearest, wrong);
            nearest_offer(&nearest, right);
            g_assert_cmpstr(nearest_get(&nearest), ==, is_near ? right : NULL);
        }
    }
}

/* The distance, as it is written in books. */
static guint
measure_slowly(const char *a, const char *b)
{
    guint least;

    if (!*a || !*b)
        return (guint)(strlen(a) + strlen(b));
    least = measure_slowly(a + 1, b + 1) + (*a != *b);
    least = MIN(least, measure_slowly(a, b + 1) + 1);
    least = MIN(least, measure_slowly(a + 1, b) + 1);
    if (a[0] == b[1] && a[1] == b[0])
        least = MIN(least, measure_slowly(a + 2, b + 2) + 1);
    return least;
}

static char *
make_word(void)
{
    char *word = g_strnfill((gsize)g_test_rand_int_range(1, 7), 'a');

    for (char *c = word; *c; c++)
        *c = (char)g_test_rand_int_range('a', 'd');
    return word;
}

static void
test_words_by_chance(void)
{
    for (guint i = 0; i < 3000; i++) {
        g_autofree char *wrong = make_word(), *right = make_word();
        guint limit = (guint)strlen(wrong) / 3, distance = measure_slowly(wrong, right);
        Nearest nearest;
        nearest_init(&nearest, wrong);
        nearest_offer(&nearest, right);
        g_test_message("%s %s %u", wrong, right, distance);
        g_assert_cmpstr(nearest_get(&nearest), ==, distance <= limit ? right : NULL);
    }
}

static void
test_the_nearest_are_named_in_order(void)
{
    static const char *const names[] = { "abcdefgxyz", "abcdefghxy", "abcdefghix", "abcdefghiy", "abcdefghiz", NULL };
    Nearest nearest;
    g_autofree char *question = NULL;

    nearest_init(&nearest, "abcdefghij");
    nearest_offer_all(&nearest, names);
    nearest_offer_all(&nearest, names);
    nearest_offer(&nearest, NULL);
    question = nearest_dup_question(&nearest);
    g_assert_cmpstr(question, ==, "; did you mean abcdefghix or abcdefghiy or abcdefghiz?");
}

/* A QEMU that lists a million names, to a caller who has one wrong. */
static void
test_work_is_capped(void)
{
    g_autofree char *wrong = g_strnfill(NEAREST_MAX_LENGTH, 'a'), *long_one = g_strnfill(1 << 20, 'a');
    char right[NEAREST_MAX_LENGTH + 1] = { 0 };
    Nearest nearest;

    memset(right, 'a', NEAREST_MAX_LENGTH);
    memset(right + NEAREST_MAX_LENGTH - 4, 'b', 4);
    nearest_init(&nearest, wrong);
    for (guint i = 0; i < 1000000; i++)
        nearest_offer(&nearest, right);
    nearest_offer(&nearest, long_one);
    g_assert_cmpuint(nearest.work, <, NEAREST_MAX_LENGTH);
    g_assert_null(nearest_get(&nearest));
    nearest_init(&nearest, long_one);
    nearest_offer_all(&nearest, commands);
    g_assert_null(nearest_get(&nearest));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nearest/typing-errors", test_typing_errors);
    g_test_add_func("/nearest/otherwise-written", test_the_right_name_otherwise_written);
    g_test_add_func("/nearest/nothing-is-near", test_nothing_is_near);
    g_test_add_func("/nearest/lengths", test_lengths);
    g_test_add_func("/nearest/by-chance", test_words_by_chance);
    g_test_add_func("/nearest/order", test_the_nearest_are_named_in_order);
    g_test_add_func("/nearest/work", test_work_is_capped);
    return g_test_run();
}
