/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an object does on the bus: calls and their errors, introspection, properties, ObjectManager, floods. */
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
    "<method name='Echo'><arg type='s' name='text' direction='in'/><arg type='s' name='text' direction='out'/></method>"
    "<method name='Sum'><arg type='u' direction='in'/><arg type='a{sv}' direction='in'/></method>"
    "<method name='Undecided'/>"
    "<method name='Change'/>"
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
on_return(BusCall *call, gpointer user_data)
{
    ((Fixture *)user_data)->calls++;
    bus_call_return(call, NULL);
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
    { "Echo", BUS_ACCESS_PUBLIC, on_echo },
    { "Sum", BUS_ACCESS_GATED, on_return },
    { "Undecided", BUS_ACCESS_UNDECIDED, on_return },
    { "Change", BUS_ACCESS_PUBLIC, on_change },
    { "Free", BUS_ACCESS_PUBLIC, on_free },
    { "Close", BUS_ACCESS_PUBLIC, on_close },
    { "Fail", BUS_ACCESS_PUBLIC, on_fail },
    { "Keep", BUS_ACCESS_PUBLIC, on_keep },
    { 0 },
};

static const BusProperty properties[] = {
    { "Count", get_count },
    { "Name", get_text },
    { "Secret", get_text },
    { "Version", get_text },
    { 0 },
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
    if (fixture->subscription)
        g_dbus_connection_signal_unsubscribe(fixture->client, fixture->subscription);
    test_client_leave(fixture->client);
    test_daemon_free(fixture->daemon);
    g_string_free(fixture->heard, TRUE);
    g_clear_pointer(&fixture->last, g_variant_unref);
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
    assert_error(fixture, PATH, NULL, "Sum", g_variant_new("(v)", g_variant_new_uint32(1)), "InvalidArgs", "Sum", "\"v\"");
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
                           g_variant_new("(s)", "x"), NULL, G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, -1, NULL,
                           on_kept_answered, fixture->heard);
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

/* Contract (XML) and behaviour (tables) that drift apart must be found when the interface is made. */
static void
test_drift(void)
{
    static const BusMethod foreign[] = { { "Foreign", BUS_ACCESS_PUBLIC, on_return }, { 0 } };
    static const BusMethod twice[] = {
        { "Listed", BUS_ACCESS_PUBLIC, on_return },
        { "Listed", BUS_ACCESS_PUBLIC, on_return },
        { 0 },
    };
    static const BusProperty foreign_property[] = { { "Foreign", get_text }, { 0 } };
    static const struct {
        const char *name;
        const BusMethod *methods;
        const BusProperty *properties;
        BusMethodFunc any;
        const char *word;
    } rows[] = {
        { ANY, NULL, NULL, NULL, "Listed has no function" },
        { ANY, foreign, NULL, on_any, "Foreign is not a method" },
        { ANY, twice, NULL, NULL, "Listed is in the table twice" },
        { ANY, NULL, foreign_property, on_any, "Foreign is not a property" },
        { THING, methods, NULL, NULL, "Count has no function" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GDBusNodeInfo) node = new_node();
        GDBusInterfaceInfo *info = g_dbus_node_info_lookup_interface(node, rows[i].name);
        g_autoptr(GError) error = NULL;

        g_assert_null(bus_interface_new(info, rows[i].methods, rows[i].properties, rows[i].any, &error));
        g_assert_error(error, BUS_ERROR, BUS_ERROR_FAILED);
        g_assert_nonnull(strstr(error->message, rows[i].word));
    }
}

/* Introspection. */

static GDBusNodeInfo *
introspect(Fixture *fixture, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        call(fixture, path, "org.freedesktop.DBus.Introspectable", "Introspect", NULL, &error);
    GDBusNodeInfo *node;
    const char *text;

    g_assert_no_error(error);
    g_variant_get(reply, "(&s)", &text);
    node = g_dbus_node_info_new_for_xml(text, &error);
    g_assert_no_error(error);
    return node;
}

static char *
print_info(GDBusInterfaceInfo *info)
{
    GString *text = g_string_new(NULL);

    g_dbus_interface_info_generate_xml(info, 0, text);
    return g_string_free(text, FALSE);
}

/* Generated proxies and bindings read this: it must say what was declared, annotations included. */
static void
test_introspection(Fixture *fixture, gconstpointer data)
{
    static const char *const standard[] = { "org.freedesktop.DBus.Introspectable", "org.freedesktop.DBus.Peer",
                                            PROPERTIES };
    g_autoptr(GDBusNodeInfo) declared = new_node();
    g_autoptr(GDBusNodeInfo) node = introspect(fixture, PATH);
    const char *const own[] = { THING, ANY };

    for (guint i = 0; i < G_N_ELEMENTS(own); i++) {
        g_autofree char *expected = print_info(g_dbus_node_info_lookup_interface(declared, own[i]));
        g_autofree char *given = print_info(g_dbus_node_info_lookup_interface(node, own[i]));

        g_assert_cmpstr(given, ==, expected);
    }
    for (guint i = 0; i < G_N_ELEMENTS(standard); i++)
        g_assert_nonnull(g_dbus_node_info_lookup_interface(node, standard[i]));
    g_assert_null(g_dbus_node_info_lookup_interface(node, "org.freedesktop.DBus.ObjectManager"));
    g_assert_null(node->nodes[0]);
}

