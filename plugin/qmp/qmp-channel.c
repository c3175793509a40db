/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The socket under a QMP session, cut into documents. Called by QmpClient; owns the socket and the document under way. A
 * wake-up hands on a few documents, so that a QEMU that floods takes no more than its turn in the main loop. */
#include "qmp-channel.h"

#include <string.h>
#include <unistd.h>

#include "json-framer.h"
#include "qmp-socket.h"

/* 64 KiB can hold 5,000 events; passing one on costs up to 30 us. */
#define DOCUMENTS_A_TURN 64

/* QEMU reads 400 kB/s at best (2.5 us a byte); bytes that wait for minutes wait for nobody. */
#define MAX_OUTGOING (64 * 1024 * 1024)

/* Enough to tell a human monitor, SSH or HTTP from each other. */
#define SAID_SIZE 80

struct QmpChannel {
    guint refs; /* held by the owner and by a callback: it may free the channel */
    QmpSocket *socket; /* owned; NULL when closed or freed: no callback any more */
    const QmpChannelFuncs *funcs; /* weak */
    gpointer user_data;
    gsize max_document; /* bytes */
    JsonFramer *framer; /* owned; while a document is under way; NULL: 0.6 kB less of each VM that is idle */
    gboolean is_skipping; /* until a message begins */
    gboolean is_at_line; /* while skipping: the byte before was a line's end */
    gboolean is_in_doubt; /* the document under way may be a part of a message */
    guint paused;
    guint64 n_taken; /* by the kernel, once the socket is closed */
    gint64 read_at; /* monotonic us */
};

static void
drop_framer(QmpChannel *channel)
{
    if (channel->framer)
        json_framer_clear(channel->framer);
    g_clear_pointer(&channel->framer, g_free);
}

static void
unref_channel(QmpChannel *channel)
{
    if (--channel->refs > 0)
        return;
    drop_framer(channel);
    g_free(channel);
}

/* The connection is over. @text: the bytes that follow the document under way. */
static void
tell_closed(QmpChannel *channel, const GError *error, const char *text, gsize length)
{
    const GByteArray *partial = qmp_channel_get_bytes(channel);
    gsize n = partial ? MIN(partial->len, SAID_SIZE - 1) : 0, more = MIN(length, SAID_SIZE - 1 - n);
    char said[SAID_SIZE];

    if (n > 0)
        memcpy(said, partial->data, n);
    memcpy(said + n, text, more);
    said[n + more] = '\0';
    channel->n_taken = qmp_socket_get_n_taken(channel->socket);
    qmp_socket_forget_outgoing(channel->socket);
    g_clear_pointer(&channel->socket, qmp_socket_free);
    channel->funcs->on_closed(error, said, channel->user_data);
}

static void
close_with_result(QmpChannel *channel, JsonFramerResult result, const char *text, gsize length)
{
    const JsonScan *scan = &channel->framer->scan;
    g_autoptr(GError) error = NULL;

    if (result == JSON_FRAMER_LOST)
        error = g_error_new(QMP_ERROR, QMP_ERROR_PROTOCOL, "what was received is not JSON: %s at byte %zu",
                            scan->error, scan->error_offset);
    else
        error = g_error_new(QMP_ERROR, QMP_ERROR_LIMIT, "a message of more than %zu bytes", channel->max_document);
    tell_closed(channel, error, text, length);
}

static gsize
give_document(QmpChannel *channel, const char *text, gsize length)
{
    JsonFramer *framer = channel->framer;
    gsize used;
    JsonFramerResult result = json_framer_feed(framer, text, length, &used);

    if (result == JSON_FRAMER_DOCUMENT)
        channel->funcs->on_document(framer->text, framer->scan.offset, &framer->scan, channel->user_data);
    else if (result != JSON_FRAMER_MORE)
        close_with_result(channel, result, text + used, length - used);
    return used;
}

/* The first line: a whole message, or else of no use. What follows in the line of a document is skipped. */
static gsize
give_line(QmpChannel *channel, const char *text, gsize length)
{
    JsonFramer *framer = channel->framer;
    const char *end = memchr(text, '\n', length);
    gsize used;
    JsonFramerResult result = json_framer_feed(framer, text, end ? (gsize)(end - text) : length, &used);

    if (result == JSON_FRAMER_MORE && !end)
        return used;
    if (result == JSON_FRAMER_DOCUMENT)
        channel->funcs->on_document(framer->text, framer->scan.offset, &framer->scan, channel->user_data);
    json_framer_clear(framer);
    json_framer_init(framer, JSON_DIALECT_RFC8259, channel->max_document);
    channel->is_in_doubt = channel->is_at_line = FALSE;
    channel->is_skipping = TRUE;
    return used;
}

/* How much of @text is left out. A message of QEMU's begins in a line of its own; where it has several (`pretty=on`), the others begin
 * with white space or with its last brace. */
