/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-bus-fixture.h"

void
bus_fixture_set_up(BusFixture *fixture, gconstpointer unused)
{
    fixture->daemon = test_daemon_new();
    fixture->bus = test_daemon_open(fixture->daemon, NULL);
    fixture->client = test_daemon_connect(fixture->daemon);
    fixture->order = g_string_new(NULL);
}

void
bus_fixture_tear_down(BusFixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->bus, bus_close);
    test_client_leave(fixture->client);
    test_daemon_free(fixture->daemon);
    g_string_free(fixture->order, TRUE);
}

void
send_large_signals(Bus *bus, guint n)
{
    DBusMessage *signal = dbus_message_new_signal("/test", "org.example.Test", "Large");
    g_autofree char *text = g_strnfill(1 << 20, 'x');

    dbus_message_append_args(signal, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    for (guint i = 0; i < n; i++)
        bus_send(bus, signal);
    dbus_message_unref(signal);
}

void
settle(GMainContext *context)
{
    while (g_main_context_iteration(context, FALSE))
        ;
}
