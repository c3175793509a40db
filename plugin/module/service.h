/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One instance of the module, and what its parts share. */
#pragma once

#include <gio/gio.h>

#include "audit.h"
#include "bus-object.h"
#include "config.h"
#include "management-module.h"
#include "policy.h"
#include "schema-cache.h"

typedef struct VmRegistry VmRegistry;
typedef struct Discovery Discovery;
typedef struct VmTeardown VmTeardown;

typedef struct Service {
    const ManagementHost *host; /* ref; the host keeps it until stop() */
    Config *config; /* owned */
    Bus *bus; /* owned */
    Audit *audit; /* owned */
    Policy *policy; /* owned */
    GQueue questions; /* of GateTicket, owned, by their own links: the policy has been asked */
    GDBusNodeInfo *contract; /* ref */
    BusInterface *manager_interface; /* ref; this and the next are shared by all objects */
    BusInterface *vm_interface; /* ref */
    BusInterface *job_interface; /* ref */
    QmpInterfaces *promised; /* ref; what the contract promises of every QEMU */
    SchemaCache *schemas; /* owned; what is known of some */
    BusObject *manager; /* owned */
    VmRegistry *registry; /* owned */
    VmTeardown *farewells; /* owned */
    Discovery *discovery; /* owned; NULL where there is no run directory */
    BusPeerWatch *peer_watch; /* owned */
    GHashTable
        *viewers; /* owned, set of unique names: they have called GetManagedObjects, and may draw what changes */
    guint open_monitors; /* native sessions of all VMs */
    GQueue calls; /* of Call, by their own links: answers that callers wait for */
    GQueue management_calls; /* of ManagementCall, likewise: of the manager, while the policy is asked */
    guint fd_calls; /* of them, those that came with a descriptor */
    GSource *settle_timer; /* owned; until the name is asked for */
    gboolean name_asked;
    gboolean has_failed; /* the host has been told */
} Service;

/* The module's start(), prepare_stop() and stop(), see management-module.h. */
Service *service_start(const ManagementHost *host, GError **error);
gboolean service_prepare_stop(Service *service);
void service_stop(Service *service);

/* The first attempts of all VMs known so far have ended. */
void service_settled(Service *service);

/* A VM that was at this socket is forgotten, and was not removed by a caller. */
void service_socket_left(Service *service, const char *path);

/* The agent's own user: whose session it is, or root. */
guint32 service_get_uid(void);
