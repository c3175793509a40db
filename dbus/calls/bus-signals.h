/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signals to everybody. A listener who does not read makes the bus keep them, as a caller does with answers
 * (bus-budget.h); but the bus does not tell who listens, so the signals stop for all. */
#pragma once

#include "bus-budget.h"

/* One a Bus; without a limit until bus_signals_limit(). */
typedef struct BusSignals BusSignals;
BusSignals *bus_signals_new(Bus *bus);
void bus_signals_free(BusSignals *signals);

/* Told when the bus keeps too much, and when it no longer does. Not from inside any of these functions. */
typedef void (*BusWithheldFunc)(gboolean is_withheld, gpointer user_data);

/* From now on the bus is asked how much it keeps of what we sent. @budget: of the same Bus, for answers are part of
 * that. */
void bus_signals_limit(BusSignals *signals, BusBudget *budget, BusWithheldFunc func, gpointer user_data);

/* Whether what may come later, such as a property's change, may be sent now. Cheap. */
gboolean bus_signals_have_room(BusSignals *signals);

/* Has been called for each signal that was sent because there was room. */
void bus_signals_note(BusSignals *signals, DBusMessage *signal);

/* Sends a signal that cannot come later, also from the room that is kept free for such; without even that room the
 * signal is lost. Borrows @signal. */
void bus_signals_send(BusSignals *signals, DBusMessage *signal);
