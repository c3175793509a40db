/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an address to a connected socket. Used by whoever owns a QMP session and by its retries; owns the listening
 * socket and the one that is being connected.
 *
 * The path of a start: on_started() -> one of connect_unix(), listen_unix(), on_resolved() -> finish_connecting(). Everything but
 * qmp_connector_start() runs from a source, one at a time, so finish_connecting() may call out directly and comes last. */
#include "qmp-connector.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fd-reserve.h"
#include "qmp-resolver.h"

#define SOCKET_TYPE (SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK)

struct QmpConnector {
    GMainContext *context; /* ref */
    QmpAddress *address; /* owned */
    QmpConnectedFunc func;
    gpointer user_data;
    GSource *source; /* owned; NULL: nothing is waited for, or the resolver is */
    QmpResolver *resolver; /* owned; while it looks up */
    GList *candidates; /* owned, GInetAddress; to be tried next */
    int fd; /* owned; being connected; -1: none */
    int listen_fd; /* owned; -1: none */
    QmpLinkRule link_rule;
    guint32 user; /* uid; listening at a Unix address: whose QEMU is taken */
    gboolean bound; /* our path, as in: */
    dev_t bound_device;
    ino_t bound_inode;
};

static void
clear_source(QmpConnector *connector)
{
    if (connector->source)
        g_source_destroy(connector->source);
    g_clear_pointer(&connector->source, g_source_unref);
}

/* @callback: of the type that @source takes. */
static void
set_source(QmpConnector *connector, GSource *source, GSourceFunc callback)
{
    clear_source(connector);
    connector->source = source;
    g_source_set_callback(source, callback, connector, NULL);
    g_source_attach(source, connector->context);
}

static void
clear_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void
clear_attempt(QmpConnector *connector)
{
    clear_source(connector);
    g_clear_pointer(&connector->resolver, qmp_resolver_free);
    g_list_free_full(g_steal_pointer(&connector->candidates), g_object_unref);
    clear_fd(&connector->fd);
}

static void
finish_connecting(QmpConnector *connector, int fd)
{
    clear_attempt(connector);
    connector->func(fd, NULL, connector->user_data);
}

static void
finish_with_code(QmpConnector *connector, QmpErrorCode code, const char *what, const char *why)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, code, "%s: %s: %s", connector->address->text, what, why);
    clear_attempt(connector);
    connector->func(-1, error, connector->user_data);
}

static void
finish_with_error(QmpConnector *connector, const char *what, const char *why)
{
    finish_with_code(connector, QMP_ERROR_DISCONNECTED, what, why);
}

/* In words, where the system's tell of something else. */
static const char *
get_reason(int error)
{
    if (error == EAGAIN)
        return "the monitor is busy with another client (Resource temporarily unavailable)";
    if (error == ENOTSOCK)
        return "it is not a socket";
    if (error == EXDEV)
        return "the link leads to another user's socket";
    if (error == EPROTOTYPE)
        return "it is a socket of another kind than QMP's (Protocol wrong type for socket)";
    if (error == EAFNOSUPPORT)
        return "the agent may not use this kind of network (Address family not supported by protocol); as a service it has none, "
               "unless its unit says so (RestrictAddressFamilies=)";
    return g_strerror(error);
}

/* @error: an errno. */
static void
finish_unconnected(QmpConnector *connector, int error)
{
    QmpErrorCode code = error == ECONNREFUSED ? QMP_ERROR_REFUSED
                        : error == ENOENT     ? QMP_ERROR_MISSING
                                              : QMP_ERROR_DISCONNECTED;
    finish_with_code(connector, code, "cannot connect", get_reason(error));
}

static void
connect_unix(QmpConnector *connector)
{
    int fd = fd_reserve_pass(socket(AF_UNIX, SOCKET_TYPE, 0));
    int error = fd < 0 ? errno : qmp_unix_socket_connect(connector->address, connector->link_rule, fd);
    if (error == 0) {
        finish_connecting(connector, fd);
        return;
    }
    clear_fd(&fd);
    finish_unconnected(connector, error);
}

