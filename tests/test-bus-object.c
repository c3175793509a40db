/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an object does when it is called: who gets the call, and the errors. */
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
    "<method name='Echo'><arg type='s' name='text' direction='in'/><arg type='s' name='text' "
    "direction='out'/></method>"
    "<method name='Sum'><arg type='u' direction='in'/><arg type='a{sv}' direction='in'/></method>"
    "<method name='Undecided'/>"
    "<method name='Free'/>"
    "<method name='Close'/>"
    "<method name='Fail'><arg type='s' direction='in'/></method>"
    "<method name='Keep'><arg type='s' direction='in'/><arg type='s' direction='out'/></method>"
    "<signal name='Happened'><arg type='u' name='count'/></signal>"
    "<property name='Count' type='u' access='read'/>"
    "<property name='Name' type='s' access='read'/>"
    "<property name='Secret' type='s' access='read'>"
    "<annotation name='org.freedesktop.DBus.Property.EmitsChangedSignal' value='invalidates'/></property>"
    "<property name='Version' type='s' access='read'>"
    "<annotation name='org.freedesktop.DBus.Property.EmitsChangedSignal' value='const'/></property>"
    "</interface>"
    "<interface name='" ANY "'>"
    "<method name='Listed'><arg type='s' direction='in'/>"
    "<annotation name='org.example.Name' value='listed&lt;&amp;'/></method>"
    "</interface>"
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
    char *any_member;
    BusCall *kept;
    GString *heard; /* replies, a letter each */
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
on_return(BusCall *call, gpointer user_data)
{
    ((Fixture *)user_data)->calls++;
    bus_call_return(call, NULL);
}

static void
on_free(BusCall *call, gpointer user_data)
{
    Fixture *fixture = user_data;

    bus_object_property_changed(fixture->object, THING, "Count");
    bus_object_free(g_steal_pointer(&fixture->object));
    bus_call_return(call, NULL);
}

static void
on_close(BusCall *call, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->calls++;
    bus_close(g_steal_pointer(&fixture->bus));
    bus_call_return(call, NULL);
}

/* The text says how to fail. */
static void
on_fail(BusCall *call, gpointer user_data)
{
    g_autofree char *huge = NULL;
    g_autoptr(GError) error = NULL;
    const char *how;

    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_STRING, &how, DBUS_TYPE_INVALID);
    if (g_str_equal(how, "name")) {
        bus_call_fail(call, "not a name", "text");
    } else if (g_str_equal(how, "text")) {
        bus_call_fail(call, "org.example.Error.Text", "a\xff\xfe z");
    } else if (g_str_equal(how, "nothing")) {
        bus_call_fail(call, NULL, NULL);
    } else if (g_str_equal(how, "huge")) {
        huge = g_strnfill(200 << 20, 'x');
        bus_call_fail(call, "org.example.Error.Text", huge);
    } else if (g_str_equal(how, "domain")) {
        error = g_error_new(G_FILE_ERROR, G_FILE_ERROR_ACCES, "of another domain");
        bus_call_fail_error(call, error);
    } else {
        error = g_error_new(BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "%s", how);
        bus_call_fail_error(call, error);
    }
}

static void
on_keep(BusCall *call, gpointer user_data)
{
    Fixture *fixture = user_data;

    bus_call_drop_message(call);
    g_assert_null(bus_call_get_message(call));
    fixture->kept = call;
}

