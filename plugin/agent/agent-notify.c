/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sd_notify(3) without libsystemd: one datagram a message to the Unix socket that NOTIFY_SOCKET names. Used by
 * agent.c. Owns its socket. */
#include "agent-notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct AgentNotify {
    int fd; /* owned; -1: nobody to tell */
};

/* @path as in NOTIFY_SOCKET: absolute, or `@` and an abstract name. Returns the address's size; 0: not such a path. */
static socklen_t
make_notify_address(const char *path, struct sockaddr_un *ret_address)
{
    gsize size = strlen(path);

    if ((path[0] != '/' && path[0] != '@') || size < 2 || size >= sizeof(ret_address->sun_path)) {
        errno = EINVAL;
        return 0;
    }
    *ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(ret_address->sun_path, path, size);
    if (path[0] == '@')
        ret_address->sun_path[0] = '\0';
    else
        size++; /* the NUL, which is no part of an abstract name */
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

/* -1 with errno. */
static int
connect_to(const char *path)
{
    struct sockaddr_un address;
    socklen_t size = make_notify_address(path, &address);
    int fd;

    if (size == 0)
        return -1;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, size) < 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

AgentNotify *
agent_notify_new(void)
{
    AgentNotify *notify = g_new0(AgentNotify, 1);
    const char *path = g_getenv("NOTIFY_SOCKET");

    notify->fd = -1;
    if (path == NULL || path[0] == '\0')
        return notify;
    notify->fd = connect_to(path);
    if (notify->fd < 0)
        g_warning("Cannot notify %s: %s", path, g_strerror(errno));
    g_unsetenv("NOTIFY_SOCKET");
    return notify;
}

void
agent_notify_free(AgentNotify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    g_free(notify);
}

static void
notify_send(AgentNotify *notify, const char *state, const char *status)
{
    g_autofree char *text = g_strdup_printf("%sSTATUS=%s", state, status);

    if (notify->fd < 0)
        return;
    /* A newline would start another assignment. */
    g_strdelimit(text + strlen(state), "\n", ' ');
    if (send(notify->fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        g_warning("Cannot notify: %s", g_strerror(errno));
}

void
agent_notify_ready(AgentNotify *notify, const char *status)
{
    notify_send(notify, "READY=1\n", status);
}

void
agent_notify_stopping(AgentNotify *notify, const char *status)
{
    notify_send(notify, "STOPPING=1\n", status);
}

/* The manager tells by the time which of several reloads it is about. */
void
agent_notify_reloading(AgentNotify *notify, const char *status)
{
    g_autofree char *state =
        g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT "\n", g_get_monotonic_time());

    notify_send(notify, state, status);
}

void
agent_notify_status(AgentNotify *notify, const char *status)
{
    notify_send(notify, "", status);
}
