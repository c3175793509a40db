/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "early-events.h"

/* Until the VM can be seen, a few ms, nobody can have asked for events: whoever floods that early loses the rest. */
#define MAX_EARLY_EVENTS 256
#define MAX_EARLY_BYTES (256 * 1024)

void
early_events_add(EarlyEvents *early, const QmpEvent *event)
{
    if (!early->events)
        early->events = g_ptr_array_new_with_free_func((GDestroyNotify)qmp_event_free);
    if (early->events->len >= MAX_EARLY_EVENTS || early->bytes + event->data.length >= MAX_EARLY_BYTES)
        return;
    early->bytes += event->data.length;
    g_ptr_array_add(early->events, qmp_event_copy(event));
}

GPtrArray *
early_events_steal(EarlyEvents *early)
{
    early->bytes = 0;
    return g_steal_pointer(&early->events);
}

void
early_events_clear(EarlyEvents *early)
{
    g_clear_pointer(&early->events, g_ptr_array_unref);
}
