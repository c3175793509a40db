/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A second host of the module, which shares no code with the agent: a few lines of GLib, as any program could have
 * them. It loads the module, uses it, stops it with calls in flight and unloads it, again and again: nothing may be
 * left. */
#include <dlfcn.h>
#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <gmodule.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "management-module.h"

#define NAME "org.qemu.Monitor1"
#define ROOT "/org/qemu/Monitor1"

typedef struct Host {
    ManagementHost table;
    GModule *module; /* owned */
    const ManagementModule *descriptor; /* of module */
    gpointer instance; /* owned */
    guint n_ready, n_failed, n_stopped;
} Host;

static const char *
get_module_path(void)
{
    return g_getenv("MODULE");
}

static void
on_log(gpointer data, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
    g_assert_cmpuint(n_fields, >, 0);
    g_assert_cmpstr(fields[0].key, ==, "MESSAGE");
}

static void
on_ready(gpointer data, gpointer instance)
{
    Host *host = data;

    g_assert_true(instance == host->instance);
    host->n_ready++;
}

static void
on_failed(gpointer data, gpointer instance, const GError *error)
{
    Host *host = data;

    g_assert_nonnull(error);
    host->n_failed++;
}

static void
on_stopped(gpointer data, gpointer instance)
{
    Host *host = data;

    g_assert_true(instance == host->instance);
    host->n_stopped++;
}

static void
load(Host *host, const char *bus_address)
{
    gpointer symbol;

    host->table = (ManagementHost){
        .abi = MANAGEMENT_MODULE_ABI,
        .size = sizeof(ManagementHost),
        .data = host,
        .context = g_main_context_default(),
        .bus_address = bus_address,
        .bus = MANAGEMENT_BUS_SESSION,
        .log = on_log,
        .ready = on_ready,
        .failed = on_failed,
        .stopped = on_stopped,
    };
    host->module = g_module_open(get_module_path(), G_MODULE_BIND_LOCAL);
    g_assert_nonnull(host->module);
    g_assert_true(g_module_symbol(host->module, MANAGEMENT_MODULE_SYMBOL, &symbol));
    host->descriptor = symbol;
    g_assert_cmpuint(host->descriptor->abi, ==, MANAGEMENT_MODULE_ABI);
    g_assert_cmpuint(host->descriptor->size, >=, sizeof(ManagementModule));
    g_assert_cmpstr(host->descriptor->name, ==, "qemu-monitor");
}

static void
unload(Host *host)
{
    g_assert_true(g_module_close(host->module));
    memset(host, 0, sizeof *host);
}

static void
start(Host *host)
{
    g_autoptr(GError) error = NULL;

    host->instance = host->descriptor->start(&host->table, &error);
    g_assert_no_error(error);
}

