/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.freedesktop.DBus.ObjectManager: GetManagedObjects, called by bus-dispatch.c, and the signals of every manager above
 * an object that bus-object.c publishes, changes or frees. D-Bus's own interfaces are not listed. */
#include "bus-object-manager.h"

#define INTERFACE_OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"

/* a{sa{sv}}; @only: NULL for all. */
static void
append_interfaces(DBusMessageIter *iter, BusObject *object, BusInterface *only)
{
    DBusMessageIter interfaces, entry;

    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sa{sv}}", &interfaces);
    for (guint i = 0; i < object->n_slots; i++) {
        BusInterface *interface = object->slots[i].interface;
        const char *name = bus_interface_get_name(interface);

        if (only && only != interface)
            continue;
        dbus_message_iter_open_container(&interfaces, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &name);
        bus_interface_append_values(interface, &entry, object->data);
        dbus_message_iter_close_container(&interfaces, &entry);
    }
    dbus_message_iter_close_container(iter, &interfaces);
}

static void
append_names(DBusMessageIter *iter, BusObject *object, BusInterface *only)
{
    DBusMessageIter names;

    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING_AS_STRING, &names);
    for (guint i = 0; i < object->n_slots; i++) {
        BusInterface *interface = object->slots[i].interface;
        const char *name = bus_interface_get_name(interface);

        if (!only || only == interface)
            dbus_message_iter_append_basic(&names, DBUS_TYPE_STRING, &name);
    }
    dbus_message_iter_close_container(iter, &names);
}

/* The paths of our own tree are a few steps deep. */
static void
append_objects_below(DBusMessageIter *iter, BusNode *node)
{
    for (GList *l = node->children.head; l; l = l->next) {
        BusNode *child = l->data;
        DBusMessageIter entry;

        if (child->object) {
            dbus_message_iter_open_container(iter, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
            dbus_message_iter_append_basic(&entry, DBUS_TYPE_OBJECT_PATH, &child->path);
            append_interfaces(&entry, child->object, /* only= */ NULL);
            dbus_message_iter_close_container(iter, &entry);
            bus_object_note_read(child->object);
        }
        append_objects_below(iter, child);
    }
}

void
bus_managed_get(BusCall *call, gpointer data)
{
    BusNode *node = data;
    DBusMessage *reply = bus_call_new_reply(call);
    DBusMessageIter iter, objects;

    dbus_message_iter_init_append(reply, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{oa{sa{sv}}}", &objects);
    append_objects_below(&objects, node);
    dbus_message_iter_close_container(&iter, &objects);
    if (node->object->on_listed)
        node->object->on_listed(bus_call_get_peer(call), node->object->data);
    bus_call_return(call, reply);
}

typedef void (*AppendFunc)(DBusMessageIter *iter, BusObject *object, BusInterface *only);

static void
send_signals(BusSignals *signals, BusObject *object, BusInterface *only, const char *member, AppendFunc append)
{
    for (BusNode *node = object->node->parent; node; node = node->parent) {
        DBusMessageIter iter;
        DBusMessage *signal;

        if (!node->object || !node->object->is_manager)
            continue;
        signal = dbus_message_new_signal(node->path, INTERFACE_OBJECT_MANAGER, member);
        dbus_message_iter_init_append(signal, &iter);
        dbus_message_iter_append_basic(&iter, DBUS_TYPE_OBJECT_PATH, &object->path);
        append(&iter, object, only);
        bus_signals_send(signals, signal);
        dbus_message_unref(signal);
    }
}

void
bus_managed_added(BusSignals *signals, BusObject *object, BusInterface *only)
{
    send_signals(signals, object, only, "InterfacesAdded", append_interfaces);
}

void
bus_managed_removed(BusSignals *signals, BusObject *object, BusInterface *only)
{
    send_signals(signals, object, only, "InterfacesRemoved", append_names);
}
