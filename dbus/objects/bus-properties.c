/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.freedesktop.DBus.Properties: Get, GetAll and Set, called by bus-dispatch.c. bus-changes.c has PropertiesChanged. */
#include "bus-properties.h"

#include "bus-hint.h"
#include "bus-roof.h"

static BusTree *
get_tree(BusCall *call)
{
    return bus_get_roof(bus_call_get_bus(call))->tree;
}

static gboolean
has_standard(BusTree *tree, const BusNode *node, const char *interface)
{
    for (guint i = 0; i < bus_node_count_standard(node); i++)
        if (g_str_equal(bus_interface_get_name(bus_tree_get_standard(tree, i)), interface))
            return TRUE;
    return FALSE;
}

static void
fail_unknown_property(BusCall *call, const BusNode *node, const char *interface, const char *property)
{
    BusTree *tree = get_tree(call);
    g_autofree char *hint = NULL;

    if (interface[0] == '\0')
        bus_call_fail_code(call, BUS_ERROR_INVALID_ARGS, "Which interface's property is meant?");
    else if (bus_object_find_slot(node->object, interface) || has_standard(tree, node, interface))
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_PROPERTY, "%s has no property %s%s", interface, property,
                           hint = bus_hint_property(tree, node, interface, property));
    else
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_INTERFACE, "%s has no interface %s%s", node->path, interface,
                           hint = bus_hint_interface(tree, node, interface));
}

void
bus_properties_get(BusCall *call, gpointer user_data)
{
    BusNode *node = user_data;
    const char *interface, *property;
    const BusValue *value = NULL;
    BusSlot *slot;
    DBusMessageIter iter;
    DBusMessage *reply;
    guint index;
    gsize size;

    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING, &property,
                          DBUS_TYPE_INVALID);
    slot = bus_object_find_slot(node->object, interface);
    if (slot)
        value = bus_interface_find_value(slot->interface, property, &index);
    if (!value) {
        fail_unknown_property(call, node, interface, property);
        return;
    }
    reply = bus_call_new_reply(call);
    dbus_message_iter_init_append(reply, &iter);
    size = bus_value_append(value, &iter, node->object->data);
    bus_object_note_read(node->object);
    bus_call_return_sized(call, reply, size);
}

static void
return_nothing(BusCall *call)
{
    DBusMessage *reply = bus_call_new_reply(call);
    DBusMessageIter iter, entries;

    dbus_message_iter_init_append(reply, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &entries);
    dbus_message_iter_close_container(&iter, &entries);
    bus_call_return(call, reply);
}

/* The standard interfaces exist, and have no properties: generic clients ask for those of every interface listed. */
void
bus_properties_get_all(BusCall *call, gpointer user_data)
{
    BusNode *node = user_data;
    const char *interface;
    BusSlot *slot;
    DBusMessageIter iter;
    DBusMessage *reply;

    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID);
    slot = bus_object_find_slot(node->object, interface);
    if (slot) {
        reply = bus_call_new_reply(call);
        dbus_message_iter_init_append(reply, &iter);
        bus_interface_append_values(slot->interface, &iter, node->object->data);
        bus_object_note_read(node->object);
        bus_call_return(call, reply);
    } else if (has_standard(get_tree(call), node, interface)) {
        return_nothing(call);
    } else {
        fail_unknown_property(call, node, interface, /* property= */ "");
    }
}

void
bus_properties_set(BusCall *call, gpointer user_data)
{
    BusNode *node = user_data;
    const char *interface, *property;
    DBusMessageIter iter;
    BusSlot *slot;
    guint index;

    dbus_message_iter_init(bus_call_get_message(call), &iter);
    dbus_message_iter_get_basic(&iter, &interface);
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &property);
    slot = bus_object_find_slot(node->object, interface);
    if (slot && bus_interface_find_value(slot->interface, property, &index))
        bus_call_fail_code(call, BUS_ERROR_PROPERTY_READ_ONLY, "%s.%s cannot be set", interface, property);
    else
        fail_unknown_property(call, node, interface, property);
}
