/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tools and bindings read: introspection, and that it cannot say anything but what the tables do. */
#include "test-bus-object-fixture.h"

#include <string.h>

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

static void
on_return(BusCall *call, gpointer user_data)
{
    bus_call_return(call, NULL);
}

static DBusBasicValue
get_count(gpointer user_data)
{
    return (DBusBasicValue){ .u32 = 1 };
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

static const ObjectTables tables = { xml, methods, properties, on_return };

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
        g_autoptr(GDBusNodeInfo) node = new_node(xml);
        GDBusInterfaceInfo *info = g_dbus_node_info_lookup_interface(node, rows[i].name);
        g_autoptr(GError) error = NULL;

        g_assert_null(bus_interface_new(info, rows[i].methods, rows[i].properties, rows[i].any, &error));
        g_assert_error(error, BUS_ERROR, BUS_ERROR_FAILED);
        g_assert_nonnull(strstr(error->message, rows[i].word));
    }
}

/* A property whose XML promises what no row can give: libdbus would end the process at the first who reads it. */
static void
test_property_types(void)
{
    static const char *const types[] = { "as", "a{sv}", "v", "(u)", "o", "g", "h" };
    static const BusProperty rows[] = { { "Count", get_count }, { 0 } };

    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autofree char *text = g_strdup_printf("<node><interface name='" THING "'><property name='Count' type='%s' "
                                                "access='read'/></interface></node>", types[i]);
        g_autoptr(GDBusNodeInfo) node = new_node(text);
        g_autoptr(GError) error = NULL;

        g_assert_null(bus_interface_new(node->interfaces[0], /* methods= */ NULL, rows, /* any= */ NULL, &error));
        g_assert_nonnull(strstr(error->message, "Count has no basic type"));
    }
}

static GDBusNodeInfo *
introspect(ObjectFixture *fixture, const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        call_object(fixture, path, "org.freedesktop.DBus.Introspectable", "Introspect", NULL, &error);
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
test_introspection(ObjectFixture *fixture, gconstpointer data)
{
    static const char *const standard[] = { "org.freedesktop.DBus.Introspectable", "org.freedesktop.DBus.Peer",
                                            PROPERTIES };
    g_autoptr(GDBusNodeInfo) declared = new_node(xml);
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
test_introspection_of_paths(ObjectFixture *fixture, gconstpointer data)
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

/* What an object that first finds out learns: another method. */
static void
on_introspect(BusCall *call, gpointer user_data)
{
    static const char learnt[] =
        "<node><interface name='" ANY "'><method name='Listed'/><method name='Learnt'/></interface></node>";
    ObjectFixture *fixture = user_data;
    g_autoptr(GDBusNodeInfo) node = new_node(learnt);
    BusInterface *interface = bus_interface_new(node->interfaces[0], NULL, NULL, on_return, NULL);

    fixture->calls++;
    bus_object_refine_interface(fixture->object, interface);
    bus_interface_unref(interface);
    bus_object_introspect(fixture->object, call);
}

/* A binding must be told all of what the object can do, however late that is known, and no interface may seem to come
 * and go meanwhile. */
static void
test_finding_out_first(ObjectFixture *fixture, gconstpointer data)
{
    bus_object_set_introspect(fixture->object, on_introspect);
    g_autoptr(GDBusNodeInfo) node = introspect(fixture, PATH);
    GDBusInterfaceInfo *info = g_dbus_node_info_lookup_interface(node, ANY);

    g_assert_cmpuint(fixture->calls, ==, 1);
    g_assert_nonnull(g_dbus_interface_info_lookup_method(info, "Learnt"));
    g_assert_nonnull(g_dbus_node_info_lookup_interface(node, THING));
    assert_reply(fixture, PATH, ANY, "Learnt", NULL, "()");
    assert_reply(fixture, PATH, "org.freedesktop.DBus.Properties", "Get", g_variant_new("(ss)", THING, "Count"),
                 "(<uint32 1>,)");
}

static void
on_busctl_done(GObject *process, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;

    g_subprocess_communicate_utf8_finish(G_SUBPROCESS(process), result, user_data, NULL, &error);
    g_assert_no_error(error);
}

static char *
run_busctl(ObjectFixture *fixture, const char *verb, const char *path)
{
    g_autofree char *address = g_strconcat("--address=", test_daemon_get_address(fixture->base.daemon), NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GSubprocess) busctl =
        g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "busctl", "--no-pager", address, verb,
                         bus_get_unique_name(fixture->base.bus), path, NULL);
    char *output = NULL;

    g_assert_no_error(error);
    g_subprocess_communicate_utf8_async(busctl, NULL, NULL, on_busctl_done, &output);
    test_until(output);
    g_assert_true(g_subprocess_get_successful(busctl));
    return output;
}

/* The administrator's tool, as it is. */
static void
test_busctl(ObjectFixture *fixture, gconstpointer data)
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

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus-introspect/drift", test_drift);
    g_test_add_func("/bus-introspect/property-types", test_property_types);
    ADD("/bus-introspect/introspection", test_introspection);
    ADD("/bus-introspect/introspection-of-paths", test_introspection_of_paths);
    ADD("/bus-introspect/finding-out-first", test_finding_out_first);
    ADD("/bus-introspect/busctl", test_busctl);
    return g_test_run();
}
