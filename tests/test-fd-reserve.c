/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process's last descriptors are the bus's. */
#include "fd-reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static rlim_t
set_soft_limit(rlim_t n)
{
    struct rlimit files;

    g_assert_no_errno(getrlimit(RLIMIT_NOFILE, &files));
    rlim_t before = files.rlim_cur;
    files.rlim_cur = n;
    g_assert_no_errno(setrlimit(RLIMIT_NOFILE, &files));
    return before;
}

static void
assert_closed(int fd)
{
    g_assert_cmpint(fcntl(fd, F_GETFD), ==, -1);
    g_assert_cmpint(errno, ==, EBADF);
}

/* A quarter of 64, 288 of many. */
static void
test_last_ones(void)
{
    rlim_t before = set_soft_limit(64);
    int in_reserve = fcntl(0, F_DUPFD_CLOEXEC, 48), outside = fcntl(0, F_DUPFD_CLOEXEC, 47);

    g_assert_cmpint(outside, ==, 47);
    g_assert_cmpint(fd_reserve_pass(outside), ==, 47);
    g_assert_cmpint(in_reserve, ==, 48);
    g_assert_cmpint(fd_reserve_pass(in_reserve), ==, -1);
    g_assert_cmpint(errno, ==, EMFILE);
    assert_closed(48);

    set_soft_limit(2000);
    in_reserve = fcntl(0, F_DUPFD_CLOEXEC, 2000 - 288);
    g_assert_cmpint(fd_reserve_pass(in_reserve), ==, -1);
    in_reserve = fcntl(0, F_DUPFD_CLOEXEC, 2000 - 289);
    g_assert_cmpint(fd_reserve_pass(in_reserve), ==, in_reserve);
    close(in_reserve);
    close(outside);
    set_soft_limit(before);
}

/* What the kernel has refused is told as the kernel did. */
static void
test_no_descriptor(void)
{
    int ends[2] = { -1, -1 };

    errno = ENFILE;
    g_assert_cmpint(fd_reserve_pass(-1), ==, -1);
    g_assert_cmpint(errno, ==, ENFILE);
    g_assert_false(fd_reserve_pass_pair(-1, ends));
    g_assert_cmpint(errno, ==, ENFILE);
}

/* Both or neither. */
static void
test_pair(void)
{
    rlim_t before = set_soft_limit(64);
    int filler[64], n = 0, ends[2];

    g_assert_true(fd_reserve_has_room(0));
    while ((filler[n] = fcntl(0, F_DUPFD_CLOEXEC, 3)) < 47)
        n++;
    g_assert_cmpint(filler[n], ==, 47);
    close(filler[n]);
    /* One is left. */
    g_assert_true(fd_reserve_has_room(0));
    g_assert_false(fd_reserve_pass_pair(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ends));
    g_assert_cmpint(errno, ==, EMFILE);
    assert_closed(47);
    assert_closed(48);
    filler[n] = fcntl(0, F_DUPFD_CLOEXEC, 3);
    g_assert_false(fd_reserve_has_room(0));
    g_assert_cmpint(errno, ==, EMFILE);
    close(filler[n]);
    close(filler[--n]);
    g_assert_true(fd_reserve_pass_pair(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), ends));
    close(ends[0]);
    close(ends[1]);
    while (n-- > 0)
        close(filler[n]);
    set_soft_limit(before);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fd-reserve/last-ones", test_last_ones);
    g_test_add_func("/fd-reserve/no-descriptor", test_no_descriptor);
    g_test_add_func("/fd-reserve/pair", test_pair);
    return g_test_run();
}
