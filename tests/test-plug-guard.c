/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two connections that outlive the process that had them, until the monitor is there: what breaks here leaves half a monitor in
 * the QEMU of an agent that is killed, or keeps its control monitor from everybody for ever. */
#include "plug-guard.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* QEMU takes so many descriptors of a message. */
#define N_TAKEN 16

/* The pair that is plugged, and the control monitor's: [0] is the agent's end, [1] QEMU's. */
typedef struct Fixture {
    int pair[2], control[2];
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fixture->pair));
    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fixture->control));
}

static void
close_end(int *fd)
{
    if (*fd >= 0)
        g_assert_no_errno(close(*fd));
    *fd = -1;
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    for (guint i = 0; i < 2; i++) {
        close_end(&fixture->pair[i]);
        close_end(&fixture->control[i]);
    }
}

static gboolean
is_at_end(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

/* One byte, as QEMU reads, and the descriptors beside it that there is room for. */
static guint
read_byte(int fd, int ret_fds[N_TAKEN], char expected)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(N_TAKEN * sizeof(int))];
    } control;
    char byte;
    struct iovec data = { &byte, 1 };
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };
    guint n;

    g_assert_cmpint(recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), ==, 1);
    g_assert_cmpint(byte, ==, expected);
    n = message.msg_controllen > 0 ? (guint)((control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int)) : 0;
    memcpy(ret_fds, CMSG_DATA(&control.header), n * sizeof(int));
    return n;
}

static void
close_fds(const int *fds, guint n)
{
    for (guint i = 0; i < n; i++)
        g_assert_no_errno(close(fds[i]));
}

static void
kill_agent(Fixture *fixture)
{
    close_end(&fixture->pair[0]);
    close_end(&fixture->control[0]);
}

/* QEMU meets no end before the monitor has read the guard, and both ends then; it has no descriptor of either. */
static void
test_killed(Fixture *fixture, gconstpointer unused)
{
    int fds[N_TAKEN], useless[N_TAKEN];

    g_assert_true(plug_guard_arm(fixture->pair[0], fixture->control[0]));
    kill_agent(fixture);
    g_assert_false(is_at_end(fixture->control[1]));
    g_assert_cmpuint(read_byte(fixture->pair[1], useless, ' '), ==, 1);
    close_fds(useless, 1);
    g_assert_false(is_at_end(fixture->control[1]));
    g_assert_cmpuint(read_byte(fixture->pair[1], fds, ' '), ==, N_TAKEN);
    g_assert_true(is_at_end(fixture->control[1]));
    g_assert_cmpuint(read_byte(fixture->pair[1], useless, '\n'), ==, 1);
    g_assert_true(is_at_end(fixture->pair[1]));
    close_fds(useless, 1);
    close_fds(fds, N_TAKEN);
}

static void
set_room(const struct rlimit *before, rlim_t room)
{
    struct rlimit limit = *before;
    int end;

    for (end = 0; room > 0; end++)
        room -= fcntl(end, F_GETFD) < 0;
    limit.rlim_cur = (rlim_t)end;
    g_assert_no_errno(setrlimit(RLIMIT_NOFILE, &limit));
}

/* Reads as QEMU does, which closes the descriptors that it has when others come: how many it keeps of the last. @rooms: at each byte. */
static guint
read_with_room(int fd, const rlim_t rooms[3], int kept[N_TAKEN])
{
    struct rlimit before;
    guint n_kept = 0;

    g_assert_no_errno(getrlimit(RLIMIT_NOFILE, &before));
    for (guint i = 0; i < 3; i++) {
        int fds[N_TAKEN];
        guint n;
        set_room(&before, rooms[i]);
        n = read_byte(fd, fds, "  \n"[i]);
        if (n == 0)
            continue;
        close_fds(kept, n_kept);
        memcpy(kept, fds, n * sizeof(int));
        n_kept = n;
    }
    g_assert_no_errno(setrlimit(RLIMIT_NOFILE, &before));
    return n_kept;
}

static void
check_full(Fixture *fixture, const rlim_t rooms[3])
{
    int kept[N_TAKEN];
    guint n_kept;

    g_assert_true(plug_guard_arm(fixture->pair[0], fixture->control[0]));
    kill_agent(fixture);
    n_kept = read_with_room(fixture->pair[1], rooms, kept);
    g_assert_true(is_at_end(fixture->pair[1]));
    g_assert_true(is_at_end(fixture->control[1]));
    close_fds(kept, n_kept);
    tear_down(fixture, NULL);
    set_up(fixture, NULL);
}

/* A QEMU that is out of descriptors, or nearly, keeps neither end, whatever it closes and opens meanwhile. */
static void
test_full(Fixture *fixture, gconstpointer unused)
{
    static const rlim_t rooms[] = { 0, 1, 2, N_TAKEN, N_TAKEN + 1, N_TAKEN + 2, N_TAKEN + 3 };

    for (guint i = 0; i < G_N_ELEMENTS(rooms); i++)
        for (guint j = 0; j < G_N_ELEMENTS(rooms); j++)
            for (guint k = 0; k < G_N_ELEMENTS(rooms); k++)
                check_full(fixture, (rlim_t[]){ rooms[i], rooms[j], rooms[k] });
}

/* Where QEMU drops its end before there is a monitor, the control monitor is free at once. */
static void
test_dropped(Fixture *fixture, gconstpointer unused)
{
    g_assert_true(plug_guard_arm(fixture->pair[0], fixture->control[0]));
    kill_agent(fixture);
    g_assert_false(is_at_end(fixture->control[1]));
    close_end(&fixture->pair[1]);
    g_assert_true(is_at_end(fixture->control[1]));
}

/* An agent that lives has its ends as before, and no other descriptor. */
static void
test_alive(Fixture *fixture, gconstpointer unused)
{
    int before = dup(0), after, fds[N_TAKEN];

    g_assert_true(plug_guard_arm(fixture->pair[0], fixture->control[0]));
    close(before);
    after = dup(0);
    g_assert_cmpint(after, ==, before);
    close(after);
    g_assert_cmpint(send(fixture->pair[0], "x", 1, 0), ==, 1);
    for (const char *byte = "  \n"; *byte; byte++)
        close_fds(fds, read_byte(fixture->pair[1], fds, *byte));
    g_assert_cmpuint(read_byte(fixture->pair[1], fds, 'x'), ==, 0);
}

/* Out of descriptors: nothing was sent that would keep a connection open. */
static void
test_no_descriptor(Fixture *fixture, gconstpointer unused)
{
    struct rlimit before, none;
    gboolean is_armed;
    int code;

    g_assert_no_errno(getrlimit(RLIMIT_NOFILE, &before));
    none = before;
    none.rlim_cur = 3;
    g_assert_no_errno(setrlimit(RLIMIT_NOFILE, &none));
    is_armed = plug_guard_arm(fixture->pair[0], fixture->control[0]);
    code = errno;
    g_assert_no_errno(setrlimit(RLIMIT_NOFILE, &before));
    g_assert_false(is_armed);
    g_assert_cmpint(code, ==, EMFILE);
    kill_agent(fixture);
    g_assert_true(is_at_end(fixture->pair[1]));
    g_assert_true(is_at_end(fixture->control[1]));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/plug-guard/killed", test_killed);
    ADD("/plug-guard/full", test_full);
    ADD("/plug-guard/dropped", test_dropped);
    ADD("/plug-guard/alive", test_alive);
    ADD("/plug-guard/no-descriptor", test_no_descriptor);
    return g_test_run();
}
