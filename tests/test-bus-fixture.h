/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What every test on a bus begins with: a bus, a Bus of ours on it and a client that is not ours. A test that needs
 * more begins its own fixture with this one. */
#pragma once

#include "test-bus-daemon.h"

typedef struct BusFixture {
    TestDaemon *daemon; /* owned */
    Bus *bus; /* owned; NULL when closed */
    GDBusConnection *client; /* owned */
    GString *order; /* owned; what happened, a letter each */
} BusFixture;

void bus_fixture_set_up(BusFixture *fixture, gconstpointer unused);
void bus_fixture_tear_down(BusFixture *fixture, gconstpointer unused);

/* Sends @n signals of 1 MiB. More than 64 are more than a bus that does not read will take. */
void send_large_signals(Bus *bus, guint n);

/* Runs @context as long as it has anything to do at once. What should not happen has had its chance then. */
void settle(GMainContext *context);
