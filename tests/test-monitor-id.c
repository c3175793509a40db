/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether two addresses are one monitor. What breaks here has somebody wait for a monitor that the agent holds itself, or
 * refuses them one that it does not hold. */
#include "monitor-id.h"

#include <glib/gstdio.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct Fixture {
    char *directory; /* owned */
    int listener; /* owned; at `a` */
} Fixture;

static int
listen_at(Fixture *fixture, const char *file)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_snprintf(name.sun_path, sizeof name.sun_path, "%s/%s", fixture->directory, file);
    g_assert_no_errno(bind(fd, (struct sockaddr *)&name, sizeof name));
    g_assert_no_errno(listen(fd, 8));
    return fd;
}

/* To whoever was bound to @file. */
static int
connect_to(Fixture *fixture, const char *file)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_snprintf(name.sun_path, sizeof name.sun_path, "%s/%s", fixture->directory, file);
    g_assert_no_errno(connect(fd, (struct sockaddr *)&name, sizeof name));
    return fd;
}

static char *
get_path(Fixture *fixture, const char *file)
{
    return g_build_filename(fixture->directory, file, NULL);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->directory = g_dir_make_tmp("test-monitor-id-XXXXXX", NULL);
    fixture->listener = listen_at(fixture, "a");
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    static const char *const files[] = { "a", "b", "link", "directory" };

    for (guint i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = get_path(fixture, files[i]);
        g_unlink(path);
    }
    close(fixture->listener);
    g_assert_no_errno(g_rmdir(fixture->directory));
    g_free(fixture->directory);
}

static QmpAddress *
parse(Fixture *fixture, const char *format)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(format);
    QmpAddress *address;

    g_string_replace(text, "DIR", fixture->directory, 0);
    address = qmp_address_parse(text->str, &error);
    g_assert_no_error(error);
    return address;
}

static gboolean
is_same(Fixture *fixture, const char *a, const char *b)
{
    g_autoptr(QmpAddress) address_a = parse(fixture, a), address_b = parse(fixture, b);
    g_auto(MonitorId) id_a = { 0 }, id_b = { 0 };

    monitor_id_init(&id_a, address_a);
    monitor_id_init(&id_b, address_b);
    g_assert_cmpint(monitor_id_is_same(&id_a, &id_b), ==, monitor_id_is_same(&id_b, &id_a));
    if (monitor_id_is_same(&id_a, &id_b))
        return TRUE;
    /* As where nobody has connected yet. */
    monitor_id_set_unconnected(&id_a);
    return monitor_id_is_same(&id_a, &id_b);
}

static void
test_spellings(Fixture *fixture, gconstpointer unused)
{
    static const char *const same[][2] = {
        { "unix:DIR/a", "unix:DIR/a" },
        { "unix:DIR/a", "unix:DIR/../..DIR/a" },
        { "unix:DIR/a", "unix:DIR//./a" },
        { "unix:DIR/a", "unix:DIR/link" },
        { "unix:DIR/a", "unix:DIR/directory/a" },
        { "unix:DIR/a", "unix:DIR/a,server=on" },
        { "unix:DIR/none", "unix:DIR/directory/none,server=on" },
        { "unix:/nowhere/at//all", "unix:/nowhere/at/all" },
        { "unix:web,abstract=on", "unix:web,abstract,tight=on" },
        { "unix:web,abstract=on,tight=off", "unix:web,tight=off,abstract=on" },
        { "tcp:127.0.0.1:44", "tcp:[::ffff:127.0.0.1]:44" },
        { "tcp:[::1]:44", "tcp:[0:0:0:0:0:0:0:1]:44" },
        { "tcp:LOCALHOST:44", "tcp::44" },
    };
    static const char *const different[][2] = {
        { "unix:DIR/a", "unix:DIR/b" },
        { "unix:DIR/none", "unix:DIR/none2" },
        { "unix:DIR/none", "unix:/none" },
        { "unix:web,abstract=on", "unix:web2,abstract=on" },
        { "unix:web,abstract=on", "unix:web,abstract=on,tight=off" },
        { "unix:/web,abstract=on", "unix:/web" },
        { "tcp:localhost:44", "tcp:localhost:45" },
        { "tcp:127.0.0.1:44", "tcp:127.0.0.2:44" },
        { "tcp:127.0.0.1:44", "unix:tcp [127.0.0.1]:44,abstract=on" },
    };
    g_autofree char *link_path = get_path(fixture, "link"), *directory = get_path(fixture, "directory");
    int other = listen_at(fixture, "b");

    g_assert_no_errno(symlink("a", link_path));
    g_assert_no_errno(symlink(".", directory));
    for (guint i = 0; i < G_N_ELEMENTS(same); i++)
        if (!is_same(fixture, same[i][0], same[i][1]))
            g_error("%s and %s are the same", same[i][0], same[i][1]);
    for (guint i = 0; i < G_N_ELEMENTS(different); i++)
        if (is_same(fixture, different[i][0], different[i][1]))
            g_error("%s and %s are different", different[i][0], different[i][1]);
    close(other);
}

