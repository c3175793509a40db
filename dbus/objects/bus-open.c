/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts a Bus together: the connection, its callers, its objects. Included by nobody of this folder. A call's way: bus-source.c
 * reads it, bus-join.c hands it to bus-peers.c, which waits until the bus has told who calls, and from here bus-dispatch.c
 * takes it to its function. */
#include "bus-open.h"

#include "bus-dispatch.h"
#include "bus-join.h"
#include "bus-peers.h"
#include "bus-roof.h"
#include "bus-standard.h"

static void
dispatch_call(BusCall *call, gpointer user_data)
{
    bus_dispatch(((BusRoof *)user_data)->tree, call);
}

static void
on_before_send(gpointer user_data)
{
    bus_changes_flush(((BusRoof *)user_data)->changes);
}

static BusRoof *
roof_new(Bus *bus)
{
    BusRoof *roof = g_new0(BusRoof, 1);
    BusInterface *standard[BUS_N_STANDARD];

    bus_standard_new(standard);
    roof->tree = bus_tree_new(standard);
    for (guint i = 0; i < BUS_N_STANDARD; i++)
        bus_interface_unref(standard[i]);
    roof->signals = bus_signals_new(bus);
    roof->changes = bus_changes_new(bus, roof->signals);
    return roof;
}

static void
roof_free(BusRoof *roof)
{
    bus_changes_free(roof->changes);
    bus_signals_free(roof->signals);
    bus_tree_free(roof->tree);
    g_free(roof);
}

Bus *
bus_open(GMainContext *context, const char *address, BusStateFunc func, gpointer user_data, GError **error)
{
    Bus *bus = bus_connect(context, address, func, user_data, error);
    BusRoof *roof;

    if (!bus)
        return NULL;
    roof = roof_new(bus);
    bus_set_before_send(bus, on_before_send, roof);
    bus_peers_new(bus, dispatch_call, roof);
    return bus;
}

void
bus_limit_signals(Bus *bus, BusWithheldFunc func, gpointer user_data)
{
    bus_signals_limit(bus_get_roof(bus)->signals, bus_peers_get_budget(bus_get_peers(bus)), func, user_data);
}

/* The peers first: some of the questions under way are theirs, about callers whose credentials are still being asked for. */
void
bus_close(Bus *bus)
{
    BusRoof *roof = bus_get_roof(bus);

    g_return_if_fail(roof);
    bus_peers_free(bus_get_peers(bus));
    bus_set_before_send(bus, NULL, NULL);
    roof_free(roof);
    bus_disconnect(bus);
}
