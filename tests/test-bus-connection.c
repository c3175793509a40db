/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection without peers and objects: property changes that come behind the signal that they led to, and a Bus that
 * somebody still holds after it was closed. */
#include "bus-connection.h"

#include "bus-join.h"
#include "test-bus-daemon.h"

typedef struct Fixture {
    TestDaemon *daemon; /* owned */
    GDBusConnection *client; /* owned */
    Bus *bus; /* owned; NULL when disconnected */
    guint states; /* told by BusStateFunc */
    GString *log; /* owned; what was received, a letter each */
} Fixture;

static void
on_joined(Bus *bus, const GError *error, gpointer user_data)
{
    g_assert_no_error(error);
    ((Fixture *)user_data)->states++;
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;

    fixture->daemon = test_daemon_new();
    fixture->client = test_daemon_connect(fixture->daemon);
    fixture->log = g_string_new(NULL);
    fixture->bus = bus_connect(NULL, test_daemon_get_address(fixture->daemon), on_joined, fixture, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(fixture->states, ==, 0);
    g_assert_null(bus_get_unique_name(fixture->bus));
    test_until(fixture->states > 0);
    g_assert_nonnull(bus_get_unique_name(fixture->bus));
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->bus, bus_disconnect);
    g_assert_cmpuint(fixture->states, ==, 1);
    test_client_leave(fixture->client);
    test_daemon_free(fixture->daemon);
    g_string_free(fixture->log, TRUE);
}

static void
note_call(gpointer user_data, DBusMessage *message)
{
    g_string_append(((Fixture *)user_data)->log, dbus_message_get_member(message));
}

static void
note_joined(gpointer user_data, const char *unique_name)
{
}

static void
note_left(gpointer user_data, const char *unique_name)
{
    g_assert_true(unique_name[0] == ':');
    g_string_append_c(((Fixture *)user_data)->log, '-');
}

/* A call, and then its caller's end, are told in that order, so that no answer is kept for somebody who has gone. */
static void
test_receiver(Fixture *fixture, gconstpointer unused)
{
    static const BusReceiver receiver = { note_call, note_joined, note_left };
    GDBusConnection *caller = test_daemon_connect(fixture->daemon);

    bus_set_receiver(fixture->bus, &receiver, fixture);
    g_assert_true(bus_get_receiver(fixture->bus) == fixture);
    test_client_send(caller, bus_get_unique_name(fixture->bus), "/", "a.b", "C", NULL);
    test_client_sync(caller);
    test_client_leave(caller);
    test_until(fixture->log->len >= 2);
    g_assert_cmpstr(fixture->log->str, ==, "C-");
    bus_set_receiver(fixture->bus, NULL, NULL);
    g_assert_null(bus_get_receiver(fixture->bus));
}

static DBusMessage *
new_signal(const char *member)
{
    return dbus_message_new_signal("/test", "org.example.Test", member);
}

static void
send_first(gpointer user_data)
{
    DBusMessage *signal = new_signal("F");

    bus_send_now(((Fixture *)user_data)->bus, signal);
    dbus_message_unref(signal);
}

static void
on_signal_noted(GDBusConnection *client, const char *sender, const char *path, const char *interface,
                const char *member, GVariant *parameters, gpointer user_data)
{
    g_string_append(((Fixture *)user_data)->log, member);
}

/* Messages of the hook go out in front of the one that is sent, and of nothing else. */
static void
test_before_send(Fixture *fixture, gconstpointer unused)
{
    DBusMessage *signal = new_signal("S");
    guint subscription =
        g_dbus_connection_signal_subscribe(fixture->client, bus_get_unique_name(fixture->bus), "org.example.Test",
                                           NULL, NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_signal_noted, fixture, NULL);

    test_client_sync(fixture->client);
    bus_send(fixture->bus, signal);
    bus_set_before_send(fixture->bus, send_first, fixture);
    g_assert_true(bus_get_before_send(fixture->bus) == fixture);
    bus_send(fixture->bus, signal);
    bus_send_now(fixture->bus, signal);
    bus_before_send(fixture->bus);
    bus_set_before_send(fixture->bus, NULL, NULL);
    bus_send(fixture->bus, signal);
    test_until(fixture->log->len >= 6);
    g_assert_cmpstr(fixture->log->str, ==, "SFSSFS");
    g_dbus_connection_signal_unsubscribe(fixture->client, subscription);
    dbus_message_unref(signal);
}

/* A call that is answered after the Bus was closed: nothing is sent, and nothing is read that has been freed. */
static void
test_held_after_the_end(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(Bus) held = bus_ref(fixture->bus);
    DBusMessage *signal = new_signal("S");

    g_clear_pointer(&fixture->bus, bus_disconnect);
    bus_send(held, signal);
    bus_send_now(held, signal);
    g_assert_nonnull(bus_get_unique_name(held));
    g_assert_cmpuint(bus_get_outgoing_size(held), ==, 0);
    g_assert_nonnull(bus_get_context(held));
    dbus_message_unref(signal);
}

#define ADD_TEST(path, test) g_test_add("/bus-connection/" path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_TEST("receiver", test_receiver);
    ADD_TEST("before-send", test_before_send);
    ADD_TEST("held-after-the-end", test_held_after_the_end);
    return g_test_run();
}
