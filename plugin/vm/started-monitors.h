/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monitors that a QEMU was started with, and the character devices under them: a caller who ends one of these takes the
 * VM away from the agent, or from another program. QEMU 11.1 lists its monitors among its objects, and each tells the
 * device that it is on. An older QEMU lists none: there the device at the address that the agent is given counts as one,
 * and every device that QEMU has named itself; of other devices in use no one can tell.
 *
 * The same lists tell of the objects that say who may connect (authz-*), and of monitors that a killed agent has left. */
#pragma once

#include "qmp-monitor.h"

typedef struct StartedMonitors StartedMonitors;

/* Of a QEMU at whose other end of the connected socket @fd, which is only looked at, the agent is. */
StartedMonitors *started_monitors_new(int fd);

/* Asks by @queue, before any caller of ours can have added a monitor; the agent's own are left out. @func is called once,
 * never from inside: all is known, or never will be, also because the connection has ended. */
typedef void (*StartedMonitorsFunc)(gpointer user_data);
void started_monitors_ask(StartedMonitors *monitors, QmpQueue *queue, StartedMonitorsFunc func, gpointer user_data);

/* Not while questions are under way. */
void started_monitors_free(StartedMonitors *monitors);

/* There is a monitor at @path too. */
void started_monitors_note_path(StartedMonitors *monitors, const char *path);

/* Whether QEMU has monitors that are objects, the agent's own among them: then more of them can be added. FALSE: it has none,
 * or has not told. */
gboolean started_monitors_are_objects(StartedMonitors *monitors);

/* A caller has added an object, or a character device, of that name: the former bearer of the name has gone. */
void started_monitors_note_object(StartedMonitors *monitors, const char *id);
void started_monitors_note_chardev(StartedMonitors *monitors, const char *label);

gboolean started_monitors_has_object(StartedMonitors *monitors, const char *id);
gboolean started_monitors_has_chardev(StartedMonitors *monitors, const char *label);

/* Also where it cannot be told. */
gboolean started_monitors_may_have_chardev(StartedMonitors *monitors, const char *label);

/* Whether QEMU had an authz object @id (NULL: none) when it was asked; also where it has not told. */
gboolean started_monitors_may_have_authz(StartedMonitors *monitors, const char *id);

/* Removes what an agent that was killed left in QEMU: the monitors of that kind that are named as ours, and at whose other
 * end nobody is. */
void started_monitors_remove_left_over(StartedMonitors *monitors, QmpMonitorKind kind);
