/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a QMP server is, written as QEMU writes it: `unix:PATH`, `tcp:HOST:PORT`, with `,server=on` where we listen
 * and QEMU connects. */
#pragma once

#include <glib.h>

typedef enum QmpAddressType {
    QMP_ADDRESS_UNIX,
    QMP_ADDRESS_TCP,
} QmpAddressType;

typedef struct QmpAddress {
    QmpAddressType type;
    gboolean server; /* we listen */
    char *path; /* owned; unix: absolute, 107 bytes at most (sizeof sun_path) */
    char
        *host; /* owned; tcp: without the brackets of an IPv6 literal; empty: localhost, or any address if we listen */
    guint16 port; /* tcp */
    char *text; /* owned; the address as it was given */
} QmpAddress;

/* A comma in PATH is doubled, as in all of QEMU's options. `server`, `server=on` and `server=off` are the only
 * options; QMP_ERROR_INVALID names what is wrong with the rest, and where. */
QmpAddress *qmp_address_parse(const char *text, GError **error);
QmpAddress *qmp_address_copy(const QmpAddress *address);
void qmp_address_free(QmpAddress *address);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpAddress, qmp_address_free)
