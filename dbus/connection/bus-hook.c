/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One GSource a Bus, which asks all hooks whether they are due: queued property changes (bus-changes.c), drained output
 * (bus-drain.c), queries that cannot be sent (bus-query.c), calls that waited for credentials (bus-peers.c), signals
 * that fill the bus (bus-signals.c). A GSource for each would cost 500 instructions a call, for GLib alone. */
#include "bus-hook.h"

#include "bus-state.h"

struct BusHook {
    BusHooks *hooks; /* weak: detached before it goes */
    BusHookReadyFunc ready;
    BusHookRunFunc run;
    gpointer user_data; /* weak */
    guint round; /* in which it was run last, or attached */
    GList link; /* in hooks->all */
};

struct BusHooks {
    GSource base;
    GQueue all; /* of BusHook, owned by those who attached them */
    GList *next; /* the one that comes next while they are run */
    guint round; /* number of times that they were run */
};

static gboolean
hooks_check(GSource *base)
{
    for (GList *i = ((BusHooks *)base)->all.head; i; i = i->next) {
        BusHook *hook = i->data;

        if (hook->ready(hook->user_data))
            return TRUE;
    }
    return FALSE;
}

static gboolean
hooks_prepare(GSource *base, int *timeout)
{
    *timeout = -1;
    return hooks_check(base);
}

/* Each once; one that is attached meanwhile, in the next turn. */
static gboolean
hooks_dispatch(GSource *base, GSourceFunc unused_func, gpointer unused_data)
{
    BusHooks *hooks = (BusHooks *)base;

    hooks->round++;
    for (GList *i = hooks->all.head; i; i = hooks->next) {
        BusHook *hook = i->data;

        hooks->next = i->next;
        if (hook->round == hooks->round)
            continue;
        hook->round = hooks->round;
        if (hook->ready(hook->user_data))
            hook->run(hook->user_data);
    }
    hooks->next = NULL;
    return G_SOURCE_CONTINUE;
}

BusHook *
bus_hook_attach(Bus *bus, BusHookReadyFunc ready, BusHookRunFunc run, gpointer user_data)
{
    BusHook *hook = g_new0(BusHook, 1);

    hook->hooks = bus->hooks;
    hook->ready = ready;
    hook->run = run;
    hook->user_data = user_data;
    hook->round = bus->hooks->round;
    hook->link.data = hook;
    g_queue_push_tail_link(&bus->hooks->all, &hook->link);
    return hook;
}

void
bus_hook_detach(BusHook *hook)
{
    if (hook->hooks->next == &hook->link)
        hook->hooks->next = hook->link.next;
    g_queue_unlink(&hook->hooks->all, &hook->link);
    g_free(hook);
}

void
bus_hooks_open(Bus *bus)
{
    static const GSourceFuncs funcs = {
        .prepare = hooks_prepare,
        .check = hooks_check,
        .dispatch = hooks_dispatch,
    };
    GSource *base = g_source_new((GSourceFuncs *)&funcs, sizeof(BusHooks));

    bus->hooks = (BusHooks *)base;
    g_source_attach(base, bus->context);
}

void
bus_hooks_close(Bus *bus)
{
    GSource *base = &g_steal_pointer(&bus->hooks)->base;

    g_source_destroy(base);
    g_source_unref(base);
}
