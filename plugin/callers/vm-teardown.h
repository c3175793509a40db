/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMs that the agent has done with, while it removes its own and its callers' things from their QEMUs: nobody sees these VMs
 * any more, and they stay connected until the last thing is removed, or for 2 s. */
#pragma once

#include "caller-sessions.h"
#include "vm.h"

typedef struct VmTeardown VmTeardown;

VmTeardown *vm_teardown_new(GMainContext *context);

/* Ends all of them as they are. */
void vm_teardown_free(VmTeardown *teardown);

/* Takes both. @vm is up. Not from inside a callback of @vm's. */
void vm_teardown_add(VmTeardown *teardown, Vm *vm, CallerSessions *sessions);

/* FALSE: there are none. Otherwise @func is called when the last has ended, from the main context; vm_teardown_free() is
 * allowed inside. */
typedef void (*VmTeardownFunc)(gpointer user_data);
gboolean vm_teardown_wait(VmTeardown *teardown, VmTeardownFunc func, gpointer user_data);
