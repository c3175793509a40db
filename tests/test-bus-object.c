/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an object does when it is called: who gets the call, and the errors. */
#include "test-bus-object-fixture.h"

#include <string.h>

static const char xml[] =
    "<node>"
    "<interface name='" THING "'>"
    "<method name='Echo'><arg type='s' name='text' direction='in'/><arg type='s' name='text' "
    "direction='out'/></method>"
    "<method name='Sum'><arg type='u' direction='in'/><arg type='a{sv}' direction='in'/></method>"
    "<method name='Find'><arg type='s' direction='in'/><arg type='s' direction='in'>"
    "<annotation name='org.qemu.Monitor1.Optional' value='true'/></arg><arg type='a{sv}' direction='in'/></method>"
    "<method name='Undecided'/>"
    "<method name='Free'/>"
    "<method name='Close'/>"
    "<method name='Fail'><arg type='s' direction='in'/></method>"
    "<method name='Keep'><arg type='s' direction='in'/><arg type='s' direction='out'/></method>"
    "<signal name='Happened'><arg type='u' name='count'/></signal>" ALL_PROPERTIES_XML "</interface>"
    "<interface name='" ANY "'>"
    "<method name='Listed'><arg type='s' direction='in'/>"
    "<annotation name='org.example.Name' value='listed&lt;&amp;'/></method>"
    "</interface>"
    "</node>";

static void
on_return(BusCall *call, gpointer user_data)
{
    ((ObjectFixture *)user_data)->calls++;
    bus_call_return(call, NULL);
}

static void
on_free(BusCall *call, gpointer user_data)
{
    ObjectFixture *fixture = user_data;

    bus_object_property_changed(fixture->object, THING, "Count");
    bus_object_free(g_steal_pointer(&fixture->object));
    bus_call_return(call, NULL);
}

static void
on_close(BusCall *call, gpointer user_data)
{
    ObjectFixture *fixture = user_data;

    fixture->calls++;
    bus_close(g_steal_pointer(&fixture->base.bus));
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
    ObjectFixture *fixture = user_data;

    bus_call_drop_message(call);
    g_assert_null(bus_call_get_message(call));
    fixture->kept = call;
}

static void
on_any(BusCall *call, gpointer user_data)
{
    ObjectFixture *fixture = user_data;

    g_free(fixture->any_member);
    fixture->any_member = g_strdup(bus_call_get_member(call));
    bus_call_return(call, NULL);
}

static const BusMethod methods[] = {
    { "Echo", BUS_ACCESS_PUBLIC, on_echo },           { "Sum", BUS_ACCESS_GATED, on_return },
    { "Find", BUS_ACCESS_PUBLIC, on_return },
    { "Undecided", BUS_ACCESS_UNDECIDED, on_return }, { "Free", BUS_ACCESS_PUBLIC, on_free },
    { "Close", BUS_ACCESS_PUBLIC, on_close },         { "Fail", BUS_ACCESS_PUBLIC, on_fail },
    { "Keep", BUS_ACCESS_PUBLIC, on_keep },           { 0 },
};

static const ObjectTables tables = { xml, methods, all_properties, on_any };

/* Whoever mistypes something must be told what: a path, an interface, a method, its arguments. */
static void
test_errors(ObjectFixture *fixture, gconstpointer data)
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
    assert_error(fixture, PATH, THING, "Ehco", NULL, "UnknownMethod", "; did you mean Echo?", "");
    assert_error(fixture, PATH, NULL, "Ehco", NULL, "UnknownMethod", "; did you mean Echo?", "");
    assert_error(fixture, PATH, THING, "Listed", NULL, "UnknownMethod", "; " ANY " has it", "");
    assert_error(fixture, PATH, THING, "Introspect", NULL, "UnknownMethod", "; org.freedesktop.DBus.Introspectable has it",
                 "");
    assert_error(fixture, PATH, THING, "Lsited", NULL, "UnknownMethod", "; did you mean Listed of " ANY "?", "");
    assert_error(fixture, PATH, "org.example.Thign", "Echo", NULL, "UnknownInterface", "; did you mean " THING "?", "");
    assert_error(fixture, PATH "1", THING, "Echo", NULL, "UnknownObject", "; did you mean", strrchr(PATH, '/') + 1);
    assert_error(fixture, "/og", THING, "Echo", NULL, "UnknownObject", "/og", "");
    assert_error(fixture, "/org", THING, "Echo", NULL, "UnknownInterface", "/org", THING);
    assert_error(fixture, "/", NULL, "Echo", NULL, "UnknownMethod", "/", "Echo");
    g_assert_cmpuint(fixture->calls, ==, 0);
}

