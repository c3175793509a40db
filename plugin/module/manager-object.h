/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.qemu.Monitor1.Manager, at /org/qemu/Monitor1. */
#pragma once

#include "vm-registry.h"

typedef struct ManagerObject ManagerObject;

/* The interface's methods and properties; their data is the ManagerObject. */
extern const BusMethod manager_object_methods[];
extern const BusProperty manager_object_properties[];

/* Publishes the manager, which is the ObjectManager of all VMs. Borrows all of them. */
ManagerObject *manager_object_new(Context *context, VmRegistry *registry, BusInterface *interface);

/* The manager goes, before the policy does; its calls that are still being asked about are answered. */
void manager_object_free(ManagerObject *manager);

/* A caller has left: VMs that are being added for them are forgotten, unless they did not want a reply. */
void manager_object_drop_caller(ManagerObject *manager, const char *unique_name);
