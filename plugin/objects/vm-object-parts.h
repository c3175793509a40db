/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of a VM's object, for vm-object.c, which makes and frees them, and vm-methods.c alone. */
#pragma once

#include "events.h"
#include "execute-and-wait-list.h"
#include "jobs.h"
#include "open-display.h"
#include "open-monitor.h"
#include "screenshot.h"
#include "vm-context.h"

struct VmObject {
    VmContext vm_context; /* first: the part that the rooms below are given */
    Events *events; /* owned */
    OpenMonitors *open_monitors; /* owned */
    OpenDisplays *open_displays; /* owned */
    Screenshots *screenshots; /* owned */
    Jobs *jobs; /* owned */
    ExecuteAndWaitList *waiting; /* owned */
    gboolean is_unpublished;
    gboolean has_target; /* that property is not empty */
};
