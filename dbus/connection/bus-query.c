/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Method calls of ours that await a reply: bus-join.c, bus-peers.c, bus-budget.c and the policy make them. The Bus
 * owns them until they are answered or cancelled.
 *
 * Replies are matched here and not by libdbus's pending calls. dbus-daemon's session.conf lets replies pass that nobody
 * has asked for, and a pending call takes any that has its serial, which is easily guessed: a caller could say who they
 * are, or have the bus's own answer about another caller thrown away. Here a reply in the bus's place is as if it had not
 * come. */
#include "bus-query.h"

#include "bus-connection.h"
#include "bus-hook.h"
#include "bus-state.h"

/* As libdbus has it. */
#define DEFAULT_TIMEOUT_MS 25000

struct BusQuery {
    Bus *bus; /* weak: bus_disconnect() frees its queries */
    GList link; /* in the bus's queries, by their deadlines, or in its unsent where there is no serial */
    guint32 serial; /* 0: could not be sent */
    gint64 deadline; /* G_MAXINT64: none */
    gboolean is_of_bus; /* the bus itself is asked */
    BusQueryFunc func;
    gpointer user_data;
};

static void
set_next_deadline(Bus *bus)
{
    BusQuery *first = g_queue_peek_head(&bus->queries);

    g_source_set_ready_time(bus->query_timer, first && first->deadline != G_MAXINT64 ? first->deadline : -1);
}

static void
query_free(BusQuery *query)
{
    Bus *bus = query->bus;
    gboolean is_first = bus->queries.head == &query->link;

    g_queue_unlink(query->serial ? &bus->queries : &bus->unsent, &query->link);
    if (query->serial)
        g_hash_table_remove(bus->queries_by_serial, GUINT_TO_POINTER(query->serial));
    if (is_first)
        set_next_deadline(bus);
    g_free(query);
}

/* The bus's word for one who has left without a reply. */
static BusErrorCode
get_reply_code(const char *name)
{
    return g_strcmp0(name, DBUS_ERROR_NO_REPLY) == 0 ? BUS_ERROR_TIMED_OUT : bus_error_from_name(name);
}

static GError *
get_reply_error(DBusMessage *reply)
{
    DBusError refused = DBUS_ERROR_INIT;
    GError *error = NULL;

    if (dbus_set_error_from_message(&refused, reply))
        error = g_error_new_literal(BUS_ERROR, get_reply_code(refused.name), refused.message);
    else if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_METHOD_RETURN)
        error = g_error_new_literal(BUS_ERROR, BUS_ERROR_FAILED, "The reply is neither a return nor an error");
    dbus_error_free(&refused);
    return error;
}

/* Freed first: the function may close the Bus, and with it every query that is left. */
static void
answer_query(BusQuery *query, DBusMessage *reply, const GError *error)
{
    BusQueryFunc func = query->func;
    gpointer func_data = query->user_data;

    query_free(query);
    func(error ? NULL : reply, error, func_data);
}

void
bus_queries_take_reply(Bus *bus, DBusMessage *reply)
{
    guint32 serial = dbus_message_get_reply_serial(reply);
    BusQuery *query = g_hash_table_lookup(bus->queries_by_serial, GUINT_TO_POINTER(serial));
    g_autoptr(GError) error = NULL;

    if (!query || (query->is_of_bus && !dbus_message_has_sender(reply, DBUS_SERVICE_DBUS)))
        return;
    error = get_reply_error(reply);
    answer_query(query, reply, error);
}

