/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counts what the bus keeps of ours because some listener does not read. Asked by bus-changes.c, and by bus-object.c
 * for other signals; owned by the BusRoof. The bus is asked when enough has been sent since the last answer, and each
 * second while signals are withheld. A bus that does not tell has no limit here. */
#include "bus-signals.h"

#include "bus-body.h"
#include "bus-connection.h"
#include "bus-hook.h"
#include "bus-stats.h"

/* Bytes of signals. dbus-daemon stops reading from us at 127 MiB; callers may leave 80 of them, and may have read 24
 * of which the bus has not been asked yet (bus-budget.c). A signal that cannot come later has the reserve on top. */
#define LIMIT (16u << 20)
#define RESERVE (4u << 20)

/* Sent since the bus told. */
#define QUESTION_STEP (256u << 10)

/* Until the bus is asked again whether there is room, ms. */
#define PAUSE 1000

/* Of a message: about what path, names and signature take, rather more than less. */
#define HEADER 256

struct BusSignals {
    Bus *bus; /* weak */
    BusBudget *budget; /* weak; once there is a limit */
    BusWithheldFunc func; /* NULL: no limit */
    gpointer user_data;
    gsize kept; /* as the bus told last; answers, too */
    gsize sent; /* since the question that it answered */
    gsize asked; /* of these, what had been sent before the question under way */
    gboolean is_withheld;
    BusQuery *question; /* owned */
    BusHook *hook; /* owned; asks, for a signal may be sent where no question can be put */
    GSource *timer; /* owned; while signals are withheld */
};

/* An answer that has been read counts until the bus tells that, so that it is never too much. */
static gsize
count_unread_signals(BusSignals *signals)
{
    return signals->kept - MIN(signals->kept, bus_budget_get_unread(signals->budget)) + signals->sent;
}

static void ask_for_room(BusSignals *signals);

static gboolean
on_pause_over(gpointer user_data)
{
    ask_for_room(user_data);
    return G_SOURCE_CONTINUE;
}

static void
start_pause(BusSignals *signals)
{
    signals->timer = g_timeout_source_new(PAUSE);
    g_source_set_callback(signals->timer, on_pause_over, signals, NULL);
    g_source_attach(signals->timer, bus_get_context(signals->bus));
}

static void
stop_pause(BusSignals *signals)
{
    if (signals->timer)
        g_source_destroy(signals->timer);
    g_clear_pointer(&signals->timer, g_source_unref);
}

static void
set_withheld(BusSignals *signals, gboolean is_withheld)
{
    if (signals->is_withheld == is_withheld)
        return;
    signals->is_withheld = is_withheld;
    if (is_withheld)
        start_pause(signals);
    else
        stop_pause(signals);
    signals->func(is_withheld, signals->user_data);
}

static void
on_kept(DBusMessage *reply, const GError *error, gpointer user_data)
{
    BusSignals *signals = user_data;

    signals->question = NULL;
    if (g_error_matches(error, BUS_ERROR, BUS_ERROR_TIMED_OUT))
        return;
    if (error || !bus_stats_read(reply, "IncomingBytes", &signals->kept)) {
        set_withheld(signals, FALSE);
        signals->func = NULL;
        return;
    }
    signals->sent -= signals->asked;
    if (count_unread_signals(signals) < LIMIT / 2)
        set_withheld(signals, FALSE);
}

static void
ask_for_room(BusSignals *signals)
{
    if (signals->question || !signals->func)
        return;
    signals->asked = signals->sent;
    signals->question = bus_stats_query(signals->bus, bus_get_unique_name(signals->bus), on_kept, signals);
}

static gboolean
is_due(gpointer user_data)
{
    BusSignals *signals = user_data;

    return signals->func && !signals->is_withheld &&
           (count_unread_signals(signals) >= LIMIT || (!signals->question && signals->sent >= QUESTION_STEP));
}

static void
run_due(gpointer user_data)
{
    BusSignals *signals = user_data;

    if (count_unread_signals(signals) >= LIMIT)
        set_withheld(signals, TRUE);
    else
        ask_for_room(signals);
}

void
bus_signals_limit(BusSignals *signals, BusBudget *budget, BusWithheldFunc func, gpointer user_data)
{
    signals->budget = budget;
    signals->func = func;
    signals->user_data = user_data;
}

gboolean
bus_signals_have_room(BusSignals *signals)
{
    return !signals->func || (!signals->is_withheld && count_unread_signals(signals) < LIMIT);
}

void
bus_signals_note(BusSignals *signals, DBusMessage *signal)
{
    if (signals->func)
        signals->sent += HEADER + bus_body_measure(signal, G_MAXINT);
}

void
bus_signals_send(BusSignals *signals, DBusMessage *signal)
{
    if (signals->func && count_unread_signals(signals) >= LIMIT + RESERVE)
        return;
    bus_send(signals->bus, signal);
    bus_signals_note(signals, signal);
}

BusSignals *
bus_signals_new(Bus *bus)
{
    BusSignals *signals = g_new0(BusSignals, 1);

    signals->bus = bus;
    signals->hook = bus_hook_attach(bus, is_due, run_due, signals);
    return signals;
}

void
bus_signals_free(BusSignals *signals)
{
    if (signals->question)
        bus_query_cancel(signals->question);
    stop_pause(signals);
    bus_hook_detach(signals->hook);
    g_free(signals);
}
