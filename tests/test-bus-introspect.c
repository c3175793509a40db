/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tools and bindings read: introspection, and that it cannot say anything but what the tables do. */
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
    "<method name='Echo'><arg type='s' name='text' direction='in'/>"
    "<arg type='s' name='text' direction='out'/></method>"
    "<method name='Sum'><arg type='u' direction='in'/><arg type='a{sv}' direction='in'/>"
    "<annotation name='org.freedesktop.DBus.Deprecated' value='true'/></method>"
    "<signal name='Happened'><arg type='u' name='count'/></signal>"
    "<property name='Count' type='u' access='read'>"
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
} Fixture;

static void
on_return(BusCall *call, gpointer user_data)
{
    bus_call_return(call, NULL);
}

static void
get_count(DBusMessageIter *iter, gpointer user_data)
{
    dbus_uint32_t count = 1;

    dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT32, &count);
}

static const BusMethod methods[] = {
    { "Echo", BUS_ACCESS_PUBLIC, on_return },
    { "Sum", BUS_ACCESS_GATED, on_return },
    { 0 },
};

static const BusProperty properties[] = {
    { "Count", get_count },
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
    fixture->thing = new_interface(THING, methods, properties, NULL);
    fixture->any = new_interface(ANY, NULL, NULL, on_return);
    fixture->root = bus_object_new(fixture->bus, ROOT, fixture);
    bus_object_make_manager(fixture->root);
    bus_object_publish(fixture->root);
    fixture->object = bus_object_new(fixture->bus, PATH, fixture);
    bus_object_add_interface(fixture->object, fixture->any);
    bus_object_add_interface(fixture->object, fixture->thing);
    bus_object_publish(fixture->object);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    bus_object_free(fixture->object);
    bus_close(fixture->bus);
    bus_object_free(fixture->root);
    bus_interface_unref(fixture->thing);
    bus_interface_unref(fixture->any);
    test_client_leave(fixture->client);
    test_daemon_free(fixture->daemon);
}

static GVariant *
call(Fixture *fixture, const char *path, const char *interface, const char *member, GVariant *parameters,
     GError **error)
{
    return test_client_call(fixture->client, bus_get_unique_name(fixture->bus), path, interface, member, parameters,
                            error);
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
    static const BusProperty foreign_property[] = { { "Foreign", get_count }, { 0 } };
    static const struct {
        const char *name;
        const BusMethod *methods;
        const BusProperty *properties;
        BusMethodFunc any;
        const char *word;
    } rows[] = {
        { ANY, NULL, NULL, NULL, "Listed has no function" },
        { ANY, foreign, NULL, on_return, "Foreign is not a method" },
        { ANY, twice, NULL, NULL, "Listed is in the table twice" },
        { ANY, NULL, foreign_property, on_return, "Foreign is not a property" },
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

static GDBusNodeInfo *
introspect(Fixture *fixture, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = call(fixture, path, "org.freedesktop.DBus.Introspectable", "Introspect", NULL, &error);
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
    g_autoptr(GSubprocess) busctl = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "busctl", "--no-pager",
                                                     address, verb, bus_get_unique_name(fixture->bus), path, NULL);
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

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus-introspect/drift", test_drift);
    ADD("/bus-introspect/introspection", test_introspection);
    ADD("/bus-introspect/introspection-of-paths", test_introspection_of_paths);
    ADD("/bus-introspect/busctl", test_busctl);
    return g_test_run();
}
