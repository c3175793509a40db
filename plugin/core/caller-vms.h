/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which VMs each caller has used: a caller who leaves the bus is forgotten by those alone, and not looked for in a thousand others. */
#pragma once

#include <glib.h>

#include "bus-peer.h"

typedef struct CallerVms CallerVms;

CallerVms *caller_vms_new(void);
void caller_vms_free(CallerVms *vms);

/* The caller has something in @vm now, or is about to. */
void caller_vms_note(CallerVms *vms, const BusPeer *caller, gpointer vm);

/* The VM goes. */
void caller_vms_forget(CallerVms *vms, gpointer vm);

/* Calls @func for each VM that @caller has used, and forgets the caller. */
typedef void (*CallerVmsFunc)(gpointer vm, const char *caller);
void caller_vms_leave(CallerVms *vms, const char *caller, CallerVmsFunc func);
