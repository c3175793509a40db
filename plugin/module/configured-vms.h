/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VMs of the key file: taken up at the start, and compared with what is there when it has been read again. */
#pragma once

#include "vm-registry.h"
#include "vm-state.h"

/* Takes up the VMs of context->config that @registry does not have yet. @state: has their connections, perhaps. */
void configured_vms_take_up(Context *context, VmRegistry *registry, VmState *state);

/* context->config has taken the place of @old: lets go of the VMs whose groups have gone or are others now, and takes up the new
 * ones. A VM whose group says the same as before, and one that is from elsewhere, notices nothing. */
void configured_vms_update(Context *context, VmRegistry *registry, VmState *state, const Config *old);
