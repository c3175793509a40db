/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The socket under a QMP session: framing on one side, what the socket does not take at once on the other. Called by
 * QmpClient; owns the file descriptor, one GSource and, while a document is incomplete, its text.
 *
 * A wake-up reads once, at most 64 KiB, and hands on a few documents, so that a QEMU that floods takes no more than
 * its turn in the main loop.
 * What is sent goes out together at the end of a turn, before the loop sleeps: seven commands cost one system call.
 * Documents that lie wholly in what was read are handed on from the stack: an idle channel holds no buffer at all. */
#include "qmp-channel.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 65536

/* 64 KiB can hold 5,000 events; passing one on costs up to 30 us. */
#define DOCUMENTS_A_TURN 64

/* QEMU reads 400 kB/s at best (2.5 us a byte); what waits longer than minutes waits for nobody. */
#define MAX_OUTGOING (64 * 1024 * 1024)

/* Enough to tell a human monitor, SSH or HTTP from each other. */
#define SAID_SIZE 80

struct QmpChannel {
    guint refs; /* held by the owner and by a dispatch: callbacks may free the channel */
    gboolean ended; /* closed or freed: no callback any more */
    int fd; /* owned; -1 when ended */
    GSource *source; /* owned; NULL when ended */
    gpointer fd_tag; /* weak; NULL while the socket is not polled */
    GIOCondition polled; /* what for */
    gboolean dispatching;
    const QmpChannelFuncs *funcs; /* weak */
    gpointer user_data;
    gsize max_document;
    QmpScan scan; /* of the document under way */
    GByteArray *partial; /* owned; what came of it in earlier reads; NULL: nothing */
    GByteArray
        *unread; /* owned; what was read and is left for a later turn, or for the end of a pause; NULL: nothing */
    GByteArray *outgoing; /* owned; what has not gone to the socket; NULL: nothing */
    gboolean blocked; /* the socket takes no more until it polls as writable */
    gsize outgoing_sent; /* bytes at its beginning that have gone meanwhile */
    int outgoing_fd; /* owned; -1: none */
    gsize outgoing_fd_at; /* the byte in outgoing that it goes with */
    GError *failure; /* owned; what sending met, told when there is nothing left to read */
    guint paused;
    gint64 read_at; /* monotonic us */
};

typedef struct ChannelSource {
    GSource source;
    QmpChannel *channel; /* weak: the channel destroys its source */
} ChannelSource;

static void
close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void
channel_end(QmpChannel *channel)
{
    channel->ended = TRUE;
    g_source_destroy(channel->source);
    g_clear_pointer(&channel->source, g_source_unref);
    channel->fd_tag = NULL;
    close_fd(&channel->fd);
    close_fd(&channel->outgoing_fd);
    g_clear_pointer(&channel->unread, g_byte_array_unref);
    g_clear_pointer(&channel->outgoing, g_byte_array_unref);
}

static void
channel_unref(QmpChannel *channel)
{
    if (--channel->refs > 0)
        return;
    g_clear_pointer(&channel->partial, g_byte_array_unref);
    g_clear_error(&channel->failure);
    g_free(channel);
}

/* Polls for what is wanted only. A socket that has hung up wakes its poller whatever it polls for, so a paused one
 * that has nothing to send is not polled at all. */
static void
update_poll(QmpChannel *channel)
{
    GIOCondition wanted = (channel->paused ? 0 : G_IO_IN) | (channel->blocked ? G_IO_OUT : 0);
    /* GLib wakes itself up for every change. */
    if (wanted == channel->polled)
        return;
    channel->polled = wanted;
    if (!wanted && channel->fd_tag) {
        g_source_remove_unix_fd(channel->source, channel->fd_tag);
        channel->fd_tag = NULL;
    } else if (wanted && channel->fd_tag) {
        g_source_modify_unix_fd(channel->source, channel->fd_tag, wanted);
    } else if (wanted) {
        channel->fd_tag = g_source_add_unix_fd(channel->source, channel->fd, wanted);
    }
}

/* The beginning of the document under way, of which @text is what came last. */
static void
copy_said(QmpChannel *channel, const char *text, gsize length, char said[SAID_SIZE])
{
    gsize n = 0;
    if (channel->partial) {
        n = MIN(channel->partial->len, SAID_SIZE - 1);
        memcpy(said, channel->partial->data, n);
    }
    gsize more = MIN(length, SAID_SIZE - 1 - n);
    if (more > 0)
        memcpy(said + n, text, more);
    said[n + more] = '\0';
}

/* Takes @error. */
static void
channel_close(QmpChannel *channel, GError *error, const char *text, gsize length)
{
    char said[SAID_SIZE];
    copy_said(channel, text, length, said);
    channel_end(channel);
    channel->funcs->on_closed(error, said, channel->user_data);
    g_error_free(error);
}

static void
append(GByteArray **array, const char *data, gsize length)
{
    if (!*array)
        *array = g_byte_array_new();
    g_byte_array_append(*array, (const guint8 *)data, (guint)length);
}

