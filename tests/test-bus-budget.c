/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Callers that do not read what is sent to them: a real dbus-daemon keeps it. */
#include "bus-budget.h"
#include "bus-peers.h"
#include "test-bus-fixture.h"
#include "test-deaf-client.h"

#define MIB (1u << 20)

/* What one caller and what one user may leave unread, and what comes on top: the last message, refusals, and what the
 * kernel keeps of a socket. */
#define CALLER_LIMIT (16 * MIB)
#define USER_LIMIT (32 * MIB)
#define SLACK (2 * MIB)

static const char *
our_name(BusFixture *fixture)
{
    return bus_get_unique_name(fixture->bus);
}

static gboolean
is_known(BusFixture *fixture, const char *name)
{
    return bus_get_peer(fixture->bus, name) != NULL;
}

static TestDeaf *
add_deaf(BusFixture *fixture)
{
    TestDeaf *deaf = test_deaf_new(fixture->daemon);

    test_deaf_call(deaf, 1, our_name(fixture), "/", DBUS_INTERFACE_PEER, "Ping");
    test_until(is_known(fixture, test_deaf_get_name(deaf)));
    return deaf;
}

static void
ping(BusFixture *fixture, GDBusConnection *client, GError **error)
{
    GVariant *reply = test_client_call(client, our_name(fixture), "/", DBUS_INTERFACE_PEER, "Ping", NULL, error);

    if (reply)
        g_variant_unref(reply);
}

/* Until the bus has taken all of it, and has answered what we asked. */
static void
wait_drained(BusFixture *fixture)
{
    test_until(bus_get_outgoing_size(fixture->bus) == 0);
    ping(fixture, fixture->client, /* error= */ NULL);
}

/* One signal of 1 MiB. */
static gboolean
send_signal(BusFixture *fixture, const char *to)
{
    DBusMessage *signal = dbus_message_new_signal("/test", "org.example.Test", "Large");
    g_autofree char *text = g_strnfill(MIB, 'x');
    gboolean is_sent;

    dbus_message_append_args(signal, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    is_sent = bus_peer_send(fixture->bus, to, signal);
    dbus_message_unref(signal);
    wait_drained(fixture);
    return is_sent;
}

static guint
fill(BusFixture *fixture, const char *to)
{
    guint n = 0;

    while (n < 1000 && send_signal(fixture, to))
        n++;
    return n;
}

/* What the bus keeps for a client. */
static guint32
get_kept(BusFixture *fixture, const char *name)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        test_client_call(fixture->client, DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, "org.freedesktop.DBus.Debug.Stats",
                         "GetConnectionStats", g_variant_new("(s)", name), &error);
    g_autoptr(GVariant) stats = NULL;
    guint32 size = 0;

    g_assert_no_error(error);
    stats = g_variant_get_child_value(reply, 0);
    g_assert_true(g_variant_lookup(stats, "OutgoingBytes", "u", &size));
    return size;
}

static void
test_deaf_caller(BusFixture *fixture, gconstpointer data)
{
    TestDeaf *deaf = add_deaf(fixture);
    g_autoptr(GError) error = NULL;

    fill(fixture, test_deaf_get_name(deaf));
    g_assert_cmpuint(get_kept(fixture, test_deaf_get_name(deaf)), >, CALLER_LIMIT - SLACK);
    g_assert_cmpuint(get_kept(fixture, test_deaf_get_name(deaf)), <, CALLER_LIMIT + SLACK);
    ping(fixture, fixture->client, &error);
    g_assert_no_error(error);
    test_deaf_free(deaf);
}

/* Neither do refusals add up, nor what libdbus would answer by itself. */
static void
test_deaf_caller_goes_on(BusFixture *fixture, gconstpointer data)
{
    TestDeaf *deaf = add_deaf(fixture);

    fill(fixture, test_deaf_get_name(deaf));
    for (guint i = 0; i < 20; i++) {
        test_deaf_call(deaf, 1000, our_name(fixture), "/", DBUS_INTERFACE_PEER, i % 2 ? "Ping" : "Nothing");
        ping(fixture, fixture->client, NULL);
    }
    g_assert_cmpuint(get_kept(fixture, test_deaf_get_name(deaf)), <, CALLER_LIMIT + SLACK);
    test_deaf_free(deaf);
}

/* Who reads after all is served again. */
static void
test_late_reader(BusFixture *fixture, gconstpointer data)
{
    TestDeaf *deaf = add_deaf(fixture);
    const char *name = test_deaf_get_name(deaf);
    gboolean is_sent = FALSE;

    fill(fixture, name);
    g_assert_false(send_signal(fixture, name));
    while (!is_sent) {
        test_deaf_read(deaf, G_MAXSIZE);
        is_sent = send_signal(fixture, name);
    }
    test_deaf_free(deaf);
}

