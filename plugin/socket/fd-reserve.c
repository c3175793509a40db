/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by all that makes or takes a descriptor and keeps it. Owns nothing. */
#include "fd-reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

/* One message brings up to 253 descriptors, as many as the kernel passes at once; files that are opened, read and closed in one
 * function take a few. Where the process may have few descriptors at all, a quarter has to do: of 64 it is the 16 that dbus-daemon
 * lets through on the system bus. */
#define RESERVE 288
#define SHARE 4

static gboolean
is_in_reserve(int fd)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur == RLIM_INFINITY)
        return FALSE;
    return (rlim_t)fd >= files.rlim_cur - MIN(files.rlim_cur / SHARE, RESERVE);
}

int
fd_reserve_pass(int fd)
{
    if (fd < 0 || !is_in_reserve(fd))
        return fd;
    close(fd);
    errno = EMFILE;
    return -1;
}

gboolean
fd_reserve_pass_pair(int result, const int fds[2])
{
    if (result < 0)
        return FALSE;
    if (!is_in_reserve(MAX(fds[0], fds[1])))
        return TRUE;
    close(fds[0]);
    close(fds[1]);
    errno = EMFILE;
    return FALSE;
}

gboolean
fd_reserve_has_room(int fd)
{
    int copy = fd_reserve_pass(fcntl(fd, F_DUPFD_CLOEXEC, 0));

    if (copy >= 0)
        close(copy);
    return copy >= 0;
}
