/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An event or a state that is missing here leaves a VM's Status wrong for everybody who looks at it. */
#include "run-state.h"

/* Somebody who watches a migration: the end of these states comes without an event, so they have to be asked for. */
static void
test_passing(void)
{
    static const char *const passing[] = {
        "colo", "finish-migrate", "inmigrate", "preconfig", "restore-vm", "save-vm"
    };
    static const char *const lasting[] = { "", "running", "paused", "postmigrate", "shutdown", "io-error", "RUNNING" };

    for (guint i = 0; i < G_N_ELEMENTS(passing); i++)
        g_assert_true(run_state_is_passing(passing[i]));
    for (guint i = 0; i < G_N_ELEMENTS(lasting); i++)
        g_assert_false(run_state_is_passing(lasting[i]));
}

/* A guest that floods an event which changes nothing: QEMU must not be asked for each of them. Nor behind an event which it ends
 * after. */
static void
test_events(void)
{
    static const char *const changing[] = { "STOP",     "RESUME",         "RESET",     "SUSPEND",  "WAKEUP",
                                            "WATCHDOG", "BLOCK_IO_ERROR", "MIGRATION", "COLO_EXIT" };
    static const char *const others[] = { "",
                                          "stop",
                                          "RTC_CHANGE",
                                          "SHUTDOWN",
                                          "SUSPEND_DISK",
                                          "GUEST_PANICKED",
                                          "BLOCK_JOB_READY",
                                          "NIC_RX_FILTER_CHANGED" };

    for (guint i = 0; i < G_N_ELEMENTS(changing); i++)
        g_assert_true(run_state_may_change_by(changing[i]));
    for (guint i = 0; i < G_N_ELEMENTS(others); i++)
        g_assert_false(run_state_may_change_by(others[i]));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/run-state/passing", test_passing);
    g_test_add_func("/run-state/events", test_events);
    return g_test_run();
}
