/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways in which a command may end a monitor that QEMU was started with, or set it to something else. */
#pragma once

#include "started-monitors.h"

/* Whether a caller may send @command with @text in its argument @member, or in a part of an argument that has that
 * name; @text and @member as QEMU reads them. Fails with QMP_ERROR_NOT_AUTHORIZED. */
gboolean monitor_ends_check(StartedMonitors *monitors, const char *command, const char *member, const char *text,
                            GError **error);
