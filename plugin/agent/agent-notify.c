/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sd_notify(3) without libsystemd: one datagram a message to the Unix socket that NOTIFY_SOCKET names. Used by
 * agent.c. Owns its socket, and what waits until the manager has room for it: nothing here blocks. */
#include "agent-notify.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Messages that wait. Modules may want two descriptors kept or dropped for each of ten thousand things; of a manager that reads none
 * of that nothing is to be expected. */
#define MAX_WAITING 20000

/* ms for each message that still waits in the end. */
#define LAST_WAIT 100

typedef struct Message {
    char *text; /* owned */
    int fd; /* owned; -1: none */
} Message;

struct AgentNotify {
    GMainContext *context; /* ref */
    int fd; /* owned; -1: nobody to tell */
    GQueue waiting; /* of Message (owned) */
    GSource *writable; /* owned; while some wait */
    GSource *watchdog; /* owned; NULL: nobody has asked for it */
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

static void
free_message(gpointer data)
{
    Message *message = data;

    if (message->fd >= 0)
        close(message->fd);
    g_free(message->text);
    g_free(message);
}

/* FALSE: there is no room. */
static gboolean
send_message(AgentNotify *notify, const Message *message)
{
    struct iovec text = { .iov_base = message->text, .iov_len = strlen(message->text) };
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct msghdr header = { .msg_iov = &text, .msg_iovlen = 1 };

    if (message->fd >= 0) {
        header.msg_control = &control;
        header.msg_controllen = sizeof control;
        control.header = (struct cmsghdr){ CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
        memcpy(CMSG_DATA(&control.header), &message->fd, sizeof message->fd);
    }
    if (sendmsg(notify->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
        return TRUE;
    if (errno == EAGAIN || errno == ENOBUFS)
        return FALSE;
    g_warning("Cannot notify: %s", g_strerror(errno));
    return TRUE;
}

static void
stop_source(GSource **source)
{
    if (*source == NULL)
        return;
    g_source_destroy(*source);
    g_clear_pointer(source, g_source_unref);
}

static void
send_waiting(AgentNotify *notify)
{
    while (notify->waiting.length > 0 && send_message(notify, g_queue_peek_head(&notify->waiting)))
        free_message(g_queue_pop_head(&notify->waiting));
}

static gboolean
on_notify_writable(int fd, GIOCondition condition, gpointer user_data)
{
    AgentNotify *notify = user_data;

    send_waiting(notify);
    if (notify->waiting.length == 0)
        stop_source(&notify->writable);
    return G_SOURCE_CONTINUE;
}

static void
wait_for_room(AgentNotify *notify)
{
    if (notify->writable != NULL)
        return;
    notify->writable = g_unix_fd_source_new(notify->fd, G_IO_OUT);
    g_source_set_static_name(notify->writable, "notification");
    g_source_set_callback(notify->writable, G_SOURCE_FUNC(on_notify_writable), notify, /* notify= */ NULL);
    g_source_attach(notify->writable, notify->context);
}

/* Takes @text and @fd. In their order. */
static void
notify_send(AgentNotify *notify, char *text, int fd)
{
    Message *message = g_new0(Message, 1);

    *message = (Message){ .text = text, .fd = fd };
    if (notify->fd < 0 || notify->waiting.length >= MAX_WAITING ||
        (notify->waiting.length == 0 && send_message(notify, message))) {
        free_message(message);
        return;
    }
    g_queue_push_tail(&notify->waiting, message);
    wait_for_room(notify);
}

/* The main loop itself says that it turns: one that is held up is noticed. */
static gboolean
on_watchdog(gpointer user_data)
{
    notify_send(user_data, g_strdup("WATCHDOG=1"), /* fd= */ -1);
    return G_SOURCE_CONTINUE;
}

static guint64
steal_number(const char *variable)
{
    g_autofree char *text = g_strdup(g_getenv(variable));
    guint64 number = 0;

    g_unsetenv(variable);
    if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 1, G_MAXINT64, &number, /* error= */ NULL))
        return 0;
    return number;
}

/* WATCHDOG_PID: whom it is meant for; without it, whoever reads it. */
static void
start_watchdog(AgentNotify *notify)
{
    guint64 interval = steal_number("WATCHDOG_USEC") / 2, pid = steal_number("WATCHDOG_PID");

    if (interval == 0 || notify->fd < 0 || (pid != 0 && pid != (guint64)getpid()))
        return;
    notify->watchdog = g_timeout_source_new((guint)CLAMP(interval / 1000, 1, G_MAXINT));
    g_source_set_static_name(notify->watchdog, "watchdog");
    g_source_set_callback(notify->watchdog, on_watchdog, notify, /* notify= */ NULL);
    g_source_attach(notify->watchdog, notify->context);
}

AgentNotify *
agent_notify_new(GMainContext *context)
{
    AgentNotify *notify = g_new0(AgentNotify, 1);
    const char *path = g_getenv("NOTIFY_SOCKET");

    notify->context = g_main_context_ref(context);
    notify->fd = -1;
    if (path != NULL && path[0] != '\0') {
        notify->fd = connect_to(path);
        if (notify->fd < 0)
            g_warning("Cannot notify %s: %s", path, g_strerror(errno));
        g_unsetenv("NOTIFY_SOCKET");
    }
    start_watchdog(notify);
    return notify;
}

void
agent_notify_free(AgentNotify *notify)
{
    struct pollfd room = { .fd = notify->fd, .events = POLLOUT };

    while (notify->waiting.length > 0 && poll(&room, 1, LAST_WAIT) > 0)
        send_waiting(notify);
    g_queue_clear_full(&notify->waiting, free_message);
    stop_source(&notify->writable);
    stop_source(&notify->watchdog);
    if (notify->fd >= 0)
        close(notify->fd);
    g_main_context_unref(notify->context);
    g_free(notify);
}

gboolean
agent_notify_is_heard(AgentNotify *notify)
{
    return notify->fd >= 0;
}

static void
send_state(AgentNotify *notify, const char *state, const char *status)
{
    g_autofree char *text = g_strdup_printf("%sSTATUS=%s", state, status);

    /* A newline would start another assignment. */
    g_strdelimit(text + strlen(state), "\n", ' ');
    notify_send(notify, g_steal_pointer(&text), /* fd= */ -1);
}

void
agent_notify_ready(AgentNotify *notify, const char *status)
{
    send_state(notify, "READY=1\n", status);
}

void
agent_notify_stopping(AgentNotify *notify, const char *status)
{
    send_state(notify, "STOPPING=1\n", status);
}

/* The manager tells by the time which of several reloads it is about. */
void
agent_notify_reloading(AgentNotify *notify, const char *status)
{
    g_autofree char *state =
        g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT "\n", g_get_monotonic_time());

    send_state(notify, state, status);
}

void
agent_notify_status(AgentNotify *notify, const char *status)
{
    send_state(notify, "", status);
}

gboolean
agent_notify_store(AgentNotify *notify, const char *name, int fd)
{
    int duplicate = notify->fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (duplicate >= 0)
        notify_send(notify, g_strconcat("FDSTORE=1\nFDNAME=", name, NULL), duplicate);
    return duplicate >= 0;
}

void
agent_notify_unstore(AgentNotify *notify, const char *name)
{
    notify_send(notify, g_strconcat("FDSTOREREMOVE=1\nFDNAME=", name, NULL), /* fd= */ -1);
}
