/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.qemu.Monitor1.Manager, at /org/qemu/Monitor1. */
#pragma once

#include "service.h"

/* What the interface does; object_data is the Service. */
extern const BusMethod manager_object_methods[];
extern const BusProperty manager_object_properties[];

/* Publishes the manager, which is the ObjectManager of all VMs. */
BusObject *manager_object_new(Service *service);

/* It goes, before the policy does; its calls that are still being asked about are answered. */
void manager_object_free(Service *service);

/* A caller has left: VMs that are being added for them are forgotten, unless they did not want a reply. */
void manager_object_drop_caller(Service *service, const char *unique_name);
