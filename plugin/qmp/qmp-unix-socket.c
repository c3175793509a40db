/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by QmpConnector; owns a descriptor for as long as the name is in use. sun_path has room for 107 bytes and a zero. A
 * longer path is opened without being read (O_PATH), and reached through the descriptor's own path in /proc: the socket itself
 * to connect, its directory to bind. */
#include "qmp-unix-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ROOM sizeof(((struct sockaddr_un *)NULL)->sun_path)

typedef struct UnixName {
    struct sockaddr_un name;
    socklen_t length;
    int fd; /* owned; the name goes through it; -1: not needed */
} UnixName;

static void
begin_name(UnixName *name)
{
    *name = (UnixName){ .name = { .sun_family = AF_UNIX }, .length = sizeof(name->name), .fd = -1 };
}

/* As QEMU has it: a zero, then the name; tight: and no more, loose: zeros to the end. */
static void
set_abstract(UnixName *name, const QmpAddress *address)
{
    gsize length = strlen(address->path);

    memcpy(name->name.sun_path + 1, address->path, length);
    if (!address->is_loose)
        name->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

/* Whether that did. */
static gboolean
set_short(UnixName *name, const QmpAddress *address)
{
    begin_name(name);
    if (address->is_abstract)
        set_abstract(name, address);
    else if (strlen(address->path) < ROOM)
        memcpy(name->name.sun_path, address->path, strlen(address->path));
    else
        return FALSE;
    return TRUE;
}

static int
open_path(UnixName *name, const char *path, int flags)
{
    name->fd = open(path, O_PATH | O_CLOEXEC | flags);
    return name->fd < 0 ? errno : 0;
}

static void
clear_name(UnixName *name)
{
    if (name->fd >= 0)
        close(name->fd);
    name->fd = -1;
}

/* 0, or an errno; then @name holds nothing. Clear it after use. */
static int
name_to_connect(UnixName *name, const QmpAddress *address)
{
    int error;

    if (set_short(name, address))
        return 0;
    error = open_path(name, address->path, 0);
    if (error == 0)
        g_snprintf(name->name.sun_path, ROOM, "/proc/self/fd/%d", name->fd);
    return error;
}

static int
name_to_bind(UnixName *name, const QmpAddress *address)
{
    g_autofree char *directory = NULL, *base = NULL;
    int error;

    if (set_short(name, address))
        return 0;
    directory = g_path_get_dirname(address->path);
    base = g_path_get_basename(address->path);
    error = open_path(name, directory, O_DIRECTORY);
    if (error == 0 && g_snprintf(name->name.sun_path, ROOM, "/proc/self/fd/%d/%s", name->fd, base) >= (int)ROOM) {
        clear_name(name);
        error = ENAMETOOLONG;
    }
    return error;
}

/* Whether something else is at the path: the kernel refuses it as it refuses a socket that nobody listens on. */
static gboolean
is_other_file(const QmpAddress *address)
{
    struct stat status;
    return !address->is_abstract && stat(address->path, &status) == 0 && !S_ISSOCK(status.st_mode);
}

int
qmp_unix_socket_connect(const QmpAddress *address, int fd)
{
    UnixName name;
    int error = name_to_connect(&name, address);
    if (error == 0 && connect(fd, (struct sockaddr *)&name.name, name.length) < 0)
        error = errno;
    clear_name(&name);
    return error == ECONNREFUSED && is_other_file(address) ? ENOTSOCK : error;
}

/* Removes a socket that nobody listens on any more. NULL, or why it was not done. */
static const char *
remove_stale(const QmpAddress *address)
{
    struct stat status;
    if (lstat(address->path, &status) < 0)
        return g_strerror(errno);
    if (!S_ISSOCK(status.st_mode))
        return "there is something else than a socket";
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = fd < 0 ? errno : qmp_unix_socket_connect(address, fd);
    if (fd >= 0)
        close(fd);
    if (error == 0 || error == EAGAIN)
        return "somebody listens there (Address already in use)";
    if (error != ECONNREFUSED)
        return g_strerror(error);
    return unlink(address->path) == 0 ? NULL : g_strerror(errno);
}

/* 0 or an errno. */
static int
try_bind(const QmpAddress *address, int fd)
{
    UnixName name;
    int error = name_to_bind(&name, address);
    if (error == 0 && bind(fd, (struct sockaddr *)&name.name, name.length) < 0)
        error = errno;
    clear_name(&name);
    return error;
}

const char *
qmp_unix_socket_bind(const QmpAddress *address, int fd)
{
    /* The path is made with the mode of its socket: there is no moment in which others could connect. */
    if (fchmod(fd, 0600) < 0)
        return g_strerror(errno);
    int error = try_bind(address, fd);
    if (error == 0)
        return NULL;
    if (error == ENAMETOOLONG)
        return "the path is long, and the socket's own name in its directory too";
    if (error != EADDRINUSE || address->is_abstract)
        return g_strerror(error);
    const char *why = remove_stale(address);
    if (why)
        return why;
    error = try_bind(address, fd);
    return error == 0 ? NULL : g_strerror(error);
}
