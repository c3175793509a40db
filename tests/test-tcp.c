/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-tcp.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int
test_tcp_reserve(int family, guint16 *ret_port)
{
    struct sockaddr_storage name = { .ss_family = (sa_family_t)family };
    socklen_t length = sizeof(name);
    const int on = 1;
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (family == AF_INET)
        ((struct sockaddr_in *)&name)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        ((struct sockaddr_in6 *)&name)->sin6_addr = in6addr_loopback;
    g_assert_no_errno(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
    if (bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0) {
        close(fd);
        return -1;
    }
    g_assert_no_errno(getsockname(fd, (struct sockaddr *)&name, &length));
    *ret_port = g_ntohs(((struct sockaddr_in *)&name)->sin_port);
    return fd;
}

int
test_tcp_new_listener(int family, guint16 *ret_port)
{
    int fd = test_tcp_reserve(family, ret_port);
    g_assert_no_errno(fd);
    g_assert_no_errno(listen(fd, 5));
    return fd;
}

/* Where the interface is down, one can bind to its address and not get there. */
static gboolean
is_reachable(int family)
{
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    guint16 port;
    int listener = test_tcp_reserve(family, &port);
    if (listener < 0)
        return FALSE;
    int client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_no_errno(listen(listener, 1));
    g_assert_no_errno(getsockname(listener, (struct sockaddr *)&name, &length));
    gboolean connected = connect(client, (struct sockaddr *)&name, length) == 0;
    close(client);
    close(listener);
    return connected;
}

gboolean
test_tcp_skip_without(int family)
{
    if (is_reachable(family))
        return FALSE;
    g_test_skip(family == AF_INET6 ? "no IPv6" : "no loopback interface");
    return TRUE;
}
