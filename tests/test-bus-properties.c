/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an object tells by itself: properties and their changes, ObjectManager; and many objects, many calls. */
#include "test-bus-object-fixture.h"

#include <string.h>

static const char xml[] =
    "<node>"
    "<interface name='" THING "'>"
    "<method name='Echo'><arg type='s' direction='in'/><arg type='s' direction='out'/></method>"
    "<method name='Change'/>"
    "<signal name='Happened'><arg type='u' name='count'/></signal>" ALL_PROPERTIES_XML "</interface>"
    "<interface name='" ANY "'/>"
    "</node>";

static void
on_change(BusCall *call, gpointer user_data)
{
    ObjectFixture *fixture = user_data;

    for (guint i = 0; i < 5; i++) {
        fixture->count++;
        bus_object_property_changed(fixture->object, THING, "Count");
    }
    bus_object_property_changed(fixture->object, THING, "Secret");
    bus_object_property_changed(fixture->object, THING, "Version");
    bus_call_return(call, NULL);
}

static const BusMethod methods[] = {
    { "Echo", BUS_ACCESS_PUBLIC, on_echo },
    { "Change", BUS_ACCESS_PUBLIC, on_change },
    { 0 },
};

static const ObjectTables tables = { xml, methods, all_properties, /* any= */ NULL };

static void
test_properties(ObjectFixture *fixture, gconstpointer data)
{
    GVariant *value = g_variant_new_uint32(1);

    fixture->count = 7;
    assert_reply(fixture, PATH, PROPERTIES, "Get", g_variant_new("(ss)", THING, "Count"), "(<uint32 7>,)");
    assert_reply(fixture, PATH, PROPERTIES, "GetAll", g_variant_new("(s)", THING),
                 "({'Count': <uint32 7>, 'Name': <'text'>, 'Secret': <'text'>, 'Version': <'text'>},)");
    assert_reply(fixture, PATH, PROPERTIES, "GetAll", g_variant_new("(s)", ANY), "({},)");
    assert_reply(fixture, PATH, PROPERTIES, "GetAll", g_variant_new("(s)", PROPERTIES), "({},)");
    assert_error(fixture, PATH, PROPERTIES, "Get", g_variant_new("(ss)", THING, "X"), "UnknownProperty", THING, "X");
    assert_error(fixture, PATH, PROPERTIES, "Get", g_variant_new("(ss)", THING, "Conut"), "UnknownProperty",
                 "; did you mean Count?", "");
    assert_error(fixture, PATH, PROPERTIES, "Get", g_variant_new("(ss)", "org.example.Thin", "Count"),
                 "UnknownInterface", "; did you mean " THING "?", "");
    assert_error(fixture, PATH, PROPERTIES, "Get", g_variant_new("(ss)", ANY, "Count"), "UnknownProperty",
                 "; " THING " has it", "");
    assert_error(fixture, PATH, PROPERTIES, "Get", g_variant_new("(ss)", "a.b", "X"), "UnknownInterface", PATH, "a.b");
    assert_error(fixture, PATH, PROPERTIES, "Get", g_variant_new("(ss)", "", "Count"), "InvalidArgs", "", "");
    assert_error(fixture, PATH, PROPERTIES, "GetAll", g_variant_new("(s)", ""), "InvalidArgs", "", "");
    assert_error(fixture, PATH, PROPERTIES, "GetAll", g_variant_new("(s)", "a.b"), "UnknownInterface", "a.b", "");
    assert_error(fixture, PATH, PROPERTIES, "Set", g_variant_new("(ssv)", THING, "Count", value), "PropertyReadOnly",
                 THING, "Count");
    value = g_variant_new_uint32(1);
    assert_error(fixture, PATH, PROPERTIES, "Set", g_variant_new("(ssv)", THING, "X", value), "UnknownProperty", "X",
                 "");
    assert_error(fixture, PATH, PROPERTIES, "Get", g_variant_new("(s)", THING), "InvalidArgs", "\"ss\"", "\"s\"");
    assert_error(fixture, "/org", PROPERTIES, "GetAll", g_variant_new("(s)", THING), "UnknownInterface", "/org", "");
}

/* What the client hears from the object's owner. */
typedef struct Listener {
    GDBusConnection *client; /* ref */
    guint subscription;
    GString *heard; /* owned; 'p' PropertiesChanged, 'a' InterfacesAdded, 'r' InterfacesRemoved, 'h' Happened */
    GVariant *last; /* owned; the parameters of the last signal */
} Listener;

static void
on_signal(GDBusConnection *client, const char *sender, const char *path, const char *interface, const char *member,
          GVariant *parameters, gpointer user_data)
{
    Listener *listener = user_data;
    char letter = g_ascii_tolower(g_str_has_prefix(member, "Interfaces") ? member[strlen("Interfaces")] : member[0]);

    g_string_append_c(listener->heard, letter);
    g_clear_pointer(&listener->last, g_variant_unref);
    listener->last = g_variant_ref(parameters);
}