static void
set_tcp_options(int fd)
{
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static gboolean
is_expected_user(QmpConnector *connector, int fd)
{
    guint32 uid;

    if (connector->address->type == QMP_ADDRESS_TCP)
        return TRUE;
    return qmp_peer_get_uid(fd, &uid) && uid == connector->user;
}

static gboolean
on_acceptable(int listen_fd, GIOCondition condition, gpointer user_data)
{
    QmpConnector *connector = user_data;
    int fd = fd_reserve_has_room(listen_fd) ? accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;

    if (fd < 0) {
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
            return G_SOURCE_CONTINUE; /* the peer that had connected is gone again */
        finish_with_error(connector, "cannot accept a connection", g_strerror(errno));
        return G_SOURCE_REMOVE;
    }
    if (!is_expected_user(connector, fd)) {
        close(fd);
        return G_SOURCE_CONTINUE;
    }
    if (connector->address->type == QMP_ADDRESS_TCP)
        set_tcp_options(fd);
    finish_connecting(connector, fd);
    return G_SOURCE_REMOVE;
}

static void
wait_for_peer(QmpConnector *connector)
{
    set_source(connector, g_unix_fd_source_new(connector->listen_fd, G_IO_IN), G_SOURCE_FUNC(on_acceptable));
}

/* Somebody else may have taken the path over meanwhile. */
static void
remove_path(QmpConnector *connector)
{
    struct stat status;
    if (connector->bound && lstat(connector->address->path, &status) == 0 &&
        status.st_dev == connector->bound_device && status.st_ino == connector->bound_inode)
        unlink(connector->address->path);
    connector->bound = FALSE;
}

/* The path of a socket that is bound. NULL, or why it cannot be used. */
static const char *
give_path(QmpConnector *connector)
{
    struct stat status = { 0 };
    gboolean is_given = qmp_unix_socket_give(AT_FDCWD, connector->address->path, connector->user, &status);
    int error = errno;

    connector->bound = status.st_ino != 0;
    connector->bound_device = status.st_dev;
    connector->bound_inode = status.st_ino;
    if (is_given)
        return NULL;
    remove_path(connector);
    return error == EPERM || error == ENOTSUP
               ? "the agent may not give the socket to the user whose QEMU is to connect"
               : g_strerror(error);
}

static void
listen_unix(QmpConnector *connector)
{
    int fd = fd_reserve_pass(socket(AF_UNIX, SOCKET_TYPE, 0));
    const char *why = fd < 0 ? g_strerror(errno) : qmp_unix_socket_bind(connector->address, fd);
    if (!why && !connector->address->is_abstract)
        why = give_path(connector);
    if (!why && listen(fd, 1) < 0)
        why = g_strerror(errno);
    if (why) {
        clear_fd(&fd);
        finish_with_error(connector, "cannot listen", why);
        return;
    }
    connector->listen_fd = fd;
    wait_for_peer(connector);
}

static socklen_t
to_native(GInetAddress *host, guint16 port, struct sockaddr_storage *ret_name)
{
    g_autoptr(GSocketAddress) address = g_inet_socket_address_new(host, port);
    memset(ret_name, 0, sizeof(*ret_name));
    g_socket_address_to_native(address, ret_name, sizeof(*ret_name), NULL);
    return (socklen_t)g_socket_address_get_native_size(address);
}

static gboolean on_connect_result(int fd, GIOCondition condition, gpointer user_data);

/* Tries the candidates that are left. @error: why the last one failed. */
static void
connect_next(QmpConnector *connector, int error)
{
    while (connector->candidates) {
        g_autoptr(GInetAddress) host = connector->candidates->data;
        connector->candidates = g_list_delete_link(connector->candidates, connector->candidates);
        struct sockaddr_storage name;
        socklen_t length = to_native(host, connector->address->port, &name);
        clear_fd(&connector->fd);
        connector->fd = fd_reserve_pass(socket(name.ss_family, SOCKET_TYPE, 0));
        if (connector->fd >= 0 &&
            (connect(connector->fd, (struct sockaddr *)&name, length) == 0 || errno == EINPROGRESS)) {
            set_source(connector, g_unix_fd_source_new(connector->fd, G_IO_OUT), G_SOURCE_FUNC(on_connect_result));
            return;
        }
        error = errno;
    }
    finish_unconnected(connector, error);
}

static gboolean
on_connect_result(int fd, GIOCondition condition, gpointer user_data)
{
    QmpConnector *connector = user_data;
    int error = 0;
    socklen_t length = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
        error = errno;
    if (error != 0) {
        clear_source(connector);
        connect_next(connector, error);
        return G_SOURCE_REMOVE;
    }
    set_tcp_options(fd);
    connector->fd = -1;
    finish_connecting(connector, fd);
    return G_SOURCE_REMOVE;
}

/* Listens on the first of the candidates that can be had. */
static void
listen_tcp(QmpConnector *connector)
{
    const int on = 1, off = 0;
    int error = 0;
    for (GList *link = connector->candidates; link; link = link->next) {
        struct sockaddr_storage name;
        socklen_t length = to_native(link->data, connector->address->port, &name);
        int fd = fd_reserve_pass(socket(name.ss_family, SOCKET_TYPE, 0));
        if (fd >= 0) {
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
            /* The wildcard address of IPv6 takes connections of IPv4 as well. */
            if (name.ss_family == AF_INET6)
                setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
        }
        if (fd >= 0 && bind(fd, (struct sockaddr *)&name, length) == 0 && listen(fd, 1) == 0) {
            connector->listen_fd = fd;
            wait_for_peer(connector);
            return;
        }
        error = errno;
        clear_fd(&fd);
    }
    finish_with_error(connector, "cannot listen", get_reason(error));
}

static void
use_candidates(QmpConnector *connector)
{
    if (connector->address->server)
        listen_tcp(connector);
    else
        connect_next(connector, 0);
}

static void
on_resolved(GList *addresses, const GError *error, gpointer user_data)
{
    QmpConnector *connector = user_data;
    if (error) {
        finish_with_error(connector, "cannot find the host", error->message);
        return;
    }
    connector->candidates = g_list_copy_deep(addresses, (GCopyFunc)(void (*)(void))g_object_ref, NULL);
    g_clear_pointer(&connector->resolver, qmp_resolver_free);
    use_candidates(connector);
}

/* Addresses that need no look-up. IPv4 first when connecting: QEMU's `tcp::PORT` listens there on every host. */
static GList *
get_known_addresses(const QmpAddress *address)
{
    const GSocketFamily v4 = G_SOCKET_FAMILY_IPV4, v6 = G_SOCKET_FAMILY_IPV6;
    if (address->host[0] == '\0' && address->server)
        return g_list_append(g_list_append(NULL, g_inet_address_new_any(v6)), g_inet_address_new_any(v4));
    if (address->host[0] == '\0' || g_ascii_strcasecmp(address->host, "localhost") == 0)
        return g_list_append(g_list_append(NULL, g_inet_address_new_loopback(v4)), g_inet_address_new_loopback(v6));
    GInetAddress *number = g_inet_address_new_from_string(address->host);
    return number ? g_list_append(NULL, number) : NULL;
}

static void
start_tcp(QmpConnector *connector)
{
    connector->candidates = get_known_addresses(connector->address);
    if (connector->candidates)
        use_candidates(connector);
    else
        connector->resolver = qmp_resolver_new(connector->context, connector->address->host, on_resolved, connector);
}

static gboolean
on_started(gpointer user_data)
{
    QmpConnector *connector = user_data;
    clear_source(connector);
    if (connector->listen_fd >= 0)
        wait_for_peer(connector);
    else if (connector->address->type == QMP_ADDRESS_TCP)
        start_tcp(connector);
    else if (connector->address->server)
        listen_unix(connector);
    else
        connect_unix(connector);
    return G_SOURCE_REMOVE;
}

QmpConnector *
qmp_connector_new(GMainContext *context, const QmpAddress *address, guint32 user, QmpConnectedFunc func,
                  gpointer user_data)
{
    QmpConnector *connector = g_new0(QmpConnector, 1);
    connector->context = context ? g_main_context_ref(context) : NULL;
    connector->address = qmp_address_copy(address);
    connector->func = func;
    connector->user_data = user_data;
    connector->fd = connector->listen_fd = -1;
    connector->user = user;
    return connector;
}

void
qmp_connector_set_link_rule(QmpConnector *connector, QmpLinkRule rule)
{
    connector->link_rule = rule;
}

void
qmp_connector_start(QmpConnector *connector)
{
    g_return_if_fail(!connector->source && !connector->resolver);
    GSource *source = g_idle_source_new();
    /* An idle priority would wait for a main loop that is never idle. */
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    set_source(connector, source, on_started);
}

void
qmp_connector_stop(QmpConnector *connector)
{
    clear_attempt(connector);
}

void
qmp_connector_free(QmpConnector *connector)
{
    clear_attempt(connector);
    remove_path(connector);
    clear_fd(&connector->listen_fd);
    g_clear_pointer(&connector->context, g_main_context_unref);
    qmp_address_free(connector->address);
    g_free(connector);
}
