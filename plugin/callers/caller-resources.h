/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What in one QEMU is whose, of what it keeps for all monitors alike: known by asking, and put in order when its owner
 * leaves. */
#pragma once

#include "fdsets.h"
#include "command-filter.h"
#include "vm.h"

typedef struct CallerResources CallerResources;

/* Borrows @vm, which is up and must outlive it. Removes what an agent that was killed has left of its callers'. */
CallerResources *caller_resources_new(Vm *vm);
void caller_resources_free(CallerResources *resources);

/* Borrowed. */
Fdsets *caller_resources_get_fdsets(CallerResources *resources);
CommandFilter *caller_resources_get_guard(CallerResources *resources);
StartedMonitors *caller_resources_get_monitors(CallerResources *resources);

/* The first caller is about to send something: QEMU is asked what is there without them. */
void caller_resources_begin(CallerResources *resources);

/* Which fdsets there are may have changed. */
void caller_resources_ask_fdsets(CallerResources *resources);

/* @caller has left: their descriptors are removed, as soon as QEMU does that. */
void caller_resources_leave(CallerResources *resources, const char *caller);

/* The VM's run state has changed. */
void caller_resources_status_changed(CallerResources *resources);