/* After a call, so that the bus has passed on what was sent before. */
static Listener *
listener_new(ObjectFixture *fixture)
{
    const char *sender = bus_get_unique_name(fixture->base.bus);
    Listener *listener = g_new0(Listener, 1);

    assert_reply(fixture, PATH, THING, "Echo", g_variant_new("(s)", ""), "('',)");
    listener->client = g_object_ref(fixture->base.client);
    listener->heard = g_string_new(NULL);
    listener->subscription = g_dbus_connection_signal_subscribe(listener->client, sender, NULL, NULL, NULL, NULL,
                                                                G_DBUS_SIGNAL_FLAGS_NONE, on_signal, listener, NULL);
    test_client_sync(listener->client);
    return listener;
}

static void
listener_free(Listener *listener)
{
    g_dbus_connection_signal_unsubscribe(listener->client, listener->subscription);
    g_object_unref(listener->client);
    g_string_free(listener->heard, TRUE);
    g_clear_pointer(&listener->last, g_variant_unref);
    g_free(listener);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Listener, listener_free)

static void
assert_last(Listener *listener, const char *expected)
{
    g_autofree char *text = g_variant_print(listener->last, FALSE);

    g_assert_cmpstr(text, ==, expected);
}

/* A client that calls and then reads its cache must find there what its call changed: the signal comes first, one for
 * all changes, with the values of the end. */
static void
test_changes_before_reply(ObjectFixture *fixture, gconstpointer data)
{
    g_autoptr(Listener) listener = listener_new(fixture);

    assert_reply(fixture, PATH, THING, "Change", NULL, "()");
    g_assert_cmpstr(listener->heard->str, ==, "p");
    assert_last(listener, "('" THING "', {'Count': <uint32 5>}, ['Secret'])");
    assert_reply(fixture, PATH, THING, "Echo", g_variant_new("(s)", ""), "('',)");
    g_assert_cmpstr(listener->heard->str, ==, "p");
}

/* Without any other message the change is told as soon as the main loop comes by; before another signal, before it. */
static void
test_changes_by_themselves(ObjectFixture *fixture, gconstpointer data)
{
    DBusMessage *happened = bus_object_new_signal(fixture->object, THING, "Happened");
    g_autoptr(Listener) listener = listener_new(fixture);
    dbus_uint32_t count = 1;

    bus_object_property_changed(fixture->object, THING, "Version");
    bus_object_property_changed(fixture->object, THING, "Name");
    test_until(listener->heard->len == 1);
    assert_last(listener, "('" THING "', {'Name': <'text'>}, [])");
    bus_object_property_changed(fixture->object, THING, "Count");
    dbus_message_append_args(happened, DBUS_TYPE_UINT32, &count, DBUS_TYPE_INVALID);
    bus_send(fixture->base.bus, happened);
    dbus_message_unref(happened);
    test_until(listener->heard->len == 3);
    g_assert_cmpstr(listener->heard->str, ==, "pph");
}

/* ObjectManager. */

static void
test_object_manager(ObjectFixture *fixture, gconstpointer data)
{
    g_autoptr(Listener) listener = listener_new(fixture);

    assert_reply(fixture, ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL,
                 "({'" PATH "': {'" ANY "': {}, '" THING
                 "': {'Count': <uint32 0>, 'Name': <'text'>, 'Secret': <'text'>, "
                 "'Version': <'text'>}}},)");
    bus_object_add_interface(fixture->object, fixture->any);
    test_until(listener->heard->len == 2);
    g_assert_cmpstr(listener->heard->str, ==, "ra");
    assert_last(listener, "('" PATH "', {'" ANY "': {}})");
    bus_object_free(g_steal_pointer(&fixture->object));
    test_until(listener->heard->len == 3);
    assert_last(listener, "('" PATH "', ['" ANY "', '" THING "'])");
    assert_reply(fixture, ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, "({},)");
    assert_error(fixture, PATH, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, "UnknownObject", "",
                 "");
}

static void
on_manager(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    *(GDBusObjectManager **)user_data = G_DBUS_OBJECT_MANAGER(g_dbus_object_manager_client_new_finish(result, &error));
    g_assert_no_error(error);
}

/* An object that is about to go says nothing of changes that it has not told, and is not there for the messages that follow. */
static void
test_unpublished(ObjectFixture *fixture, gconstpointer data)
{
    g_autoptr(Listener) listener = listener_new(fixture);

    bus_object_property_changed(fixture->object, THING, "Count");
    bus_object_unpublish(fixture->object);
    bus_object_unpublish(fixture->object);
    bus_object_property_changed(fixture->object, THING, "Count");
    assert_error(fixture, PATH, THING, "Echo", g_variant_new("(s)", "late"), "UnknownObject", "", "");
    g_assert_cmpstr(listener->heard->str, ==, "r");
    bus_object_publish(fixture->object);
    bus_object_property_changed(fixture->object, THING, "Name");
    assert_reply(fixture, PATH, THING, "Echo", g_variant_new("(s)", "again"), "('again',)");
    g_assert_cmpstr(listener->heard->str, ==, "rap");
    assert_last(listener, "('" THING "', {'Name': <'text'>}, [])");
}