/* busctl tree walks down from the root, over paths where nothing is. */
static void
test_introspection_of_paths(Fixture *fixture, gconstpointer data)
{
    static const struct {
        const char *path, *child;
    } rows[] = { { "/", "org" }, { "/org", "example" }, { ROOT, "item" }, { ROOT "/item", "one" } };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GDBusNodeInfo) node = introspect(fixture, rows[i].path);
        gboolean is_root = g_str_equal(rows[i].path, ROOT);

        g_assert_cmpstr(node->nodes[0]->path, ==, rows[i].child);
        g_assert_null(node->nodes[1]);
        g_assert_true(is_root == !!g_dbus_node_info_lookup_interface(node, "org.freedesktop.DBus.ObjectManager"));
        g_assert_true(is_root == !!g_dbus_node_info_lookup_interface(node, PROPERTIES));
        assert_reply(fixture, rows[i].path, "org.freedesktop.DBus.Peer", "Ping", NULL, "()");
    }
}

static void
on_busctl_done(GObject *process, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    g_subprocess_communicate_utf8_finish(G_SUBPROCESS(process), result, user_data, NULL, &error);
    g_assert_no_error(error);
}

static char *
run_busctl(Fixture *fixture, const char *verb, const char *path)
{
    g_autofree char *address = g_strconcat("--address=", test_daemon_get_address(fixture->daemon), NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GSubprocess) busctl =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "busctl", "--no-pager", address, verb,
                         bus_get_unique_name(fixture->bus), path, NULL);
    char *output = NULL;

    g_assert_no_error(error);
    g_subprocess_communicate_utf8_async(busctl, NULL, NULL, on_busctl_done, &output);
    test_until(output);
    g_assert_true(g_subprocess_get_successful(busctl));
    return output;
}

/* The administrator's tool, as it is. */
static void
test_busctl(Fixture *fixture, gconstpointer data)
{
    g_autofree char *busctl = g_find_program_in_path("busctl");
    g_autofree char *tree = NULL, *object = NULL;

    if (!busctl) {
        g_test_skip("no busctl");
        return;
    }
    tree = run_busctl(fixture, "tree", NULL);
    g_assert_nonnull(strstr(tree, PATH));
    object = run_busctl(fixture, "introspect", PATH);
    g_assert_nonnull(strstr(object, ".Count"));
    g_assert_nonnull(strstr(object, ".Echo"));
}

/* Properties. */

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
                 "({'" PATH "': {'" ANY "': {}, '" THING "': {'Count': <uint32 0>, 'Name': <'text'>, 'Secret': <'text'>, "
                 "'Version': <'text'>}}},)");
    bus_object_add_interface(fixture->object, fixture->any);
    test_until(fixture->heard->len == 2);
    g_assert_cmpstr(fixture->heard->str, ==, "ra");
    assert_last(fixture, "('" PATH "', {'" ANY "': {}})");
    bus_object_free(g_steal_pointer(&fixture->object));
    test_until(fixture->heard->len == 3);
    assert_last(fixture, "('" PATH "', ['" ANY "', '" THING "'])");
    assert_reply(fixture, ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL,
                 "({},)");
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

/* One caller's 20,000 calls: each is answered once; no turn of the loop takes more than a few of them, so that all that
 * hangs on the same loop goes on; and another caller does not wait for their end. */
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
    g_test_add_func("/bus-object/drift", test_drift);
    ADD("/bus-object/errors", test_errors);
    ADD("/bus-object/undecided", test_undecided);
    ADD("/bus-object/no-interface", test_no_interface);
    ADD("/bus-object/any", test_any);
    ADD("/bus-object/peer", test_peer);
    ADD("/bus-object/error-texts", test_error_texts);
    ADD("/bus-object/freed-inside", test_freed_inside);
    ADD("/bus-object/closed-inside", test_closed_inside);
    ADD("/bus-object/kept", test_kept);
    ADD("/bus-object/introspection", test_introspection);
    ADD("/bus-object/introspection-of-paths", test_introspection_of_paths);
    ADD("/bus-object/busctl", test_busctl);
    ADD("/bus-object/properties", test_properties);
    ADD("/bus-object/changes-before-reply", test_changes_before_reply);
    ADD("/bus-object/changes-by-themselves", test_changes_by_themselves);
    ADD("/bus-object/object-manager", test_object_manager);
    ADD("/bus-object/thousand-objects", test_thousand_objects);
    ADD("/bus-object/flood", test_flood);
    return g_test_run();
}
