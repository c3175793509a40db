/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The path of an event, from QEMU's socket to a signal on the bus:
 *
 *   qmp/qmp-client.c         a line of the control monitor becomes a QmpEvent; one that makes no sense is dropped
 *   vm/qemu-connection.c     the run state is asked for, where the event may have changed it
 *   vm/vm.c                  the VM's connection passes it on
 *   registry/vm-entry.c        the VM has an object on the bus
 *   objects/vm-object.c      vm_object_event(): jobs and calls that wait hear of it first, native sessions last
 *   objects/events.c         events_publish(): the event is sent, or waits for the schema (keep_event()); send_event() makes
 *                            one signal: for everybody on a session bus, for subscribers on the system bus
 *   dbus/connection/bus-connection.c
 *                            libdbus's queue. While it is long, QEMU's monitor is not read (hold_back_qemu()), so that a VM
 *                            that floods fills its own buffers and not the agent's
 *
 * The first event that has data makes the agent ask QEMU for its schema, which gives the types of the data. The event waits
 * for that with all that follow, and so do the replies that QEMU sends after them. */
#include "events.h"

#include <string.h>

#include "log.h"
#include "names.h"
#include "bus-peers.h"
#include "bus-dictionary.h"
#include "value.h"

/* Bytes that wait for the bus to take them. Some ten thousand events. */
#define OUTGOING_HIGH (4u * 1024 * 1024)
#define OUTGOING_LOW (OUTGOING_HIGH / 2)

/* Events that wait for the schema. With more, the rest of them is not worth it. */
#define MAX_BACKLOG 1024
#define MAX_BACKLOG_BYTES (1024u * 1024)
#define EVENTS_A_TURN 32

struct Events {
    VmContext *vm_context; /* weak */
    GHashTable *subscribers; /* owned; unique name → GStrv of event names, empty: all */
    GHashTable *behind; /* owned; of these, the unique names that do not read, once the log has told */
    BusPeerWatch *peer_watch; /* owned; while there are subscribers */
    BusDrain *drain; /* owned; while QEMU is not read */
    GQueue backlog; /* of QmpEvent, owned */
    gsize backlog_bytes;
    gboolean is_full; /* QEMU is not read until it is empty */
    SchemaWait *wait; /* weak; for the schema, which the backlog waits for */
    GSource *sender; /* owned; while the backlog is sent */
    gboolean has_held; /* stopped, while replies waited for the backlog */
};

static void
stop_event_sender(Events *events)
{
    if (events->sender)
        g_source_destroy(events->sender);
    g_clear_pointer(&events->sender, g_source_unref);
}

static void
on_bus_drained(gpointer user_data)
{
    Events *events = user_data;

    events->drain = NULL;
    qemu_connection_resume(vm_get_qemu(events->vm_context->vm));
}

static void
hold_back_qemu(Events *events)
{
    Bus *bus = events->vm_context->context->bus;

    if (events->drain || bus_get_outgoing_size(bus) < OUTGOING_HIGH)
        return;
    qemu_connection_pause(vm_get_qemu(events->vm_context->vm));
    events->drain = bus_when_drained(bus, OUTGOING_LOW, on_bus_drained, events);
}

static void
append_timestamp(DBusMessage *signal, guint64 timestamp)
{
    dbus_uint64_t value = timestamp;
    dbus_message_append_args(signal, DBUS_TYPE_UINT64, &value, DBUS_TYPE_INVALID);
}

/* @type: may be NULL. */
static gboolean
append_data(DBusMessage *signal, const QmpText *data, const QmpType *type)
{
    return value_append(signal, "a{sv}", type, data->text ? data->text : "{}", "data", /* ret_size= */ NULL,
                        /* error= */ NULL);
}

/* org.qemu.Monitor1.Events.BlockIoError(data, timestamp); NULL where there is no such signal or the data do not fit. */
static DBusMessage *
make_own_signal(Events *events, const QmpEvent *event)
{
    const QmpType *type;
    g_autofree char *member =
        qmp_interfaces_dup_signal(vm_schema_get_interfaces(events->vm_context->schema), event->name, &type);
    DBusMessage *signal;

    if (!member)
        return NULL;
    signal = bus_object_new_signal(events->vm_context->object, MONITOR_EVENTS_INTERFACE, member);
    if (!append_data(signal, &event->data, type))
        g_clear_pointer(&signal, dbus_message_unref);
    else
        append_timestamp(signal, event->timestamp);
    return signal;
}