static guint
count_objects(GDBusObjectManager *manager)
{
    GList *objects = g_dbus_object_manager_get_objects(manager);
    guint n = g_list_length(objects);

    g_list_free_full(objects, g_object_unref);
    return n;
}

/* GDBus's own client of the protocol, over a thousand VMs that come and go. */
static void
test_thousand_objects(ObjectFixture *fixture, gconstpointer data)
{
    GDBusObjectManager *manager = NULL;
    BusObject *objects[1000];

    g_dbus_object_manager_client_new(fixture->base.client, G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE,
                                     bus_get_unique_name(fixture->base.bus), ROOT, NULL, NULL, NULL, NULL, on_manager,
                                     &manager);
    test_until(manager);
    g_assert_cmpuint(count_objects(manager), ==, 1);
    for (guint i = 0; i < G_N_ELEMENTS(objects); i++) {
        g_autofree char *path = g_strdup_printf(ROOT "/item/n%u", i);

        objects[i] = bus_object_new(fixture->base.bus, path, fixture);
        bus_object_add_interface(objects[i], fixture->thing);
        bus_object_publish(objects[i]);
    }
    test_until(count_objects(manager) == 1001);
    assert_reply(fixture, ROOT "/item/n999", THING, "Echo", g_variant_new("(s)", "far"), "('far',)");
    for (guint i = 0; i < G_N_ELEMENTS(objects); i++)
        bus_object_free(objects[i]);
    test_until(count_objects(manager) == 1);
    g_object_unref(manager);
}

/* Load. */

#define FLOOD 20000

/* Of the calls of one turn of the loop, see bus-source.c. */
#define MOST_A_TURN 32

typedef struct Flood {
    ObjectFixture *fixture;
    GDBusConnection *client;
    guint answered;
    guint calls_before; /* when the turn before this one ended */
} Flood;

static void
on_flood_answered(GObject *client, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    GVariant *reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(client), result, &error);

    g_assert_no_error(error);
    g_variant_unref(reply);
    ((Flood *)user_data)->answered++;
}

static gboolean
on_turn(gpointer user_data)
{
    Flood *flood = user_data;

    g_assert_cmpuint(flood->fixture->calls - flood->calls_before, <=, MOST_A_TURN);
    flood->calls_before = flood->fixture->calls;
    return G_SOURCE_CONTINUE;
}

/* One caller's 20,000 calls: each is answered once; no turn of the loop takes more than a few of them, so that all
 * that hangs on the same loop goes on; and another caller does not wait for their end. */
static void
test_flood(ObjectFixture *fixture, gconstpointer data)
{
    const char *name = bus_get_unique_name(fixture->base.bus);
    Flood flood = { .fixture = fixture, .client = test_daemon_connect(fixture->base.daemon) };
    guint turns = g_idle_add_full(G_PRIORITY_DEFAULT, on_turn, &flood, NULL);
    guint answered_before;

    g_variant_unref(test_client_call(flood.client, name, PATH, THING, "Echo", g_variant_new("(s)", "known"), NULL));
    for (guint i = 0; i < FLOOD; i++)
        g_dbus_connection_call(flood.client, name, PATH, THING, "Echo", g_variant_new("(s)", "flood"), NULL,
                               G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, on_flood_answered, &flood);
    test_until(fixture->calls > 100);
    assert_reply(fixture, PATH, THING, "Echo", g_variant_new("(s)", "other"), "('other',)");
    answered_before = flood.answered;
    test_until(flood.answered == FLOOD);
    g_test_message("the other caller was answered after %u of %u", answered_before, FLOOD);
    g_assert_cmpuint(answered_before, <, FLOOD);
    g_assert_cmpuint(fixture->calls, ==, FLOOD + 2);
    g_source_remove(turns);
    test_client_leave(flood.client);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/bus-properties/properties", test_properties);
    ADD("/bus-properties/changes-before-reply", test_changes_before_reply);
    ADD("/bus-properties/changes-by-themselves", test_changes_by_themselves);
    ADD("/bus-properties/object-manager", test_object_manager);
    ADD("/bus-properties/unpublished", test_unpublished);
    ADD("/bus-properties/thousand-objects", test_thousand_objects);
    if (!g_getenv("UNDER_VALGRIND")) /* a minute of it, and nothing to see */
        ADD("/bus-properties/flood", test_flood);
    return g_test_run();
}