static void
run_until_ready(Host *host)
{
    while (host->n_ready == 0 && host->n_failed == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(host->n_failed, ==, 0);
}

/* Sources that the default context polls for: fds, and a timeout or not. */
static gint
count_polled(gint *ret_timeout)
{
    GPollFD fds[64];
    GMainContext *context = g_main_context_default();
    gint priority;

    g_main_context_acquire(context);
    g_main_context_prepare(context, &priority);
    gint n = g_main_context_query(context, G_MAXINT, ret_timeout, fds, G_N_ELEMENTS(fds));
    g_main_context_check(context, priority, fds, n);
    g_main_context_release(context);
    return n;
}

static guint
count_files(const char *directory)
{
    g_autoptr(GDir) entries = g_dir_open(directory, 0, NULL);
    guint n = 0;

    while (g_dir_read_name(entries))
        n++;
    return n;
}

/* A QEMU that answers what the module asks by itself, and nothing else. */
typedef struct Peer {
    int fd; /* owned */
    GSource *source; /* owned */
    guint n_unanswered;
    GString *withheld; /* owned; the answers to those */
    gboolean is_obliging; /* it withholds nothing any more */
} Peer;

static const char *
get_answer(const char *command)
{
    static const char *const answers[][2] = {
        { "\"qmp_capabilities\"", "{}" },
        { "\"query-name\"", "{\"name\": \"peer\"}" },
        { "\"query-uuid\"", "{\"UUID\": \"01234567-89ab-4def-8123-456789abcdef\"}" },
        { "\"query-target\"", "{\"arch\": \"x86_64\"}" },
        { "\"query-status\"", "{\"status\": \"running\", \"running\": true}" },
        { "\"query-commands\"", "[]" },
        { "\"query-jobs\"", "[]" },
        { "\"query-migrate\"", "{}" },
        { "\"query-dump\"", "{}" },
        { "\"migrate-set-capabilities\"", "{}" },
        { "\"query-chardev\"", "[]" },
        { "\"query-fdsets\"", "[]" },
        { "\"qom-list\"", "[]" },
        { "\"query-qmp-schema\"", "[]" },
        { "\"closefd\"", "{}" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(answers); i++)
        if (strstr(command, answers[i][0]))
            return answers[i][1];
    return NULL;
}

static void
say(Peer *peer, const char *text)
{
    g_assert_cmpint(write(peer->fd, text, strlen(text)), ==, strlen(text));
}

static void
oblige(Peer *peer)
{
    peer->is_obliging = TRUE;
    say(peer, peer->withheld->str);
}

static void
answer(Peer *peer, const char *command)
{
    const char *id = strstr(command, "\"id\":");
    const char *value = get_answer(command);
    g_autofree char *end = id ? g_strdup_printf(", \"id\": %d", atoi(id + strlen("\"id\":"))) : g_strdup("");
    g_autofree char *reply = g_strdup_printf("{\"return\": %s%s}\r\n", value ? value : "{}", end);
    if (value || peer->is_obliging) {
        say(peer, reply);
        return;
    }
    peer->n_unanswered++;
    g_string_append(peer->withheld, reply);
}

/* Commands come without anything between them; a document ends where its braces do. */
static gboolean
on_command(int fd, GIOCondition condition, gpointer user_data)
{
    char buffer[8192];
    ssize_t n = read(fd, buffer, sizeof buffer - 1);
    char *begin = buffer;
    guint depth = 0;

    if (n <= 0)
        return G_SOURCE_REMOVE;
    for (char *c = buffer; c < buffer + n; c++) {
        depth += (*c == '{');
        depth -= (*c == '}');
        if (depth == 0) {
            g_autofree char *command = g_strndup(begin, (gsize)(c + 1 - begin));
            answer(user_data, command);
            begin = c + 1;
        }
    }
    return G_SOURCE_CONTINUE;
}

/* Returns the end for the module. */
static int
peer_init(Peer *peer)
{
    static const char greeting[] = "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 3, \"minor\": 1, \"major\": 11},"
                                   " \"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r\n";
    int fds[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
    memset(peer, 0, sizeof *peer);
    peer->fd = fds[0];
    peer->withheld = g_string_new(NULL);
    peer->source = g_unix_fd_source_new(peer->fd, G_IO_IN);
    g_source_set_callback(peer->source, G_SOURCE_FUNC(on_command), peer, NULL);
    g_source_attach(peer->source, NULL);
    say(peer, greeting);
    return fds[1];
}

static void
peer_clear(Peer *peer)
{
    g_source_destroy(peer->source);
    g_source_unref(peer->source);
    close(peer->fd);
    g_string_free(peer->withheld, TRUE);
}

static GDBusConnection *
connect_to_bus(const char *address)
{
    g_autoptr(GError) error = NULL;
    GDBusConnection *connection = g_dbus_connection_new_for_address_sync(
        address, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
        NULL, &error);

    g_assert_no_error(error);
    return connection;
}

static void
on_reply(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GAsyncResult **reply = user_data;

    *reply = g_object_ref(result);
}

static void
add_vm(GDBusConnection *connection, int fd)
{
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = NULL;

    g_unix_fd_list_append(fds, fd, NULL);
    close(fd);
    g_dbus_connection_call_with_unix_fd_list(connection, NAME, ROOT, NAME ".Manager", "AddVMFromFD",
                                             g_variant_new("(sha{sv})", "", 0, NULL), NULL, G_DBUS_CALL_FLAGS_NONE,
                                             G_MAXINT, fds, NULL, on_reply, &result);
    while (!result)
        g_main_context_iteration(NULL, TRUE);
    reply = g_dbus_connection_call_with_unix_fd_list_finish(connection, NULL, result, &error);
    g_assert_no_error(error);
}

static void
execute(GDBusConnection *connection, GAsyncResult **ret_result)
{
    g_dbus_connection_call(connection, NAME, ROOT "/vm/peer", NAME ".VM", "Execute",
                           g_variant_new("(sa{sv})", "never-answered", NULL), NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT,
                           NULL, on_reply, ret_result);
}

static void
assert_disconnected(GDBusConnection *connection, GAsyncResult **result)
{
    g_autoptr(GError) error = NULL;

    while (!*result)
        g_main_context_iteration(NULL, TRUE);
    g_assert_null(g_dbus_connection_call_finish(connection, *result, &error));
    g_autofree char *name = g_dbus_error_get_remote_error(error);
    g_assert_cmpstr(name, ==, "org.qemu.Monitor1.Error.Disconnected");
    g_clear_object(result);
}

static gboolean
is_owned(GDBusConnection *connection)
{
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner",
        g_variant_new("(s)", NAME), NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, NULL);
    gboolean owned;

    g_variant_get(reply, "(b)", &owned);
    return owned;
}

/* How a host ends an instance: one that has the time, one that has not, one that has lost patience meanwhile, and one
 * that was compiled when there was nothing to prepare. */
typedef enum CompletionRow {
    COMPLETION_PREPARED,
    COMPLETION_AT_ONCE,
    COMPLETION_IMPATIENT,
    COMPLETION_OLD_HOST,
    N_ENDINGS,
} CompletionRow;

static void
end(Host *host, CompletionRow ending, Peer *peer)
{
    if (ending == COMPLETION_PREPARED || ending == COMPLETION_IMPATIENT) {
        g_assert_true(host->descriptor->prepare_stop(host->instance));
        g_assert_cmpuint(host->n_stopped, ==, 0);
    }
    if (ending == COMPLETION_PREPARED) {
        oblige(peer);
        while (host->n_stopped == 0)
            g_main_context_iteration(NULL, TRUE);
    }
    host->descriptor->stop(host->instance);
    g_assert_cmpuint(host->n_stopped, ==, ending == COMPLETION_PREPARED);
}

static void
stop_with_calls_in_flight(Host *host, GDBusConnection *connection, CompletionRow ending)
{
    GAsyncResult *results[10] = { NULL };
    guint threads = count_files("/proc/self/task");
    Peer peer;

    add_vm(connection, peer_init(&peer));
    for (guint i = 0; i < G_N_ELEMENTS(results); i++)
        execute(connection, &results[i]);
    /* Seven are under way, three wait; the others have not been read from the bus. */
    while (peer.n_unanswered < 7)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(count_files("/proc/self/task"), ==, threads);
    end(host, ending, &peer);
    for (guint i = 0; i < 7; i++)
        assert_disconnected(connection, &results[i]);
    for (guint i = 7; i < G_N_ELEMENTS(results); i++) {
        while (!results[i])
            g_main_context_iteration(NULL, TRUE);
        g_object_unref(results[i]);
    }
    peer_clear(&peer);
}

static void
round_trip(GDBusConnection *connection, const char *address, CompletionRow ending)
{
    Host host = { 0 };
    gint timeout_before, timeout_after;
    gint polled = count_polled(&timeout_before);
    guint threads = count_files("/proc/self/task");
    guint fds = count_files("/proc/self/fd");

    load(&host, address);
    if (ending == COMPLETION_OLD_HOST)
        host.table.size = G_STRUCT_OFFSET(ManagementHost, stopped);
    start(&host);
    run_until_ready(&host);
    g_assert_true(is_owned(connection));
    g_assert_cmpuint(count_files("/proc/self/task"), ==, threads);
    stop_with_calls_in_flight(&host, connection, ending);
    unload(&host);

    /* No source, no thread, no file, no name, no text. */
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpint(count_polled(&timeout_after), ==, polled);
    g_assert_cmpint(timeout_after, ==, -1);
    g_assert_cmpuint(count_files("/proc/self/task"), ==, threads);
    g_assert_cmpuint(count_files("/proc/self/fd"), <=, fds);
    while (is_owned(connection))
        g_main_context_iteration(NULL, FALSE);
    g_assert_null(dlopen(get_module_path(), RTLD_LAZY | RTLD_NOLOAD));
}

static void
test_hundred_times(void)
{
    g_autoptr(GTestDBus) bus = g_test_dbus_new(G_TEST_DBUS_NONE);
    g_autoptr(GDBusConnection) connection = NULL;

    g_test_dbus_up(bus);
    connection = connect_to_bus(g_test_dbus_get_bus_address(bus));
    g_dbus_connection_set_exit_on_close(connection, FALSE);
    for (guint i = 0; i < 100; i++)
        round_trip(connection, g_test_dbus_get_bus_address(bus), i % N_ENDINGS);
    g_dbus_connection_close_sync(connection, NULL, NULL);
    g_test_dbus_down(bus);
}

/* At any moment, not only when it is ready. */
static void
test_stopped_early(void)
{
    g_autoptr(GTestDBus) bus = g_test_dbus_new(G_TEST_DBUS_NONE);

    g_test_dbus_up(bus);
    for (guint turns = 0; turns < 20; turns++) {
        Host host = { 0 };

        load(&host, g_test_dbus_get_bus_address(bus));
        start(&host);
        for (guint i = 0; i < turns && host.n_ready == 0; i++)
            g_main_context_iteration(NULL, TRUE);
        host.descriptor->stop(host.instance);
        unload(&host);
    }
    g_test_dbus_down(bus);
}

static void
assert_start_fails(Host *host, const char *named)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(host->descriptor->start(&host->table, &error));
    g_assert_nonnull(error);
    g_assert_nonnull(strstr(error->message, named));
}

static void
test_refusals(void)
{
    g_autoptr(GKeyFile) key_file = g_key_file_new();
    Host host = { 0 };

    load(&host, "unix:path=/nonexistent/bus");
    assert_start_fails(&host, "/nonexistent/bus");
    host.table.bus_address = "nonsense";
    assert_start_fails(&host, "nonsense");
    host.table.abi++;
    assert_start_fails(&host, "ABI");
    host.table.abi--;
    host.table.size = 8;
    assert_start_fails(&host, "bytes");
    host.table.size = sizeof host.table;
    g_key_file_set_string(key_file, "qemu-monitor", "owner", "nobody");
    host.table.key_file = key_file;
    assert_start_fails(&host, "[qemu-monitor] owner");
    unload(&host);
}

/* The bus may end at any time; the host hears of it and stops the module. */
static void
test_bus_ends(void)
{
    GTestDBus *bus = g_test_dbus_new(G_TEST_DBUS_NONE);
    Host host = { 0 };

    g_test_dbus_up(bus);
    load(&host, g_test_dbus_get_bus_address(bus));
    start(&host);
    run_until_ready(&host);
    g_test_dbus_stop(bus);
    while (host.n_failed == 0)
        g_main_context_iteration(NULL, TRUE);
    host.descriptor->stop(host.instance);
    unload(&host);
    g_test_dbus_down(bus);
    g_object_unref(bus);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* Sockets of the user's VMs are none of a test's business. */
    g_unsetenv("XDG_RUNTIME_DIR");
    g_test_add_func("/module/hundred-times", test_hundred_times);
    g_test_add_func("/module/stopped-early", test_stopped_early);
    g_test_add_func("/module/refusals", test_refusals);
    g_test_add_func("/module/bus-ends", test_bus_ends);
    return g_test_run();
}
