/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PropertiesChanged. A change only sets a bit and puts the object in a row. Before the next message goes out the row
 * is worked off, with the values of that moment: one signal an interface however often its properties changed, and
 * nobody hears of something that the change led to before the change itself. While signals are withheld
 * (bus-signals.c) the row stays. */
#include "bus-changes.h"

#include "bus-connection.h"
#include "bus-hook.h"

struct BusChanges {
    BusSignals *signals; /* weak */
    GQueue dirty; /* of BusObject, weak */
    BusHook *hook; /* owned */
};

static void
append_changed(DBusMessageIter *iter, const BusSlot *slot, guint64 dirty, gpointer object_data)
{
    DBusMessageIter entries, names;
    guint count;
    const BusValue *values = bus_interface_get_values(slot->interface, &count);

    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &entries);
    for (guint i = 0; i < count; i++)
        if ((dirty >> i & 1) && values[i].emits == BUS_EMITS_VALUE)
            bus_value_append_entry(&values[i], &entries, object_data);
    dbus_message_iter_close_container(iter, &entries);
    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING_AS_STRING, &names);
    for (guint i = 0; i < count; i++)
        if ((dirty >> i & 1) && values[i].emits == BUS_EMITS_INVALIDATION)
            dbus_message_iter_append_basic(&names, DBUS_TYPE_STRING, &values[i].property->name);
    dbus_message_iter_close_container(iter, &names);
}

static void
send_changes(BusChanges *changes, BusObject *object, BusSlot *slot)
{
    const char *interface = bus_interface_get_name(slot->interface);
    guint64 dirty = slot->dirty;
    DBusMessage *signal;
    DBusMessageIter iter;

    slot->dirty = 0;
    signal = dbus_message_new_signal(object->path, DBUS_INTERFACE_PROPERTIES, "PropertiesChanged");
    dbus_message_iter_init_append(signal, &iter);
    dbus_message_iter_append_basic(&iter, DBUS_TYPE_STRING, &interface);
    append_changed(&iter, slot, dirty, object->data);
    bus_send_now(object->bus, signal);
    bus_signals_note(changes->signals, signal);
    dbus_message_unref(signal);
}

/* A property that changes meanwhile is told with the next message. */
void
bus_changes_flush(BusChanges *changes)
{
    for (guint left = changes->dirty.length; left > 0 && bus_signals_have_room(changes->signals); left--) {
        BusObject *object = g_queue_pop_head_link(&changes->dirty)->data;

        object->dirty_link.data = NULL;
        for (guint i = 0; i < object->n_slots; i++)
            if (object->slots[i].dirty)
                send_changes(changes, object, &object->slots[i]);
    }
}

void
bus_changes_note(BusChanges *changes, BusObject *object, BusSlot *slot, guint index)
{
    slot->dirty |= G_GUINT64_CONSTANT(1) << index;
    if (object->dirty_link.data)
        return;
    object->dirty_link.data = object;
    g_queue_push_tail_link(&changes->dirty, &object->dirty_link);
}

void
bus_changes_forget(BusChanges *changes, BusObject *object)
{
    for (guint i = 0; i < object->n_slots; i++)
        object->slots[i].dirty = 0;
    if (!object->dirty_link.data)
        return;
    g_queue_unlink(&changes->dirty, &object->dirty_link);
    object->dirty_link.data = NULL;
}

static gboolean
has_dirty(gpointer user_data)
{
    BusChanges *changes = user_data;

    return changes->dirty.length > 0 && bus_signals_have_room(changes->signals);
}

static void
flush_dirty(gpointer user_data)
{
    bus_changes_flush(user_data);
}

BusChanges *
bus_changes_new(Bus *bus, BusSignals *signals)
{
    BusChanges *changes = g_new0(BusChanges, 1);

    changes->signals = signals;
    changes->hook = bus_hook_attach(bus, has_dirty, flush_dirty, changes);
    return changes;
}

void
bus_changes_free(BusChanges *changes)
{
    while (changes->dirty.length > 0)
        bus_changes_forget(changes, g_queue_peek_head(&changes->dirty));
    bus_hook_detach(changes->hook);
    g_free(changes);
}