static void
on_any(BusCall *call, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_free(fixture->any_member);
    fixture->any_member = g_strdup(bus_call_get_member(call));
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
    { "Echo", BUS_ACCESS_PUBLIC, on_echo },           { "Sum", BUS_ACCESS_GATED, on_return },
    { "Undecided", BUS_ACCESS_UNDECIDED, on_return }, { "Free", BUS_ACCESS_PUBLIC, on_free },
    { "Close", BUS_ACCESS_PUBLIC, on_close },         { "Fail", BUS_ACCESS_PUBLIC, on_fail },
    { "Keep", BUS_ACCESS_PUBLIC, on_keep },           { 0 },
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
    fixture->any = new_interface(ANY, NULL, NULL, on_any);
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
    test_client_leave(fixture->client);
    test_daemon_free(fixture->daemon);
    g_string_free(fixture->heard, TRUE);
    g_free(fixture->any_member);
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

/* Whoever mistypes something must be told what: a path, an interface, a method, its arguments. */
static void
test_errors(Fixture *fixture, gconstpointer data)
{
    assert_error(fixture, "/nowhere", THING, "Echo", NULL, "UnknownObject", "/nowhere", "");
    assert_error(fixture, PATH "/below", NULL, "Echo", NULL, "UnknownObject", PATH "/below", "");
    assert_error(fixture, PATH, "org.example.Other", "Echo", NULL, "UnknownInterface", PATH, "org.example.Other");
    assert_error(fixture, PATH, THING, "Nothing", NULL, "UnknownMethod", THING, "Nothing");
    assert_error(fixture, PATH, NULL, "Nothing", NULL, "UnknownMethod", PATH, "Nothing");
    assert_error(fixture, PATH, THING, "Echo", NULL, "InvalidArgs", "\"s\"", "\"\"");
    assert_error(fixture, PATH, THING, "Sum", g_variant_new("(uu)", 1, 2), "InvalidArgs", "\"ua{sv}\"", "\"uu\"");
    assert_error(fixture, PATH, NULL, "Sum", g_variant_new("(v)", g_variant_new_uint32(1)), "InvalidArgs", "Sum",
                 "\"v\"");
    assert_error(fixture, "/org", THING, "Echo", NULL, "UnknownInterface", "/org", THING);
    assert_error(fixture, "/", NULL, "Echo", NULL, "UnknownMethod", "/", "Echo");
    g_assert_cmpuint(fixture->calls, ==, 0);
}

/* A method whose author forgot to decide who may call it must be closed to all. */
static void
test_undecided(Fixture *fixture, gconstpointer data)
{
    assert_error(fixture, PATH, THING, "Undecided", NULL, "AccessDenied", "Undecided", "");
    assert_error(fixture, PATH, THING, "Undecided", g_variant_new("(s)", ""), "AccessDenied", "Undecided", "");
    assert_error(fixture, PATH, NULL, "Undecided", NULL, "AccessDenied", "Undecided", "");
    g_assert_cmpuint(fixture->calls, ==, 0);
}

/* Clients may leave out the interface: every one is searched, D-Bus's own as well. */
static void
test_no_interface(Fixture *fixture, gconstpointer data)
{
    assert_reply(fixture, PATH, NULL, "Echo", g_variant_new("(s)", "hello"), "('hello',)");
    assert_reply(fixture, PATH, NULL, "Get", g_variant_new("(ss)", THING, "Name"), "(<'text'>,)");
    assert_reply(fixture, PATH, NULL, "Ping", NULL, "()");
    assert_reply(fixture, PATH, NULL, "Listed", NULL, "()");
    g_assert_cmpstr(fixture->any_member, ==, "Listed");
}

/* The methods of a QEMU newer than its introspection go through, with any arguments, by their interface. */
static void
test_any(Fixture *fixture, gconstpointer data)
{
    assert_reply(fixture, PATH, ANY, "Unlisted", g_variant_new("(su)", "x", 1), "()");
    g_assert_cmpstr(fixture->any_member, ==, "Unlisted");
    assert_reply(fixture, PATH, ANY, "Listed", g_variant_new("(uuu)", 1, 2, 3), "()");
    g_assert_cmpstr(fixture->any_member, ==, "Listed");
}

/* Peer is answered on any path, by libdbus. */
static void
test_peer(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GVariant) id = NULL;

    assert_reply(fixture, PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, "()");
    assert_reply(fixture, "/nowhere", "org.freedesktop.DBus.Peer", "Ping", NULL, "()");
    assert_error(fixture, PATH, "org.freedesktop.DBus.Peer", "Nothing", NULL, "UnknownMethod", "", "");
    id = call(fixture, PATH, "org.freedesktop.DBus.Peer", "GetMachineId", NULL, NULL);
    g_assert_nonnull(id);
}