/* Whoever has nothing to say in the last arguments need not send them; dictionaries may hold strings instead of variants. */
static void
test_left_out(ObjectFixture *fixture, gconstpointer data)
{
    static const char *const good[][2] = {
        { "Sum", "(uint32 1,)" }, { "Sum", "(uint32 1, @a{sv} {})" }, { "Sum", "(uint32 1, {'a': 'b'})" },
        { "Find", "('a',)" }, { "Find", "('a', 'b')" }, { "Find", "('a', 'b', {'a': 'b'})" },
        { "Find", "('a', 'b', {'a': {'b': 1}})" },
    };
    static const char *const bad[][2] = {
        { "Sum", "(@a{sv} {},)" }, { "Sum", "(uint32 1, {1: 2})" }, { "Sum", "(uint32 1, @a{sv} {}, @a{sv} {})" },
        { "Sum", "(uint32 1, ['a'])" }, { "Find", "('a', @a{sv} {})" }, { "Find", "('a', 'b', 'c')" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        assert_reply(fixture, PATH, THING, good[i][0], g_variant_new_parsed(good[i][1]), "()");
    g_assert_cmpuint(fixture->calls, ==, G_N_ELEMENTS(good));
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_error(fixture, PATH, THING, bad[i][0], g_variant_new_parsed(bad[i][1]), "InvalidArgs", bad[i][0], "");
    assert_error(fixture, PATH, THING, "Sum", NULL, "InvalidArgs", "Sum", "");
    g_assert_cmpuint(fixture->calls, ==, G_N_ELEMENTS(good));
}

/* A method whose author forgot to decide who may call it must be closed to all. */
static void
test_undecided(ObjectFixture *fixture, gconstpointer data)
{
    assert_error(fixture, PATH, THING, "Undecided", NULL, "AccessDenied", "Undecided", "");
    assert_error(fixture, PATH, THING, "Undecided", g_variant_new("(s)", ""), "AccessDenied", "Undecided", "");
    assert_error(fixture, PATH, NULL, "Undecided", NULL, "AccessDenied", "Undecided", "");
    g_assert_cmpuint(fixture->calls, ==, 0);
}

/* Clients may leave out the interface: every one is searched, D-Bus's own as well. */
static void
test_no_interface(ObjectFixture *fixture, gconstpointer data)
{
    assert_reply(fixture, PATH, NULL, "Echo", g_variant_new("(s)", "hello"), "('hello',)");
    assert_reply(fixture, PATH, NULL, "Get", g_variant_new("(ss)", THING, "Name"), "(<'text'>,)");
    assert_reply(fixture, PATH, NULL, "Ping", NULL, "()");
    assert_reply(fixture, PATH, NULL, "Listed", NULL, "()");
    g_assert_cmpstr(fixture->any_member, ==, "Listed");
}

/* The methods of a QEMU newer than its introspection go through, with any arguments, by their interface. */
static void
test_any(ObjectFixture *fixture, gconstpointer data)
{
    assert_reply(fixture, PATH, ANY, "Unlisted", g_variant_new("(su)", "x", 1), "()");
    g_assert_cmpstr(fixture->any_member, ==, "Unlisted");
    assert_reply(fixture, PATH, ANY, "Listed", g_variant_new("(uuu)", 1, 2, 3), "()");
    g_assert_cmpstr(fixture->any_member, ==, "Listed");
}

/* Peer is answered on any path, by libdbus. */
static void
test_peer(ObjectFixture *fixture, gconstpointer data)
{
    g_autoptr(GVariant) id = NULL;
    g_autoptr(GError) error = NULL;
    /* Where packages are built there may be none. */
    gboolean has_id = g_file_test("/etc/machine-id", G_FILE_TEST_EXISTS) ||
                      g_file_test("/var/lib/dbus/machine-id", G_FILE_TEST_EXISTS);

    assert_reply(fixture, PATH, "org.freedesktop.DBus.Peer", "Ping", NULL, "()");
    assert_reply(fixture, "/nowhere", "org.freedesktop.DBus.Peer", "Ping", NULL, "()");
    assert_error(fixture, PATH, "org.freedesktop.DBus.Peer", "Nothing", NULL, "UnknownMethod", "", "");
    id = call_object(fixture, PATH, "org.freedesktop.DBus.Peer", "GetMachineId", NULL, &error);
    g_assert_true(has_id ? id != NULL : error != NULL);
}

/* What cannot be said on D-Bus must not end our connection: names, bytes and lengths of errors are put right. */
static void
test_error_texts(ObjectFixture *fixture, gconstpointer data)
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

        g_assert_null(call_object(fixture, PATH, THING, "Fail", g_variant_new("(s)", rows[i].how), &error));
        name = g_dbus_error_get_remote_error(error);
        g_assert_cmpstr(name, ==, rows[i].name);
        g_dbus_error_strip_remote_error(error);
        g_assert_true(g_str_has_prefix(error->message, rows[i].text));
    }
}

/* An object freed by its own method (RemoveVM) must still answer, and be gone after. */
static void
test_freed_inside(ObjectFixture *fixture, gconstpointer data)
{
    assert_reply(fixture, PATH, THING, "Free", NULL, "()");
    g_assert_null(bus_get_object(fixture->base.bus, PATH));
    assert_error(fixture, PATH, THING, "Echo", NULL, "UnknownObject", PATH, "");
    /* The path that only led to it went as well. */
    assert_error(fixture, ROOT "/item", NULL, "Introspect", NULL, "UnknownObject", ROOT "/item", "");
}

/* The agent that is stopped by a call, with more calls waiting behind it. */
static void
test_closed_inside(ObjectFixture *fixture, gconstpointer data)
{
    for (guint i = 0; i < 50; i++)
        test_client_send(fixture->base.client, bus_get_unique_name(fixture->base.bus), PATH, THING, "Close", NULL);
    test_client_sync(fixture->base.client);
    test_until(!fixture->base.bus);
    settle(NULL);
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
test_kept(ObjectFixture *fixture, gconstpointer data)
{
    const char *text = "late";
    DBusMessage *reply;

    g_dbus_connection_call(fixture->base.client, bus_get_unique_name(fixture->base.bus), PATH, THING, "Keep",
                           g_variant_new("(s)", "x"), NULL, G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
                           G_MAXINT, NULL, on_kept_answered, fixture->base.order);
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
    test_until(fixture->base.order->len == 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/bus-object/errors", test_errors);
    ADD("/bus-object/left-out", test_left_out);
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