static DBusMessage *
new_general_signal(Events *events, const QmpEvent *event)
{
    DBusMessage *signal = bus_object_new_signal(events->vm_context->object, MONITOR_VM_INTERFACE, "Event");

    dbus_message_append_args(signal, DBUS_TYPE_STRING, &event->name, DBUS_TYPE_INVALID);
    return signal;
}

/* { "json": TEXT }, for data that D-Bus cannot carry. */
static void
append_json_text(DBusMessage *signal, const QmpText *data)
{
    g_autofree char *text = g_strndup(data->text, data->length);
    const char *string = text;
    DBusMessageIter iter, dictionary;

    dbus_message_iter_init_append(signal, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dictionary);
    bus_dictionary_append(&dictionary, "json", DBUS_TYPE_STRING_AS_STRING, &string);
    dbus_message_iter_close_container(&iter, &dictionary);
}

/* org.qemu.Monitor1.VM.Event(name, data, timestamp) */
static DBusMessage *
make_general_signal(Events *events, const QmpEvent *event)
{
    DBusMessage *signal = new_general_signal(events, event);

    if (!append_data(signal, &event->data, /* type= */ NULL)) {
        dbus_message_unref(signal);
        signal = new_general_signal(events, event);
        append_json_text(signal, &event->data);
    }
    append_timestamp(signal, event->timestamp);
    return signal;
}

/* Makes one record for each 16 MiB that a subscriber reads: to be told of again a subscriber has to subscribe again,
 * which takes room. */
static void
note_missed(Events *events, const char *unique_name)
{
    if (!g_hash_table_add(events->behind, g_strdup(unique_name)))
        return;
    log_line(events->vm_context->context->host, G_LOG_LEVEL_MESSAGE, vm_get_name(events->vm_context->vm),
             "%s does not read what it is sent, and misses events of the VM \"%s\"", unique_name,
             vm_get_name(events->vm_context->vm));
}

static void
send_to_subscribers(Events *events, DBusMessage *signal, const char *name)
{
    GHashTableIter subscribers;
    gpointer unique_name, names;

    g_hash_table_iter_init(&subscribers, events->subscribers);
    while (g_hash_table_iter_next(&subscribers, &unique_name, &names)) {
        if (*(char **)names && !g_strv_contains(names, name))
            continue;
        DBusMessage *copy = dbus_message_copy(signal);
        if (!bus_peer_send(events->vm_context->context->bus, unique_name, copy))
            note_missed(events, unique_name);
        dbus_message_unref(copy);
    }
}

static gboolean
is_broadcast(Events *events)
{
    return events->vm_context->context->host->bus == MANAGEMENT_BUS_SESSION;
}

static void
send_event(Events *events, const QmpEvent *event)
{
    DBusMessage *signal = make_own_signal(events, event);

    if (!signal)
        signal = make_general_signal(events, event);
    if (is_broadcast(events))
        bus_send(events->vm_context->context->bus, signal);
    else
        send_to_subscribers(events, signal, event->name);
    dbus_message_unref(signal);
    hold_back_qemu(events);
}

static void
end_backlog(Events *events)
{
    QemuConnection *qemu = vm_get_qemu(events->vm_context->vm);

    stop_event_sender(events);
    events->backlog_bytes = 0;
    if (events->is_full)
        qemu_connection_resume(qemu);
    events->is_full = FALSE;
    reply_barrier_release(qemu_connection_get_barrier(qemu));
}

static void
send_first_event(Events *events)
{
    QmpEvent *event = g_queue_pop_head(&events->backlog);

    send_event(events, event);
    qmp_event_free(event);
}

/* Sends a few events a turn, as they come from the socket. */
static gboolean
send_some_events(gpointer user_data)
{
    Events *events = user_data;

    for (guint i = 0; i < EVENTS_A_TURN && events->backlog.length > 0; i++)
        send_first_event(events);
    if (events->backlog.length > 0)
        return G_SOURCE_CONTINUE;
    end_backlog(events);
    return G_SOURCE_REMOVE;
}

static void
start_event_sender(Events *events)
{
    events->sender = g_idle_source_new();
    g_source_set_priority(events->sender, G_PRIORITY_DEFAULT);
    g_source_set_callback(events->sender, send_some_events, events, NULL);
    g_source_attach(events->sender, events->vm_context->context->host->context);
}

static void
on_events_described(const GError *error, gpointer user_data)
{
    Events *events = user_data;

    events->wait = NULL;
    start_event_sender(events);
}

