/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Callers are found out when they join the bus, not when they call. A process can hand its connection on and end; if
 * its number is then another's, whoever has the connection would be taken for that one. On a bus where polkit knows
 * callers by their process (any but the system bus), that matters. Callers that joined before us are found out as soon
 * as we have joined. */
#include "bus-arrivals.h"

#include "bus-peers.h"

#define MATCH_ARRIVING                                                                                                \
    "type='signal',sender='" DBUS_SERVICE_DBUS "',path='" DBUS_PATH_DBUS "',interface='" DBUS_INTERFACE_DBUS          \
    "',member='NameOwnerChanged',arg1=''"

static void
on_present_names(DBusMessage *reply, const GError *error, gpointer user_data)
{
    BusPeers *peers = bus_get_peers(user_data);
    char **names;
    int n;

    if (error || !dbus_message_get_args(reply, NULL, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &names, &n, DBUS_TYPE_INVALID))
        return;
    for (int i = 0; i < n; i++)
        bus_peers_expect(peers, names[i]);
    dbus_free_string_array(names);
}

/* Without it they are found out when they call. */
static void
on_arrivals_rule_added(DBusMessage *reply, const GError *error, gpointer user_data)
{
}

void
bus_find_out_early(Bus *bus)
{
    DBusMessage *match =
        dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "AddMatch");
    DBusMessage *names =
        dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "ListNames");
    const char *rule = MATCH_ARRIVING;

    dbus_message_append_args(match, DBUS_TYPE_STRING, &rule, DBUS_TYPE_INVALID);
    bus_query(bus, match, DBUS_TIMEOUT_USE_DEFAULT, on_arrivals_rule_added, bus);
    bus_query(bus, names, DBUS_TIMEOUT_USE_DEFAULT, on_present_names, bus);
    dbus_message_unref(names);
    dbus_message_unref(match);
}
