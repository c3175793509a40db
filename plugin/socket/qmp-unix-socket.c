/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by QmpConnector; owns a descriptor for as long as the name is in use. sun_path has room for 107 bytes and a zero. A
 * longer path is opened without being read (O_PATH), and reached through the descriptor's own path in /proc: the socket itself
 * to connect, its directory to bind. */
#include "qmp-unix-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/xattr.h>
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

/* The link may be another one by now than the one that was followed, but in a sticky directory its maker is the same. */
static int
check_link(const char *path, int fd)
{
    struct stat link, target;

    if (lstat(path, &link) < 0 || fstat(fd, &target) < 0)
        return errno;
    return link.st_uid == 0 || link.st_uid == geteuid() || link.st_uid == target.st_uid ? 0 : EXDEV;
}

/* 0, or an errno; then @name holds nothing. Clear it after use. The file that check_link() looks at is the one that is
 * connected to. */
static int
name_to_connect(UnixName *name, const QmpAddress *address, QmpLinkRule rule)
{
    gboolean is_checked = rule == QMP_LINK_TO_OWN && !address->is_abstract;
    int error;

    if (set_short(name, address) && !is_checked)
        return 0;
    begin_name(name);
    error = open_path(name, address->path, 0);
    if (error == 0 && is_checked)
        error = check_link(address->path, name->fd);
    if (error == 0)
        g_snprintf(name->name.sun_path, ROOM, "/proc/self/fd/%d", name->fd);
    else
        clear_name(name);
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
qmp_unix_socket_connect(const QmpAddress *address, QmpLinkRule rule, int fd)
{
    UnixName name;
    int error = name_to_connect(&name, address, rule);
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
    int error = fd < 0 ? errno : qmp_unix_socket_connect(address, QMP_LINK_TO_ANY, fd);
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

static const char *
get_bind_reason(int error)
{
    if (error == ENAMETOOLONG)
        return "the path is long, and the socket's own name in its directory too";
    if (error == EROFS)
        return "the agent may not write there (Read-only file system); as a service it makes sockets in its run directory "
               "alone, unless its unit says more (ReadWritePaths=)";
    return g_strerror(error);
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
    if (error != EADDRINUSE || address->is_abstract)
        return get_bind_reason(error);
    const char *why = remove_stale(address);
    if (why)
        return why;
    error = try_bind(address, fd);
    return error == 0 ? NULL : get_bind_reason(error);
}

/* Read and write, which is what connect() takes, for the file's owner and @uid. */
static gboolean
add_acl_entry(int file, guint32 uid)
{
    const guint16 perm = GUINT16_TO_LE(ACL_READ | ACL_WRITE);
    const guint32 none = GUINT32_TO_LE((guint32)ACL_UNDEFINED_ID);
    struct {
        struct posix_acl_xattr_header header;
        struct posix_acl_xattr_entry entries[5];
    } acl = {
        .header = { .a_version = GUINT32_TO_LE(POSIX_ACL_XATTR_VERSION) },
        .entries = {
            { .e_tag = GUINT16_TO_LE(ACL_USER_OBJ), .e_perm = perm, .e_id = none },
            { .e_tag = GUINT16_TO_LE(ACL_USER), .e_perm = perm, .e_id = GUINT32_TO_LE(uid) },
            { .e_tag = GUINT16_TO_LE(ACL_GROUP_OBJ), .e_id = none },
            { .e_tag = GUINT16_TO_LE(ACL_MASK), .e_perm = perm, .e_id = none },
            { .e_tag = GUINT16_TO_LE(ACL_OTHER), .e_id = none },
        },
    };
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", file);

    return setxattr(path, "system.posix_acl_access", &acl, sizeof acl, 0) == 0;
}

static gboolean
give_socket_file(int file, guint32 uid)
{
    if (uid == geteuid() || fchownat(file, "", uid, (gid_t)-1, AT_EMPTY_PATH) == 0)
        return TRUE;
    return errno == EPERM && add_acl_entry(file, uid);
}

/* Whether the agent has made it, and it has no other name: a hard link to another file of the agent's would give that away. */
static gboolean
is_own_socket(const struct stat *status)
{
    return S_ISSOCK(status->st_mode) && status->st_uid == geteuid() && status->st_nlink == 1;
}

gboolean
qmp_unix_socket_give(int directory, const char *name, guint32 uid, struct stat *ret_status)
{
    struct stat status;
    int file = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    gboolean is_given = FALSE;

    if (file < 0)
        return FALSE;
    if (fstat(file, &status) == 0 && is_own_socket(&status)) {
        *ret_status = status;
        is_given = give_socket_file(file, uid);
    } else {
        errno = EPERM; /* somebody else has replaced it meanwhile */
    }
    int error = errno;
    close(file);
    errno = error;
    return is_given;
}

static gboolean
get_credentials(int fd, struct ucred *ret_credentials)
{
    int domain;
    socklen_t domain_size = sizeof(domain), size = sizeof(*ret_credentials);
    if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_size) < 0 || domain != AF_UNIX)
        return FALSE;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, ret_credentials, &size) == 0;
}

gboolean
qmp_peer_get_uid(int fd, guint32 *ret_uid)
{
    struct ucred credentials;
    if (!get_credentials(fd, &credentials) || credentials.uid == (uid_t)-1)
        return FALSE;
    *ret_uid = credentials.uid;
    return TRUE;
}

/* Neither end of a pair has a name, and the kernel tells who made it. */
static gboolean
is_pair(int fd)
{
    struct sockaddr_storage name;
    socklen_t own = sizeof(name), other = sizeof(name);
    return getsockname(fd, (struct sockaddr *)&name, &own) < 0 ||
           getpeername(fd, (struct sockaddr *)&name, &other) < 0 ||
           (own <= sizeof(sa_family_t) && other <= sizeof(sa_family_t));
}

gboolean
qmp_peer_get_pid(int fd, guint32 *ret_pid)
{
    struct ucred credentials;
    if (!get_credentials(fd, &credentials) || credentials.pid <= 0 || is_pair(fd))
        return FALSE;
    *ret_pid = (guint32)credentials.pid;
    return TRUE;
}