static void
begin_backlog(Events *events)
{
    events->wait = vm_schema_wait(events->vm_context->schema, /* caller= */ "", /* uid= */ 0, /* size= */ 0,
                                  on_events_described, events,
                                  /* error= */ NULL);
    reply_barrier_hold(qemu_connection_get_barrier(vm_get_qemu(events->vm_context->vm)));
}

/* The events that wait are not worth more memory: they are sent as they can be, and QEMU is not read until that is
 * done. */
static void
stop_waiting_for_schema(Events *events)
{
    events->is_full = TRUE;
    qemu_connection_pause(vm_get_qemu(events->vm_context->vm));
    if (!events->wait)
        return;
    schema_wait_cancel(g_steal_pointer(&events->wait));
    start_event_sender(events);
}

static void
keep_event(Events *events, const QmpEvent *event)
{
    if (events->backlog.length == 0)
        begin_backlog(events);
    g_queue_push_tail(&events->backlog, qmp_event_copy(event));
    events->backlog_bytes += sizeof *event + strlen(event->name) + event->data.length;
    if (!events->is_full && (events->backlog.length >= MAX_BACKLOG || events->backlog_bytes >= MAX_BACKLOG_BYTES))
        stop_waiting_for_schema(events);
}

gboolean
events_has_subscribers(Events *events)
{
    return events->subscribers && g_hash_table_size(events->subscribers) > 0;
}

/* An event without data that the contract promises needs no schema. Most events of a VM that nobody works on are of
 * that kind (RESUME, STOP, POWERDOWN). Nor does SHUTDOWN: its data are booleans and strings (7.2 to 11.1), which D-Bus carries
 * alike with the schema and without; and QEMU ends after it. A QEMU that ends is asked nothing: QEMU 10.0 dies of
 * SIGSEGV by it, and query-qmp-schema would cost 30 ms. */
static gboolean
can_be_sent(Events *events, const QmpEvent *event)
{
    return vm_schema_is_settled(events->vm_context->schema) ||
           ((!event->data.text || g_str_equal(event->name, "SHUTDOWN")) &&
            qmp_interfaces_has_signal(vm_schema_get_interfaces(events->vm_context->schema), event->name));
}

void
events_publish(Events *events, const QmpEvent *event)
{
    /* Jobs may have sent signals for this event already. */
    hold_back_qemu(events);
    if (!is_broadcast(events) && !events_has_subscribers(events))
        return;
    if (events->backlog.length == 0 && can_be_sent(events, event))
        send_event(events, event);
    else
        keep_event(events, event);
}

static void
on_subscriber_gone(Bus *bus, const char *unique_name, gpointer user_data)
{
    events_unsubscribe(user_data, unique_name);
}

void
events_subscribe(Events *events, const char *unique_name, const char *const *names)
{
    static const char *const all[] = { NULL };

    if (!events->subscribers) {
        events->subscribers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_strfreev);
        events->behind = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        events->peer_watch = bus_watch_peers(events->vm_context->context->bus, on_subscriber_gone, events);
    }
    g_hash_table_remove(events->behind, unique_name);
    g_hash_table_replace(events->subscribers, g_strdup(unique_name), g_strdupv((char **)(names ? names : all)));
}

void
events_unsubscribe(Events *events, const char *unique_name)
{
    if (!events->subscribers)
        return;
    g_hash_table_remove(events->subscribers, unique_name);
    g_hash_table_remove(events->behind, unique_name);
}

Events *
events_new(VmContext *vm_context)
{
    Events *events = g_new0(Events, 1);

    events->vm_context = vm_context;
    return events;
}

void
events_stop(Events *events)
{
    events->has_held = events->wait || events->sender;
    g_clear_pointer(&events->wait, schema_wait_cancel);
    stop_event_sender(events);
    while (events->backlog.length > 0)
        send_first_event(events);
}

void
events_free(Events *events)
{
    /* The agent's own questions to QEMU are not to be held back. */
    if (events->has_held)
        end_backlog(events);
    if (events->drain)
        qemu_connection_resume(vm_get_qemu(events->vm_context->vm));
    g_clear_pointer(&events->drain, bus_drain_cancel);
    g_clear_pointer(&events->peer_watch, bus_peer_watch_free);
    g_clear_pointer(&events->subscribers, g_hash_table_unref);
    g_clear_pointer(&events->behind, g_hash_table_unref);
    g_free(events);
}
