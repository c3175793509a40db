/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The things that the parts of one VM on the bus share, while its QEMU is up. The first member of the VM's object (objects/vm-object.c),
 * which owns what is here; it is the data of the VM's methods. This folder knows only the names of some types here. */
#pragma once

#include "context.h"

typedef struct CallerSessions CallerSessions;
typedef struct Vm Vm;
typedef struct VmSchema VmSchema;

typedef struct VmContext {
    Context *context; /* weak */
    Vm *vm; /* weak; with a VmTeardown, theirs */
    BusObject *object; /* owned */
    VmSchema *schema; /* owned */
    CallerSessions *sessions; /* owned, or a VmTeardown's */
} VmContext;
