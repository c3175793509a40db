/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an object tells by itself: properties and their changes, ObjectManager; and many objects, many calls. */
#include "bus-object.h"
#include "test-bus-daemon.h"

#include <string.h>

#define ROOT "/org/example"
#define PATH ROOT "/item/one"
#define THING "org.example.Thing"
#define ANY "org.example.Any"
#define PROPERTIES "org.freedesktop.DBus.Properties"

static const char xml[] =
    "<node>"
    "<interface name='" THING "'>"
    "<method name='Echo'><arg type='s' direction='in'/><arg type='s' direction='out'/></method>"
    "<method name='Change'/>"
    "<signal name='Happened'><arg type='u' name='count'/></signal>"
    "<property name='Count' type='u' access='read'/>"
    "<property name='Name' type='s' access='read'/>"
    "<property name='Secret' type='s' access='read'>"
    "<annotation name='org.freedesktop.DBus.Property.EmitsChangedSignal' value='invalidates'/></property>"
    "<property name='Version' type='s' access='read'>"
    "<annotation name='org.freedesktop.DBus.Property.EmitsChangedSignal' value='const'/></property>"
    "</interface>"
    "<interface name='" ANY "'/>"
    "</node>";

typedef struct Fixture {
    TestDaemon *daemon;
    Bus *bus;
    GDBusConnection *client;
    BusInterface *thing;
    BusInterface *any;
    BusObject *root; /* the manager */
    BusObject *object;
    guint32 count;
    guint calls;
    GString *heard; /* what the client heard, a letter each */
    GVariant *last; /* the parameters of the last signal */
    guint subscription; /* 0: none */
} Fixture;

static void
on_echo(BusCall *call, gpointer user_data)
{
    DBusMessage *reply = bus_call_new_reply(call);
    const char *text;

    ((Fixture *)user_data)->calls++;
    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    dbus_message_append_args(reply, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    bus_call_return(call, reply);
}

static void
on_change(BusCall *call, gpointer user_data)
{
    Fixture *fixture = user_data;

    for (guint i = 0; i < 5; i++) {
        fixture->count++;
        bus_object_property_changed(fixture->object, THING, "Count");
    }
    bus_object_property_changed(fixture->object, THING, "Secret");
    bus_object_property_changed(fixture->object, THING, "Version");
    bus_call_return(call, NULL);
}

static void
get_count(DBusMessageIter *iter, gpointer user_data)
{
    dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT32, &((Fixture *)user_data)->count);
}

static void
get_text(DBusMessageIter *iter, gpointer user_data)
{
    const char *text = "text";

    dbus_message_iter_append_basic(iter, DBUS_TYPE_STRING, &text);
}

static const BusMethod methods[] = {
    { "Echo", BUS_ACCESS_PUBLIC, on_echo },
    { "Change", BUS_ACCESS_PUBLIC, on_change },
    { 0 },
};

static const BusProperty properties[] = {
    { "Count", get_count }, { "Name", get_text }, { "Secret", get_text }, { "Version", get_text }, { 0 },
};

static GDBusNodeInfo *
new_node(void)
{
    g_autoptr(GError) error = NULL;
    GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml, &error);

    g_assert_no_error(error);
    return node;
}

