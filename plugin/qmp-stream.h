/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client's socket: bytes and descriptors in, bytes out, without blocking. It knows nothing of what they mean. Part of the
 * native session; QEMU's sockets are QmpChannels. */
#pragma once

#include "qmp-error.h"

typedef struct QmpStream QmpStream;

typedef struct QmpStreamFuncs {
    /* @fds came with the first of these bytes, and are taken. Returns how much of @text was used: the rest comes again, in
     * another turn, or after the pause if there is one; without descriptors then. The stream must stay. */
    gsize (*on_bytes)(const char *text, gsize length, const int *fds, guint n_fds, gpointer user_data);
    /* Once: no more bytes come; the other side may still read. */
    void (*on_end)(gpointer user_data);
    /* Once, as the last call: the other side has gone, or (QMP_ERROR_LIMIT) does not read. The stream may be freed from
     * inside. */
    void (*on_closed)(const GError *error, gpointer user_data);
} QmpStreamFuncs;

/* Takes the connected socket @fd. @max_outgoing: bytes that wait to be read by the other side before it is cut off; what is
 * sent when there are fewer goes out, however long. */
QmpStream *qmp_stream_new(GMainContext *context, int fd, gsize max_outgoing, const QmpStreamFuncs *funcs,
                          gpointer user_data);

/* Closes the socket, after what it takes at once. No callback comes any more. */
void qmp_stream_free(QmpStream *stream);

/* Sends, together with what else is sent in this turn of the main context, when it is over. */
void qmp_stream_send(QmpStream *stream, const char *text, gsize length);

/* What was sent goes out, then the stream is closed (on_closed). */
void qmp_stream_finish(QmpStream *stream);

/* Stops and resumes reading. That the other side has gone is noticed all the same. */
void qmp_stream_set_paused(QmpStream *stream, gboolean is_paused);
