/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMs that the agent has done with, while it puts in order what it and its callers had in their QEMUs: they are nowhere to
 * be seen any more, and connected until that is done, or for 2 s. */
#pragma once

#include "caller-sessions.h"
#include "vm.h"

typedef struct VmTeardown VmTeardown;

VmTeardown *vm_teardown_new(GMainContext *context);

/* Ends all of them as they are. */
void vm_teardown_free(VmTeardown *farewells);

/* Takes both. @vm is up. Not from inside a callback of @vm's. */
void vm_teardown_add(VmTeardown *farewells, Vm *vm, CallerSessions *sessions);

/* FALSE: there are none. Otherwise @func is called when the last has ended, from the main context; vm_teardown_free() is
 * allowed inside. */
typedef void (*VmTeardownFunc)(gpointer user_data);
gboolean vm_teardown_wait(VmTeardown *farewells, VmTeardownFunc func, gpointer user_data);
