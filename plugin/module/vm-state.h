/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All that the next agent needs to have the VMs again, kept while this one runs, because it may be killed at any moment: a record of
 * each VM in the state file, and its connection in the host's store for descriptors, where there is one.
 *
 * The file has the VMs that were added by call or as a descriptor, which nobody else would tell of, and those whose connection is in
 * the store. */
#pragma once

#include "log.h"
#include "vm.h"

typedef struct VmState VmState;

/* Reads what the agent before has left. @run_directory: NULL: no file is kept. A record that cannot be had or is
 * broken is logged, and costs its own VM alone. */
VmState *vm_state_new(const ManagementHost *host, const char *run_directory);

/* There is one now. Once, if there was none. What the agent before has left in it is restored as by vm_state_restore(), except for
 * VMs that are there by now. */
void vm_state_set_directory(VmState *state, const char *run_directory);

/* A directory in the run directory was removed or moved, which may be the file's: it is made anew soon, with what is kept. */
void vm_state_look(VmState *state);

/* File and store stay as they are. */
void vm_state_free(VmState *state);

/* A VM of the key file is about to be added: the connection that the agent before had to it, if that is kept, becomes @spec's. */
void vm_state_resume(VmState *state, VmSpec *spec);

/* Calls @func for each VM that is to be added again, other than those of the key file, in the order in which they came. Once, after
 * all VMs of the key file: what is kept of others is dropped. @spec is valid inside, its descriptor taken. FALSE: it is not added, and
 * forgotten. Later, @func is called for those in a file that could not be had at the beginning.
 *
 * Then calls @done, once: from inside, unless another agent has the directory, which is waited for some seconds. */
typedef gboolean (*VmStateFunc)(const VmSpec *spec, gpointer user_data);
typedef void (*VmStateDoneFunc)(gpointer user_data);
void vm_state_restore(VmState *state, VmStateFunc func, VmStateDoneFunc done, gpointer user_data);

/* A VM is connected and has its name; its connection has ended; nobody wants it any more. */
void vm_state_put(VmState *state, Vm *vm);
void vm_state_disconnect(VmState *state, Vm *vm);
void vm_state_remove(VmState *state, Vm *vm);
