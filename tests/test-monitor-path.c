/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The socket that a native session is offered by: what breaks here hands a VM to another user, removes a file that is somebody
 * else's, or leaves a caller with a path that nobody listens at. */
#include "monitor-path.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define OWNER 65533
#define SOMEBODY 65532

typedef struct Fixture {
    char *directory; /* owned */
    ManagementHost host;
    Context context;
    int fd; /* owned; of the client that has come */
    guint calls;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;

    fixture->directory = g_dir_make_tmp("monitor-path-XXXXXX", &error);
    g_assert_no_error(error);
    fixture->host = (ManagementHost){ .context = g_main_context_default(), .bus = MANAGEMENT_BUS_SESSION };
    fixture->context.host = &fixture->host;
    fixture->context.run_directory = fixture->directory;
    fixture->fd = -1;
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *native = g_build_filename(fixture->directory, "native", NULL);

    if (fixture->fd >= 0)
        close(fixture->fd);
    g_remove(native);
    g_assert_cmpint(g_rmdir(fixture->directory), ==, 0);
    g_free(fixture->directory);
}

static char *
dup_path(Fixture *fixture, const char *name)
{
    return g_build_filename(fixture->directory, "native", name, NULL);
}

static void
on_client(int fd, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->fd = fd;
    fixture->calls++;
}

static MonitorPath *
offer(Fixture *fixture, const char *name, guint64 timeout, GError **error)
{
    return monitor_path_new(&fixture->context, name, context_get_uid(), timeout, on_client, fixture, error);
}

/* A socket of @type bound to @path, or connected to it. */
static int
open_socket(const char *path, int type, int (*func)(int, const struct sockaddr *, socklen_t))
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    g_strlcpy(address.sun_path, path, sizeof address.sun_path);
    g_assert_cmpint(func(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
    return fd;
}

static void
assert_mode(const char *path, mode_t expected)
{
    struct stat status;

    g_assert_cmpint(lstat(path, &status), ==, 0);
    g_assert_cmpint(status.st_mode & 07777, ==, expected);
    g_assert_cmpint(status.st_uid, ==, context_get_uid());
}

static void
assert_refused(Fixture *fixture, const char *name, BusErrorCode code, const char *text)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(offer(fixture, name, G_MAXUINT64, &error));
    g_assert_error(error, BUS_ERROR, (int)code);
    g_assert_nonnull(strstr(error->message, text));
}

/* One client of one user; the path goes as soon as it has come. */
static void
test_client(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *path = dup_path(fixture, "web.sock"), *native = dup_path(fixture, NULL);
    MonitorPath *offered = offer(fixture, "web.sock", G_MAXUINT64, NULL);
    int client;

    g_assert_nonnull(offered);
    assert_mode(native, 0700);
    assert_mode(path, 0600);
    client = open_socket(path, SOCK_STREAM, connect);
    while (fixture->calls == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    g_assert_cmpint(write(fixture->fd, "x", 1), ==, 1);
    g_assert_cmpint(read(client, &(char){ 0 }, 1), ==, 1);
    monitor_path_free(offered);
    g_assert_cmpuint(fixture->calls, ==, 1);
    close(client);
}

/* Nobody comes: the caller is told, and no file is left. */
static void
test_time_over(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *path = dup_path(fixture, "web.sock");
    MonitorPath *offered = offer(fixture, "web.sock", /* timeout= */ 0, NULL);

    while (fixture->calls == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(fixture->fd, ==, -1);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
    monitor_path_free(offered);
}

/* A socket that a killed agent left is replaced; one that somebody listens at, or a file, is not. */
static void
test_taken(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *path = dup_path(fixture, "web.sock");
    MonitorPath *offered = offer(fixture, "web.sock", G_MAXUINT64, NULL);
    int fd;

    assert_refused(fixture, "web.sock", BUS_ERROR_INVALID_ARGS, "there is a file \"web.sock\" already");
    monitor_path_free(offered);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));

    fd = open_socket(path, SOCK_STREAM, bind);
    close(fd);
    offered = offer(fixture, "web.sock", G_MAXUINT64, NULL);
    g_assert_nonnull(offered);
    monitor_path_free(offered);
    g_assert_false(g_file_test(path, G_FILE_TEST_EXISTS));

    g_assert_true(g_file_set_contents(path, "mine", -1, NULL));
    assert_refused(fixture, "web.sock", BUS_ERROR_INVALID_ARGS, "there is a file \"web.sock\" already");
    g_assert_true(g_file_test(path, G_FILE_TEST_IS_REGULAR));
    g_assert_cmpint(g_unlink(path), ==, 0);
}

/* A file that has come to the name since is not the agent's to remove. */
static void
test_replaced(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *path = dup_path(fixture, "web.sock");
    MonitorPath *offered = offer(fixture, "web.sock", G_MAXUINT64, NULL);

    g_assert_cmpint(g_unlink(path), ==, 0);
    g_assert_true(g_file_set_contents(path, "another's", -1, NULL));
    monitor_path_free(offered);
    g_assert_true(g_file_test(path, G_FILE_TEST_IS_REGULAR));
    g_assert_cmpint(g_unlink(path), ==, 0);
}

