/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM's object on the bus, as the registry uses it: made when the VM is up, told the VM's news, and freed when the VM goes. The
 * registry knows no more of it; the instance fills the table (module/service.c). */
#pragma once

#include "context.h"
#include "qmp-message.h"
#include "vm-teardown.h"

typedef struct VmObject VmObject;

/* Each as the function vm_object_* of that name in plugin/objects. */
typedef struct VmObjectFuncs {
    VmObject *(*publish)(Context *context, Vm *vm, const char *path);
    void (*unpublish)(VmObject *object);
    void (*free)(VmObject *object, VmTeardown *teardown);
    void (*look)(VmObject *object);
    void (*reconfigured)(VmObject *object);
    void (*fail_commands)(VmObject *object, const GError *error);
    void (*changed)(VmObject *object);
    void (*event)(VmObject *object, const QmpEvent *event);
} VmObjectFuncs;
