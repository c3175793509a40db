/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An object: its path, its interfaces, its life between publishing and freeing. It belongs to whoever made it; while
 * it is published bus-tree.c knows it. An object outlives its Bus unharmed, as one that is not published. */
#include "bus-private.h"

BusObject *
bus_object_new(Bus *bus, const char *path, gpointer object_data)
{
    BusObject *object;

    g_return_val_if_fail(dbus_validate_path(path, NULL), NULL);
    object = g_new0(BusObject, 1);
    object->bus = bus_ref(bus);
    object->path = g_strdup(path);
    object->data = object_data;
    return object;
}

BusSlot *
bus_object_find_slot(BusObject *object, const char *interface)
{
    for (guint i = 0; i < object->n_slots; i++)
        if (g_str_equal(bus_interface_get_name(object->slots[i].interface), interface))
            return &object->slots[i];
    return NULL;
}

static void
set_interface(BusSlot *slot, BusInterface *interface)
{
    bus_interface_ref(interface);
    bus_interface_unref(slot->interface);
    slot->interface = interface;
}

static void
replace_interface(BusObject *object, BusSlot *slot, BusInterface *interface)
{
    if (object->node)
        bus_managed_removed(object, slot->interface);
    set_interface(slot, interface);
    slot->dirty = 0;
}

void
bus_object_add_interface(BusObject *object, BusInterface *interface)
{
    BusSlot *slot = bus_object_find_slot(object, bus_interface_get_name(interface));

    if (slot) {
        replace_interface(object, slot, interface);
    } else {
        object->slots = g_renew(BusSlot, object->slots, object->n_slots + 1);
        object->slots[object->n_slots++] = (BusSlot){ .interface = bus_interface_ref(interface) };
    }
    if (object->node)
        bus_managed_added(object, interface);
}

void
bus_object_refine_interface(BusObject *object, BusInterface *interface)
{
    BusSlot *slot = bus_object_find_slot(object, bus_interface_get_name(interface));

    g_return_if_fail(slot);
    set_interface(slot, interface);
}

void
bus_object_set_introspect(BusObject *object, BusIntrospectFunc func)
{
    object->introspect = func;
}

void
bus_object_set_read(BusObject *object, BusReadFunc func)
{
    object->read = func;
}

void
bus_object_note_read(BusObject *object)
{
    if (object->read)
        object->read(object->data);
}

void
bus_object_make_manager(BusObject *object, BusListedFunc func)
{
    object->on_listed = func;
    object->is_manager = TRUE;
}

void
bus_object_publish(BusObject *object)
{
    g_return_if_fail(!object->node);
    if (!object->bus->tree)
        return;
    object->node = bus_tree_insert(object->bus->tree, object);
    if (object->node)
        bus_managed_added(object, /* only= */ NULL);
}

/* Its owner is about to go, or half gone: from here on no function of its properties is called. */
void
bus_object_unpublish(BusObject *object)
{
    bus_properties_forget(object);
    if (!object->node)
        return;
    bus_managed_removed(object, /* only= */ NULL);
    bus_tree_remove(object->bus->tree, g_steal_pointer(&object->node));
}

void
bus_object_free(BusObject *object)
{
    bus_object_unpublish(object);
    for (guint i = 0; i < object->n_slots; i++)
        bus_interface_unref(object->slots[i].interface);
    bus_unref(object->bus);
    g_free(object->slots);
    g_free(object->path);
    g_free(object);
}

const char *
bus_object_get_path(BusObject *object)
{
    return object->path;
}

gpointer
bus_object_get_data(BusObject *object)
{
    return object->data;
}

DBusMessage *
bus_object_new_signal(BusObject *object, const char *interface, const char *member)
{
    return dbus_message_new_signal(object->path, interface, member);
}
