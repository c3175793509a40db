/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which function a call reaches: descriptors that no argument names would be kept until libdbus stops reading, and a method
 * that is found in the wrong interface does another thing than was asked for. */
#include "test-bus-object-fixture.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <string.h>
#include <unistd.h>

static void
on_thing(BusCall *call, gpointer user_data)
{
    ObjectFixture *fixture = user_data;

    fixture->calls++;
    g_string_append(fixture->base.order, bus_call_get_member(call));
    g_string_append_c(fixture->base.order, ' ');
    bus_call_return(call, NULL);
}

static void
on_any(BusCall *call, gpointer user_data)
{
    g_string_append(((ObjectFixture *)user_data)->base.order, "any ");
    bus_call_return(call, NULL);
}

static const ObjectTables tables = {
    .xml = "<node><interface name='" THING "'><method name='Give'><arg type='h' direction='in'/></method>"
           "<method name='Say'><arg type='s' direction='in'/></method><method name='Ping'/></interface>"
           "<interface name='" ANY "'/></node>",
    .methods = (const BusMethod[]){ { "Give", BUS_ACCESS_PUBLIC, on_thing },
                                    { "Say", BUS_ACCESS_PUBLIC, on_thing },
                                    { "Ping", BUS_ACCESS_PUBLIC, on_thing },
                                    { 0 } },
    .properties = (const BusProperty[]){ { 0 } },
    .any = on_any,
};

static void
on_reply(GObject *client, GAsyncResult *result, gpointer user_data)
{
    *(GAsyncResult **)user_data = g_object_ref(result);
}

/* Calls @member of THING with a descriptor. */
static void
call_with_fd(ObjectFixture *fixture, const char *member, GVariant *parameters, GError **error)
{
    GDBusConnection *client = fixture->base.client;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    g_autoptr(GUnixFDList) fds = g_unix_fd_list_new_from_array(&fd, 1);
    g_autoptr(GAsyncResult) result = NULL;
    GVariant *reply;

    g_dbus_connection_call_with_unix_fd_list(client, bus_get_unique_name(fixture->base.bus), PATH, THING, member,
                                             parameters, NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, fds, NULL, on_reply,
                                             &result);
    test_until(result);
    reply = g_dbus_connection_call_with_unix_fd_list_finish(client, NULL, result, error);
    if (reply)
        g_variant_unref(reply);
}

/* The caller is told which method it was, and the method does not see the call. */
static void
test_fds(ObjectFixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    call_with_fd(fixture, "Say", g_variant_new("(s)", "x"), &error);
    test_assert_dbus_error(error, "InvalidArgs");
    g_assert_nonnull(strstr(error->message, "Descriptors came with Say that none of its arguments names"));
    g_assert_cmpuint(fixture->calls, ==, 0);
    g_clear_error(&error);
    call_with_fd(fixture, "Give", g_variant_new("(h)", 0), &error);
    g_assert_no_error(error);
    g_assert_cmpuint(fixture->calls, ==, 1);
}

/* The same name in several interfaces: an interface that is named has the call, otherwise the object's own go before D-Bus's
 * standard ones, and an interface that takes every name takes only calls that name it. */
static void
test_order(ObjectFixture *fixture, gconstpointer data)
{
    assert_reply(fixture, PATH, NULL, "Ping", NULL, "()");
    assert_reply(fixture, PATH, THING, "Ping", NULL, "()");
    assert_reply(fixture, PATH, DBUS_INTERFACE_PEER, "Ping", NULL, "()");
    assert_reply(fixture, PATH, ANY, "Ping", NULL, "()");
    assert_error(fixture, PATH, NULL, "Unknown", NULL, "UnknownMethod", "Unknown", PATH);
    g_assert_cmpstr(fixture->base.order->str, ==, "Ping Ping any ");
}

/* Arguments of another type are refused before the function is called, with both types. */
static void
test_arguments(ObjectFixture *fixture, gconstpointer data)
{
    assert_error(fixture, PATH, THING, "Say", g_variant_new("(u)", 1), "InvalidArgs", "\"s\"", "\"u\"");
    g_assert_cmpuint(fixture->calls, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/bus-dispatch/fds", test_fds);
    ADD("/bus-dispatch/order", test_order);
    ADD("/bus-dispatch/arguments", test_arguments);
    return g_test_run();
}
