/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work that becomes due through something this thread does itself: looked at once every turn of the main loop. A hook
 * needs neither a wake-up nor an allocation when it becomes due, and costs nothing while the loop sleeps. */
#pragma once

#include "bus.h"

typedef struct BusHook BusHook;

/* Is there anything to do? Must be cheap. */
typedef gboolean (*BusHookReadyFunc)(gpointer user_data);

/* Does it, or a part of it: called again while the hook is ready. May detach any hook, and close the Bus. */
typedef void (*BusHookRunFunc)(gpointer user_data);

/* On the Bus's context, at default priority. Owned by the caller, ended with bus_hook_detach(). */
BusHook *bus_hook_attach(Bus *bus, BusHookReadyFunc ready, BusHookRunFunc run, gpointer user_data);
void bus_hook_detach(BusHook *hook);

/* For bus-join.c: before the first hook, and after the last. */
void bus_hooks_open(Bus *bus);
void bus_hooks_close(Bus *bus);
