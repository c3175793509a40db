/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by QmpServer; owns the descriptor, one GSource, what was read and not used, and what was sent and not taken. A
 * wake-up reads once, at most 64 KiB, so that a client that floods takes no more than its turn in the main loop. */
#include "qmp-stream.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 65536

/* QEMU takes 16 with one message, and uses one. */
#define MAX_FDS 16

struct QmpStream {
    guint refs; /* held by the owner and by a dispatch: callbacks may free the stream */
    gboolean has_closed; /* closed or freed: no callback any more */
    int fd; /* owned; -1 when closed */
    GSource *source; /* owned; NULL when closed */
    gpointer fd_tag; /* weak */
    GIOCondition polled;
    const QmpStreamFuncs *funcs; /* weak */
    gpointer user_data;
    gsize max_outgoing;
    GByteArray *unread; /* owned; what was read and not used; NULL: nothing */
    GByteArray *outgoing; /* owned; NULL: nothing */
    gsize sent; /* bytes at its beginning that have gone */
    gboolean is_blocked; /* the socket takes no more until it polls as writable */
    gboolean is_paused, has_ended, is_finishing;
    GError *failure; /* owned; to be told from the main context */
};

typedef struct StreamSource {
    GSource source;
    QmpStream *stream; /* weak: the stream destroys its source */
} StreamSource;

static void
close_socket(QmpStream *stream)
{
    stream->has_closed = TRUE;
    g_source_destroy(stream->source);
    g_clear_pointer(&stream->source, g_source_unref);
    close(stream->fd);
    stream->fd = -1;
    g_clear_pointer(&stream->unread, g_byte_array_unref);
    g_clear_pointer(&stream->outgoing, g_byte_array_unref);
}

static void
stream_unref(QmpStream *stream)
{
    if (--stream->refs > 0)
        return;
    g_clear_error(&stream->failure);
    g_free(stream);
}

/* Takes @error. */
static void
end_with(QmpStream *stream, GError *error)
{
    close_socket(stream);
    stream->funcs->on_closed(error, stream->user_data);
    g_error_free(error);
}

static GError *
new_end(const char *words)
{
    return g_error_new_literal(QMP_ERROR, QMP_ERROR_DISCONNECTED, words);
}

/* A hang-up wakes the loop whatever is polled for. */
static void
update_poll(QmpStream *stream)
{
    GIOCondition wanted =
        (stream->is_paused || stream->has_ended || stream->unread ? 0 : G_IO_IN) | (stream->is_blocked ? G_IO_OUT : 0);

    if (wanted == stream->polled || stream->has_closed)
        return;
    stream->polled = wanted;
    g_source_modify_unix_fd(stream->source, stream->fd_tag, wanted);
}

/* Takes @error. */
static void
fail_later(QmpStream *stream, GError *error)
{
    if (stream->failure) {
        g_error_free(error);
        return;
    }
    stream->failure = error;
    stream->is_blocked = FALSE;
    g_clear_pointer(&stream->outgoing, g_byte_array_unref);
    g_source_set_ready_time(stream->source, 0);
}

static void
flush(QmpStream *stream)
{
    GByteArray *outgoing = stream->outgoing;
    gssize n =
        send(stream->fd, outgoing->data + stream->sent, outgoing->len - stream->sent, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        fail_later(stream, new_end(g_strerror(errno)));
        return;
    }
    stream->sent += (gsize)MAX(n, 0);
    stream->is_blocked = stream->sent < outgoing->len;
    if (!stream->is_blocked) {
        g_clear_pointer(&stream->outgoing, g_byte_array_unref);
    } else if (stream->sent > outgoing->len / 2) {
        g_byte_array_remove_range(outgoing, 0, (guint)stream->sent);
        stream->sent = 0;
    }
    update_poll(stream);
    if (stream->is_finishing && !stream->outgoing)
        fail_later(stream, new_end("The session has ended"));
}

static void
use(QmpStream *stream, const char *text, gsize length, const int *fds, guint n_fds)
{
    gsize used = stream->funcs->on_bytes(text, length, fds, n_fds, stream->user_data);

    if (used < length && !stream->has_closed) {
        stream->unread = g_byte_array_new();
        g_byte_array_append(stream->unread, (const guint8 *)text + used, (guint)(length - used));
        if (!stream->is_paused)
            g_source_set_ready_time(stream->source, 0);
    }
    update_poll(stream);
}

static guint
copy_fds(struct msghdr *message, int fds[MAX_FDS])
{
    guint n = 0;

    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        gsize size = header->cmsg_len - CMSG_LEN(0);
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size = MIN(size, (MAX_FDS - n) * sizeof(int));
        memcpy(fds + n, CMSG_DATA(header), size);
        n += (guint)(size / sizeof(int));
    }
    return n;
}

