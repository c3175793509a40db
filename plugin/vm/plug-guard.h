/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps two connections open while a monitor is plugged, also when the agent is killed meanwhile. Part of QmpMonitor. */
#pragma once

#include <glib.h>

/* @ours: the agent's end of a new socketpair, whose other end QEMU will get; @control: the socket of the control monitor.
 * Both stay open from now on until QEMU reads from its end as a monitor, or closes it. FALSE with errno set: the pair is to be
 * closed. */
gboolean plug_guard_arm(int ours, int control);