static void
deliver(QmpChannel *channel, const char *text)
{
    g_autoptr(GByteArray) whole = g_steal_pointer(&channel->partial);
    if (whole)
        text = (const char *)whole->data;
    channel->funcs->on_document(text, channel->scan.offset, &channel->scan, channel->user_data);
    qmp_scan_init(&channel->scan);
}

static void
close_with_scan(QmpChannel *channel, QmpScanResult result, const char *text, gsize length)
{
    GError *error;
    if (result == QMP_SCAN_LOST)
        error = g_error_new(QMP_ERROR, QMP_ERROR_PROTOCOL, "what was received is not JSON: %s at byte %zu",
                            channel->scan.error, channel->scan.error_offset);
    else
        error = g_error_new(QMP_ERROR, QMP_ERROR_LIMIT, "a message of more than %zu bytes", channel->max_document);
    channel_close(channel, error, text, length);
}

/* One document, or what there is of it, from @text on; returns how much that was. */
static gsize
take_document(QmpChannel *channel, const char *text, gsize length)
{
    gsize before = channel->scan.offset, used;
    QmpScanResult result = qmp_scan_feed(&channel->scan, text, length, &used);
    /* White space in front belongs to no document. */
    const char *begin = text + used - (channel->scan.offset - before);
    if (result == QMP_SCAN_LOST || channel->scan.offset > channel->max_document) {
        close_with_scan(channel, result, begin, (gsize)(text + length - begin));
        return length;
    }
    if (result == QMP_SCAN_MORE || channel->partial)
        if (channel->scan.offset > before)
            append(&channel->partial, begin, channel->scan.offset - before);
    if (result == QMP_SCAN_DONE)
        deliver(channel, begin);
    return used;
}

static void
take(QmpChannel *channel, const char *data, gsize length)
{
    gsize at = 0;
    for (guint n = 0; n < DOCUMENTS_A_TURN && at < length && !channel->ended && !channel->paused; n++)
        at += take_document(channel, data + at, length - at);
    if (at == length || channel->ended)
        return;
    append(&channel->unread, data + at, length - at);
    if (!channel->paused)
        g_source_set_ready_time(channel->source, 0);
}

static GError *
new_errno_error(int error)
{
    return g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "the connection broke: %s", g_strerror(error));
}

static void
read_socket(QmpChannel *channel)
{
    char buffer[READ_SIZE];
    gssize n = recv(channel->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (n > 0)
        channel->read_at = g_get_monotonic_time();
    if (n > 0)
        take(channel, buffer, (gsize)n);
    else if (n == 0)
        channel_close(channel, g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "the other side closed the connection"),
                      NULL, 0);
    else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        channel_close(channel, new_errno_error(errno), NULL, 0);
    else if (channel->failure)
        channel_close(channel, g_steal_pointer(&channel->failure), NULL, 0);
}

static void
receive(QmpChannel *channel)
{
    g_autoptr(GByteArray) unread = g_steal_pointer(&channel->unread);
    if (unread)
        take(channel, (const char *)unread->data, unread->len);
    else
        read_socket(channel);
    /* What sending met is told when everything that had come before is read. */
    if (channel->failure && !channel->ended)
        g_source_set_ready_time(channel->source, 0);
}

/* Takes @error, to be told from the main context. */
static void
fail_later(QmpChannel *channel, GError *error)
{
    channel->failure = error;
    channel->blocked = FALSE;
    close_fd(&channel->outgoing_fd);
    g_clear_pointer(&channel->outgoing, g_byte_array_unref);
    update_poll(channel);
    g_source_set_ready_time(channel->source, 0);
}

static gssize
send_with_fd(QmpChannel *channel, char *text, gsize length)
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
    memcpy(CMSG_DATA(&control.header), &channel->outgoing_fd, sizeof(int));
    gssize n = sendmsg(channel->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0)
        close_fd(&channel->outgoing_fd);
    return n;
}

