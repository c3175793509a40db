/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connected socket: bytes and descriptors in, bytes and descriptors out, without blocking, with a cap on the bytes that
 * wait to go out. Their meaning is none of its business. */
#pragma once

#include "qmp-error.h"

typedef struct QmpSocket QmpSocket;

typedef struct QmpSocketFuncs {
    /* @fds came with the first of these bytes, and are taken. Returns how much of @text was used: the rest comes again, in
     * another turn, or after the pause if there is one; without descriptors then. @text is followed by a NUL. The socket
     * may be freed from inside. */
    gsize (*on_bytes)(const char *text, gsize length, const int *fds, guint n_fds, gpointer user_data);
    /* Once: no more bytes come; the other side may still read. NULL: that is the end of the connection. */
    void (*on_end)(gpointer user_data);
    /* Once, as the last call: the connection has ended. @error: QMP_ERROR_DISCONNECTED at the end of the stream or by an
     * errno, QMP_ERROR_LIMIT where the other side does not read. The socket may be freed from inside. */
    void (*on_closed)(const GError *error, gpointer user_data);
} QmpSocketFuncs;

/* Takes the connected stream socket @fd. Works whether or not the file is O_NONBLOCK (MSG_DONTWAIT): the other end of a
 * socket that a caller handed over may change that flag at any time. @max_outgoing: bytes that wait to be read by the other
 * side before it is cut off; a piece that is sent when there are fewer goes out, however long. */
QmpSocket *qmp_socket_new(GMainContext *context, int fd, gsize max_outgoing, const QmpSocketFuncs *funcs,
                          gpointer user_data);

/* Closes the socket, after the bytes that the kernel takes at once. No callback comes any more. */
void qmp_socket_free(QmpSocket *socket);

/* Sends when this turn of the main context is over, together with all else that is sent in it. */
void qmp_socket_send(QmpSocket *socket, const char *text, gsize length);

/* The same, with a descriptor beside the first byte (SCM_RIGHTS; other than on a Unix socket the kernel drops it). Takes
 * @fd. Only one may wait to be sent at a time: with a second the connection fails (QMP_ERROR_LIMIT). */
void qmp_socket_send_with_fd(QmpSocket *socket, const char *text, gsize length, int fd);

/* Bytes that the kernel has not taken yet; the same and the bytes that the other side has not read, as far as the kernel knows. */
gsize qmp_socket_get_outgoing_size(QmpSocket *socket);
gsize qmp_socket_get_unread_size(QmpSocket *socket);

/* Bytes since the beginning: given to be sent, also where the connection had failed; taken by the kernel. What ends at byte N has gone
 * when N are taken. */
guint64 qmp_socket_get_n_given(QmpSocket *socket);
guint64 qmp_socket_get_n_taken(QmpSocket *socket);

/* Borrowed. */
int qmp_socket_get_fd(QmpSocket *socket);

/* The bytes that have not gone out yet are not sent any more, nor is a descriptor beside them. */
void qmp_socket_forget_outgoing(QmpSocket *socket);

/* The bytes that were sent go out, then the connection ends (on_closed). */
void qmp_socket_finish(QmpSocket *socket);

/* Stops and resumes reading. With on_end the end of the connection is noticed all the same, and the bytes that the other
 * side had written are dropped; without, the end comes after the bytes before it. */
void qmp_socket_set_paused(QmpSocket *socket, gboolean is_paused);
