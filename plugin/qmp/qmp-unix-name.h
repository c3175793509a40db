/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kernel is told of a Unix address: paths that have no room in sun_path, and abstract names. Part of QmpConnector. */
#pragma once

#include "qmp-address.h"

#include <sys/socket.h>
#include <sys/un.h>

typedef struct QmpUnixName {
    struct sockaddr_un name;
    socklen_t length;
    int fd; /* owned; what the name goes through; -1: nothing */
} QmpUnixName;

/* 0, or an errno; then @name holds nothing. To connect to the address, or to bind a socket to it: ENAMETOOLONG where the path is
 * long and the socket's own name as well (82 bytes). Clear it after use. */
int qmp_unix_name_to_connect(QmpUnixName *name, const QmpAddress *address);
int qmp_unix_name_to_bind(QmpUnixName *name, const QmpAddress *address);
void qmp_unix_name_clear(QmpUnixName *name);