/* One at a time: what it calls may close the Bus. */
static gboolean
on_query_late(gpointer user_data)
{
    Bus *bus = user_data;
    BusQuery *first = g_queue_peek_head(&bus->queries);
    g_autoptr(GError) error = NULL;

    if (!first || first->deadline > g_get_monotonic_time()) {
        set_next_deadline(bus);
        return G_SOURCE_CONTINUE;
    }
    error = g_error_new_literal(BUS_ERROR, BUS_ERROR_TIMED_OUT, "No reply came in time");
    answer_query(first, NULL, error);
    return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_query_timer(GSource *source, GSourceFunc func, gpointer user_data)
{
    return func(user_data);
}

static gboolean
has_unsent(gpointer user_data)
{
    return ((Bus *)user_data)->unsent.length > 0;
}

static void
tell_disconnected(BusQuery *query)
{
    g_autoptr(GError) error = g_error_new_literal(BUS_ERROR, BUS_ERROR_DISCONNECTED, "The message bus went away");

    answer_query(query, NULL, error);
}

static void
tell_unsent(gpointer user_data)
{
    tell_disconnected(g_queue_peek_head(&((Bus *)user_data)->unsent));
}

/* A query that is asked from here on joins the unsent ones, so that the loop ends. Any of the callbacks may close the Bus,
 * which empties the queue. */
void
bus_queries_disconnected(Bus *bus)
{
    while (bus->queries.length > 0)
        tell_disconnected(g_queue_peek_head(&bus->queries));
}

void
bus_queries_open(Bus *bus)
{
    static const GSourceFuncs funcs = { .dispatch = dispatch_query_timer };

    bus->queries_by_serial = g_hash_table_new(NULL, NULL);
    bus->unsent_hook = bus_hook_attach(bus, has_unsent, tell_unsent, bus);
    bus->query_timer = g_source_new((GSourceFuncs *)&funcs, sizeof(GSource));
    g_source_set_callback(bus->query_timer, on_query_late, bus, NULL);
    g_source_attach(bus->query_timer, bus->context);
}

void
bus_queries_close(Bus *bus)
{
    while (bus->queries.length > 0)
        bus_query_cancel(g_queue_peek_head(&bus->queries));
    while (bus->unsent.length > 0)
        bus_query_cancel(g_queue_peek_head(&bus->unsent));
    bus_hook_detach(g_steal_pointer(&bus->unsent_hook));
    g_source_destroy(bus->query_timer);
    g_clear_pointer(&bus->query_timer, g_source_unref);
    g_clear_pointer(&bus->queries_by_serial, g_hash_table_unref);
}

static gint64
get_deadline(int timeout_ms)
{
    if (timeout_ms == DBUS_TIMEOUT_INFINITE)
        return G_MAXINT64;
    if (timeout_ms == DBUS_TIMEOUT_USE_DEFAULT)
        timeout_ms = DEFAULT_TIMEOUT_MS;
    return g_get_monotonic_time() + timeout_ms * G_TIME_SPAN_MILLISECOND;
}

/* Nearly all have the same time, so that the place of a new one is at the end or near it. */
static void
insert_query(BusQuery *query)
{
    Bus *bus = query->bus;
    GList *before = bus->queries.tail;

    g_hash_table_insert(bus->queries_by_serial, GUINT_TO_POINTER(query->serial), query);
    while (before && ((BusQuery *)before->data)->deadline > query->deadline)
        before = before->prev;
    if (before)
        g_queue_insert_after_link(&bus->queries, before, &query->link);
    else
        g_queue_push_head_link(&bus->queries, &query->link);
    if (!before)
        set_next_deadline(bus);
}

BusQuery *
bus_query(Bus *bus, DBusMessage *message, int timeout_ms, BusQueryFunc func, gpointer user_data)
{
    BusQuery *query;

    g_return_val_if_fail(bus->connection, NULL);
    bus_before_send(bus);
    query = g_new0(BusQuery, 1);
    query->bus = bus;
    query->link.data = query;
    query->is_of_bus = dbus_message_has_destination(message, DBUS_SERVICE_DBUS);
    query->deadline = get_deadline(timeout_ms);
    query->func = func;
    query->user_data = user_data;
    if (dbus_connection_get_is_connected(bus->connection))
        dbus_connection_send(bus->connection, message, &query->serial);
    if (query->serial)
        insert_query(query);
    else
        g_queue_push_tail_link(&bus->unsent, &query->link);
    return query;
}

void
bus_query_cancel(BusQuery *query)
{
    query_free(query);
}
