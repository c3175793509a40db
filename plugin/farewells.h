/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMs that the agent has done with, while it puts in order what it and its callers had in their QEMUs: they are nowhere to
 * be seen any more, and connected until that is done, or for 2 s. */
#pragma once

#include "sessions.h"
#include "vm.h"

typedef struct Farewells Farewells;

Farewells *farewells_new(GMainContext *context);

/* Ends all of them as they are. */
void farewells_free(Farewells *farewells);

/* Takes both. @vm is up. Not from inside a callback of @vm's. */
void farewells_add(Farewells *farewells, Vm *vm, Sessions *sessions);

/* FALSE: there are none. Otherwise @func is called when the last has ended, from the main context; farewells_free() is
 * allowed inside. */
typedef void (*FarewellsFunc)(gpointer user_data);
gboolean farewells_wait(Farewells *farewells, FarewellsFunc func, gpointer user_data);