/* What cannot be said on D-Bus must not end our connection: names, bytes and lengths of errors are put right. */
static void
test_error_texts(Fixture *fixture, gconstpointer data)
{
    static const struct {
        const char *how, *name, *text;
    } rows[] = {
        { "name", "org.freedesktop.DBus.Error.Failed", "text" },
        { "text", "org.example.Error.Text", "a\xef\xbf\xbd\xef\xbf\xbd z" },
        { "nothing", "org.freedesktop.DBus.Error.Failed", "" },
        { "huge", "org.example.Error.Text", "xxx" },
        { "domain", "org.freedesktop.DBus.Error.Failed", "of another domain" },
        { "too much", "org.freedesktop.DBus.Error.LimitsExceeded", "too much" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *name = NULL;

        g_assert_null(call(fixture, PATH, THING, "Fail", g_variant_new("(s)", rows[i].how), &error));
        name = g_dbus_error_get_remote_error(error);
        g_assert_cmpstr(name, ==, rows[i].name);
        g_dbus_error_strip_remote_error(error);
        g_assert_true(g_str_has_prefix(error->message, rows[i].text));
    }
}

/* An object freed by its own method (RemoveVM) must still answer, and be gone after. */
static void
test_freed_inside(Fixture *fixture, gconstpointer data)
{
    assert_reply(fixture, PATH, THING, "Free", NULL, "()");
    g_assert_null(bus_get_object(fixture->bus, PATH));
    assert_error(fixture, PATH, THING, "Echo", NULL, "UnknownObject", PATH, "");
    /* The path that only led to it went as well. */
    assert_error(fixture, ROOT "/item", NULL, "Introspect", NULL, "UnknownObject", ROOT "/item", "");
}

/* The agent that is stopped by a call, with more calls waiting behind it. */
static void
test_closed_inside(Fixture *fixture, gconstpointer data)
{
    for (guint i = 0; i < 50; i++)
        test_client_send(fixture->client, bus_get_unique_name(fixture->bus), PATH, THING, "Close", NULL);
    test_client_sync(fixture->client);
    test_until(!fixture->bus);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(fixture->calls, ==, 1);
    bus_object_property_changed(fixture->object, THING, "Count");
}

static void
on_kept_answered(GObject *client, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(client), result, &error);
    const char *text;

    g_assert_no_error(error);
    g_variant_get(reply, "(&s)", &text);
    g_assert_cmpstr(text, ==, "late");
    g_string_append_c(user_data, 'r');
}

/* A call that waits for a password is answered when its message, and even its object, have long gone. */
static void
test_kept(Fixture *fixture, gconstpointer data)
{
    const char *text = "late";
    DBusMessage *reply;

    g_dbus_connection_call(fixture->client, bus_get_unique_name(fixture->bus), PATH, THING, "Keep",
                           g_variant_new("(s)", "x"), NULL, G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, -1,
                           NULL, on_kept_answered, fixture->heard);
    test_until(fixture->kept);
    bus_object_free(g_steal_pointer(&fixture->object));
    g_assert_true(bus_call_is_interactive(fixture->kept));
    g_assert_true(bus_call_is_reply_expected(fixture->kept));
    g_assert_cmpstr(bus_call_get_path(fixture->kept), ==, PATH);
    g_assert_cmpstr(bus_call_get_interface(fixture->kept), ==, THING);
    g_assert_cmpstr(bus_call_get_member(fixture->kept), ==, "Keep");
    g_assert_cmpstr(bus_call_get_signature(fixture->kept), ==, "s");
    reply = bus_call_new_reply(fixture->kept);
    dbus_message_append_args(reply, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    bus_call_return(g_steal_pointer(&fixture->kept), reply);
    test_until(fixture->heard->len == 1);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/bus-object/errors", test_errors);
    ADD("/bus-object/undecided", test_undecided);
    ADD("/bus-object/no-interface", test_no_interface);
    ADD("/bus-object/any", test_any);
    ADD("/bus-object/peer", test_peer);
    ADD("/bus-object/error-texts", test_error_texts);
    ADD("/bus-object/freed-inside", test_freed_inside);
    ADD("/bus-object/closed-inside", test_closed_inside);
    ADD("/bus-object/kept", test_kept);
    return g_test_run();
}