/* What the socket takes now. */
static gsize
try_send(QmpChannel *channel, char *text, gsize length, gboolean with_fd)
{
    gssize n =
        with_fd ? send_with_fd(channel, text, length) : send(channel->fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    channel->blocked = n < (gssize)length;
    if (n >= 0)
        return (gsize)n;
    if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        fail_later(channel, new_errno_error(errno));
    return 0;
}

/* A descriptor goes with the byte that it belongs to, so what stands before that goes by itself. */
static void
send_some(QmpChannel *channel)
{
    gsize begin = channel->outgoing_sent, end = channel->outgoing->len;
    gboolean has_fd = channel->outgoing_fd >= 0;
    if (has_fd && begin < channel->outgoing_fd_at)
        end = channel->outgoing_fd_at;
    channel->outgoing_sent += try_send(channel, (char *)channel->outgoing->data + begin, end - begin,
                                       has_fd && begin == channel->outgoing_fd_at);
}

static void
flush(QmpChannel *channel)
{
    GByteArray *outgoing = channel->outgoing;
    do {
        send_some(channel);
        if (!channel->outgoing)
            return;
    } while (!channel->blocked && channel->outgoing_sent < outgoing->len);
    update_poll(channel);
    if (channel->outgoing_sent == outgoing->len) {
        g_clear_pointer(&channel->outgoing, g_byte_array_unref);
    } else if (channel->outgoing_sent > outgoing->len / 2) {
        g_byte_array_remove_range(outgoing, 0, (guint)channel->outgoing_sent);
        channel->outgoing_fd_at -= MIN(channel->outgoing_fd_at, channel->outgoing_sent);
        channel->outgoing_sent = 0;
    }
}

static gboolean
on_socket(GSource *source, GSourceFunc unused_func, gpointer unused_data)
{
    QmpChannel *channel = ((ChannelSource *)source)->channel;
    if (channel->dispatching)
        return G_SOURCE_CONTINUE;
    channel->dispatching = TRUE;
    channel->refs++;
    g_source_set_ready_time(source, -1);
    if (channel->outgoing)
        flush(channel);
    if (channel->failure && channel->failure->code == QMP_ERROR_LIMIT)
        channel_close(channel, g_steal_pointer(&channel->failure), NULL, 0);
    else if (!channel->paused)
        receive(channel);
    channel->dispatching = FALSE;
    channel_unref(channel);
    return G_SOURCE_CONTINUE;
}

/* At every turn of the loop, before it sleeps. */
static gboolean
prepare(GSource *source, gint *timeout)
{
    QmpChannel *channel = ((ChannelSource *)source)->channel;
    *timeout = -1;
    if (channel->outgoing && !channel->blocked)
        flush(channel);
    return FALSE;
}

static const GSourceFuncs source_funcs = { .prepare = prepare, .dispatch = on_socket };

QmpChannel *
qmp_channel_new(GMainContext *context, int fd, gsize max_document, const QmpChannelFuncs *funcs, gpointer user_data)
{
    QmpChannel *channel = g_new0(QmpChannel, 1);
    channel->refs = 1;
    channel->fd = fd;
    channel->outgoing_fd = -1;
    channel->funcs = funcs;
    channel->user_data = user_data;
    channel->max_document = max_document;
    qmp_scan_init(&channel->scan);
    channel->source = g_source_new((GSourceFuncs *)&source_funcs, sizeof(ChannelSource));
    ((ChannelSource *)channel->source)->channel = channel;
    /* Otherwise GLib takes the socket out of the poll set for every dispatch, at five system calls. A main loop inside
     * a callback finds the channel busy. */
    g_source_set_can_recurse(channel->source, TRUE);
    update_poll(channel);
    g_source_attach(channel->source, context);
    return channel;
}

void
qmp_channel_free(QmpChannel *channel)
{
    /* Best effort for what was sent in this very turn. */
    if (channel->outgoing && !channel->blocked)
        flush(channel);
    if (!channel->ended)
        channel_end(channel);
    channel_unref(channel);
}

void
qmp_channel_send(QmpChannel *channel, const char *text, gsize length)
{
    if (channel->ended || channel->failure)
        return;
    if (qmp_channel_get_outgoing_size(channel) + length > MAX_OUTGOING) {
        fail_later(channel, g_error_new(QMP_ERROR, QMP_ERROR_LIMIT,
                                        "more than %d bytes wait to be read by the other side", MAX_OUTGOING));
        return;
    }
    if (!channel->outgoing)
        channel->outgoing_sent = 0;
    append(&channel->outgoing, text, length);
}

void
qmp_channel_send_with_fd(QmpChannel *channel, const char *text, gsize length, int fd)
{
    gsize before = channel->outgoing ? channel->outgoing->len : 0;
    qmp_channel_send(channel, text, length);
    if (channel->ended || channel->failure || channel->outgoing_fd >= 0) {
        g_warn_if_fail(channel->ended || channel->failure);
        close(fd);
        return;
    }
    channel->outgoing_fd = fd;
    channel->outgoing_fd_at = before;
}

gsize
qmp_channel_get_outgoing_size(QmpChannel *channel)
{
    return channel->outgoing ? channel->outgoing->len - channel->outgoing_sent : 0;
}

gint64
qmp_channel_get_read_at(QmpChannel *channel)
{
    return channel->paused ? g_get_monotonic_time() : channel->read_at;
}

gsize
qmp_channel_get_unread_size(QmpChannel *channel)
{
    int queued = 0;
    if (channel->fd < 0 || ioctl(channel->fd, SIOCOUTQ, &queued) < 0)
        queued = 0;
    return qmp_channel_get_outgoing_size(channel) + (gsize)queued;
}

void
qmp_channel_pause(QmpChannel *channel)
{
    channel->paused++;
    if (!channel->ended)
        update_poll(channel);
}

void
qmp_channel_resume(QmpChannel *channel)
{
    g_return_if_fail(channel->paused > 0);
    channel->paused--;
    channel->read_at = g_get_monotonic_time(); /* nothing could be read before */
    if (channel->ended)
        return;
    update_poll(channel);
    if (channel->unread || channel->failure)
        g_source_set_ready_time(channel->source, 0);
}
