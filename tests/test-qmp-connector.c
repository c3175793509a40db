/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an address to a socket: each failure must say which address and why, and nothing may block or stay behind. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "qmp-connector.h"
#include "qmp-unix-socket.h"
#include "test-qmp-peer.h"
#include "test-resolver.h"
#include "test-tcp.h"

typedef struct Fixture {
    GMainContext *context; /* owned */
    char *directory; /* owned */
    char *path; /* owned */
    QmpConnector *connector; /* owned; NULL when freed */
    guint n_called;
    int fd; /* owned; what came last */
    GError *error; /* owned; what came last */
    guint32 user; /* uid; whose QEMU a listening connector takes */
    gboolean free_inside;
} Fixture;

static void
on_connected(int fd, const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;
    g_assert_true((fd >= 0) == (error == NULL));
    fixture->n_called++;
    fixture->fd = fd;
    g_clear_error(&fixture->error);
    fixture->error = error ? g_error_copy(error) : NULL;
    if (fixture->free_inside)
        g_clear_pointer(&fixture->connector, qmp_connector_free);
}

static void
drop_connection(Fixture *fixture)
{
    if (fixture->fd >= 0)
        close(fixture->fd);
    fixture->fd = -1;
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->context = g_main_context_new();
    fixture->directory = g_dir_make_tmp("qmp-connector-XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->directory, "socket", NULL);
    fixture->fd = -1;
    fixture->user = geteuid();
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->connector, qmp_connector_free);
    drop_connection(fixture);
    qmp_peer_settle(fixture->context);
    g_main_context_unref(fixture->context);
    g_unlink(fixture->path);
    g_assert_no_errno(g_rmdir(fixture->directory));
    g_free(fixture->directory);
    g_free(fixture->path);
    g_clear_error(&fixture->error);
}

static void
start_text(Fixture *fixture, const char *text)
{
    g_autoptr(QmpAddress) address = qmp_address_parse(text, NULL);
    g_assert_nonnull(address);
    g_clear_pointer(&fixture->connector, qmp_connector_free);
    fixture->n_called = 0;
    fixture->connector = qmp_connector_new(fixture->context, address, fixture->user, on_connected, fixture);
    qmp_connector_start(fixture->connector);
    g_assert_cmpuint(fixture->n_called, ==, 0);
}

static void
start_path(Fixture *fixture, const char *options)
{
    g_autofree char *text = g_strconcat("unix:", fixture->path, options, NULL);
    start_text(fixture, text);
}

static void
expect_socket(Fixture *fixture)
{
    qmp_peer_wait_until(fixture->context, fixture->n_called > 0);
    qmp_peer_settle(fixture->context);
    g_assert_no_error(fixture->error);
    g_assert_cmpuint(fixture->n_called, ==, 1);
    g_assert_true((fcntl(fixture->fd, F_GETFD) & FD_CLOEXEC) != 0);
    fixture->n_called = 0;
}

static void
expect_error(Fixture *fixture, const char *address, const char *why)
{
    qmp_peer_wait_until(fixture->context, fixture->n_called > 0);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_called, ==, 1);
    int code = strstr(why, "refused")                                            ? QMP_ERROR_REFUSED
               : strstr(fixture->error->message, "cannot connect: No such file") ? QMP_ERROR_MISSING
                                                                                 : QMP_ERROR_DISCONNECTED;
    g_assert_error(fixture->error, QMP_ERROR, code);
    if (!strstr(fixture->error->message, address) || !strstr(fixture->error->message, why))
        g_error("\"%s\" does not name %s and %s", fixture->error->message, address, why);
}

static struct sockaddr_un
unix_name(const char *path)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    g_strlcpy(name.sun_path, path, sizeof(name.sun_path));
    return name;
}

