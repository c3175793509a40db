/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by QmpConnector; owns a descriptor for as long as the name is in use. sun_path has room for 107 bytes and a zero. A
 * longer path is opened without being read (O_PATH), and reached through the descriptor's own path in /proc: the socket itself
 * to connect, its directory to bind. */
#include "qmp-unix-name.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#define ROOM sizeof(((struct sockaddr_un *)NULL)->sun_path)

static void
begin_name(QmpUnixName *name)
{
    *name = (QmpUnixName){ .name = { .sun_family = AF_UNIX }, .length = sizeof(name->name), .fd = -1 };
}

/* As QEMU has it: a zero, then the name; tight: and no more, loose: zeros to the end. */
static void
set_abstract(QmpUnixName *name, const QmpAddress *address)
{
    gsize length = strlen(address->path);

    memcpy(name->name.sun_path + 1, address->path, length);
    if (!address->is_loose)
        name->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
}

/* Whether that did. */
static gboolean
set_short(QmpUnixName *name, const QmpAddress *address)
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
open_path(QmpUnixName *name, const char *path, int flags)
{
    name->fd = open(path, O_PATH | O_CLOEXEC | flags);
    return name->fd < 0 ? errno : 0;
}

int
qmp_unix_name_to_connect(QmpUnixName *name, const QmpAddress *address)
{
    int error;

    if (set_short(name, address))
        return 0;
    error = open_path(name, address->path, 0);
    if (error == 0)
        g_snprintf(name->name.sun_path, ROOM, "/proc/self/fd/%d", name->fd);
    return error;
}

int
qmp_unix_name_to_bind(QmpUnixName *name, const QmpAddress *address)
{
    g_autofree char *directory = NULL, *base = NULL;
    int error;

    if (set_short(name, address))
        return 0;
    directory = g_path_get_dirname(address->path);
    base = g_path_get_basename(address->path);
    error = open_path(name, directory, O_DIRECTORY);
    if (error == 0 && g_snprintf(name->name.sun_path, ROOM, "/proc/self/fd/%d/%s", name->fd, base) >= (int)ROOM) {
        qmp_unix_name_clear(name);
        error = ENAMETOOLONG;
    }
    return error;
}

void
qmp_unix_name_clear(QmpUnixName *name)
{
    if (name->fd >= 0)
        close(name->fd);
    name->fd = -1;
}
