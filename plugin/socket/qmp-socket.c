/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by QmpChannel (QEMU's sockets) and QmpServer (clients' sockets); owns the descriptor, the bytes that
 * were read and not used, and the bytes that were sent and not taken.
 *
 * A wake-up reads once, at most 64 KiB, so that a peer that floods takes no more than its turn in the main loop. All
 * that is sent goes out together at the end of a turn, before the loop sleeps: seven commands cost one system call. */
#include "qmp-socket.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd-reserve.h"
#include "poll-set.h"

#define READ_SIZE 65536

/* QEMU takes 16 with one message, and uses one. */
#define MAX_FDS 16

struct QmpSocket {
    PollMember member; /* first; the socket is a member until it is closed */
    guint refs; /* held by the owner and by a dispatch: callbacks may free the socket */
    gboolean has_closed; /* closed or freed: no callback any more */
    int fd; /* owned; -1 when closed */
    const QmpSocketFuncs *funcs; /* weak */
    gpointer user_data;
    gsize max_outgoing;
    GByteArray *unread; /* owned; read and not used; NULL: nothing */
    GByteArray *outgoing; /* owned; NULL: nothing */
    gsize sent; /* bytes at its beginning that have gone */
    guint64 n_given, n_taken; /* bytes of the connection: given to be sent, also where it had failed; taken by the kernel */
    int outgoing_fd; /* owned; -1: none */
    gsize outgoing_fd_at; /* the byte of @outgoing that it goes with */
    gboolean is_blocked; /* the kernel takes no more until it polls as writable */
    gboolean is_dispatching, is_paused, has_ended, is_finishing;
    GError *failure; /* owned; to be told from the main context */
};

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void
close_socket(QmpSocket *socket)
{
    socket->has_closed = TRUE;
    poll_member_leave(&socket->member);
    close_fd(&socket->fd);
    close_fd(&socket->outgoing_fd);
    g_clear_pointer(&socket->unread, g_byte_array_unref);
    g_clear_pointer(&socket->outgoing, g_byte_array_unref);
}

static void
unref_socket(QmpSocket *socket)
{
    if (--socket->refs > 0)
        return;
    g_clear_error(&socket->failure);
    g_free(socket);
}

/* Takes @error. */
static void
end_with(QmpSocket *socket, GError *error)
{
    close_socket(socket);
    socket->funcs->on_closed(error, socket->user_data);
    g_error_free(error);
}

static GError *
new_end(void)
{
    return g_error_new_literal(QMP_ERROR, QMP_ERROR_DISCONNECTED, "the other side closed the connection");
}

static GError *
new_errno_error(int error)
{
    return g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "the connection broke: %s", g_strerror(error));
}

/* A socket that has hung up wakes its poller whatever it polls for: where that is not to be noticed, a socket that has
 * nothing to do is not polled at all. */
static gboolean
wants_hangup(QmpSocket *socket)
{
    return socket->funcs->on_end != NULL;
}

static void fail_later(QmpSocket *socket, GError *error);

static void
update_poll(QmpSocket *socket)
{
    gboolean reads = !socket->is_paused && !socket->has_ended && !socket->unread;
    GIOCondition wanted = (reads ? G_IO_IN : 0) | (socket->is_blocked ? G_IO_OUT : 0);

    if (!socket->has_closed && !poll_member_set(&socket->member, wanted || wants_hangup(socket), wanted))
        fail_later(socket, new_errno_error(errno));
}

void
qmp_socket_forget_outgoing(QmpSocket *socket)
{
    socket->is_blocked = FALSE;
    close_fd(&socket->outgoing_fd);
    g_clear_pointer(&socket->outgoing, g_byte_array_unref);
}

/* Takes @error, to be told from the main context. */
static void
fail_later(QmpSocket *socket, GError *error)
{
    if (socket->failure) {
        g_error_free(error);
        return;
    }
    socket->failure = error;
    qmp_socket_forget_outgoing(socket);
    update_poll(socket);
    poll_member_wake(&socket->member);
}

static gssize
send_beside_fd(QmpSocket *socket, char *text, gsize length)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
    struct iovec data = { text, length };
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = CMSG_LEN(sizeof(int)),
    };
    gssize n;

    memcpy(CMSG_DATA(&control.header), &socket->outgoing_fd, sizeof(int));
    n = sendmsg(socket->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0)
        close_fd(&socket->outgoing_fd);
    return n;
}