static void
take_end(QmpStream *stream, GIOCondition condition)
{
    stream->has_ended = TRUE;
    update_poll(stream);
    if (condition & (G_IO_HUP | G_IO_ERR))
        end_with(stream, new_end("The client has closed the connection"));
    else
        stream->funcs->on_end(stream->user_data);
}

static void
read_socket(QmpStream *stream, GIOCondition condition)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(MAX_FDS * sizeof(int))];
    } control;
    char buffer[READ_SIZE];
    int fds[MAX_FDS];
    struct iovec data = { buffer, sizeof buffer };
    struct msghdr message = {
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    gssize n = recvmsg(stream->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n > 0)
        use(stream, buffer, (gsize)n, fds, copy_fds(&message, fds));
    else if (n == 0)
        take_end(stream, condition);
    else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        end_with(stream, new_end(g_strerror(errno)));
}

static void
receive(QmpStream *stream, GIOCondition condition)
{
    g_autoptr(GByteArray) unread = NULL;

    if (stream->is_paused || stream->has_ended) {
        if (condition & (G_IO_HUP | G_IO_ERR))
            end_with(stream, new_end("The client has closed the connection"));
        return;
    }
    unread = g_steal_pointer(&stream->unread);
    if (unread)
        use(stream, (const char *)unread->data, unread->len, NULL, 0);
    else
        read_socket(stream, condition);
}

static gboolean
on_socket(GSource *source, GSourceFunc unused_func, gpointer unused_data)
{
    QmpStream *stream = ((StreamSource *)source)->stream;
    GIOCondition condition = g_source_query_unix_fd(source, stream->fd_tag);

    stream->refs++;
    g_source_set_ready_time(source, -1);
    if (stream->outgoing && (condition & G_IO_OUT))
        flush(stream);
    if (stream->failure)
        end_with(stream, g_steal_pointer(&stream->failure));
    else
        receive(stream, condition);
    stream_unref(stream);
    return G_SOURCE_CONTINUE;
}

/* At every turn of the loop, before it sleeps. */
static gboolean
prepare(GSource *source, gint *timeout)
{
    QmpStream *stream = ((StreamSource *)source)->stream;

    *timeout = -1;
    if (stream->outgoing && !stream->is_blocked)
        flush(stream);
    return FALSE;
}

static const GSourceFuncs source_funcs = { .prepare = prepare, .dispatch = on_socket };

QmpStream *
qmp_stream_new(GMainContext *context, int fd, gsize max_outgoing, const QmpStreamFuncs *funcs, gpointer user_data)
{
    QmpStream *stream = g_new0(QmpStream, 1);

    stream->refs = 1;
    stream->fd = fd;
    stream->max_outgoing = max_outgoing;
    stream->funcs = funcs;
    stream->user_data = user_data;
    stream->source = g_source_new((GSourceFuncs *)&source_funcs, sizeof(StreamSource));
    ((StreamSource *)stream->source)->stream = stream;
    stream->polled = G_IO_IN;
    stream->fd_tag = g_source_add_unix_fd(stream->source, fd, G_IO_IN);
    g_source_attach(stream->source, context);
    return stream;
}

void
qmp_stream_free(QmpStream *stream)
{
    if (stream->outgoing && !stream->is_blocked && !stream->has_closed)
        flush(stream);
    if (!stream->has_closed)
        close_socket(stream);
    stream_unref(stream);
}

void
qmp_stream_send(QmpStream *stream, const char *text, gsize length)
{
    gsize waiting = stream->outgoing ? stream->outgoing->len - stream->sent : 0;

    if (stream->has_closed || stream->failure)
        return;
    if (waiting > stream->max_outgoing) {
        fail_later(stream, g_error_new(QMP_ERROR, QMP_ERROR_LIMIT, "The client does not read: %zu bytes wait for it",
                                       waiting));
        return;
    }
    if (!stream->outgoing) {
        stream->outgoing = g_byte_array_new();
        stream->sent = 0;
    }
    g_byte_array_append(stream->outgoing, (const guint8 *)text, (guint)length);
}

void
qmp_stream_finish(QmpStream *stream)
{
    stream->is_finishing = TRUE;
    if (!stream->outgoing && !stream->has_closed)
        fail_later(stream, new_end("The session has ended"));
}

void
qmp_stream_set_paused(QmpStream *stream, gboolean is_paused)
{
    stream->is_paused = is_paused;
    if (stream->has_closed)
        return;
    update_poll(stream);
    if (!is_paused && stream->unread)
        g_source_set_ready_time(stream->source, 0);
}
