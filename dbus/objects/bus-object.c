/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An object: its path, its interfaces, its life between publishing and freeing. The object belongs to its maker; while
 * it is published bus-tree.c knows it. An object outlives its Bus unharmed, as one that is not published. */
#include "bus-object.h"

#include "bus-hint.h"
#include "bus-introspect.h"
#include "bus-object-manager.h"
#include "bus-roof.h"

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
        bus_managed_removed(bus_get_roof(object->bus)->signals, object, slot->interface);
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
        bus_managed_added(bus_get_roof(object->bus)->signals, object, interface);
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
bus_object_make_manager(BusObject *object, BusListedFunc func)
{
    object->on_listed = func;
    object->is_manager = TRUE;
}

void
bus_object_publish(BusObject *object)
{
    BusRoof *roof = bus_get_roof(object->bus);

    g_return_if_fail(!object->node);
    if (!roof)
        return;
    object->node = bus_tree_insert(roof->tree, object);
    if (object->node)
        bus_managed_added(bus_get_roof(object->bus)->signals, object, /* only= */ NULL);
}

/* Its owner is about to go, or half gone: from here on no function of its properties is called. */
void
bus_object_unpublish(BusObject *object)
{
    BusRoof *roof = bus_get_roof(object->bus);

    if (!object->node)
        return;
    bus_changes_forget(roof->changes, object);
    bus_managed_removed(bus_get_roof(object->bus)->signals, object, /* only= */ NULL);
    bus_tree_remove(roof->tree, g_steal_pointer(&object->node));
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

void
bus_object_send_signal(BusObject *object, DBusMessage *signal)
{
    BusRoof *roof = bus_get_roof(object->bus);

    if (roof)
        bus_signals_send(roof->signals, signal);
}

BusObject *
bus_get_object(Bus *bus, const char *path)
{
    BusRoof *roof = bus_get_roof(bus);
    BusNode *node = roof ? bus_tree_lookup(roof->tree, path) : NULL;

    return node ? node->object : NULL;
}

void
bus_object_property_changed(BusObject *object, const char *interface, const char *property)
{
    BusSlot *slot = bus_object_find_slot(object, interface);
    const BusValue *value;
    guint index = 0;

    g_return_if_fail(slot);
    value = bus_interface_find_value(slot->interface, property, &index);
    g_return_if_fail(value);
    if (object->node && value->emits != BUS_EMITS_NOTHING)
        bus_changes_note(bus_get_roof(object->bus)->changes, object, slot, index);
}

void
bus_object_introspect(BusObject *object, BusCall *call)
{
    if (object->node)
        bus_introspect_answer(call, object->node);
    else
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_OBJECT, "There is no object %s", object->path);
}

char *
bus_object_dup_method_hint(BusObject *object, const char *interface, const char *member)
{
    BusRoof *roof = bus_get_roof(object->bus);

    return object->node ? bus_hint_method(roof->tree, object->node, interface, member) : g_strdup("");
}
