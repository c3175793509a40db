/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A socket that JSON documents go in and out of, without blocking, with a cap on either side. Their meaning is
 * none of its business. */
#pragma once

#include "qmp-error.h"
#include "json-scan.h"

typedef struct QmpChannel QmpChannel;

typedef struct QmpChannelFuncs {
    /* One document has come, @scan tells its parts; both are valid inside the call. @scan->error may be set. May be
     * called several times from one wake-up of the main context. The channel may be freed from inside. */
    void (*on_document)(const char *text, gsize length, const JsonScan *scan, gpointer user_data);
    /* The connection has ended, once, as the last call; @error is in the domain QMP_ERROR: _DISCONNECTED at the end
     * of the stream or by an errno, _PROTOCOL where the peer sends what cannot be JSON, _LIMIT at the cap. @said:
     * the first bytes of the document that was under way (may be empty), so that the user can be told what the peer
     * speaks instead of QMP. */
    void (*on_closed)(const GError *error, const char *said, gpointer user_data);
} QmpChannelFuncs;

/* Takes the connected stream socket @fd. Works whether or not the file is O_NONBLOCK (MSG_DONTWAIT): the other end
 * of a socket that a caller handed over may change that flag at any time. @max_document: bytes of one document. */
QmpChannel *qmp_channel_new(GMainContext *context, int fd, gsize max_document, const QmpChannelFuncs *funcs,
                            gpointer user_data);

/* Closes the socket. No callback comes any more. */
void qmp_channel_free(QmpChannel *channel);

/* The first bytes may be the rest of a message that somebody else has begun to read, whatever its lines: nothing is a document before the
 * next message begins, except for one in the first line. Inside on_document: whether it is that one, which may be a part of a message. */
void qmp_channel_skip_message(QmpChannel *channel);
gboolean qmp_channel_is_in_doubt(QmpChannel *channel);

/* Inside on_document: the memory of the text, which lasts as long as somebody holds a reference; NULL: it is no memory of its own,
 * as that of most documents, which were read in one piece. */
GByteArray *qmp_channel_get_bytes(QmpChannel *channel);

/* Sends @length bytes when this turn of the main context is over, together with all else that is sent in it. A peer
 * that does not read is cut off (on_closed with QMP_ERROR_LIMIT, from the main context) when more than 64 MiB wait. */
void qmp_channel_send(QmpChannel *channel, const char *text, gsize length);

/* The same, with a descriptor beside the first byte (SCM_RIGHTS; other than on a Unix socket the kernel drops it). Takes
 * @fd. Only one may wait to be sent at a time: with a second the connection fails. */
void qmp_channel_send_with_fd(QmpChannel *channel, const char *text, gsize length, int fd);

/* Whether the other side still takes part: when something was read of it last (monotonic us), and how many of the bytes sent it
 * has not read, as far as the kernel knows. */
gint64 qmp_channel_get_read_at(QmpChannel *channel);
gsize qmp_channel_get_unread_size(QmpChannel *channel);

/* The socket, borrowed; -1 once it is closed. */
int qmp_channel_get_fd(QmpChannel *channel);

/* Bytes that the socket has not taken yet; and they are never to be sent, which also the end of the connection brings about. */
gsize qmp_channel_get_outgoing_size(QmpChannel *channel);
void qmp_channel_forget_outgoing(QmpChannel *channel);

/* Bytes since the beginning: given to be sent (G_MAXUINT64 once the connection has ended), taken by the kernel. */
guint64 qmp_channel_get_n_given(QmpChannel *channel);
guint64 qmp_channel_get_n_taken(QmpChannel *channel);

/* Stops and resumes reading, for back-pressure. An end of the connection is not noticed meanwhile. Nested calls
 * count. */
void qmp_channel_pause(QmpChannel *channel);
void qmp_channel_resume(QmpChannel *channel);
