/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM on the bus, while its QEMU is up: the properties and methods of org.qemu.Monitor1.VM, the methods of .QMP, the
 * signals of .Events. */
#pragma once

#include "vm-context.h"
#include "vm-teardown.h"

typedef struct VmObject VmObject;

/* The methods and properties of the interfaces of all VMs. */
extern const BusMethod vm_object_methods[];
extern const BusProperty vm_object_properties[];

/* Publishes @vm at @path. Borrows both, which must outlive the object. */
VmObject *vm_object_new(Context *context, Vm *vm, const char *path);

/* The object disappears from the bus, before anybody is answered that the VM goes; nothing but vm_object_free() may
 * follow. */
void vm_object_unpublish(VmObject *object);

/* The object disappears from the bus, if it has not yet, and everybody who waits is answered. @teardown: NULL: QEMU
 * has ended. Otherwise the VM is @teardown's from here on, and its callers' resources in QEMU are put in order. */
void vm_object_free(VmObject *object, VmTeardown *teardown);

/* A caller has begun to watch: the numbers of the VM's jobs are kept true. */
void vm_object_look(VmObject *object);

/* A caller has left. */
void vm_object_drop_caller(VmObject *object, const char *unique_name);

/* The configuration is another: its limits hold from now on. */
void vm_object_reconfigured(VmObject *object);

/* QEMU answers nothing: the commands that wait are failed with @error. */
void vm_object_fail_commands(VmObject *object, const GError *error);

/* The run state has changed: PropertiesChanged. */
void vm_object_changed(VmObject *object);

/* QEMU said something: a signal. */
void vm_object_event(VmObject *object, const QmpEvent *event);
