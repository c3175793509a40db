/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The identity of the monitor that an address or a connected socket leads to. An address can be spelled in many ways (links, `..`, names of
 * hosts), and its path can be another QEMU's by now; the other end of a connected socket is known for certain. */
#pragma once

#include "qmp-address.h"

typedef struct MonitorId {
    char *place; /* owned; as the address names it; NULL: there is no address */
    char *socket; /* owned; the listening socket that is there, or that one is connected to; NULL: not known */
    char *
        listener; /* owned; once connected: the process that listens, and the name that the socket was bound to; NULL: not known */
} MonitorId;

/* Of an address, before anything is connected to it. */
void monitor_id_init(MonitorId *id, const QmpAddress *address);

/* Afterwards: of the socket @fd, which was connected to @address; NULL: by somebody else. */
void monitor_id_set_connected(MonitorId *id, const QmpAddress *address, int fd);

/* The monitor is connected no more. */
void monitor_id_set_unconnected(MonitorId *id);

void monitor_id_clear(MonitorId *id);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MonitorId, monitor_id_clear)

/* Whether both lead to one monitor: by their sockets where both are known, else by their listeners, else by their places. A
 * path without a socket leads to none that is connected. */
gboolean monitor_id_is_same(const MonitorId *a, const MonitorId *b);
