/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a VM is tried again: one that is busy for minutes is still had, and a left-over costs nothing for ever. */
#include "qmp-error.h"
#include "vm-retry.h"

static const int failures[] = { QMP_ERROR_DISCONNECTED, QMP_ERROR_TIMED_OUT, QMP_ERROR_PROTOCOL, QMP_ERROR_LIMIT };

static gboolean
next(VmRetry *retry, int code, guint64 *ret_delay)
{
    g_autoptr(GError) error = g_error_new_literal(QMP_ERROR, code, "why");
    return vm_retry_next(retry, error, ret_delay);
}

/* us until it is given up */
static guint64
add_up_refusals(VmRetry *retry)
{
    guint64 delay, sum = 0;
    while (next(retry, QMP_ERROR_REFUSED, &delay))
        sum += delay;
    return sum;
}

static void
test_refused_is_given_up(void)
{
    VmRetry retry;
    guint64 delay;
    vm_retry_reset(&retry, VM_RETRY_IN_DIRECTORY);
    guint64 sum = add_up_refusals(&retry);
    g_assert_cmpuint(sum, >=, 10 * G_TIME_SPAN_SECOND);
    g_assert_cmpuint(sum, <=, 15 * G_TIME_SPAN_SECOND);
    vm_retry_reset(&retry, VM_RETRY_IN_DIRECTORY);
    g_assert_true(next(&retry, QMP_ERROR_REFUSED, &delay));
    g_assert_cmpuint(delay, ==, 100 * G_TIME_SPAN_MILLISECOND);
}

static void
test_nothing_else_is_given_up(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(failures); i++) {
        VmRetry retry;
        guint64 delay;
        vm_retry_reset(&retry, VM_RETRY_IN_DIRECTORY);
        for (guint n = 0; n < 1000; n++) {
            g_assert_true(next(&retry, failures[i], &delay));
            g_assert_cmpuint(delay, <=, 25 * G_TIME_SPAN_SECOND);
        }
        g_assert_cmpuint(delay, ==, 25 * G_TIME_SPAN_SECOND);
    }
}

static void
test_refused_after_busy_begins_anew(void)
{
    VmRetry retry;
    guint64 delay;
    vm_retry_reset(&retry, VM_RETRY_IN_DIRECTORY);
    for (guint n = 0; n < 20; n++)
        g_assert_true(next(&retry, QMP_ERROR_DISCONNECTED, &delay));
    g_assert_cmpuint(add_up_refusals(&retry), >=, 10 * G_TIME_SPAN_SECOND);
}

static void
test_elsewhere_refused_is_tried_for_ever(void)
{
    VmRetry retry;
    guint64 delay;
    vm_retry_reset(&retry, VM_RETRY_ALWAYS);
    for (guint n = 0; n < 1000; n++)
        g_assert_true(next(&retry, QMP_ERROR_REFUSED, &delay));
    g_assert_cmpuint(delay, ==, 30 * G_TIME_SPAN_SECOND);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vm-retry/refused", test_refused_is_given_up);
    g_test_add_func("/vm-retry/nothing-else", test_nothing_else_is_given_up);
    g_test_add_func("/vm-retry/refused-after-busy", test_refused_after_busy_begins_anew);
    g_test_add_func("/vm-retry/elsewhere", test_elsewhere_refused_is_tried_for_ever);
    return g_test_run();
}
