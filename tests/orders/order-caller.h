/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection to the bus that makes calls and counts the answers to each. It has no source on any main context: the test calls
 * order_caller_run(). */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>

typedef struct OrderCall {
    char *what; /* owned; for people */
    char *path; /* owned; of the object */
    dbus_uint32_t serial;
    gint64 sent_at; /* monotonic us */
    gboolean is_seen; /* the answer was looked at */
    gboolean is_late; /* the object was not there */
    guint n_answers;
    DBusMessage *answer; /* ref; the first; NULL: none yet */
} OrderCall;

typedef struct OrderCaller {
    const char *name; /* static; for people */
    DBusConnection *connection; /* owned; NULL: the caller has left */
    GPtrArray *calls; /* owned, of OrderCall */
    guint n_events; /* that were sent to this caller alone */
    gboolean is_subscribed;
    guint n_told; /* events, before that */
    /* Sees every signal; may be NULL. */
    void (*on_signal)(DBusMessage *signal, gpointer user_data);
    gpointer user_data;
} OrderCaller;

OrderCaller *order_caller_new(const char *name, const char *bus_address);
void order_caller_free(OrderCaller *caller);

void order_caller_add_match(OrderCaller *caller, const char *rule);

/* Takes @message. Borrowed. */
OrderCall *order_caller_send(OrderCaller *caller, const char *what, DBusMessage *message);

/* Reads what has come. */
void order_caller_run(OrderCaller *caller);

/* Waits until the bus has read what anybody had sent to it before. */
void order_caller_sync(OrderCaller *caller);

void order_caller_leave(OrderCaller *caller);

/* NULL: none, or no error. Borrowed. */
const char *order_call_get_error(OrderCall *call);
