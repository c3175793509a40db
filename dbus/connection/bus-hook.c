/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A GSource that asks a function whether it is due: queued property changes (bus-changes.c), drained output
 * (bus-drain.c), queries that cannot be sent (bus-query.c), calls that waited for credentials (bus-peers.c). */
#include "bus-hook.h"

typedef struct BusHook {
    GSource base;
    BusHookReadyFunc ready;
    BusHookRunFunc run;
    gpointer user_data; /* weak */
} BusHook;

static gboolean
hook_check(GSource *base)
{
    BusHook *hook = (BusHook *)base;

    return hook->ready(hook->user_data);
}

static gboolean
hook_prepare(GSource *base, int *timeout)
{
    *timeout = -1;
    return hook_check(base);
}

/* Another source of the same turn may have done the work already. */
static gboolean
hook_dispatch(GSource *base, GSourceFunc func, gpointer user_data)
{
    BusHook *hook = (BusHook *)base;

    if (hook->ready(hook->user_data))
        hook->run(hook->user_data);
    return G_SOURCE_CONTINUE;
}

GSource *
bus_hook_attach(GMainContext *context, BusHookReadyFunc ready, BusHookRunFunc run, gpointer user_data)
{
    static const GSourceFuncs funcs = {
        .prepare = hook_prepare,
        .check = hook_check,
        .dispatch = hook_dispatch,
    };
    GSource *base = g_source_new((GSourceFuncs *)&funcs, sizeof(BusHook));
    BusHook *hook = (BusHook *)base;

    hook->ready = ready;
    hook->run = run;
    hook->user_data = user_data;
    g_source_attach(base, context);
    return base;
}

void
bus_hook_detach(GSource *hook)
{
    g_source_destroy(hook);
    g_source_unref(hook);
}
