/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whoever can cause as many lines as they like would have the journal drop the others', decisions among them. */
#include "log.h"

static void
count_line(gpointer data, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
    guint *counts = data;

    counts[level == G_LOG_LEVEL_WARNING ? 1 : 0]++;
}

static void
test_budget(void)
{
    guint counts[2] = { 0, 0 };
    const ManagementHost host = { .data = counts, .log = count_line };
    LogBudget budget = { 0 };

    for (guint i = 0; i < 20000; i++)
        log_line_within(&budget, &host, G_LOG_LEVEL_INFO, "web", "VM %u", i);
    g_assert_cmpuint(counts[0], ==, 2999);
    g_assert_cmpuint(counts[1], ==, 1);

    /* Others have their lines, and a period that is over counts no more. */
    log_line(&host, G_LOG_LEVEL_INFO, NULL, "decision");
    log_line_within(NULL, &host, G_LOG_LEVEL_INFO, "web", "configured");
    log_line_within(&budget, &host, G_LOG_LEVEL_DEBUG, "web", "again");
    g_assert_cmpuint(counts[0], ==, 3002);
    budget.began -= 31 * G_TIME_SPAN_SECOND;
    log_line_within(&budget, &host, G_LOG_LEVEL_INFO, "web", "there");
    g_assert_cmpuint(counts[0], ==, 3003);
    g_assert_cmpuint(counts[1], ==, 1);
}

static void
keep_message(gpointer data, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
    char **message = data;

    g_free(*message);
    *message = g_strdup(fields[0].value);
}

/* An administrator who looks for the reason that a file could not be read: whatever stands in it, the line is text. */
static void
test_no_text(void)
{
    g_autofree char *message = NULL;
    const ManagementHost host = { .data = &message, .log = keep_message };

    log_line(&host, G_LOG_LEVEL_CRITICAL, NULL, "vms: Invalid key name: a]\xff");
    g_assert_cmpstr(message, ==, "vms: Invalid key name: a]\xef\xbf\xbd");
    log_line(&host, G_LOG_LEVEL_CRITICAL, NULL, "\xc3\xa4");
    g_assert_cmpstr(message, ==, "\xc3\xa4");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/log/budget", test_budget);
    g_test_add_func("/log/no-text", test_no_text);
    return g_test_run();
}
