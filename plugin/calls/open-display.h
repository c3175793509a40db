/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenDisplay(): the connections to the display of one VM that callers are about to get. */
#pragma once

#include "vm-context.h"

typedef struct OpenDisplays OpenDisplays;

/* Borrows @vm_context, which must outlive it. */
OpenDisplays *open_displays_new(VmContext *vm_context);

/* The VM has gone, and all commands have been failed. A connection that a caller has got is theirs and QEMU's. */
void open_displays_free(OpenDisplays *displays);

/* The method. Consumes @call. */
void open_displays_open(OpenDisplays *displays, BusCall *call);

/* A caller has left. */
void open_displays_drop_caller(OpenDisplays *displays, const char *unique_name);
