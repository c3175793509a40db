/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log's lines about one VM as its QEMU comes and goes. Part of VmRegistry. */
#pragma once

#include "context.h"
#include "vm.h"

typedef struct VmLog {
    gboolean failure_logged; /* the same failure may come again every 30 s */
    gint64 refused_since; /* monotonic us; 0: the last attempt was not refused */
} VmLog;

/* For lines about it; NULL: it took somebody's leave, who does not flood the log. */
LogBudget *vm_log_get_budget(Context *context, Vm *vm);

/* The VM is connected, and has a name. */
void vm_log_up(VmLog *log, Context *context, Vm *vm);

/* As VmFuncs.on_down. @is_awaited: a caller is told of the failure. */
void vm_log_down(VmLog *log, Context *context, Vm *vm, VmDown how, const GError *error, gboolean is_awaited);
