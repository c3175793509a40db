/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All VMs that the agent was told about: their names, their objects, and what becomes of them. */
#pragma once

#include "vm-entry.h"

typedef struct VmRegistry VmRegistry;

typedef struct VmRegistryFuncs {
    /* The first attempts of all VMs known so far have ended. */
    void (*on_settled)(gpointer user_data);
    /* A VM that was at this socket is forgotten, and was not removed by a caller. */
    void (*on_socket_left)(const char *path, gpointer user_data);
} VmRegistryFuncs;

/* Borrows both, which must outlive it. */
VmRegistry *vm_registry_new(Context *context, VmTeardown *teardown, const VmRegistryFuncs *funcs, gpointer user_data);

/* Forgets all VMs; those who wait for one to be added get an error. */
void vm_registry_free(VmRegistry *registry);

/* Takes up a VM. @func may be NULL: what goes wrong is logged, and the origin decides about the next attempt. Fails
 * at once with BUS_ERROR_INVALID_ARGS for a name that cannot be or is taken and for a monitor that is a VM's already, and
 * with BUS_ERROR_LIMITS_EXCEEDED for one VM too many (@func is not called then; an fd in @spec is closed). */
gboolean vm_registry_add(VmRegistry *registry, const VmSpec *spec, VmAddFunc func, gpointer user_data, GError **error);

/* How many there are that this user has given as a descriptor. */
guint vm_registry_count_given_by(VmRegistry *registry, guint32 uid);

/* Disconnects and forgets. */
void vm_registry_remove(VmRegistry *registry, Vm *vm);

/* Forgets the VMs that are being added for those whose vm_registry_add() data @func finds to be meant; they get an
 * error. */
typedef gboolean (*VmRegistryMatchFunc)(gpointer add_data, gpointer user_data);
void vm_registry_forget_waiting(VmRegistry *registry, VmRegistryMatchFunc func, gpointer user_data);

/* Somebody has begun to watch all VMs. */
void vm_registry_look(VmRegistry *registry);

/* The configuration is another: its limits and defaults hold for all VMs from now on. */
void vm_registry_reconfigured(VmRegistry *registry);

/* A caller has left. */
void vm_registry_drop_caller(VmRegistry *registry, const char *unique_name);

/* All return NULL where there is none. By path: also one that is not connected now, but is listened for or tried
 * again. By name, or by a UUID that no other has: a connected one; what is written like a UUID is no name. By socket: that which was added from that file. */
Vm *vm_registry_get_by_path(VmRegistry *registry, const char *path);
Vm *vm_registry_get_by_name_or_uuid(VmRegistry *registry, const char *name_or_uuid);
Vm *vm_registry_get_by_socket(VmRegistry *registry, const char *socket_path);

/* Whether the first attempt of every VM known so far has ended, well or badly; those that are listened for do not
 * count. on_settled() is called whenever that becomes so. */
gboolean vm_registry_is_settled(VmRegistry *registry);
