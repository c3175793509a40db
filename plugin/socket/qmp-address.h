/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a QMP server is, written as QEMU writes it: `unix:PATH`, `tcp:HOST:PORT`, with `,server=on` where we listen
 * and QEMU connects; `unix:NAME,abstract=on` is a name and no file. */
#pragma once

#include <glib.h>

typedef enum QmpAddressType {
    QMP_ADDRESS_UNIX,
    QMP_ADDRESS_TCP,
} QmpAddressType;

typedef struct QmpAddress {
    QmpAddressType type;
    gboolean server; /* we listen */
    char *path; /* owned; unix: absolute, 4,095 bytes at most; or an abstract name, 107 at most (sizeof sun_path) */
    gboolean is_abstract; /* unix: in Linux's abstract namespace, as QEMU's `abstract=on` */
    gboolean is_loose; /* an abstract name that is padded to the whole of sun_path, as QEMU's `tight=off` */
    char
        *host; /* owned; tcp: without the brackets of an IPv6 literal; empty: localhost, or any address if we listen */
    guint16 port; /* tcp */
    char *text; /* owned; the address as it was given */
} QmpAddress;

/* A comma in PATH is doubled, as in all of QEMU's options. Options are `server`, and of unix addresses `abstract` and `tight`,
 * each with `=on` or `=off` or neither; QMP_ERROR_INVALID names the fault of any other text, and its place. */
QmpAddress *qmp_address_parse(const char *text, GError **error);
QmpAddress *qmp_address_copy(const QmpAddress *address);
void qmp_address_free(QmpAddress *address);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpAddress, qmp_address_free)
