/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-bus-daemon.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

struct TestDaemon {
    GPid pid;
    char *address;
};

static void
die_with_parent(gpointer user_data)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static char *
read_line(int fd)
{
    GString *line = g_string_new(NULL);
    char c;

    while (read(fd, &c, 1) == 1 && c != '\n')
        g_string_append_c(line, c);
    close(fd);
    return g_string_free(line, FALSE);
}

TestDaemon *
test_daemon_new(void)
{
    const char *argv[] = { "dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address=1", NULL };
    GSpawnFlags flags = G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD;
    TestDaemon *daemon = g_new0(TestDaemon, 1);
    g_autoptr(GError) error = NULL;
    int output;

    g_spawn_async_with_pipes(NULL, (char **)argv, NULL, flags, die_with_parent, NULL, &daemon->pid, NULL, &output,
                             NULL, &error);
    g_assert_no_error(error);
    daemon->address = read_line(output);
    g_assert_true(g_str_has_prefix(daemon->address, "unix:"));
    return daemon;
}

void
test_daemon_free(TestDaemon *daemon)
{
    kill(daemon->pid, SIGKILL);
    waitpid(daemon->pid, NULL, 0);
    g_spawn_close_pid(daemon->pid);
    g_free(daemon->address);
    g_free(daemon);
}

const char *
test_daemon_get_address(TestDaemon *daemon)
{
    return daemon->address;
}

void
test_daemon_signal(TestDaemon *daemon, int number)
{
    kill(daemon->pid, number);
    if (number == SIGSTOP)
        waitpid(daemon->pid, NULL, WUNTRACED);
}

static void
on_answered_after_joining(DBusMessage *reply, const GError *error, gpointer user_data)
{
    g_assert_no_error(error);
    *(gboolean *)user_data = TRUE;
}

static void
on_state(Bus *bus, const GError *error, gpointer user_data)
{
}

/* The bus answers in order: what we ask after joining is answered when we have joined. The callback for the state
 * cannot tell us, for it may be called when this function has long returned. */
Bus *
test_daemon_open(TestDaemon *daemon, GMainContext *context)
{
    g_autoptr(GError) error = NULL;
    Bus *bus = bus_open(context, daemon->address, on_state, NULL, &error);
    DBusMessage *question;
    gboolean joined = FALSE;

    g_assert_no_error(error);
    question = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "GetId");
    bus_query(bus, question, DBUS_TIMEOUT_INFINITE, on_answered_after_joining, &joined);
    dbus_message_unref(question);
    while (!joined)
        g_main_context_iteration(context, TRUE);
    g_assert_nonnull(bus_get_unique_name(bus));
    return bus;
}

GDBusConnection *
test_daemon_connect(TestDaemon *daemon)
{
    GDBusConnectionFlags flags =
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION;
    g_autoptr(GError) error = NULL;
    GDBusConnection *client = g_dbus_connection_new_for_address_sync(daemon->address, flags, NULL, NULL, &error);

    g_assert_no_error(error);
    return client;
}

void
test_client_leave(GDBusConnection *client)
{
    g_dbus_connection_close_sync(client, NULL, NULL);
    g_object_unref(client);
}

void
test_client_sync(GDBusConnection *client)
{
    g_autoptr(GError) error = NULL;
    GVariant *id = g_dbus_connection_call_sync(client, DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "GetId",
                                               NULL, NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, &error);

    g_assert_no_error(error);
    g_variant_unref(id);
}

static GDBusMessage *
new_call(const char *name, const char *path, const char *interface, const char *member, GVariant *parameters)
{
    GDBusMessage *message = g_dbus_message_new_method_call(name, path, interface, member);

    if (parameters)
        g_dbus_message_set_body(message, parameters);
    return message;
}

static void
on_answered(GObject *client, GAsyncResult *result, gpointer user_data)
{
    *(GAsyncResult **)user_data = g_object_ref(result);
}

GVariant *
test_client_call(GDBusConnection *client, const char *name, const char *path, const char *interface,
                 const char *member, GVariant *parameters, GError **error)
{
    g_autoptr(GDBusMessage) message = new_call(name, path, interface, member, parameters);
    g_autoptr(GDBusMessage) reply = NULL;
    g_autoptr(GAsyncResult) result = NULL;

    g_dbus_connection_send_message_with_reply(client, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, G_MAXINT, NULL, NULL,
                                              on_answered, &result);
    test_until(result);
    reply = g_dbus_connection_send_message_with_reply_finish(client, result, error);
    if (!reply || g_dbus_message_to_gerror(reply, error))
        return NULL;
    return g_dbus_message_get_body(reply) ? g_variant_ref(g_dbus_message_get_body(reply)) : g_variant_new("()");
}

void
test_client_send(GDBusConnection *client, const char *name, const char *path, const char *interface,
                 const char *member, GVariant *parameters)
{
    g_autoptr(GDBusMessage) message = new_call(name, path, interface, member, parameters);
    g_autoptr(GError) error = NULL;

    g_dbus_connection_send_message(client, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, &error);
    g_assert_no_error(error);
}

void
test_assert_dbus_error(const GError *error, const char *name)
{
    g_autofree char *given = error ? g_dbus_error_get_remote_error(error) : NULL;
    g_autofree char *expected = g_strconcat("org.freedesktop.DBus.Error.", name, NULL);

    g_assert_cmpstr(given, ==, expected);
}
