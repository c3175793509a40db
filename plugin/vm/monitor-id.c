/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A socket in the file system is known by its inode, which stays the same where it is moved, linked, or reached through
 * another directory. The inode of a socket that somebody listens on is nobody else's meanwhile, even if its path is removed.
 * Abstract names are known by their bytes, ports by the address that was connected to. */
#include "monitor-id.h"

#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "qmp-connector.h"
#include "qmp-unix-socket.h"

/* Known to be none: differs from every socket. */
#define NO_SOCKET "none"

/* Room for a name in sun_path. */
#define ROOM sizeof(((struct sockaddr_un *)NULL)->sun_path)

static char *
print_inode(const char *kind, const struct stat *status, const char *file)
{
    return g_strdup_printf("%s %" G_GINT64_MODIFIER "x:%" G_GINT64_MODIFIER "x%s%s", kind, (guint64)status->st_dev,
                           (guint64)status->st_ino, file ? "/" : "", file ? file : "");
}

static char *
get_socket_of_path(const char *path)
{
    struct stat status;

    if (stat(path, &status) < 0 || !S_ISSOCK(status.st_mode))
        return g_strdup(NO_SOCKET);
    return print_inode("socket", &status, NULL);
}

static char *
get_place_of_path(const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *file = g_path_get_basename(path);
    g_autofree char *canonical = g_canonicalize_filename(path, "/");
    struct stat status;

    return stat(directory, &status) < 0 ? g_strconcat("path ", canonical, NULL) : print_inode("path", &status, file);
}

/* @length: bytes, zeros at the end among them: names that differ in these are different names. */
static char *
print_abstract(const char *name, gsize length)
{
    gsize n_shown = strnlen(name, length);

    return g_strdup_printf("abstract %zu %.*s", length, (int)n_shown, name);
}

static char *
get_place_of_name(const QmpAddress *address)
{
    return print_abstract(address->path, address->is_loose ? ROOM - 1 : strlen(address->path));
}

/* IPv4 in IPv6's form (::ffff:127.0.0.1) is the same host. */
static GInetAddress *
get_plain_host(GInetAddress *host)
{
    static const guint8 prefix[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    const guint8 *bytes = g_inet_address_to_bytes(host);

    if (g_inet_address_get_family(host) == G_SOCKET_FAMILY_IPV6 && memcmp(bytes, prefix, sizeof prefix) == 0)
        return g_inet_address_new_from_bytes(bytes + sizeof prefix, G_SOCKET_FAMILY_IPV4);
    return g_object_ref(host);
}

static char *
print_port(GInetAddress *host, guint16 port)
{
    g_autoptr(GInetAddress) plain = get_plain_host(host);
    g_autofree char *text = g_inet_address_to_string(plain);

    return g_strdup_printf("tcp [%s]:%u", text, port);
}

static char *
get_place_of_port(const QmpAddress *address)
{
    g_autoptr(GInetAddress) number = g_inet_address_new_from_string(address->host);
    const char *nameless = address->server ? "*" : "localhost"; /* as the connector understands it */
    g_autofree char *host = g_ascii_strdown(*address->host ? address->host : nameless, -1);

    return number ? print_port(number, address->port) : g_strdup_printf("tcp %s:%u", host, address->port);
}

/* Whether a connection to the place can be told by the place itself: not by a host's name. */
static gboolean
is_exact(const QmpAddress *address)
{
    return address->is_abstract || (!address->server && g_hostname_is_ip_address(address->host));
}

void
monitor_id_init(MonitorId *id, const QmpAddress *address)
{
    *id = (MonitorId){ NULL, NULL, NULL };
    if (!address)
        return;
    if (address->type == QMP_ADDRESS_TCP)
        id->place = get_place_of_port(address);
    else if (address->is_abstract)
        id->place = get_place_of_name(address);
    else
        id->place = get_place_of_path(address->path);
    if (address->type == QMP_ADDRESS_TCP || address->is_abstract)
        id->socket = is_exact(address) ? g_strdup(id->place) : NULL;
    else
        id->socket = get_socket_of_path(address->path);
}

/* The name that a socket was bound by need not be the path that it is at now, and that path may be another's: a name alone
 * tells nothing. */
static void
set_unix_peer(MonitorId *id, int fd, const struct sockaddr_un *name, socklen_t length)
{
    gsize n = length - G_STRUCT_OFFSET(struct sockaddr_un, sun_path);
    guint32 pid;

    if (length <= G_STRUCT_OFFSET(struct sockaddr_un, sun_path))
        return; /* of a pair, or QEMU's own end of a connection that it has made */
    if (!name->sun_path[0])
        id->socket = print_abstract(name->sun_path + 1, n - 1);
    else if (qmp_peer_get_pid(fd, &pid))
        id->listener = g_strdup_printf("process %u %.*s", pid, (int)strnlen(name->sun_path, n), name->sun_path);
}

static void
set_tcp_peer(MonitorId *id, gpointer name, socklen_t length)
{
    g_autoptr(GSocketAddress) peer = g_socket_address_new_from_native(name, length);

    if (G_IS_INET_SOCKET_ADDRESS(peer))
        id->socket = print_port(g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(peer)),
                                g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(peer)));
}

static void
set_peer(MonitorId *id, int fd)
{
    struct sockaddr_storage name = { 0 };
    socklen_t length = sizeof name;

    if (getpeername(fd, (struct sockaddr *)&name, &length) < 0)
        return;
    if (name.ss_family == AF_UNIX)
        set_unix_peer(id, fd, (struct sockaddr_un *)&name, length);
    else
        set_tcp_peer(id, &name, length);
}

void
monitor_id_set_connected(MonitorId *id, const QmpAddress *address, int fd)
{
    monitor_id_set_unconnected(id);
    if (address && address->server)
        return; /* QEMU has connected, from anywhere */
    set_peer(id, fd);
    if (address && !id->socket)
        id->socket = get_socket_of_path(address->path);
}

void
monitor_id_set_unconnected(MonitorId *id)
{
    g_clear_pointer(&id->socket, g_free);
    g_clear_pointer(&id->listener, g_free);
}

void
monitor_id_clear(MonitorId *id)
{
    g_clear_pointer(&id->place, g_free);
    monitor_id_set_unconnected(id);
}

gboolean
monitor_id_is_same(const MonitorId *a, const MonitorId *b)
{
    if (a->socket && b->socket)
        return g_str_equal(a->socket, b->socket) && !g_str_equal(a->socket, NO_SOCKET);
    if (a->listener && b->listener)
        return g_str_equal(a->listener, b->listener);
    return a->place && b->place && g_str_equal(a->place, b->place);
}
