/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* OpenMonitor(): the native sessions of one VM. */
#pragma once

#include "qmp-message.h"
#include "vm-context.h"

typedef struct OpenMonitors OpenMonitors;

/* Borrows @vm_context, which must outlive it. */
OpenMonitors *open_monitors_new(VmContext *vm_context);

/* The VM is going. First stop: nothing is begun any more; when its callers' commands have been answered, free: the clients are
 * disconnected. */
void open_monitors_stop(OpenMonitors *monitors);
void open_monitors_free(OpenMonitors *monitors);

/* The method. Consumes @call. */
void open_monitors_open(OpenMonitors *monitors, BusCall *call);

/* QEMU said something. */
void open_monitors_event(OpenMonitors *monitors, const QmpEvent *event);

/* A caller has left. */
void open_monitors_drop_caller(OpenMonitors *monitors, const char *unique_name);
