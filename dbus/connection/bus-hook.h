/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work that becomes due through something this thread does itself: looked at once every turn of the main loop. A hook
 * needs neither a wake-up nor an allocation when it becomes due, and costs nothing while the loop sleeps. */
#pragma once

#include <glib.h>

/* Is there anything to do? Must be cheap. */
typedef gboolean (*BusHookReadyFunc)(gpointer user_data);

/* Does it, or a part of it: called again while the hook is ready. May detach the hook. */
typedef void (*BusHookRunFunc)(gpointer user_data);

/* On @context at default priority, unless it is set to another. Owned by the caller, ended with bus_hook_detach(). */
GSource *bus_hook_attach(GMainContext *context, BusHookReadyFunc ready, BusHookRunFunc run, gpointer user_data);
void bus_hook_detach(GSource *hook);