static gsize
skip_to_message(QmpChannel *channel, const char *text, gsize length)
{
    gsize n;

    for (n = 0; n < length && !(channel->is_at_line && text[n] == '{'); n++)
        channel->is_at_line = text[n] == '\n';
    channel->is_skipping = n == length;
    channel->is_in_doubt &= n == 0;
    return n;
}

static gsize
take_bytes(QmpChannel *channel, const char *text, gsize length)
{
    if (channel->is_skipping)
        return skip_to_message(channel, text, length);
    return channel->is_in_doubt ? give_line(channel, text, length) : give_document(channel, text, length);
}

static void
ensure_framer(QmpChannel *channel)
{
    if (channel->framer)
        return;
    channel->framer = g_new(JsonFramer, 1);
    json_framer_init(channel->framer, JSON_DIALECT_RFC8259, channel->max_document);
}

/* QEMU sends no descriptors. */
static gsize
on_channel_bytes(const char *text, gsize length, const int *fds, guint n_fds, gpointer user_data)
{
    QmpChannel *channel = user_data;
    gsize used = 0;

    for (guint i = 0; i < n_fds; i++)
        close(fds[i]);
    channel->read_at = g_get_monotonic_time();
    channel->refs++;
    ensure_framer(channel);
    for (guint n = 0; n < DOCUMENTS_A_TURN && used < length && channel->socket && !channel->paused; n++)
        used += take_bytes(channel, text + used, length - used);
    if (json_framer_is_idle(channel->framer))
        drop_framer(channel);
    unref_channel(channel);
    return used;
}

static void
on_socket_closed(const GError *error, gpointer user_data)
{
    tell_closed(user_data, error, "", 0);
}

static const QmpSocketFuncs socket_funcs = { .on_bytes = on_channel_bytes, .on_closed = on_socket_closed };

QmpChannel *
qmp_channel_new(GMainContext *context, int fd, gsize max_document, const QmpChannelFuncs *funcs, gpointer user_data)
{
    QmpChannel *channel = g_new0(QmpChannel, 1);

    channel->refs = 1;
    channel->funcs = funcs;
    channel->user_data = user_data;
    channel->max_document = max_document;
    channel->socket = qmp_socket_new(context, fd, MAX_OUTGOING, &socket_funcs, channel);
    return channel;
}

void
qmp_channel_free(QmpChannel *channel)
{
    g_clear_pointer(&channel->socket, qmp_socket_free);
    unref_channel(channel);
}

GByteArray *
qmp_channel_get_bytes(QmpChannel *channel)
{
    return channel->framer ? channel->framer->partial : NULL;
}

void
qmp_channel_skip_message(QmpChannel *channel)
{
    channel->is_skipping = channel->is_at_line = channel->is_in_doubt = TRUE;
}

gboolean
qmp_channel_is_in_doubt(QmpChannel *channel)
{
    return channel->is_in_doubt;
}

void
qmp_channel_send(QmpChannel *channel, const char *text, gsize length)
{
    if (channel->socket)
        qmp_socket_send(channel->socket, text, length);
}

void
qmp_channel_send_with_fd(QmpChannel *channel, const char *text, gsize length, int fd)
{
    if (channel->socket)
        qmp_socket_send_with_fd(channel->socket, text, length, fd);
    else
        close(fd);
}

void
qmp_channel_forget_outgoing(QmpChannel *channel)
{
    if (channel->socket)
        qmp_socket_forget_outgoing(channel->socket);
}

gsize
qmp_channel_get_outgoing_size(QmpChannel *channel)
{
    return channel->socket ? qmp_socket_get_outgoing_size(channel->socket) : 0;
}

guint64
qmp_channel_get_n_given(QmpChannel *channel)
{
    return channel->socket ? qmp_socket_get_n_given(channel->socket) : G_MAXUINT64;
}

guint64
qmp_channel_get_n_taken(QmpChannel *channel)
{
    return channel->socket ? qmp_socket_get_n_taken(channel->socket) : channel->n_taken;
}

gint64
qmp_channel_get_read_at(QmpChannel *channel)
{
    return channel->paused ? g_get_monotonic_time() : channel->read_at;
}

int
qmp_channel_get_fd(QmpChannel *channel)
{
    return channel->socket ? qmp_socket_get_fd(channel->socket) : -1;
}

gsize
qmp_channel_get_unread_size(QmpChannel *channel)
{
    return channel->socket ? qmp_socket_get_unread_size(channel->socket) : 0;
}

void
qmp_channel_pause(QmpChannel *channel)
{
    if (channel->paused++ == 0 && channel->socket)
        qmp_socket_set_paused(channel->socket, TRUE);
}

void
qmp_channel_resume(QmpChannel *channel)
{
    g_return_if_fail(channel->paused > 0);
    channel->read_at = g_get_monotonic_time(); /* nothing could be read before */
    if (--channel->paused == 0 && channel->socket)
        qmp_socket_set_paused(channel->socket, FALSE);
}
