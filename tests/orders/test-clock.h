/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monotonic clock of this process, which stands still until a test moves it: nothing is waited for. GLib, libdbus and
 * the module read it (clock_gettime() of the C library is ours). A main context that blocks in poll() would block for good,
 * so that a test iterates without blocking. */
#pragma once

#include <glib.h>

void test_clock_advance(gint64 microseconds);
