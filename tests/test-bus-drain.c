/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Output while the bus is slow, stopped, or about to be left. */
#include "test-bus-fixture.h"

#include <signal.h>

#define PATH "/test"
#define INTERFACE "org.example.Test"

static void
on_drained(gpointer user_data)
{
    g_string_append_c(user_data, 'd');
}

/* Whoever turns QEMU's output into messages must be able to stop while the bus is slow, and to go on when it is not.
 */
static void
test_drain(BusFixture *fixture, gconstpointer data)
{
    test_daemon_signal(fixture->daemon, SIGSTOP);
    send_large_signals(fixture->bus, 4);
    g_assert_cmpuint(bus_get_outgoing_size(fixture->bus), >, 2 << 20);
    bus_when_drained(fixture->bus, 1 << 20, on_drained, fixture->order);
    bus_drain_cancel(bus_when_drained(fixture->bus, G_MAXSIZE, on_drained, fixture->order));
    settle(NULL);
    g_assert_cmpstr(fixture->order->str, ==, "");
    bus_when_drained(fixture->bus, G_MAXSIZE, on_drained, fixture->order);
    g_assert_cmpstr(fixture->order->str, ==, "");
    test_until(fixture->order->len == 1);
    test_daemon_signal(fixture->daemon, SIGCONT);
    test_until(fixture->order->len == 2);
    g_assert_cmpuint(bus_get_outgoing_size(fixture->bus), <=, 1 << 20);
}

/* Stopping must not wait for a bus that does not read. */
static void
test_close_while_bus_is_stopped(BusFixture *fixture, gconstpointer data)
{
    test_daemon_signal(fixture->daemon, SIGSTOP);
    send_large_signals(fixture->bus, 4);
    bus_when_drained(fixture->bus, 0, on_drained, fixture->order);
    bus_close(g_steal_pointer(&fixture->bus));
    test_daemon_signal(fixture->daemon, SIGCONT);
}

static void
on_client_signal(GDBusConnection *client, const char *sender, const char *path, const char *interface,
                 const char *member, GVariant *parameters, gpointer user_data)
{
    ++*(guint *)user_data;
}

/* What was sent before closing must arrive, when the bus reads. */
static void
test_close_flushes(BusFixture *fixture, gconstpointer data)
{
    guint heard = 0;
    guint id = g_dbus_connection_signal_subscribe(fixture->client, NULL, INTERFACE, "Last", NULL, NULL,
                                                  G_DBUS_SIGNAL_FLAGS_NONE, on_client_signal, &heard, NULL);
    DBusMessage *last = dbus_message_new_signal(PATH, INTERFACE, "Last");

    test_client_sync(fixture->client);
    for (guint i = 0; i < 100; i++)
        bus_send(fixture->bus, last);
    bus_close(g_steal_pointer(&fixture->bus));
    dbus_message_unref(last);
    test_until(heard == 100);
    g_dbus_connection_signal_unsubscribe(fixture->client, id);
}

#define ADD(path, test) g_test_add(path, BusFixture, NULL, bus_fixture_set_up, test, bus_fixture_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/bus-drain/drain", test_drain);
    ADD("/bus-drain/close-while-bus-is-stopped", test_close_while_bus_is_stopped);
    ADD("/bus-drain/close-flushes", test_close_flushes);
    return g_test_run();
}
