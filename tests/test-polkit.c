/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-polkit.h"

#define NAME "org.freedesktop.PolicyKit1"
#define OBJECT "/org/freedesktop/PolicyKit1/Authority"

/* The reply's type is not declared, so that GDBus lets the test send a wrong one. */
static const char xml[] =
    "<node><interface name='org.freedesktop.PolicyKit1.Authority'>"
    "<method name='CheckAuthorization'>"
    "<arg type='(sa{sv})' direction='in'/><arg type='s' direction='in'/>"
    "<arg type='a{ss}' direction='in'/><arg type='u' direction='in'/><arg type='s' direction='in'/>"
    "</method>"
    "<method name='CancelCheckAuthorization'><arg type='s' direction='in'/></method>"
    "</interface></node>";

static void
on_polkit_call(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
               const char *method, GVariant *parameters, GDBusMethodInvocation *invocation, gpointer user_data)
{
    TestPolkit *polkit = user_data;

    if (g_str_equal(method, "CheckAuthorization")) {
        g_ptr_array_add(polkit->texts, g_variant_print(parameters, FALSE));
        g_queue_push_tail(&polkit->questions, invocation);
    } else {
        char *id;
        g_variant_get(parameters, "(s)", &id);
        g_ptr_array_add(polkit->cancelled, id);
        g_dbus_method_invocation_return_value(invocation, NULL);
    }
}

TestPolkit *
test_polkit_new(TestDaemon *daemon)
{
    static const GDBusInterfaceVTable table = { .method_call = on_polkit_call };
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(xml, NULL);
    TestPolkit *polkit = g_new0(TestPolkit, 1);
    g_autoptr(GError) error = NULL;
    GVariant *reply;

    polkit->connection = test_daemon_connect(daemon);
    polkit->texts = g_ptr_array_new_with_free_func(g_free);
    polkit->cancelled = g_ptr_array_new_with_free_func(g_free);
    g_dbus_connection_register_object(polkit->connection, OBJECT, node->interfaces[0], &table, polkit, NULL, &error);
    g_assert_no_error(error);
    reply = g_dbus_connection_call_sync(polkit->connection, DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                        "RequestName", g_variant_new("(su)", NAME, 0u), NULL, G_DBUS_CALL_FLAGS_NONE,
                                        G_MAXINT, NULL, &error);
    g_assert_no_error(error);
    g_variant_unref(reply);
    return polkit;
}

const char *
test_polkit_wait(TestPolkit *polkit, guint n)
{
    test_until(polkit->texts->len >= n);
    g_assert_cmpuint(polkit->texts->len, ==, n);
    return polkit->texts->pdata[n - 1];
}

void
test_polkit_answer_with(TestPolkit *polkit, GVariant *value)
{
    GDBusMethodInvocation *question = g_queue_pop_head(&polkit->questions);
    GDBusMessage *reply;

    g_assert_nonnull(question);
    reply = g_dbus_message_new_method_reply(g_dbus_method_invocation_get_message(question));
    g_dbus_message_set_body(reply, value);
    g_dbus_connection_send_message(polkit->connection, reply, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
    g_object_unref(reply);
    g_object_unref(question);
}

void
test_polkit_answer(TestPolkit *polkit, gboolean is_authorized, gboolean is_challenge)
{
    test_polkit_answer_with(polkit, g_variant_new("((bba{ss}))", is_authorized, is_challenge, NULL));
}

void
test_polkit_free(TestPolkit *polkit)
{
    g_queue_clear_full(&polkit->questions, g_object_unref);
    test_client_leave(polkit->connection);
    g_ptr_array_unref(polkit->texts);
    g_ptr_array_unref(polkit->cancelled);
    g_free(polkit);
}