/* A descriptor goes with the byte that it belongs to, so the bytes before that go by themselves. */
static void
send_queued(QmpSocket *socket)
{
    gsize begin = socket->sent, end = socket->outgoing->len;
    gboolean has_fd = socket->outgoing_fd >= 0;
    char *text = (char *)socket->outgoing->data + begin;
    gssize n;

    if (has_fd && begin < socket->outgoing_fd_at)
        end = socket->outgoing_fd_at;
    if (has_fd && begin == socket->outgoing_fd_at)
        n = send_beside_fd(socket, text, end - begin);
    else
        n = send(socket->fd, text, end - begin, MSG_DONTWAIT | MSG_NOSIGNAL);
    socket->is_blocked = n < (gssize)(end - begin);
    if (n >= 0) {
        socket->sent += (gsize)n;
        socket->n_taken += (guint64)n;
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        fail_later(socket, new_errno_error(errno));
    }
}

static void
flush(QmpSocket *socket)
{
    GByteArray *outgoing = socket->outgoing;

    do {
        send_queued(socket);
        if (!socket->outgoing)
            return;
    } while (!socket->is_blocked && socket->sent < outgoing->len);
    if (socket->sent == outgoing->len) {
        g_clear_pointer(&socket->outgoing, g_byte_array_unref);
    } else if (socket->sent > outgoing->len / 2) {
        g_byte_array_remove_range(outgoing, 0, (guint)socket->sent);
        socket->outgoing_fd_at -= MIN(socket->outgoing_fd_at, socket->sent);
        socket->sent = 0;
    }
    update_poll(socket);
    if (socket->is_finishing && !socket->outgoing)
        fail_later(socket, new_end());
}

/* Keeps the bytes that are not used, with the NUL behind them. */
static void
use_bytes(QmpSocket *socket, const char *text, gsize length, const int *fds, guint n_fds)
{
    gsize used = socket->funcs->on_bytes(text, length, fds, n_fds, socket->user_data);

    if (used < length && !socket->has_closed) {
        socket->unread = g_byte_array_new();
        g_byte_array_append(socket->unread, (const guint8 *)text + used, (guint)(length - used + 1));
        if (!socket->is_paused)
            poll_member_wake(&socket->member);
    }
    update_poll(socket);
}

static guint
copy_fds(struct msghdr *message, int fds[MAX_FDS])
{
    guint n = 0;

    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        gsize size = header->cmsg_len - CMSG_LEN(0);
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        for (gsize at = 0; at < size && n < MAX_FDS; at += sizeof(int)) {
            memcpy(&fds[n], CMSG_DATA(header) + at, sizeof(int));
            n += fd_reserve_pass(fds[n]) >= 0;
        }
    }
    return n;
}

/* The other side writes no more. */
static void
take_end(QmpSocket *socket, GIOCondition condition)
{
    if (!socket->funcs->on_end || (condition & (G_IO_HUP | G_IO_ERR))) {
        end_with(socket, new_end());
        return;
    }
    socket->has_ended = TRUE;
    update_poll(socket);
    socket->funcs->on_end(socket->user_data);
}

static void
read_socket(QmpSocket *socket, GIOCondition condition)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(MAX_FDS * sizeof(int))];
    } control;
    char buffer[READ_SIZE + 1];
    int fds[MAX_FDS];
    struct iovec data = { buffer, READ_SIZE };
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    gssize n = recvmsg(socket->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n > 0) {
        buffer[n] = '\0';
        use_bytes(socket, buffer, (gsize)n, fds, copy_fds(&message, fds));
    } else if (n == 0) {
        take_end(socket, condition);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        end_with(socket, new_errno_error(errno));
    } else if (socket->failure) {
        end_with(socket, g_steal_pointer(&socket->failure));
    }
}

static void
receive(QmpSocket *socket, GIOCondition condition)
{
    g_autoptr(GByteArray) unread = NULL;

    if (socket->is_paused || socket->has_ended) {
        if (wants_hangup(socket) && (condition & (G_IO_HUP | G_IO_ERR)))
            end_with(socket, new_end());
        return;
    }
    unread = g_steal_pointer(&socket->unread);
    if (unread)
        use_bytes(socket, (const char *)unread->data, unread->len - 1, NULL, 0);
    else
        read_socket(socket, condition);
}

/* An errno of sending is told when everything that had come before is read, if anything is read at all. */
static gboolean
must_fail_now(QmpSocket *socket)
{
    return socket->failure && (socket->failure->code == QMP_ERROR_LIMIT || socket->is_finishing || socket->has_ended);
}

