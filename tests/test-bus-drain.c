/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Output while the bus is slow, stopped, or about to be left. */
#include "test-bus-daemon.h"

#include <signal.h>

#define PATH "/test"
#define INTERFACE "org.example.Test"

typedef struct Fixture {
    TestDaemon *daemon;
    Bus *bus;
    GDBusConnection *client;
    GString *order; /* what happened, a letter each */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->daemon = test_daemon_new();
    fixture->bus = test_daemon_open(fixture->daemon, NULL);
    fixture->client = test_daemon_connect(fixture->daemon);
    fixture->order = g_string_new(NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    if (fixture->bus)
        bus_close(fixture->bus);
    test_client_leave(fixture->client);
    test_daemon_free(fixture->daemon);
    g_string_free(fixture->order, TRUE);
}

static DBusMessage *
new_large_signal(void)
{
    DBusMessage *signal = dbus_message_new_signal(PATH, INTERFACE, "Large");
    g_autofree char *text = g_strnfill(1 << 20, 'x');

    dbus_message_append_args(signal, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    return signal;
}

static void
on_drained(gpointer user_data)
{
    g_string_append_c(user_data, 'd');
}

static gboolean
tick(gpointer user_data)
{
    ++*(guint *)user_data;
    return G_SOURCE_CONTINUE;
}

/* Whoever turns QEMU's output into messages must be able to stop while the bus is slow, and to go on when it is not.
 */
static void
test_drain(Fixture *fixture, gconstpointer data)
{
    DBusMessage *large = new_large_signal();
    guint turns = 0, timer = g_timeout_add(1, tick, &turns);

    test_daemon_signal(fixture->daemon, SIGSTOP);
    for (guint i = 0; i < 4; i++)
        bus_send(fixture->bus, large);
    g_assert_cmpuint(bus_get_outgoing_size(fixture->bus), >, 2 << 20);
    bus_when_drained(fixture->bus, 1 << 20, on_drained, fixture->order);
    bus_drain_cancel(bus_when_drained(fixture->bus, G_MAXSIZE, on_drained, fixture->order));
    test_until(turns == 20);
    g_assert_cmpstr(fixture->order->str, ==, "");
    bus_when_drained(fixture->bus, G_MAXSIZE, on_drained, fixture->order);
    g_assert_cmpstr(fixture->order->str, ==, "");
    test_until(fixture->order->len == 1);
    test_daemon_signal(fixture->daemon, SIGCONT);
    test_until(fixture->order->len == 2);
    g_assert_cmpuint(bus_get_outgoing_size(fixture->bus), <=, 1 << 20);
    dbus_message_unref(large);
    g_source_remove(timer);
}

/* Stopping must not wait for a bus that does not read. */
static void
test_close_while_bus_is_stopped(Fixture *fixture, gconstpointer data)
{
    DBusMessage *large = new_large_signal();

    test_daemon_signal(fixture->daemon, SIGSTOP);
    for (guint i = 0; i < 4; i++)
        bus_send(fixture->bus, large);
    bus_when_drained(fixture->bus, 0, on_drained, fixture->order);
    bus_close(g_steal_pointer(&fixture->bus));
    test_daemon_signal(fixture->daemon, SIGCONT);
    dbus_message_unref(large);
}

static void
on_client_signal(GDBusConnection *client, const char *sender, const char *path, const char *interface,
                 const char *member, GVariant *parameters, gpointer user_data)
{
    ++*(guint *)user_data;
}

/* What was sent before closing must arrive, when the bus reads. */
static void
test_close_flushes(Fixture *fixture, gconstpointer data)
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

#define ADD(path, test, data) g_test_add(path, Fixture, data, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/bus-drain/drain", test_drain, NULL);
    ADD("/bus-drain/close-while-bus-is-stopped", test_close_while_bus_is_stopped, NULL);
    ADD("/bus-drain/close-flushes", test_close_flushes, NULL);
    return g_test_run();
}