/* Slower than is sent: what the bus keeps stays under the limit, and the reader gets more than the limit in the end. */
static void
test_slow_reader(BusFixture *fixture, gconstpointer data)
{
    TestDeaf *deaf = add_deaf(fixture);
    const char *name = test_deaf_get_name(deaf);
    guint n_sent = 0;

    for (guint i = 0; i < 100; i++) {
        n_sent += send_signal(fixture, name);
        test_deaf_read(deaf, MIB / 2);
    }
    g_assert_cmpuint(n_sent, >, CALLER_LIMIT / MIB + 4);
    g_assert_cmpuint(get_kept(fixture, name), <, CALLER_LIMIT + SLACK);
    test_deaf_free(deaf);
}

static void
test_many_of_one_user(BusFixture *fixture, gconstpointer data)
{
    TestDeaf *deaf[8];
    guint64 kept = 0;

    for (guint i = 0; i < G_N_ELEMENTS(deaf); i++) {
        deaf[i] = add_deaf(fixture);
        fill(fixture, test_deaf_get_name(deaf[i]));
    }
    for (guint i = 0; i < G_N_ELEMENTS(deaf); i++)
        kept += get_kept(fixture, test_deaf_get_name(deaf[i]));
    g_assert_cmpuint(kept, <, USER_LIMIT + SLACK);
    for (guint i = 0; i < G_N_ELEMENTS(deaf); i++)
        test_deaf_free(deaf[i]);
}

/* Their bytes count no more. */
static void
test_deaf_callers_leave(BusFixture *fixture, gconstpointer data)
{
    for (guint i = 0; i < 4; i++) {
        TestDeaf *deaf = add_deaf(fixture);
        g_autofree char *name = g_strdup(test_deaf_get_name(deaf));

        g_assert_cmpuint(fill(fixture, name), >=, 16);
        test_deaf_free(deaf);
        test_until(!is_known(fixture, name));
    }
}

/* However much it is, and without having to do anything for it: GDBus reads in a thread of its own. */
static void
test_reader_notices_nothing(BusFixture *fixture, gconstpointer data)
{
    const char *name = g_dbus_connection_get_unique_name(fixture->client);

    ping(fixture, fixture->client, NULL);
    for (guint i = 0; i < 100; i++)
        g_assert_true(send_signal(fixture, name));
}

/* Many who got little each and have read it: the bus is asked about them before anybody is refused. */
static void
test_many_readers_notice_nothing(BusFixture *fixture, gconstpointer data)
{
    GDBusConnection *clients[50];

    for (guint i = 0; i < G_N_ELEMENTS(clients); i++) {
        clients[i] = test_daemon_connect(fixture->daemon);
        ping(fixture, clients[i], NULL);
        g_assert_true(send_signal(fixture, g_dbus_connection_get_unique_name(clients[i])));
    }
    for (guint i = 0; i < G_N_ELEMENTS(clients); i++)
        test_client_leave(clients[i]);
}

/* Users who each stay below their limit: together they leave dbus-daemon room for a user who holds little. The bus does not know
 * these callers, so that all of it stays unread. */
static void
test_many_users(BusFixture *fixture, gconstpointer data)
{
    BusBudget *budget = bus_budget_new(fixture->bus);
    BusAccount *first = bus_account_open(budget, ":7.1", 1001), *second = bus_account_open(budget, ":7.2", 1002);
    BusAccount *some = bus_account_open(budget, ":7.3", 1003), *little = bus_account_open(budget, ":7.4", 1004);

    bus_account_add_bytes(first, 31 * MIB);
    bus_account_add_bytes(some, 3 * MIB);
    bus_account_add_bytes(little, MIB);
    g_assert_true(bus_account_has_room(some));
    bus_account_add_bytes(second, 14 * MIB);
    g_assert_false(bus_account_has_room(some));
    g_assert_true(bus_account_has_room(little));
    bus_account_close(second);
    g_assert_true(bus_account_has_room(some));
    bus_account_close(first);
    bus_account_close(some);
    bus_account_close(little);
    bus_budget_free(budget);
}

#define ADD(path, test) g_test_add(path, BusFixture, NULL, bus_fixture_set_up, test, bus_fixture_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/bus-budget/deaf-caller", test_deaf_caller);
    ADD("/bus-budget/deaf-caller-goes-on", test_deaf_caller_goes_on);
    ADD("/bus-budget/late-reader", test_late_reader);
    ADD("/bus-budget/slow-reader", test_slow_reader);
    ADD("/bus-budget/many-of-one-user", test_many_of_one_user);
    ADD("/bus-budget/many-users", test_many_users);
    ADD("/bus-budget/deaf-callers-leave", test_deaf_callers_leave);
    ADD("/bus-budget/reader-notices-nothing", test_reader_notices_nothing);
    ADD("/bus-budget/many-readers-notice-nothing", test_many_readers_notice_nothing);
    return g_test_run();
}
