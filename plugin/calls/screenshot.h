/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Screenshot(): the pictures that callers have taken of the screen of one VM. */
#pragma once

#include "vm-context.h"

typedef struct Screenshots Screenshots;

/* Borrows @vm_context, which must outlive it. */
Screenshots *screenshots_new(VmContext *vm_context);

/* The VM is going. First stop: what QEMU has of the agent's is removed from here on; when all commands have been failed, free. */
void screenshots_stop(Screenshots *screenshots);
void screenshots_free(Screenshots *screenshots);

/* The method. Consumes @call. */
void screenshots_take(Screenshots *screenshots, BusCall *call);

/* A caller has left. */
void screenshots_drop_caller(Screenshots *screenshots, const char *unique_name);