static BusInterface *
new_interface(const char *name, const BusMethod *rows, const BusProperty *values, BusMethodFunc any)
{
    g_autoptr(GDBusNodeInfo) node = new_node();
    GDBusInterfaceInfo *info = g_dbus_node_info_lookup_interface(node, name);
    g_autoptr(GError) error = NULL;
    BusInterface *interface = bus_interface_new(info, rows, values, any, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(bus_interface_get_name(interface), ==, name);
    g_assert_true(bus_interface_get_info(interface) == info);
    return interface;
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->daemon = test_daemon_new();
    fixture->bus = test_daemon_open(fixture->daemon, NULL);
    fixture->client = test_daemon_connect(fixture->daemon);
    fixture->heard = g_string_new(NULL);
    fixture->thing = new_interface(THING, methods, properties, NULL);
    fixture->any = new_interface(ANY, NULL, NULL, NULL);
    fixture->root = bus_object_new(fixture->bus, ROOT, fixture);
    bus_object_make_manager(fixture->root);
    bus_object_publish(fixture->root);
    fixture->object = bus_object_new(fixture->bus, PATH, fixture);
    bus_object_add_interface(fixture->object, fixture->any);
    bus_object_add_interface(fixture->object, fixture->thing);
    g_assert_null(bus_get_object(fixture->bus, PATH));
    bus_object_publish(fixture->object);
    g_assert_true(bus_get_object(fixture->bus, PATH) == fixture->object);
    g_assert_true(bus_object_get_data(fixture->object) == fixture);
    g_assert_cmpstr(bus_object_get_path(fixture->object), ==, PATH);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    if (fixture->object)
        bus_object_free(fixture->object);
    if (fixture->bus)
        bus_close(fixture->bus);
    bus_object_free(fixture->root);
    bus_interface_unref(fixture->thing);
    bus_interface_unref(fixture->any);
    if (fixture->subscription)
        g_dbus_connection_signal_unsubscribe(fixture->client, fixture->subscription);
    test_client_leave(fixture->client);
    test_daemon_free(fixture->daemon);
    g_string_free(fixture->heard, TRUE);
    g_clear_pointer(&fixture->last, g_variant_unref);
}

static GVariant *
call(Fixture *fixture, const char *path, const char *interface, const char *member, GVariant *parameters,
     GError **error)
{
    return test_client_call(fixture->client, bus_get_unique_name(fixture->bus), path, interface, member, parameters,
                            error);
}

/* The reply, printed as GVariant text. @parameters: floating, consumed. */
static void
assert_reply(Fixture *fixture, const char *path, const char *interface, const char *member, GVariant *parameters,
             const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = call(fixture, path, interface, member, parameters, &error);
    g_autofree char *text = NULL;

    g_assert_no_error(error);
    text = g_variant_print(reply, FALSE);
    g_assert_cmpstr(text, ==, expected);
}

/* The error must be D-Bus's @name, and its text must hold all of the words. */
static void
assert_error(Fixture *fixture, const char *path, const char *interface, const char *member, GVariant *parameters,
             const char *name, const char *word, const char *second_word)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = call(fixture, path, interface, member, parameters, &error);

    g_assert_null(reply);
    test_assert_dbus_error(error, name);
    g_assert_nonnull(strstr(error->message, word));
    g_assert_nonnull(strstr(error->message, second_word));
}

