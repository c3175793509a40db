/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes up the VMs that the agent is told about, and forgets them: decides which of them has a name and a monitor that several
 * want. Names of the key file and of AddVM() go before those of the run directory; else who was first has it. */
#pragma once

#include "vm-table.h"

typedef struct VmRegistry VmRegistry;

typedef struct VmRegistryFuncs {
    /* The first attempts of all VMs known so far have ended. */
    void (*on_settled)(gpointer user_data);
    /* A VM is on the bus, and who added it has not been told; its connection has ended, or was of no use; it is about to be
     * forgotten. */
    void (*on_vm_published)(Vm *vm, gpointer user_data);
    void (*on_vm_down)(Vm *vm, gpointer user_data);
    void (*on_vm_forgotten)(Vm *vm, gpointer user_data);
    /* A VM that was at this socket is forgotten, and was not removed by a caller. */
    void (*on_socket_left)(const char *path, gpointer user_data);
} VmRegistryFuncs;

/* Borrows context and teardown, which must outlive it. @objects is not copied. */
VmRegistry *vm_registry_new(Context *context, VmTeardown *teardown, const VmObjectFuncs *objects,
                            const VmRegistryFuncs *funcs, gpointer user_data);

/* Forgets all VMs; those who wait for one to be added get an error. */
void vm_registry_free(VmRegistry *registry);

/* The table of VMs. */
VmTable *vm_registry_get_table(VmRegistry *registry);

/* Takes up a VM. With @func: fails at once with BUS_ERROR_INVALID_ARGS for a name that cannot be or is taken and for a monitor that
 * is a VM's already. Without, where it has an address: such a VM is refused, which the log and its entry tell, and is taken up when the one that is in its
 * way has left; the origin decides about further attempts. Fails in both cases with BUS_ERROR_LIMITS_EXCEEDED for one VM too many.
 * Where it fails @func is not called, and an fd in @spec is closed. */
gboolean vm_registry_add(VmRegistry *registry, const VmSpec *spec, VmAddFunc func, gpointer user_data, GError **error);

/* There is reason to think that it can be had: its socket has appeared, or nothing is in its way any more. */
void vm_registry_poke(VmRegistry *registry, VmEntry *entry);

/* Disconnects and forgets. A caller wants it: no other file in the run directory that leads to the same monitor is taken up for it. */
void vm_registry_remove(VmRegistry *registry, VmEntry *entry);

/* Disconnects and forgets. The VM is no more where it was found or written, as @reason says. */
void vm_registry_drop(VmRegistry *registry, VmEntry *entry, const GError *reason);

/* Forgets the VMs that are being added for those whose vm_registry_add() data @func finds to be meant; they get an
 * error. */
typedef gboolean (*VmRegistryMatchFunc)(gpointer add_data, gpointer user_data);
void vm_registry_forget_waiting(VmRegistry *registry, VmRegistryMatchFunc func, gpointer user_data);

/* Whether the first attempt of every VM known so far has ended, well or badly; those that are listened for do not
 * count. on_settled() is called whenever that becomes so. */
gboolean vm_registry_is_settled(VmRegistry *registry);
