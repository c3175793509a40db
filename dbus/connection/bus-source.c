/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libdbus on GLib's main loop: bus-join.c attaches one source a connection. The source owns its records of libdbus's
 * watches, and a reference to the connection. libdbus's timeouts are those of its pending calls, which nobody makes: bus-query.c
 * has its own, and bus-libdbus.h sees to it that no other way compiles.
 *
 * Everything that can make the source ready is looked at in bus_io_prepare() and bus_io_check(), at every turn of the
 * loop. So other callbacks of the same thread may change the connection without a wake-up: the loop comes by before it
 * sleeps.
 *
 * Its priority is the default one and not that of an idle source, where a loop that is always busy would starve it; in
 * exchange one turn takes a few messages only, and everybody else's sources get their turn. */
#include "bus-source.h"

/* A turn ends at whichever comes first. Most calls cost some 50 us, one that lists a thousand objects 10 ms.
 * libdbus reads 2 KiB a turn, 10 to 16 messages, so that its queue does not grow. */
#define MESSAGES_A_TURN 32
#define TURN (2 * G_TIME_SPAN_MILLISECOND)

/* While the bus has not taken so much, nothing is dispatched that might add to it. A caller that asks and does not
 * read can make the bus stop reading from us; the calls then pile up there, where each of their senders has a limit.
 */
#define MAX_OUTGOING (64 << 20)

typedef struct Watch {
    DBusWatch *watch; /* weak: libdbus removes it from us before it frees it */
    gpointer tag; /* of the descriptor in the source; NULL while the watch is disabled */
    guint happened; /* DBusWatchFlags still to be handled */
} Watch;

typedef struct BusSource {
    GSource base;
    DBusConnection *connection; /* ref */
    GSList *watches; /* of Watch, owned */
    gboolean has_messages; /* as libdbus says: to ask it takes 800 instructions, three times a turn */
    gboolean dispatching;
} BusSource;

static GIOCondition
to_condition(guint flags)
{
    GIOCondition condition = 0;

    if (flags & DBUS_WATCH_READABLE)
        condition |= G_IO_IN;
    if (flags & DBUS_WATCH_WRITABLE)
        condition |= G_IO_OUT;
    return condition;
}

static guint
to_flags(GIOCondition condition)
{
    guint flags = 0;

    if (condition & G_IO_IN)
        flags |= DBUS_WATCH_READABLE;
    if (condition & G_IO_OUT)
        flags |= DBUS_WATCH_WRITABLE;
    if (condition & G_IO_HUP)
        flags |= DBUS_WATCH_HANGUP;
    if (condition & (G_IO_ERR | G_IO_NVAL))
        flags |= DBUS_WATCH_ERROR;
    return flags;
}

/* A disabled watch leaves the poll set: with no events asked for, poll() would still report a hang-up, for ever. */
static void
watch_update(BusSource *source, Watch *watch)
{
    gboolean enabled = dbus_watch_get_enabled(watch->watch);

    if (enabled && !watch->tag) {
        watch->tag = g_source_add_unix_fd(&source->base, dbus_watch_get_unix_fd(watch->watch),
                                          to_condition(dbus_watch_get_flags(watch->watch)));
    } else if (!enabled && watch->tag) {
        g_source_remove_unix_fd(&source->base, g_steal_pointer(&watch->tag));
        watch->happened = 0;
    }
}

static dbus_bool_t
on_watch_added(DBusWatch *dbus_watch, void *user_data)
{
    BusSource *source = user_data;
    Watch *watch = g_new0(Watch, 1);

    watch->watch = dbus_watch;
    source->watches = g_slist_prepend(source->watches, watch);
    dbus_watch_set_data(dbus_watch, watch, NULL);
    watch_update(source, watch);
    return TRUE;
}

static void
on_watch_toggled(DBusWatch *dbus_watch, void *user_data)
{
    watch_update(user_data, dbus_watch_get_data(dbus_watch));
}

