/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting until the bus has taken what was sent: whoever turns a stream of QEMU's into messages stops while it has
 * not. The Bus owns the BusDrains until they are called or cancelled. libdbus tells nobody when its queue shrinks, but
 * it can only do so in a turn of this loop, so a hook looks once a turn. */
#include "bus-drain.h"

#include "bus-hook.h"
#include "bus-state.h"

struct BusDrain {
    Bus *bus; /* weak: bus_disconnect() frees its drains */
    GList link; /* in the bus's drains */
    BusHook *hook; /* owned */
    gsize size;
    BusDrainFunc func;
    gpointer user_data;
};

gsize
bus_get_outgoing_size(Bus *bus)
{
    return bus->connection ? (gsize)dbus_connection_get_outgoing_size(bus->connection) : 0;
}

static gboolean
is_drained(gpointer user_data)
{
    BusDrain *drain = user_data;

    return bus_get_outgoing_size(drain->bus) <= drain->size;
}

static void
run_drain(gpointer user_data)
{
    BusDrain *drain = user_data;
    BusDrainFunc func = drain->func;
    gpointer func_data = drain->user_data;

    bus_drain_cancel(drain);
    func(func_data);
}

BusDrain *
bus_when_drained(Bus *bus, gsize size, BusDrainFunc func, gpointer user_data)
{
    BusDrain *drain;

    g_return_val_if_fail(bus->connection, NULL);
    drain = g_new0(BusDrain, 1);
    drain->bus = bus;
    drain->link.data = drain;
    drain->size = size;
    drain->func = func;
    drain->user_data = user_data;
    drain->hook = bus_hook_attach(bus, is_drained, run_drain, drain);
    g_queue_push_tail_link(&bus->drains, &drain->link);
    return drain;
}

void
bus_drain_cancel(BusDrain *drain)
{
    g_queue_unlink(&drain->bus->drains, &drain->link);
    bus_hook_detach(drain->hook);
    g_free(drain);
}

void
bus_drains_close(Bus *bus)
{
    while (bus->drains.length > 0)
        bus_drain_cancel(g_queue_peek_head(&bus->drains));
}
