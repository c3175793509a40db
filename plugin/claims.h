/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What in one QEMU is whose, of what it keeps for all monitors alike: known by asking, and put in order when its owner
 * leaves. */
#pragma once

#include "fdsets.h"
#include "guard.h"
#include "vm.h"

typedef struct Claims Claims;

/* Borrows @vm, which is up and must outlive it. Removes what an agent that was killed has left of its callers'. */
Claims *claims_new(Vm *vm);
void claims_free(Claims *claims);

/* Borrowed. */
Fdsets *claims_get_fdsets(Claims *claims);
Guard *claims_get_guard(Claims *claims);

/* The first caller is about to send something: QEMU is asked what is there without them. */
void claims_begin(Claims *claims);

/* Which fdsets there are may have changed. */
void claims_ask_fdsets(Claims *claims);

/* @caller has left: their descriptors are removed, as soon as QEMU does that. */
void claims_leave(Claims *claims, const char *caller);

/* The VM's run state has changed. */
void claims_status_changed(Claims *claims);
