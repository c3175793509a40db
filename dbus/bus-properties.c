/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.freedesktop.DBus.Properties: Get, GetAll and Set, called by bus-tree.c, and PropertiesChanged.
 *
 * A change only sets a bit and puts the object in the Bus's row. Before the next message goes out the row is worked
 * off, with the values of that moment: one signal an interface however often its properties changed, and nobody hears
 * of something that the change led to before the change itself. */
#include "bus-hint.h"
#include "bus-hook.h"

static const BusValue *
find_value(BusInterface *interface, const char *name, guint *ret_index)
{
    guint count;
    const BusValue *values = bus_interface_get_values(interface, &count);

    for (guint i = 0; i < count; i++) {
        if (!g_str_equal(values[i].property->name, name))
            continue;
        *ret_index = i;
        return &values[i];
    }
    return NULL;
}

static gboolean
has_standard(Bus *bus, const BusNode *node, const char *interface)
{
    for (guint i = 0; i < bus_node_count_standard(node); i++)
        if (g_str_equal(bus_interface_get_name(bus_tree_get_standard(bus->tree, i)), interface))
            return TRUE;
    return FALSE;
}

static void
fail_unknown(BusCall *call, const BusNode *node, const char *interface, const char *property)
{
    BusTree *tree = bus_call_get_bus(call)->tree;
    g_autofree char *hint = NULL;

    if (interface[0] == '\0')
        bus_call_fail_code(call, BUS_ERROR_INVALID_ARGS, "Which interface's property is meant?");
    else if (bus_object_find_slot(node->object, interface) || has_standard(bus_call_get_bus(call), node, interface))
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_PROPERTY, "%s has no property %s%s", interface, property,
                           hint = bus_hint_property(tree, node, interface, property));
    else
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_INTERFACE, "%s has no interface %s%s", node->path, interface,
                           hint = bus_hint_interface(tree, node, interface));
}

static void
append_variant(DBusMessageIter *iter, const BusValue *value, gpointer object_data)
{
    DBusMessageIter variant;

    dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, value->signature, &variant);
    value->property->get(&variant, object_data);
    dbus_message_iter_close_container(iter, &variant);
}

static void
append_entry(DBusMessageIter *iter, const BusValue *value, gpointer object_data)
{
    DBusMessageIter entry;

    dbus_message_iter_open_container(iter, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &value->property->name);
    append_variant(&entry, value, object_data);
    dbus_message_iter_close_container(iter, &entry);
}

void
bus_properties_append(DBusMessageIter *iter, BusInterface *interface, gpointer object_data)
{
    DBusMessageIter entries;
    guint count;
    const BusValue *values = bus_interface_get_values(interface, &count);

    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &entries);
    for (guint i = 0; i < count; i++)
        append_entry(&entries, &values[i], object_data);
    dbus_message_iter_close_container(iter, &entries);
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

    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING, &property,
                          DBUS_TYPE_INVALID);
    slot = bus_object_find_slot(node->object, interface);
    if (slot)
        value = find_value(slot->interface, property, &index);
    if (!value) {
        fail_unknown(call, node, interface, property);
        return;
    }
    reply = bus_call_new_reply(call);
    dbus_message_iter_init_append(reply, &iter);
    append_variant(&iter, value, node->object->data);
    bus_object_note_read(node->object);
    bus_call_return(call, reply);
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
        bus_properties_append(&iter, slot->interface, node->object->data);
        bus_object_note_read(node->object);
        bus_call_return(call, reply);
    } else if (has_standard(bus_call_get_bus(call), node, interface)) {
        return_nothing(call);
    } else {
        fail_unknown(call, node, interface, /* property= */ "");
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
    if (slot && find_value(slot->interface, property, &index))
        bus_call_fail_code(call, BUS_ERROR_PROPERTY_READ_ONLY, "%s.%s cannot be set", interface, property);
    else
        fail_unknown(call, node, interface, property);
}

void
bus_object_property_changed(BusObject *object, const char *interface, const char *property)
{
    BusSlot *slot = bus_object_find_slot(object, interface);
    const BusValue *value;
    guint index = 0;

    g_return_if_fail(slot);
    value = find_value(slot->interface, property, &index);
    g_return_if_fail(value);
    if (!object->node || value->emits == BUS_EMITS_NOTHING)
        return;
    slot->dirty |= G_GUINT64_CONSTANT(1) << index;
    if (object->dirty_link.data)
        return;
    object->dirty_link.data = object;
    g_queue_push_tail_link(&object->bus->dirty, &object->dirty_link);
}

static void
append_changed(DBusMessageIter *iter, const BusSlot *slot, guint64 dirty, gpointer object_data)
{
    DBusMessageIter entries, names;
    guint count;
    const BusValue *values = bus_interface_get_values(slot->interface, &count);

    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &entries);
    for (guint i = 0; i < count; i++)
        if ((dirty >> i & 1) && values[i].emits == BUS_EMITS_VALUE)
            append_entry(&entries, &values[i], object_data);
    dbus_message_iter_close_container(iter, &entries);
    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING_AS_STRING, &names);
    for (guint i = 0; i < count; i++)
        if ((dirty >> i & 1) && values[i].emits == BUS_EMITS_INVALIDATION)
            dbus_message_iter_append_basic(&names, DBUS_TYPE_STRING, &values[i].property->name);
    dbus_message_iter_close_container(iter, &names);
}

static void
send_changes(BusObject *object, BusSlot *slot)
{
    const char *interface = bus_interface_get_name(slot->interface);
    guint64 dirty = slot->dirty;
    DBusMessage *signal;
    DBusMessageIter iter;

    slot->dirty = 0;
    signal = bus_object_new_signal(object, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged");
    dbus_message_iter_init_append(signal, &iter);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &interface);
    append_changed(&iter, slot, dirty, object->data);
    bus_send_now(object->bus, signal);
    dbus_message_unref(signal);
}

/* What changes meanwhile comes with the next message. */
void
bus_properties_flush(Bus *bus)
{
    for (guint left = bus->dirty.length; left > 0; left--) {
        BusObject *object = g_queue_pop_head_link(&bus->dirty)->data;

        object->dirty_link.data = NULL;
        for (guint i = 0; i < object->n_slots; i++)
            if (object->slots[i].dirty)
                send_changes(object, &object->slots[i]);
    }
}

void
bus_properties_forget(BusObject *object)
{
    for (guint i = 0; i < object->n_slots; i++)
        object->slots[i].dirty = 0;
    if (!object->dirty_link.data)
        return;
    g_queue_unlink(&object->bus->dirty, &object->dirty_link);
    object->dirty_link.data = NULL;
}

static gboolean
has_dirty(gpointer user_data)
{
    return ((Bus *)user_data)->dirty.length > 0;
}

static void
flush_dirty(gpointer user_data)
{
    bus_properties_flush(user_data);
}

void
bus_properties_open(Bus *bus)
{
    bus->dirty_hook = bus_hook_attach(bus->context, has_dirty, flush_dirty, bus);
}
