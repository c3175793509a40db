/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The things that the parts of one instance of the module share. Made and owned by the instance (module/service.c), which is the only one
 * to set anything here. */
#pragma once

#include "audit.h"
#include "bus-object.h"
#include "caller-vms.h"
#include "config.h"
#include "log.h"
#include "management-module.h"
#include "policy.h"
#include "quota.h"
#include "schema-cache.h"

typedef struct Answers Answers;
typedef struct Authorizations Authorizations;
typedef struct Calls Calls;

typedef struct Context {
    const ManagementHost *host; /* ref; the host keeps it until stop() */
    Config *config; /* owned */
    Bus *bus; /* owned */
    Audit *audit; /* owned */
    Policy *policy; /* owned */
    BusInterface *vm_interface; /* ref; this and the next are shared by all objects */
    BusInterface *job_interface; /* ref */
    QmpInterfaces *promised; /* ref; what the contract promises of every QEMU */
    BusMethodFunc call_method; /* the work of a method of a QMP interface */
    SchemaCache *schemas; /* owned; what is known of some */
    Authorizations *authorizations; /* owned; the questions that the policy has been asked */
    CallerVms *caller_vms; /* owned; by their VmContext */
    Calls *calls; /* owned; answers that callers wait for */
    Answers *answers; /* owned; those that are being made of what QEMU has returned */
    const char *run_directory; /* weak; where sockets of VMs are found, and ours are made; NULL: there is none */
    GHashTable
        *viewers; /* owned, set of unique names: they have called GetManagedObjects, and may draw what changes */
    Quota native_sessions; /* of all VMs, as the next */
    Quota screenshots; /* under way */
    Quota displays; /* about to be opened */
    LogBudget vm_lines; /* about VMs that come without leave */
} Context;

/* The agent's own user: whose session it is, or the service's. */
guint32 context_get_uid(void);

/* Where polkit is, wherever the callers are. */
const char *context_get_system_bus_address(void);
