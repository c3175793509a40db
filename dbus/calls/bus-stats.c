/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by bus-budget.c and bus-signals.c; owns nothing. A bus of another kind, or one that does not let us ask, answers
 * with an error. */
#include "bus-stats.h"

#define INTERFACE_STATS "org.freedesktop.DBus.Debug.Stats"
#define PATH_STATS "/org/freedesktop/DBus"

BusQuery *
bus_stats_query(Bus *bus, const char *name, BusQueryFunc func, gpointer user_data)
{
    DBusMessage *question =
        dbus_message_new_method_call(DBUS_SERVICE_DBUS, PATH_STATS, INTERFACE_STATS, "GetConnectionStats");
    BusQuery *query;

    dbus_message_append_args(question, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID);
    query = bus_query(bus, question, DBUS_TIMEOUT_USE_DEFAULT, func, user_data);
    dbus_message_unref(question);
    return query;
}

/* a{sv} */
gboolean
bus_stats_read(DBusMessage *reply, const char *key, gsize *ret_number)
{
    DBusMessageIter top, entries, entry, value;
    const char *name;
    dbus_uint32_t number;

    if (!dbus_message_has_signature(reply, "a{sv}"))
        return FALSE;
    dbus_message_iter_init(reply, &top);
    dbus_message_iter_recurse(&top, &entries);
    for (; dbus_message_iter_get_arg_type(&entries) != DBUS_TYPE_INVALID; dbus_message_iter_next(&entries)) {
        dbus_message_iter_recurse(&entries, &entry);
        dbus_message_iter_get_basic(&entry, &name);
        dbus_message_iter_next(&entry);
        dbus_message_iter_recurse(&entry, &value);
        if (!g_str_equal(name, key) || dbus_message_iter_get_arg_type(&value) != DBUS_TYPE_UINT32)
            continue;
        dbus_message_iter_get_basic(&value, &number);
        *ret_number = number;
        return TRUE;
    }
    return FALSE;
}
