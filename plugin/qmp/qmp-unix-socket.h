/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's calls for a Unix address, paths that have no room in sun_path and abstract names included. Part of
 * QmpConnector. */
#pragma once

#include "qmp-address.h"

/* Connects the socket @fd. 0, or an errno. A Unix socket connects at once or not at all. */
int qmp_unix_socket_connect(const QmpAddress *address, int fd);

/* Binds @fd, with mode 0600 where it is a path, and over a socket that nobody listens on any more. NULL, or why it did not
 * work; also where the path is long, and the socket's own name as well (82 bytes). */
const char *qmp_unix_socket_bind(const QmpAddress *address, int fd);
