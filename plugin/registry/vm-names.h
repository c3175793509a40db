/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of VMs, connected or not: which are taken and by which VM, and which one a VM may have. Part of
 * VmRegistry. */
#pragma once

#include "vm.h"

typedef struct VmNames VmNames;

VmNames *vm_names_new(void);
void vm_names_free(VmNames *names);

/* @vm has its name, which must be free, and the object path that follows from it; or has them no more. Borrowed until then. */
void vm_names_add(VmNames *names, Vm *vm);
void vm_names_remove(VmNames *names, Vm *vm);

/* NULL: none. */
Vm *vm_names_get_by_name(VmNames *names, const char *name);
Vm *vm_names_get_by_path(VmNames *names, const char *path);

/* Whether a name is one, and free. Otherwise BUS_ERROR_INVALID_ARGS, which says by what it is taken. */
gboolean vm_names_check(VmNames *names, const char *name, GError **error);

/* Whether a name that the key file or AddVM gives goes before that of @holder, which has it: what a socket in the run
 * directory is called. */
gboolean vm_names_goes_before(VmOrigin origin, Vm *holder);

/* The name of a connected VM for which none was given: QEMU's `-name`, else its UUID. NULL with BUS_ERROR_INVALID_ARGS: it has
 * neither, or may not be called that. Whether a name that is written like a UUID is the VM's own is the registry's to see. */
char *vm_names_choose(VmNames *names, Vm *vm, GError **error);

/* Where a VM comes from, in words for users who may know nothing else of it: "the VM found at /run/qemu-monitor/web.sock". */
char *vm_names_describe(Vm *vm);
