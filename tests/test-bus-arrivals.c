/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whoever gets another process's number must not get its leave as well. */
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bus-arrivals.h"
#include "bus-peers.h"
#include "bus-state.h"
#include "test-bus-object-fixture.h"

/* Whose call it is: the process in `count`, and in `calls` whether it is known when that started. */
static void
on_any(BusCall *call, gpointer user_data)
{
    ObjectFixture *fixture = user_data;

    fixture->count = bus_call_get_peer(call)->pid;
    fixture->calls = bus_call_get_peer(call)->start_time > 0;
    bus_call_return(call, NULL);
}

static const ObjectTables tables = TABLES_OF_ANY(on_any);

static void
write_all(int fd, const char *bytes, gsize length)
{
    g_assert_cmpint(write(fd, bytes, length), ==, (gssize)length);
}

/* Reads until @text has come. */
static void
read_until(int fd, const char *text)
{
    g_autoptr(GString) all = g_string_new(NULL);
    char bytes[512];

    while (!memmem(all->str, all->len, text, strlen(text))) {
        gssize n = read(fd, bytes, sizeof bytes);
        g_assert_cmpint(n, >, 0);
        g_string_append_len(all, bytes, n);
    }
}

/* Joins the bus by @fd, by hand. */
static void
join(int fd)
{
    DBusMessage *hello = dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "Hello");
    g_autofree char *uid = g_strdup_printf("%u", getuid());
    g_autoptr(GString) greeting = g_string_new("AUTH EXTERNAL ");
    char *bytes;
    int length;

    for (const char *c = uid; *c; c++)
        g_string_append_printf(greeting, "%02x", *c);
    g_string_append(greeting, "\r\n");
    g_string_prepend_c(greeting, '\0');
    write_all(fd, greeting->str, greeting->len);
    read_until(fd, "OK ");
    write_all(fd, "BEGIN\r\n", strlen("BEGIN\r\n"));
    dbus_message_set_serial(hello, 1);
    g_assert_true(dbus_message_marshal(hello, &bytes, &length));
    write_all(fd, bytes, (gsize)length);
    read_until(fd, "NameAcquired");
    dbus_free(bytes);
    dbus_message_unref(hello);
}

/* A connection whose maker has handed it on and ended: what has the maker's number since is not who calls. */
static void
test_the_maker_of_a_connection_has_ended(ObjectFixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GSocketConnection) stream = NULL;
    g_autoptr(GSocket) socket_of_ours = NULL;
    g_autoptr(GDBusConnection) client = NULL;
    g_autoptr(GVariant) reply = NULL;
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    const char *path = strstr(test_daemon_get_address(fixture->base.daemon), "path=") + strlen("path=");
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), held[2];
    guint before;
    pid_t maker;

    bus_find_out_early(fixture->base.bus);
    /* Who was there before. */
    test_until(bus_peers_count(bus_get_peers(fixture->base.bus)) == 1);
    g_strlcpy(address.sun_path, path, MIN(sizeof address.sun_path, strcspn(path, ",") + 1));
    g_assert_cmpint(pipe(held), ==, 0);
    before = bus_peers_count(bus_get_peers(fixture->base.bus));
    maker = fork();
    if (maker == 0) {
        char byte;
        close(held[1]);
        g_assert_cmpint(connect(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
        join(fd);
        _exit((int)read(held[0], &byte, 1));
    }
    test_until(bus_peers_count(bus_get_peers(fixture->base.bus)) > before && fixture->base.bus->queries.length == 0);
    close(held[1]);
    close(held[0]);
    g_assert_cmpint(waitpid(maker, NULL, 0), ==, maker);
    socket_of_ours = g_socket_new_from_fd(fd, &error);
    stream = g_socket_connection_factory_create_connection(socket_of_ours);
    client = g_dbus_connection_new_sync(G_IO_STREAM(stream), NULL, G_DBUS_CONNECTION_FLAGS_NONE, NULL, NULL, &error);
    g_assert_no_error(error);
    reply = test_client_call(client, bus_get_unique_name(fixture->base.bus), PATH, ANY, "Call", NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(fixture->count, ==, (guint32)maker);
    g_assert_cmpuint(fixture->calls, ==, 1);
    g_dbus_connection_close_sync(client, NULL, NULL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/bus-arrivals/the-maker-of-a-connection-has-ended", test_the_maker_of_a_connection_has_ended);
    return g_test_run();
}
