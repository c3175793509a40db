/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When a VM that could not be had is tried again. Knows no VM and no clock: each failed attempt is told, and the answer
 * is how long to wait. */
#pragma once

#include <glib.h>

typedef enum VmRetryKind {
    VM_RETRY_ALWAYS, /* up to every 30 s */
    VM_RETRY_IN_DIRECTORY, /* up to every 25 s; a socket that nobody serves is given up after some 13 s */
} VmRetryKind;

typedef struct VmRetry {
    VmRetryKind kind;
    guint64 delay; /* us; the next one */
    gboolean was_refused; /* the last attempt */
} VmRetry;

/* At the beginning, and whenever there is reason to think that the VM can be had: it was up, its socket was made anew. */
void vm_retry_reset(VmRetry *retry, VmRetryKind kind);

/* An attempt has failed with @error. TRUE: the next one is due in *@ret_delay us. FALSE: none is. */
gboolean vm_retry_next(VmRetry *retry, const GError *error, guint64 *ret_delay);
