/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VMs that the state file has, or soon will have, each with the record of it. Part of VmState. */
#pragma once

#include "host-store.h"
#include "vm.h"
#include "vm-record.h"

typedef struct KeptVm {
    VmOrigin origin;
    char *name; /* owned; and the next two */
    char *text; /* the record as it is in the file */
    char *descriptor; /* as in the record */
    VmRecord *record; /* owned; of the agent before, until the VM is restored; NULL: it is */
    gboolean is_resumed; /* by a VM of the key file */
    GList link; /* in KeptVms.all */
} KeptVm;

typedef struct KeptVms {
    GQueue all; /* of KeptVm (owned by the index), in the order in which they came */
    GHashTable *index; /* owned; set of the same, by origin and name */
} KeptVms;

void kept_vms_init(KeptVms *vms);
void kept_vms_clear(KeptVms *vms);

/* One that is not there yet. */
KeptVm *kept_vms_add(KeptVms *vms, const VmRecord *record);

/* A VM that is connected, likewise. Takes @descriptor, which may be NULL. */
KeptVm *kept_vms_add_vm(KeptVms *vms, Vm *vm, char *descriptor);

/* One that was read, which is taken. Of several of one VM the last counts, and a VM that this agent has already goes before. Whether it is
 * kept until the VM is restored. */
gboolean kept_vms_take_record(KeptVms *vms, const ManagementHost *host, VmRecord *record);

/* Frees @kept. */
void kept_vms_remove(KeptVms *vms, KeptVm *kept);

/* Likewise, and the host keeps its descriptor no longer. */
void kept_vms_forget(KeptVms *vms, KeptVm *kept, const ManagementHost *host);

/* NULL: there is none. @name: may be NULL. */
KeptVm *kept_vms_find(KeptVms *vms, VmOrigin origin, const char *name);

/* By the name that it has, or is to have. */
KeptVm *kept_vms_find_vm(KeptVms *vms, Vm *vm);

/* The descriptor and the session of the agent before become @spec's; -1 there: nothing is kept. */
void kept_vm_take_connection(KeptVm *kept, const ManagementHost *host, VmSpec *spec);

/* The host keeps it no longer. */
void kept_vm_drop_descriptor(KeptVm *kept, const ManagementHost *host);

/* The text becomes what it is without the connection. */
void kept_vm_strip_connection(KeptVm *kept);
