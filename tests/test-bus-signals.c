/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client that listens to everybody's signals and does not read: a real dbus-daemon keeps them, and the others are to be
 * served all the same. */
#include <string.h>

#include "test-bus-object-fixture.h"
#include "test-deaf-client.h"

#define MIB (1u << 20)

/* What signals may take of what the bus keeps of ours, and what comes on top: some that are under way. */
#define LIMIT (16 * MIB)
#define RESERVE (4 * MIB)
#define SLACK (2 * MIB)

static const char xml[] =
    "<node>"
    "<interface name='" THING "'>"
    "<method name='Echo'><arg type='s' direction='in'/><arg type='s' direction='out'/></method>"
    "<property name='Count' type='u' access='read'/>"
    "<property name='Large' type='s' access='read'/>"
    "</interface>"
    "<interface name='" ANY "'/>"
    "</node>";

static DBusBasicValue
get_count(gpointer user_data)
{
    return (DBusBasicValue){ .u32 = ((ObjectFixture *)user_data)->count };
}

static DBusBasicValue
get_large(gpointer user_data)
{
    static char text[MIB + 1];

    memset(text, 'x', MIB);
    return (DBusBasicValue){ .str = text };
}

static const BusMethod methods[] = {
    { "Echo", BUS_ACCESS_PUBLIC, on_echo },
    { 0 },
};

static const BusProperty properties[] = {
    { "Count", get_count },
    { "Large", get_large },
    { 0 },
};

static const ObjectTables tables = { xml, methods, properties, /* any= */ NULL };

/* Whether signals are withheld, and how often that has changed. */
typedef struct State {
    gboolean is_withheld;
    guint changes;
} State;

static void
on_withheld(gboolean is_withheld, gpointer user_data)
{
    State *state = user_data;

    g_assert_true(state->is_withheld != is_withheld);
    state->is_withheld = is_withheld;
    state->changes++;
}

static TestDeaf *
add_listener(ObjectFixture *fixture)
{
    TestDeaf *deaf = test_deaf_new(fixture->base.daemon);

    test_deaf_listen(deaf, "type='signal'");
    return deaf;
}

/* Bytes of ours that the bus keeps. */
static guint32
get_kept(ObjectFixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = test_client_call(
        fixture->base.client, DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, "org.freedesktop.DBus.Debug.Stats",
        "GetConnectionStats", g_variant_new("(s)", bus_get_unique_name(fixture->base.bus)), &error);
    g_autoptr(GVariant) stats = NULL;
    guint32 size = 0;

    g_assert_no_error(error);
    stats = g_variant_get_child_value(reply, 0);
    g_assert_true(g_variant_lookup(stats, "IncomingBytes", "u", &size));
    return size;
}

static void
assert_served(ObjectFixture *fixture)
{
    assert_reply(fixture, PATH, THING, "Echo", g_variant_new("(s)", "x"), "('x',)");
}

/* The bus has taken all that was sent so far. */
static void
change(ObjectFixture *fixture, const char *property)
{
    fixture->count++;
    bus_object_property_changed(fixture->object, THING, property);
    assert_served(fixture);
}

static void
fill(ObjectFixture *fixture, State *state)
{
    bus_limit_signals(fixture->base.bus, on_withheld, state);
    for (guint i = 0; i < 100; i++)
        change(fixture, "Large");
    g_assert_true(state->is_withheld);
}

static void
on_changed(GDBusConnection *client, const char *sender, const char *path, const char *interface, const char *member,
           GVariant *parameters, gpointer user_data)
{
    g_autoptr(GVariant) changed = g_variant_get_child_value(parameters, 1);

    g_variant_lookup(changed, "Count", "u", user_data);
}

static void
test_changes_come_later(ObjectFixture *fixture, gconstpointer data)
{
    TestDeaf *deaf = add_listener(fixture);
    State state = { 0 };
    guint32 heard = 0;
    guint subscription =
        g_dbus_connection_signal_subscribe(fixture->base.client, NULL, PROPERTIES, "PropertiesChanged", PATH, NULL,
                                           G_DBUS_SIGNAL_FLAGS_NONE, on_changed, &heard, NULL);

    test_client_sync(fixture->base.client);
    fill(fixture, &state);
    g_assert_cmpuint(get_kept(fixture), >, LIMIT - SLACK);
    g_assert_cmpuint(get_kept(fixture), <, LIMIT + SLACK);
    change(fixture, "Count");
    g_assert_cmpuint(heard, ==, 0);
    test_deaf_free(deaf);
    test_until(heard == fixture->count);
    g_assert_false(state.is_withheld);
    g_assert_cmpuint(state.changes, ==, 2);
    g_dbus_connection_signal_unsubscribe(fixture->base.client, subscription);
}

/* Signals that cannot come later: more room, but not without end. */
static void
test_others_are_lost(ObjectFixture *fixture, gconstpointer data)
{
    TestDeaf *deaf = add_listener(fixture);
    State state = { 0 };

    fill(fixture, &state);
    for (guint i = 0; i < 100; i++) {
        bus_object_unpublish(fixture->object);
        bus_object_publish(fixture->object);
        assert_served(fixture);
    }
    g_assert_cmpuint(get_kept(fixture), >, LIMIT + SLACK);
    g_assert_cmpuint(get_kept(fixture), <, LIMIT + RESERVE + SLACK);
    test_deaf_free(deaf);
    test_until(!state.is_withheld);
}

/* What callers leave unread is theirs: no signal is withheld for it. */
static void
test_deaf_caller(ObjectFixture *fixture, gconstpointer data)
{
    TestDeaf *deaf = test_deaf_new(fixture->base.daemon);
    State state = { 0 };

    bus_limit_signals(fixture->base.bus, on_withheld, &state);
    test_deaf_call(deaf, 40, bus_get_unique_name(fixture->base.bus), ROOT, "org.freedesktop.DBus.ObjectManager",
                   "GetManagedObjects");
    test_until(get_kept(fixture) > 12 * MIB);
    for (guint i = 0; i < 50; i++)
        change(fixture, "Large");
    g_assert_cmpuint(state.changes, ==, 0);
    test_deaf_free(deaf);
}

/* Who has a bus to oneself harms nobody. */
static void
test_no_limit(ObjectFixture *fixture, gconstpointer data)
{
    TestDeaf *deaf = add_listener(fixture);

    for (guint i = 0; i < 30; i++)
        change(fixture, "Large");
    g_assert_cmpuint(get_kept(fixture), >, 30 * MIB - SLACK);
    test_deaf_free(deaf);
}

/* All of it is read. */
static void
test_readers(ObjectFixture *fixture, gconstpointer data)
{
    State state = { 0 };

    bus_limit_signals(fixture->base.bus, on_withheld, &state);
    for (guint i = 0; i < 100; i++)
        change(fixture, "Large");
    g_assert_cmpuint(state.changes, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/bus-signals/changes-come-later", test_changes_come_later);
    ADD("/bus-signals/others-are-lost", test_others_are_lost);
    ADD("/bus-signals/deaf-caller", test_deaf_caller);
    ADD("/bus-signals/no-limit", test_no_limit);
    ADD("/bus-signals/readers", test_readers);
    return g_test_run();
}