/* A QEMU whose path another QEMU has now: the first is held, the second is not. */
static void
test_path_taken_over(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(QmpAddress) address = parse(fixture, "unix:DIR/a");
    g_autofree char *path = get_path(fixture, "a"), *moved = get_path(fixture, "b");
    g_auto(MonitorId) held = { 0 }, asked = { 0 }, at_new_path = { 0 };
    g_autoptr(QmpAddress) new_address = parse(fixture, "unix:DIR/b");
    int fd = connect_to(fixture, "a"), other;

    monitor_id_init(&held, address);
    monitor_id_set_connected(&held, address, fd);
    g_assert_no_errno(g_rename(path, moved));
    monitor_id_init(&asked, address);
    g_assert_false(monitor_id_is_same(&held, &asked)); /* nobody is there */
    monitor_id_clear(&asked);
    other = listen_at(fixture, "a");
    monitor_id_init(&asked, address);
    g_assert_false(monitor_id_is_same(&held, &asked));
    monitor_id_init(&at_new_path, new_address);
    g_assert_true(monitor_id_is_same(&held, &at_new_path));
    /* It has ended: whoever is at the path is tried next. */
    monitor_id_set_unconnected(&held);
    g_assert_true(monitor_id_is_same(&held, &asked));
    close(other);
    close(fd);
}

/* A socket that somebody else has connected: it has no address, but whoever listens is known. */
static void
test_descriptors(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(QmpAddress) address = parse(fixture, "unix:DIR/a");
    g_auto(MonitorId) given = { 0 }, given_again = { 0 }, connected = { 0 }, pair = { 0 }, other_pair = { 0 };
    int fds[3], pairs[4], last;

    for (guint i = 0; i < G_N_ELEMENTS(fds); i++)
        fds[i] = connect_to(fixture, "a");
    monitor_id_set_connected(&given, NULL, fds[0]);
    monitor_id_set_connected(&given_again, NULL, fds[1]);
    monitor_id_init(&connected, address);
    monitor_id_set_connected(&connected, address, fds[2]);
    g_assert_true(monitor_id_is_same(&given, &given_again));
    g_assert_true(monitor_id_is_same(&given, &connected));
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs));
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM, 0, pairs + 2));
    monitor_id_set_connected(&pair, NULL, pairs[0]);
    monitor_id_set_connected(&other_pair, NULL, pairs[2]);
    g_assert_false(monitor_id_is_same(&pair, &other_pair));
    g_assert_false(monitor_id_is_same(&pair, &given));
    last = pairs[3];
    for (int i = 0; i < 3; i++) {
        close(fds[i]);
        close(pairs[i]);
    }
    close(last);
}

/* Over TCP the address that was connected to tells, by whatever name. */
static void
test_ports(Fixture *fixture, gconstpointer unused)
{
    struct sockaddr_in name = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof name;
    int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
    g_auto(MonitorId) held = { 0 }, asked = { 0 };
    g_autofree char *by_name = NULL, *by_number = NULL;

    g_assert_no_errno(bind(listener, (struct sockaddr *)&name, sizeof name));
    g_assert_no_errno(listen(listener, 1));
    g_assert_no_errno(getsockname(listener, (struct sockaddr *)&name, &length));
    g_assert_no_errno(connect(fd, (struct sockaddr *)&name, sizeof name));
    by_name = g_strdup_printf("tcp:localhost:%u", ntohs(name.sin_port));
    by_number = g_strdup_printf("tcp:127.0.0.1:%u", ntohs(name.sin_port));
    g_autoptr(QmpAddress) name_address = parse(fixture, by_name), number_address = parse(fixture, by_number);
    monitor_id_init(&held, name_address);
    monitor_id_set_connected(&held, name_address, fd);
    monitor_id_init(&asked, number_address);
    g_assert_true(monitor_id_is_same(&held, &asked));
    monitor_id_set_connected(&asked, number_address, fd);
    g_assert_true(monitor_id_is_same(&held, &asked));
    close(fd);
    close(listener);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/monitor-id/spellings", test_spellings);
    ADD("/monitor-id/path-taken-over", test_path_taken_over);
    ADD("/monitor-id/descriptors", test_descriptors);
    ADD("/monitor-id/ports", test_ports);
    return g_test_run();
}