static void
on_watch_removed(DBusWatch *dbus_watch, void *user_data)
{
    BusSource *source = user_data;
    Watch *watch = dbus_watch_get_data(dbus_watch);

    if (watch->tag)
        g_source_remove_unix_fd(&source->base, watch->tag);
    dbus_watch_set_data(dbus_watch, NULL, NULL);
    source->watches = g_slist_remove(source->watches, watch);
    g_free(watch);
}

static void
on_dispatch_status(DBusConnection *connection, DBusDispatchStatus status, void *user_data)
{
    ((BusSource *)user_data)->has_messages = status != DBUS_DISPATCH_COMPLETE;
}

static gboolean
can_dispatch(BusSource *source)
{
    return source->has_messages &&
           dbus_connection_get_outgoing_size(source->connection) <= MAX_OUTGOING;
}

static gboolean
bus_io_prepare(GSource *base, int *timeout)
{
    *timeout = -1;
    return can_dispatch((BusSource *)base);
}

static gboolean
bus_io_check(GSource *base)
{
    BusSource *source = (BusSource *)base;

    for (GSList *l = source->watches; l; l = l->next) {
        Watch *watch = l->data;

        if (watch->tag && g_source_query_unix_fd(base, watch->tag))
            return TRUE;
    }
    return can_dispatch(source);
}

/* Handling one watch can remove any of them, so mark what has happened first and then look for marks anew. */
static void
handle_watches(BusSource *source)
{
    GSList *l;

    for (l = source->watches; l; l = l->next) {
        Watch *watch = l->data;

        if (watch->tag)
            watch->happened = to_flags(g_source_query_unix_fd(&source->base, watch->tag));
    }
    for (l = source->watches; l;) {
        Watch *watch = l->data;
        guint happened = watch->happened;

        watch->happened = 0;
        if (happened)
            dbus_watch_handle(watch->watch, happened);
        l = happened ? source->watches : l->next;
    }
}

static gboolean
bus_io_dispatch(GSource *base, GSourceFunc func, gpointer user_data)
{
    BusSource *source = (BusSource *)base;

    if (source->dispatching)
        return G_SOURCE_CONTINUE;
    source->dispatching = TRUE;
    handle_watches(source);
    gint64 end = g_get_monotonic_time() + TURN;
    for (guint i = 0; i < MESSAGES_A_TURN && g_get_monotonic_time() < end; i++) {
        if (g_source_is_destroyed(base) || !can_dispatch(source))
            break;
        dbus_connection_dispatch(source->connection);
    }
    source->dispatching = FALSE;
    return G_SOURCE_CONTINUE;
}

static void
bus_io_finalize(GSource *base)
{
    dbus_connection_unref(((BusSource *)base)->connection);
}

GSource *
bus_source_attach(DBusConnection *connection, GMainContext *context)
{
    static const GSourceFuncs funcs = {
        .prepare = bus_io_prepare,
        .check = bus_io_check,
        .dispatch = bus_io_dispatch,
        .finalize = bus_io_finalize,
    };
    GSource *base = g_source_new((GSourceFuncs *)&funcs, sizeof(BusSource));
    BusSource *source = (BusSource *)base;

    source->connection = dbus_connection_ref(connection);
    dbus_connection_set_watch_functions(connection, on_watch_added, on_watch_removed, on_watch_toggled, source, NULL);
    dbus_connection_set_dispatch_status_function(connection, on_dispatch_status, source, NULL);
    on_dispatch_status(connection, dbus_connection_get_dispatch_status(connection), source);
    /* Otherwise GLib takes the descriptors out of the poll set for every dispatch, at five system calls. A main
     * loop inside a callback finds the source busy. */
    g_source_set_can_recurse(base, TRUE);
    g_source_attach(base, context);
    return base;
}

void
bus_source_detach(GSource *base)
{
    BusSource *source = (BusSource *)base;

    dbus_connection_set_watch_functions(source->connection, NULL, NULL, NULL, NULL, NULL);
    dbus_connection_set_dispatch_status_function(source->connection, NULL, NULL, NULL);
    g_source_destroy(base);
    g_source_unref(base);
}
