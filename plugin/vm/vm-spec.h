/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that the agent was told of a VM: where its QEMU is, by whom and how it is to be treated. */
#pragma once

#include "qmp-address.h"

/* us for one attempt, where nobody says otherwise. */
#define VM_TIMEOUT_DEFAULT ((guint64)10 * G_TIME_SPAN_SECOND)

/* How the agent came to know of the VM, which decides what happens when QEMU goes. */
typedef enum VmOrigin {
    VM_FROM_CALL, /* AddVM: forgotten; with `server=on` listened for again. Where its monitor fell silent it is tried once more */
    VM_FROM_FD, /* AddVMFromFD: forgotten */
    VM_FROM_KEY_FILE, /* tried again with back-off, up to every 30 s */
    VM_FROM_DIRECTORY, /* tried again up to every 25 s; where nobody listens for some 13 s, when its socket appears anew */
} VmOrigin;

typedef struct VmSpec {
    VmOrigin origin;
    const char *name; /* NULL or empty: QEMU's own */
    const QmpAddress *address; /* NULL: VM_FROM_FD */
    GPtrArray *spares; /* of QmpAddress: monitors that QEMU has for callers; NULL: none */
    gboolean isolation_required; /* no caller shares a monitor with another */
    guint32 user; /* uid; with `server=on` at a Unix address: whose QEMU is taken */
    gboolean isolation_is_default; /* nobody has said so of this VM: vm_set_default_isolation() changes it */
    int fd; /* of VM_FROM_FD, or with @session: a connected socket, taken */
    const char
        *session; /* the agent before had this session on @fd: see qmp_client_dup_session(); NULL: there is none */
    gboolean
        is_known; /* the VM was up with the agent before: a VM_FROM_CALL is tried with back-off until it is up again */
    guint64 timeout; /* us for one attempt; VM_FROM_CALL: for an address to answer that does not yet, too */
    guint32 added_by; /* uid */
    guint32 made_by; /* uid; of VM_FROM_DIRECTORY: whose file it is */
    gboolean waits; /* for its name until vm_set_name(), and, without @fd, with its first attempt until vm_poke() */
} VmSpec;

/* A copy that owns all that it points to; @fd and @session stay the original's. */
VmSpec *vm_spec_copy(const VmSpec *spec);
void vm_spec_free(VmSpec *spec);
