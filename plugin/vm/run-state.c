/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run-state.h"

/* States that QEMU passes through, the last step without an event: after a migration it goes from finish-migrate to
 * postmigrate in silence (7.2 to 11.1). */
gboolean
run_state_is_passing(const char *status)
{
    static const char *const states[] = {
        "colo", "finish-migrate", "inmigrate", "preconfig", "restore-vm", "save-vm", NULL,
    };

    return g_strv_contains(states, status);
}

/* Every event that a change of the run state can come with, in QEMU 7.2 to 11.1. SHUTDOWN, SUSPEND_DISK and GUEST_PANICKED are none:
 * QEMU ends after them, or the guest stops (`-no-shutdown`), and STOP comes. A command that comes while QEMU ends has
 * QEMU 10.0 die of SIGSEGV. */
gboolean
run_state_may_change_by(const char *event)
{
    static const char *const events[] = {
        "STOP",      "RESUME",    "RESET",             "SUSPEND", "WAKEUP", "WATCHDOG", "BLOCK_IO_ERROR",
        "MIGRATION", "COLO_EXIT", "GUEST_CRASHLOADED", NULL,
    };

    return g_strv_contains(events, event);
}