static int
listen_on(const char *path, int backlog)
{
    struct sockaddr_un name = unix_name(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_no_errno(bind(fd, (struct sockaddr *)&name, sizeof(name)));
    g_assert_no_errno(listen(fd, backlog));
    return fd;
}

static int
connect_to(const char *path)
{
    struct sockaddr_un name = unix_name(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    g_assert_no_errno(connect(fd, (struct sockaddr *)&name, sizeof(name)));
    return fd;
}

/* Runs until the connector listens. */
static void
wait_listening(Fixture *fixture)
{
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_called, ==, 0);
    g_assert_true(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
}

static void
test_unix(Fixture *fixture, gconstpointer unused)
{
    guint32 uid = 4711;
    int listener = listen_on(fixture->path, 5);
    start_path(fixture, "");
    expect_socket(fixture);
    g_assert_true(qmp_peer_get_uid(fixture->fd, &uid));
    g_assert_cmpuint(uid, ==, getuid());
    close(listener);
}

static void
test_unix_errors(Fixture *fixture, gconstpointer unused)
{
    start_path(fixture, "");
    expect_error(fixture, fixture->path, "No such file or directory");
    int listener = listen_on(fixture->path, 0);
    int first = connect_to(fixture->path);
    start_path(fixture, "");
    expect_error(fixture, fixture->path, "busy with another client");
    close(first);
    close(listener);
    start_path(fixture, "");
    expect_error(fixture, fixture->path, "Connection refused");
    g_assert_no_errno(g_unlink(fixture->path));
    g_assert_true(g_file_set_contents(fixture->path, "", 0, NULL));
    start_path(fixture, "");
    expect_error(fixture, fixture->path, "it is not a socket");
}

/* QEMU connects to us, goes, and comes again. */
static void
test_listen(Fixture *fixture, gconstpointer unused)
{
    struct stat status;
    start_path(fixture, ",server=on");
    wait_listening(fixture);
    g_assert_no_errno(stat(fixture->path, &status));
    g_assert_cmpuint(status.st_mode & 0777, ==, 0600);
    for (guint round = 0; round < 3; round++) {
        int qemu = connect_to(fixture->path);
        expect_socket(fixture);
        g_assert_cmpint(send(qemu, "x", 1, MSG_NOSIGNAL), ==, 1);
        close(qemu);
        /* One start, one connection. */
        qemu = connect_to(fixture->path);
        qmp_peer_settle(fixture->context);
        g_assert_cmpuint(fixture->n_called, ==, 0);
        drop_connection(fixture);
        qmp_connector_start(fixture->connector);
        expect_socket(fixture);
        drop_connection(fixture);
        close(qemu);
        qmp_connector_start(fixture->connector);
        wait_listening(fixture);
    }
    g_clear_pointer(&fixture->connector, qmp_connector_free);
    g_assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
}

#define USER 65534
#define OTHER_USER 65533
#define AGENT 65532

/* As the user @uid; -1: it may not. */
static int
connect_as(const char *path, uid_t uid)
{
    struct sockaddr_un name = unix_name(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    uid_t own = geteuid();

    g_assert_no_errno(seteuid(0));
    g_assert_no_errno(seteuid(uid));
    int error = connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0 ? errno : 0;
    g_assert_no_errno(seteuid(0));
    g_assert_no_errno(seteuid(own));
    if (error == 0)
        return fd;
    g_assert_cmpint(error, ==, EACCES);
    close(fd);
    return -1;
}

static void
expect_only_user(Fixture *fixture)
{
    guint32 uid;
    char byte;
    int root = connect_as(fixture->path, 0);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_called, ==, 0);
    g_assert_cmpint(recv(root, &byte, 1, MSG_DONTWAIT), ==, 0);
    close(root);
    g_assert_cmpint(connect_as(fixture->path, OTHER_USER), ==, -1);
    close(connect_as(fixture->path, USER));
    expect_socket(fixture);
    g_assert_true(qmp_peer_get_uid(fixture->fd, &uid));
    g_assert_cmpuint(uid, ==, USER);
    drop_connection(fixture);
    g_clear_pointer(&fixture->connector, qmp_connector_free);
    g_assert_false(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
}

/* The QEMU of another user connects, and nobody else's; given by chown(), and by an access control list where the agent may
 * not do that. */
static void
test_listen_user(Fixture *fixture, gconstpointer unused)
{
    struct stat status;

    if (geteuid() != 0) {
        g_test_skip("other users' sockets take root");
        return;
    }
    g_assert_no_errno(g_chmod(fixture->directory, 01777));
    fixture->user = USER;
    start_path(fixture, ",server=on");
    wait_listening(fixture);
    g_assert_no_errno(stat(fixture->path, &status));
    g_assert_cmpuint(status.st_mode & 0777, ==, 0600);
    g_assert_cmpuint(status.st_uid, ==, USER);
    expect_only_user(fixture);

    g_assert_no_errno(seteuid(AGENT));
    start_path(fixture, ",server=on");
    wait_listening(fixture);
    g_assert_no_errno(stat(fixture->path, &status));
    g_assert_cmpuint(status.st_mode & 0707, ==, 0600);
    g_assert_cmpuint(status.st_uid, ==, AGENT);
    expect_only_user(fixture);
    g_assert_no_errno(seteuid(0));
}

/* An agent that was killed leaves its path; a living one's must not be taken, nor anything that is no socket. */
static void
test_listen_taken(Fixture *fixture, gconstpointer unused)
{
    close(listen_on(fixture->path, 1));
    start_path(fixture, ",server=on");
    wait_listening(fixture);
    g_clear_pointer(&fixture->connector, qmp_connector_free);

    int listener = listen_on(fixture->path, 0);
    start_path(fixture, ",server=on");
    expect_error(fixture, fixture->path, "somebody listens there");
    start_path(fixture, ",server=on");
    expect_error(fixture, fixture->path, "somebody listens there");
    g_clear_pointer(&fixture->connector, qmp_connector_free);
    g_assert_true(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
    close(listener);
    g_unlink(fixture->path);

    g_assert_true(g_file_set_contents(fixture->path, "precious", -1, NULL));
    start_path(fixture, ",server=on");
    expect_error(fixture, fixture->path, "something else than a socket");
    g_clear_pointer(&fixture->connector, qmp_connector_free);
    g_assert_true(g_file_test(fixture->path, G_FILE_TEST_IS_REGULAR));

    start_text(fixture, "unix:/nonexistent/socket,server=on");
    expect_error(fixture, "/nonexistent/socket", "No such file or directory");
}

/* Who took our path over meanwhile keeps it. */
static void
test_listen_path_lost(Fixture *fixture, gconstpointer unused)
{
    start_path(fixture, ",server=on");
    wait_listening(fixture);
    g_unlink(fixture->path);
    int other = listen_on(fixture->path, 1);
    g_clear_pointer(&fixture->connector, qmp_connector_free);
    g_assert_true(g_file_test(fixture->path, G_FILE_TEST_EXISTS));
    close(other);
}

/* libvirt's directories of a domain are longer than sun_path. */
static void
test_long_path(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *name = g_strnfill(150, 'd');
    g_autofree char *deep = g_build_filename(fixture->directory, name, NULL);
    g_autofree char *path = g_build_filename(deep, "socket", NULL);
    g_autofree char *address = g_strconcat("unix:", path, NULL);
    g_autofree char *listening = g_strconcat(address, ",server=on", NULL);
    g_autofree char *too_long = g_strdup_printf("unix:%s/%.100s,server=on", fixture->directory, name);

    g_assert_no_errno(g_mkdir(deep, 0700));
    start_text(fixture, address);
    expect_error(fixture, path, "No such file or directory");
    int listener = listen_on(fixture->path, 5);
    g_assert_no_errno(g_rename(fixture->path, path));
    start_text(fixture, address);
    expect_socket(fixture);
    drop_connection(fixture);
    start_text(fixture, listening);
    expect_error(fixture, path, "somebody listens there");
    close(listener);
    start_text(fixture, listening);
    qmp_peer_settle(fixture->context);
    g_assert_no_errno(g_rename(path, fixture->path));
    close(connect_to(fixture->path));
    expect_socket(fixture);
    g_assert_no_errno(g_rename(fixture->path, path));
    g_clear_pointer(&fixture->connector, qmp_connector_free);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    start_text(fixture, too_long);
    expect_error(fixture, name + 50, "the socket's own name in its directory too");
    g_assert_no_errno(g_rmdir(deep));
}

/* The socket of an abstract name, bound and listened on, or connected. */
static int
abstract_socket(const char *text, gboolean is_loose, gboolean listens)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    socklen_t length = sizeof(name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(name.sun_path + 1, text, strlen(text));
    if (!is_loose)
        length = (socklen_t)(G_STRUCT_OFFSET(struct sockaddr_un, sun_path) + 1 + strlen(text));
    if (listens)
        g_assert_no_errno(bind(fd, (struct sockaddr *)&name, length));
    g_assert_no_errno(listens ? listen(fd, 5) : connect(fd, (struct sockaddr *)&name, length));
    return fd;
}

static void
test_abstract(Fixture *fixture, gconstpointer unused)
{
    for (int is_loose = 0; is_loose < 2; is_loose++) {
        g_autofree char *name = g_path_get_basename(fixture->directory);
        g_autofree char *address = g_strdup_printf("unix:%s,abstract=on%s", name, is_loose ? ",tight=off" : "");
        g_autofree char *other = g_strdup_printf("unix:%s,abstract=on%s", name, is_loose ? "" : ",tight=off");
        g_autofree char *listening = g_strconcat(address, ",server=on", NULL);
        int listener = abstract_socket(name, is_loose, TRUE);
        start_text(fixture, other);
        expect_error(fixture, other, "refused");
        start_text(fixture, address);
        expect_socket(fixture);
        drop_connection(fixture);
        start_text(fixture, listening);
        expect_error(fixture, listening, "Address already in use");
        close(listener);
        start_text(fixture, listening);
        qmp_peer_settle(fixture->context);
        close(abstract_socket(name, is_loose, FALSE));
        expect_socket(fixture);
        drop_connection(fixture);
        g_clear_pointer(&fixture->connector, qmp_connector_free);
    }
}

/* Everybody on the machine can connect to an abstract name: the agent's own user alone is let in. */
static void
test_abstract_of_a_stranger(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *name = g_path_get_basename(fixture->directory);
    g_autofree char *listening = g_strdup_printf("unix:%s,abstract=on,server=on", name);

    if (geteuid() != 0) {
        g_test_skip("becomes another user, which root can");
        return;
    }
    start_text(fixture, listening);
    qmp_peer_settle(fixture->context);
    g_assert_no_errno(seteuid(65534));
    int stranger = abstract_socket(name, FALSE, FALSE);
    g_assert_no_errno(seteuid(0));
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_called, ==, 0);
    int own = abstract_socket(name, FALSE, FALSE);
    expect_socket(fixture);
    close(own);
    close(stranger);
}

static void
assert_option(int fd, int level, int option)
{
    int value = 0;
    socklen_t length = sizeof(value);
    g_assert_no_errno(getsockopt(fd, level, option, &value, &length));
    g_assert_cmpint(value, !=, 0);
}

static void
test_tcp(Fixture *fixture, gconstpointer unused)
{
    static const char *const hosts[] = { "127.0.0.1", "localhost", "", "LOCALHOST" };
    guint32 uid;
    guint16 port;
    if (test_tcp_skip_without(AF_INET))
        return;
    int listener = test_tcp_new_listener(AF_INET, &port);
    for (guint i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autofree char *text = g_strdup_printf("tcp:%s:%u", hosts[i], port);
        start_text(fixture, text);
        expect_socket(fixture);
        assert_option(fixture->fd, SOL_SOCKET, SO_KEEPALIVE);
        assert_option(fixture->fd, IPPROTO_TCP, TCP_NODELAY);
        g_assert_false(qmp_peer_get_uid(fixture->fd, &uid));
        drop_connection(fixture);
    }
    close(listener);
    int reserved = test_tcp_reserve(AF_INET, &port);
    g_autofree char *text = g_strdup_printf("tcp:127.0.0.1:%u", port);
    start_text(fixture, text);
    expect_error(fixture, text, "Connection refused");
    close(reserved);
}

/* `localhost` means whichever of the two families somebody listens on. */
static void
test_tcp_v6(Fixture *fixture, gconstpointer unused)
{
    static const char *const hosts[] = { "[::1]", "localhost" };
    guint16 port;
    if (test_tcp_skip_without(AF_INET6))
        return;
    int listener = test_tcp_new_listener(AF_INET6, &port);
    for (guint i = 0; i < G_N_ELEMENTS(hosts); i++) {
        g_autofree char *text = g_strdup_printf("tcp:%s:%u", hosts[i], port);
        start_text(fixture, text);
        expect_socket(fixture);
        drop_connection(fixture);
    }
    close(listener);
}

static void
test_tcp_listen(Fixture *fixture, gconstpointer unused)
{
    static const char *const hosts[] = { "127.0.0.1", "", "localhost" };
    guint16 port;
    if (test_tcp_skip_without(AF_INET))
        return;
    for (guint i = 0; i < G_N_ELEMENTS(hosts); i++) {
        int reserved = test_tcp_reserve(AF_INET, &port);
        g_autofree char *text = g_strdup_printf("tcp:%s:%u,server=on", hosts[i], port);
        start_text(fixture, text);
        qmp_peer_settle(fixture->context);
        struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = g_htons(port) };
        name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int qemu = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        g_assert_no_errno(connect(qemu, (struct sockaddr *)&name, sizeof(name)));
        expect_socket(fixture);
        assert_option(fixture->fd, SOL_SOCKET, SO_KEEPALIVE);
        drop_connection(fixture);
        close(qemu);
        close(reserved);
    }
    int taken = test_tcp_new_listener(AF_INET, &port);
    g_autofree char *text = g_strdup_printf("tcp:127.0.0.1:%u,server=on", port);
    start_text(fixture, text);
    expect_error(fixture, text, "Address already in use");
    close(taken);
}

static void
test_tcp_name(Fixture *fixture, gconstpointer unused)
{
    guint16 port;
    if (test_tcp_skip_without(AF_INET))
        return;
    int listener = test_tcp_new_listener(AF_INET, &port);
    g_autofree char *text = g_strdup_printf("tcp:qemu.test:%u", port);
    start_text(fixture, text);
    expect_socket(fixture);
    close(listener);
    start_text(fixture, "tcp:nowhere.test:1");
    expect_error(fixture, "tcp:nowhere.test:1", "cannot find the host: no such host");
}

/* A name server that is silent must not hold up whoever gives up, nor call back into a module that is gone. */
static void
test_tcp_name_silent(Fixture *fixture, gconstpointer unused)
{
    start_text(fixture, "tcp:silent.test:1,server=on");
    qmp_peer_settle(fixture->context);
    g_clear_pointer(&fixture->connector, qmp_connector_free);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_called, ==, 0);
}

/* At every stage: nothing comes any more, nothing stays. */
static void
test_free(Fixture *fixture, gconstpointer unused)
{
    guint16 port;
    if (test_tcp_skip_without(AF_INET))
        return;
    int unix_listener = listen_on(fixture->path, 5), tcp_listener = test_tcp_new_listener(AF_INET, &port);
    g_autofree char *tcp = g_strdup_printf("tcp:127.0.0.1:%u", port);
    for (int turns = 0; turns < 3; turns++) {
        start_path(fixture, "");
        g_clear_pointer(&fixture->connector, qmp_connector_free);
        start_text(fixture, tcp);
        for (int i = 0; i < turns && fixture->n_called == 0; i++)
            g_main_context_iteration(fixture->context, FALSE);
        g_clear_pointer(&fixture->connector, qmp_connector_free);
        drop_connection(fixture);
        fixture->n_called = 0;
        qmp_peer_settle(fixture->context);
        g_assert_cmpuint(fixture->n_called, ==, 0);
    }
    fixture->free_inside = TRUE;
    start_path(fixture, "");
    expect_socket(fixture);
    drop_connection(fixture);
    start_text(fixture, tcp);
    expect_socket(fixture);
    drop_connection(fixture);
    start_text(fixture, "unix:/nonexistent/socket");
    expect_error(fixture, "/nonexistent/socket", "No such file or directory");
    start_text(fixture, "tcp:nowhere.test:1");
    expect_error(fixture, "tcp:nowhere.test:1", "cannot find the host");
    g_assert_null(fixture->connector);
    close(unix_listener);
    close(tcp_listener);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_autoptr(GResolver) resolver = test_resolver_new();
    g_resolver_set_default(resolver);
    ADD("/qmp-connector/unix", test_unix);
    ADD("/qmp-connector/unix-errors", test_unix_errors);
    ADD("/qmp-connector/listen", test_listen);
    ADD("/qmp-connector/listen-user", test_listen_user);
    ADD("/qmp-connector/listen-taken", test_listen_taken);
    ADD("/qmp-connector/listen-path-lost", test_listen_path_lost);
    ADD("/qmp-connector/long-path", test_long_path);
    ADD("/qmp-connector/abstract", test_abstract);
    ADD("/qmp-connector/abstract-of-a-stranger", test_abstract_of_a_stranger);
    ADD("/qmp-connector/tcp", test_tcp);
    ADD("/qmp-connector/tcp-v6", test_tcp_v6);
    ADD("/qmp-connector/tcp-listen", test_tcp_listen);
    ADD("/qmp-connector/tcp-name", test_tcp_name);
    ADD("/qmp-connector/tcp-name-silent", test_tcp_name_silent);
    ADD("/qmp-connector/free", test_free);
    return g_test_run();
}