/* A main loop inside a callback finds the socket busy. */
static void
on_socket_ready(PollMember *member, GIOCondition condition)
{
    QmpSocket *socket = (QmpSocket *)member;

    if (socket->is_dispatching)
        return;
    socket->is_dispatching = TRUE;
    socket->refs++;
    if (socket->outgoing)
        flush(socket);
    if (must_fail_now(socket))
        end_with(socket, g_steal_pointer(&socket->failure));
    else
        receive(socket, condition);
    if (socket->failure && !socket->has_closed && !socket->is_paused)
        poll_member_wake(&socket->member);
    socket->is_dispatching = FALSE;
    unref_socket(socket);
}

static void
flush_socket(PollMember *member)
{
    QmpSocket *socket = (QmpSocket *)member;

    if (socket->outgoing && !socket->is_blocked)
        flush(socket);
}

QmpSocket *
qmp_socket_new(GMainContext *context, int fd, gsize max_outgoing, const QmpSocketFuncs *funcs, gpointer user_data)
{
    static const PollMemberFuncs member_funcs = { flush_socket, on_socket_ready };
    QmpSocket *socket = g_new0(QmpSocket, 1);

    socket->refs = 1;
    socket->fd = fd;
    socket->outgoing_fd = -1;
    socket->max_outgoing = max_outgoing;
    socket->funcs = funcs;
    socket->user_data = user_data;
    poll_member_join(&socket->member, context, fd, &member_funcs);
    update_poll(socket);
    return socket;
}

void
qmp_socket_free(QmpSocket *socket)
{
    if (socket->outgoing && !socket->is_blocked && !socket->has_closed)
        flush(socket);
    if (!socket->has_closed)
        close_socket(socket);
    unref_socket(socket);
}

void
qmp_socket_send(QmpSocket *socket, const char *text, gsize length)
{
    gsize waiting = qmp_socket_get_outgoing_size(socket);

    socket->n_given += length;
    if (socket->has_closed || socket->failure)
        return;
    if (waiting > socket->max_outgoing) {
        fail_later(socket,
                   g_error_new(QMP_ERROR, QMP_ERROR_LIMIT, "%zu bytes wait to be read by the other side", waiting));
        return;
    }
    if (!socket->outgoing) {
        socket->outgoing = g_byte_array_new();
        socket->sent = 0;
    }
    g_byte_array_append(socket->outgoing, (const guint8 *)text, (guint)length);
    poll_member_flush_later(&socket->member);
}

void
qmp_socket_send_with_fd(QmpSocket *socket, const char *text, gsize length, int fd)
{
    gsize before = socket->outgoing ? socket->outgoing->len : 0;

    /* Without its descriptor a command may do another thing. */
    if (socket->outgoing_fd >= 0)
        fail_later(socket, g_error_new(QMP_ERROR, QMP_ERROR_LIMIT, "a descriptor was to be sent before another had gone"));
    qmp_socket_send(socket, text, length);
    if (socket->has_closed || socket->failure) {
        close(fd);
        return;
    }
    socket->outgoing_fd = fd;
    socket->outgoing_fd_at = before;
}

gsize
qmp_socket_get_outgoing_size(QmpSocket *socket)
{
    return socket->outgoing ? socket->outgoing->len - socket->sent : 0;
}

guint64
qmp_socket_get_n_given(QmpSocket *socket)
{
    return socket->n_given;
}

guint64
qmp_socket_get_n_taken(QmpSocket *socket)
{
    return socket->n_taken;
}

int
qmp_socket_get_fd(QmpSocket *socket)
{
    return socket->fd;
}

gsize
qmp_socket_get_unread_size(QmpSocket *socket)
{
    int queued = 0;

    if (socket->has_closed || ioctl(socket->fd, SIOCOUTQ, &queued) < 0)
        queued = 0;
    return qmp_socket_get_outgoing_size(socket) + (gsize)queued;
}

void
qmp_socket_finish(QmpSocket *socket)
{
    socket->is_finishing = TRUE;
    if (!socket->outgoing && !socket->has_closed)
        fail_later(socket, new_end());
}

void
qmp_socket_set_paused(QmpSocket *socket, gboolean is_paused)
{
    socket->is_paused = is_paused;
    if (socket->has_closed)
        return;
    update_poll(socket);
    if (!is_paused && (socket->unread || socket->failure))
        poll_member_wake(&socket->member);
}
