/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-bus-object-fixture.h"

#include <string.h>

void
on_echo(BusCall *call, gpointer user_data)
{
    DBusMessage *reply = bus_call_new_reply(call);
    const char *text;

    ((ObjectFixture *)user_data)->calls++;
    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    dbus_message_append_args(reply, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    bus_call_return(call, reply);
}

static DBusBasicValue
get_count(gpointer user_data)
{
    return (DBusBasicValue){ .u32 = ((ObjectFixture *)user_data)->count };
}

static DBusBasicValue
get_text(gpointer user_data)
{
    return (DBusBasicValue){ .str = (char *)"text" };
}

const BusProperty all_properties[] = {
    { "Count", get_count }, { "Name", get_text }, { "Secret", get_text }, { "Version", get_text }, { 0 },
};

GDBusNodeInfo *
new_node(const char *xml)
{
    g_autoptr(GError) error = NULL;
    GDBusNodeInfo *node = g_dbus_node_info_new_for_xml(xml, &error);

    g_assert_no_error(error);
    return node;
}

static BusInterface *
new_interface(const char *xml, const char *name, const BusMethod *rows, const BusProperty *values, BusMethodFunc any)
{
    g_autoptr(GDBusNodeInfo) node = new_node(xml);
    GDBusInterfaceInfo *info = g_dbus_node_info_lookup_interface(node, name);
    g_autoptr(GError) error = NULL;
    BusInterface *interface = bus_interface_new(info, rows, values, any, &error);

    g_assert_no_error(error);
    g_assert_cmpstr(bus_interface_get_name(interface), ==, name);
    g_assert_true(bus_interface_get_info(interface) == info);
    return interface;
}

void
object_fixture_set_up(ObjectFixture *fixture, gconstpointer data)
{
    const ObjectTables *tables = data;
    Bus *bus;

    bus_fixture_set_up(&fixture->base, NULL);
    bus = fixture->base.bus;
    fixture->thing = new_interface(tables->xml, THING, tables->methods, tables->properties, NULL);
    fixture->any = new_interface(tables->xml, ANY, NULL, NULL, tables->any);
    fixture->root = bus_object_new(bus, ROOT, fixture);
    bus_object_make_manager(fixture->root, NULL);
    bus_object_publish(fixture->root);
    fixture->object = bus_object_new(bus, PATH, fixture);
    bus_object_add_interface(fixture->object, fixture->any);
    bus_object_add_interface(fixture->object, fixture->thing);
    g_assert_null(bus_get_object(bus, PATH));
    bus_object_publish(fixture->object);
    g_assert_true(bus_get_object(bus, PATH) == fixture->object);
    g_assert_true(bus_object_get_data(fixture->object) == fixture);
    g_assert_cmpstr(bus_object_get_path(fixture->object), ==, PATH);
}

/* One object goes before the Bus, the other after it: both orders are allowed. */
void
object_fixture_tear_down(ObjectFixture *fixture, gconstpointer data)
{
    g_clear_pointer(&fixture->object, bus_object_free);
    g_clear_pointer(&fixture->base.bus, bus_close);
    bus_object_free(fixture->root);
    bus_interface_unref(fixture->thing);
    bus_interface_unref(fixture->any);
    bus_fixture_tear_down(&fixture->base, NULL);
    g_free(fixture->any_member);
}

GVariant *
call_object(ObjectFixture *fixture, const char *path, const char *interface, const char *member, GVariant *parameters,
            GError **error)
{
    return test_client_call(fixture->base.client, bus_get_unique_name(fixture->base.bus), path, interface, member,
                            parameters, error);
}

void
assert_reply(ObjectFixture *fixture, const char *path, const char *interface, const char *member, GVariant *parameters,
             const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = call_object(fixture, path, interface, member, parameters, &error);
    g_autofree char *text = NULL;

    g_assert_no_error(error);
    text = g_variant_print(reply, FALSE);
    g_assert_cmpstr(text, ==, expected);
}

void
assert_error(ObjectFixture *fixture, const char *path, const char *interface, const char *member, GVariant *parameters,
             const char *name, const char *word, const char *second_word)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = call_object(fixture, path, interface, member, parameters, &error);

    g_assert_null(reply);
    test_assert_dbus_error(error, name);
    g_assert_nonnull(strstr(error->message, word));
    g_assert_nonnull(strstr(error->message, second_word));
}
