/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client as a desktop developer writes it, on what gdbus-codegen makes of org.qemu.Monitor1.xml and nothing else:
 * proxy-client ADDRESS VM. Says what it sees; test-qmp.py compares. */
#include <gio/gio.h>
#include <stdlib.h>

#include "proxy.h"

static void
check(gboolean done, const char *what, const GError *error)
{
    if (done)
        return;
    g_printerr("%s: %s\n", what, error->message);
    exit(1);
}

static void
on_stop(Monitor1Events *events, GVariant *data, guint64 timestamp, gpointer user_data)
{
    g_print("STOP\n");
    g_main_loop_quit(user_data);
}

static void
print_status(Monitor1QMP *qmp)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) result = NULL;
    const char *status = NULL;

    check(monitor1_qmp_call_query_status_sync(qmp, &result, NULL, &error), "QueryStatus", error);
    g_variant_lookup(result, "status", "&s", &status);
    g_print("%s\n", status);
}

static void
stop_and_hear_of_it(Monitor1QMP *qmp, Monitor1Events *events)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
    g_autoptr(GError) error = NULL;

    g_signal_connect(events, "stop", G_CALLBACK(on_stop), loop);
    check(monitor1_qmp_call_stop_sync(qmp, NULL, &error), "Stop", error);
    g_main_loop_run(loop);
}

static void
make_a_mistake(Monitor1QMP *qmp)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) keys = g_variant_ref_sink(g_variant_new_parsed("[{'type': <'no such'>}]"));
    g_autoptr(GVariant) options = g_variant_ref_sink(g_variant_new_parsed("@a{sv} {}"));

    if (!monitor1_qmp_call_send_key_sync(qmp, keys, options, NULL, &error) &&
        g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS))
        g_print("InvalidArgs\n");
}

static void
add_a_node(Monitor1QMP *qmp)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) nodes = NULL, first = NULL;
    GVariant *node = g_variant_new_parsed("{'driver': <'null-co'>, 'node-name': <'n0'>, 'size': <1048576>}");
    const char *name = NULL;

    check(monitor1_qmp_call_blockdev_add_sync(qmp, node, NULL, &error), "BlockdevAdd", error);
    check(monitor1_qmp_call_query_named_block_nodes_sync(qmp, g_variant_new_parsed("{'flat': <true>}"), &nodes, NULL,
                                                         &error),
          "QueryNamedBlockNodes", error);
    first = g_variant_get_child_value(nodes, 0);
    g_variant_lookup(first, "node-name", "&s", &name);
    g_print("%s\n", name);
}

int
main(int argc, char **argv)
{
    GDBusConnectionFlags flags =
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION;
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusConnection) bus = g_dbus_connection_new_for_address_sync(argv[1], flags, NULL, NULL, &error);
    g_autoptr(Monitor1QMP) qmp = NULL;
    g_autoptr(Monitor1Events) events = NULL;

    check(bus != NULL, argv[1], error);
    qmp = monitor1_qmp_proxy_new_sync(bus, G_DBUS_PROXY_FLAGS_NONE, "org.qemu.Monitor1", argv[2], NULL, &error);
    check(qmp != NULL, argv[2], error);
    events = monitor1_events_proxy_new_sync(bus, G_DBUS_PROXY_FLAGS_NONE, "org.qemu.Monitor1", argv[2], NULL, &error);
    check(events != NULL, argv[2], error);
    print_status(qmp);
    stop_and_hear_of_it(qmp, events);
    print_status(qmp);
    make_a_mistake(qmp);
    add_a_node(qmp);
    return 0;
}