/* Where others may write to the run directory, only the sticky bit keeps them from putting a directory of their own in the
 * place of the agent's. */
static void
test_directory(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *native = dup_path(fixture, NULL);
    MonitorPath *offered;

    g_assert_cmpint(g_chmod(fixture->directory, 0777), ==, 0);
    assert_refused(fixture, "web.sock", BUS_ERROR_FAILED, fixture->directory);
    g_assert_cmpint(g_chmod(fixture->directory, 01777), ==, 0);
    offered = offer(fixture, "web.sock", G_MAXUINT64, NULL);
    g_assert_nonnull(offered);
    monitor_path_free(offered);

    g_assert_cmpint(g_rmdir(native), ==, 0);
    g_assert_cmpint(symlink(fixture->directory, native), ==, 0);
    assert_refused(fixture, "web.sock", BUS_ERROR_FAILED, native);
    fixture->context.run_directory = NULL;
    assert_refused(fixture, "web.sock", BUS_ERROR_FAILED, "there is no run directory");
}

/* A directory that is another user's: they could take the socket away, or see who comes. */
static void
test_directory_of_another(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *native = dup_path(fixture, NULL);

    if (geteuid() != 0) {
        g_test_skip("other users' directories take root");
        return;
    }
    g_assert_cmpint(chown(fixture->directory, SOMEBODY, 0), ==, 0);
    assert_refused(fixture, "web.sock", BUS_ERROR_FAILED, fixture->directory);
    g_assert_cmpint(chown(fixture->directory, 0, 0), ==, 0);
    g_assert_cmpint(g_mkdir(native, 0755), ==, 0);
    g_assert_cmpint(chown(native, SOMEBODY, 0), ==, 0);
    assert_refused(fixture, "web.sock", BUS_ERROR_FAILED, native);
}

/* A client of another user, who got through by whatever way: the caller's VM is not theirs. */
static void
test_client_of_another(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *path = dup_path(fixture, "web.sock");
    MonitorPath *offered;
    char byte;

    if (geteuid() != 0) {
        g_test_skip("other users take root");
        return;
    }
    fixture->host.bus = MANAGEMENT_BUS_SYSTEM;
    g_assert_cmpint(g_chmod(fixture->directory, 0755), ==, 0);
    offered = monitor_path_new(&fixture->context, "web.sock", OWNER, G_MAXUINT64, on_client, fixture, NULL);
    g_assert_nonnull(offered);
    g_assert_cmpint(g_chmod(path, 0666), ==, 0);
    g_assert_cmpint(seteuid(SOMEBODY), ==, 0);
    int stranger = open_socket(path, SOCK_STREAM, connect);
    g_assert_cmpint(seteuid(0), ==, 0);
    g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(fixture->calls, ==, 0);
    g_assert_cmpint(recv(stranger, &byte, 1, MSG_DONTWAIT), ==, 0);
    g_assert_cmpint(seteuid(OWNER), ==, 0);
    int own = open_socket(path, SOCK_STREAM, connect);
    g_assert_cmpint(seteuid(0), ==, 0);
    while (fixture->calls == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(write(fixture->fd, "x", 1), ==, 1);
    g_assert_cmpint(read(own, &byte, 1), ==, 1);
    monitor_path_free(offered);
    close(stranger);
    close(own);
}

/* On the system bus other users reach their socket through the directory, without seeing what else is in it. */
static void
test_system_bus(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *native = dup_path(fixture, NULL);
    MonitorPath *offered;

    fixture->host.bus = MANAGEMENT_BUS_SYSTEM;
    offered = offer(fixture, "web.sock", G_MAXUINT64, NULL);
    assert_mode(native, 0711);
    monitor_path_free(offered);
}

static void
test_names(Fixture *fixture, gconstpointer unused)
{
    static const char *const wrong[] = { "", ".", "..", ".hidden", "a/b", "/tmp/x", "\xff" };
    g_autofree char *too_long = g_strnfill(108 - strlen(fixture->directory) - strlen("/native/"), 'x');

    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(monitor_path_check_name(wrong[i], &error));
        g_assert_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
    }
    g_assert_true(monitor_path_check_name("web.sock", NULL));
    assert_refused(fixture, too_long, BUS_ERROR_INVALID_ARGS, "has 108 bytes, a socket's path may have 107");
}

#define ADD_TEST(path, test) g_test_add("/monitor-path/" path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_TEST("client", test_client);
    ADD_TEST("time-over", test_time_over);
    ADD_TEST("taken", test_taken);
    ADD_TEST("replaced", test_replaced);
    ADD_TEST("directory", test_directory);
    ADD_TEST("directory-of-another", test_directory_of_another);
    ADD_TEST("client-of-another", test_client_of_another);
    ADD_TEST("system-bus", test_system_bus);
    ADD_TEST("names", test_names);
    return g_test_run();
}
