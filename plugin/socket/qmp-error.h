/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The faults of a QMP session, as a GError domain. Errors that QEMU itself returns are not GErrors: see
 * QmpReply. */
#pragma once

#include <glib.h>

typedef enum QmpErrorCode {
    QMP_ERROR_DISCONNECTED, /* the connection could not be made, or ended */
    QMP_ERROR_TIMED_OUT, /* the peer did not greet, or did not answer the negotiation, in time */
    QMP_ERROR_PROTOCOL, /* the peer does not speak QMP, or broke its rules */
    QMP_ERROR_INVALID, /* text that is not JSON, an address that is none */
    QMP_ERROR_LIMIT, /* a cap of ours was reached */
    QMP_ERROR_NOT_AUTHORIZED, /* a caller names a thing that is not theirs */
    QMP_ERROR_REFUSED, /* nobody listens at the address (ECONNREFUSED) */
    QMP_ERROR_MISSING, /* there is no such path (ENOENT) */
} QmpErrorCode;

#define QMP_ERROR (qmp_error_quark())

/* A quark made of a copied string: the module that holds this code can be unloaded, GLib's table of quarks stays. */
GQuark qmp_error_quark(void);
