/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an address to a connected socket: connects, or listens and accepts. */
#pragma once

#include "qmp-address.h"
#include "qmp-error.h"
#include "qmp-unix-socket.h"

typedef struct QmpConnector QmpConnector;

/* @fd: a connected, close-on-exec socket, the callee's; -1 with @error (QMP_ERROR_DISCONNECTED; _REFUSED where nobody
 * listens; _MISSING where there is no such path; naming address and errno) where none could be had. Never from inside qmp_connector_start(). When connecting: once. When listening:
 * once a qmp_connector_start(). The connector may be freed from inside. */
typedef void (*QmpConnectedFunc)(int fd, const GError *error, gpointer user_data);

/* @user: uid; with `server=on` at a Unix address: whose QEMU is taken. */
QmpConnector *qmp_connector_new(GMainContext *context, const QmpAddress *address, guint32 user, QmpConnectedFunc func,
                                gpointer user_data);

/* Of the paths that are connected to from now on; QMP_LINK_TO_ANY before. */
void qmp_connector_set_link_rule(QmpConnector *connector, QmpLinkRule rule);

/* Connects; or, with `server=on`, makes the listening socket if it is not there yet and accepts one connection. The
 * listening socket stays for later starts; others may not connect between two starts longer than the backlog (1)
 * holds. A path on which nobody listens any more is taken over; one that somebody listens on is an error, as is one
 * that is no socket. The socket's mode is 0600, and it is the user's whose QEMU is taken: a
 * connection of anybody else's is closed (an abstract name has no mode, and root needs none). */
void qmp_connector_start(QmpConnector *connector);

/* Ends the attempt that was started, without a callback; the listening socket stays. */
void qmp_connector_stop(QmpConnector *connector);

/* Closes the listening socket and removes its path. No callback comes any more. */
void qmp_connector_free(QmpConnector *connector);