static void
test_properties(Fixture *fixture, gconstpointer data)
{
    GVariant *value = g_variant_new_uint32(1);

    fixture->count = 7;
    assert_reply(fixture, PATH, PROPERTIES, "Get", g_variant_new("(ss)", THING, "Count"), "(<uint32 7>,)");
    assert_reply(fixture, PATH, PROPERTIES, "GetAll", g_variant_new("(s)", THING),
                 "({'Count': <uint32 7>, 'Name': <'text'>, 'Secret': <'text'>, 'Version': <'text'>},)");
    assert_reply(fixture, PATH, PROPERTIES, "GetAll", g_variant_new("(s)", ANY), "({},)");
    assert_reply(fixture, PATH, PROPERTIES, "GetAll", g_variant_new("(s)", PROPERTIES), "({},)");
    assert_error(fixture, PATH, PROPERTIES, "Get", g_variant_new("(ss)", THING, "X"), "UnknownProperty", THING, "X");
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

/* 'p' PropertiesChanged, 'a' InterfacesAdded, 'r' InterfacesRemoved, 'h' Happened. */
static void
on_signal(GDBusConnection *client, const char *sender, const char *path, const char *interface, const char *member,
          GVariant *parameters, gpointer user_data)
{
    Fixture *fixture = user_data;
    char letter = g_ascii_tolower(g_str_has_prefix(member, "Interfaces") ? member[strlen("Interfaces")] : member[0]);

    g_string_append_c(fixture->heard, letter);
    g_clear_pointer(&fixture->last, g_variant_unref);
    fixture->last = g_variant_ref(parameters);
}

/* After a call, so that the bus has passed on what was sent before. */
static void
listen(Fixture *fixture)
{
    const char *sender = bus_get_unique_name(fixture->bus);

    assert_reply(fixture, PATH, THING, "Echo", g_variant_new("(s)", ""), "('',)");
    fixture->subscription = g_dbus_connection_signal_subscribe(fixture->client, sender, NULL, NULL, NULL, NULL,
                                                               G_DBUS_SIGNAL_FLAGS_NONE, on_signal, fixture, NULL);
    test_client_sync(fixture->client);
}

static void
assert_last(Fixture *fixture, const char *expected)
{
    g_autofree char *text = g_variant_print(fixture->last, FALSE);

    g_assert_cmpstr(text, ==, expected);
}

/* A client that calls and then reads its cache must find there what its call changed: the signal comes first, one for
 * all changes, with the values of the end. */
static void
test_changes_before_reply(Fixture *fixture, gconstpointer data)
{
    listen(fixture);
    assert_reply(fixture, PATH, THING, "Change", NULL, "()");
    g_assert_cmpstr(fixture->heard->str, ==, "p");
    assert_last(fixture, "('" THING "', {'Count': <uint32 5>}, ['Secret'])");
    assert_reply(fixture, PATH, THING, "Echo", g_variant_new("(s)", ""), "('',)");
    g_assert_cmpstr(fixture->heard->str, ==, "p");
}

/* Without any other message the change is told as soon as the main loop comes by; before another signal, before it. */
static void
test_changes_by_themselves(Fixture *fixture, gconstpointer data)
{
    DBusMessage *happened = bus_object_new_signal(fixture->object, THING, "Happened");
    dbus_uint32_t count = 1;

    listen(fixture);
    bus_object_property_changed(fixture->object, THING, "Version");
    bus_object_property_changed(fixture->object, THING, "Name");
    test_until(fixture->heard->len == 1);
    assert_last(fixture, "('" THING "', {'Name': <'text'>}, [])");
    bus_object_property_changed(fixture->object, THING, "Count");
    dbus_message_append_args(happened, DBUS_TYPE_UINT32, &count, DBUS_TYPE_INVALID);
    bus_send(fixture->bus, happened);
    dbus_message_unref(happened);
    test_until(fixture->heard->len == 3);
    g_assert_cmpstr(fixture->heard->str, ==, "pph");
}

/* ObjectManager. */

static void
test_object_manager(Fixture *fixture, gconstpointer data)
{
    listen(fixture);
    assert_reply(fixture, ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL,
                 "({'" PATH "': {'" ANY "': {}, '" THING
                 "': {'Count': <uint32 0>, 'Name': <'text'>, 'Secret': <'text'>, "
                 "'Version': <'text'>}}},)");
    bus_object_add_interface(fixture->object, fixture->any);
    test_until(fixture->heard->len == 2);
    g_assert_cmpstr(fixture->heard->str, ==, "ra");
    assert_last(fixture, "('" PATH "', {'" ANY "': {}})");
    bus_object_free(g_steal_pointer(&fixture->object));
    test_until(fixture->heard->len == 3);
    assert_last(fixture, "('" PATH "', ['" ANY "', '" THING "'])");
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
test_thousand_objects(Fixture *fixture, gconstpointer data)
{
    GDBusObjectManager *manager = NULL;
    BusObject *objects[1000];

    g_dbus_object_manager_client_new(fixture->client, G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE,
                                     bus_get_unique_name(fixture->bus), ROOT, NULL, NULL, NULL, NULL, on_manager,
                                     &manager);
    test_until(manager);
    g_assert_cmpuint(count_objects(manager), ==, 1);
    for (guint i = 0; i < G_N_ELEMENTS(objects); i++) {
        g_autofree char *path = g_strdup_printf(ROOT "/item/n%u", i);

        objects[i] = bus_object_new(fixture->bus, path, fixture);
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
    Fixture *fixture;
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
test_flood(Fixture *fixture, gconstpointer data)
{
    const char *name = bus_get_unique_name(fixture->bus);
    Flood flood = { .fixture = fixture, .client = test_daemon_connect(fixture->daemon) };
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

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/bus-properties/properties", test_properties);
    ADD("/bus-properties/changes-before-reply", test_changes_before_reply);
    ADD("/bus-properties/changes-by-themselves", test_changes_by_themselves);
    ADD("/bus-properties/object-manager", test_object_manager);
    ADD("/bus-properties/thousand-objects", test_thousand_objects);
    ADD("/bus-properties/flood", test_flood);
    return g_test_run();
}
