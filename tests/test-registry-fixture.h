/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A registry of VMs without a bus, for the tests of what decides which VM is there, under which name. Its QEMUs are scripted, and given as
 * descriptors; a VM of the run directory or the key file has an address at which nobody listens. */
#pragma once

#include "test-qemu.h"
#include "vm-registry.h"

typedef struct RegistryFixture {
    GMainContext *main; /* owned */
    ManagementHost host;
    Config config;
    Context context;
    GPtrArray *qemus; /* owned, of TestQemu */
    VmRegistry *registry; /* owned */
    VmTable *table; /* weak; its table */
    GString *log; /* owned; what became of VMs and of their objects, a word each */
} RegistryFixture;

void registry_fixture_set_up(RegistryFixture *fixture, gconstpointer unused);
void registry_fixture_tear_down(RegistryFixture *fixture, gconstpointer unused);

#define REGISTRY_FIXTURE_ADD(path, test)                                                                              \
    g_test_add(path, RegistryFixture, NULL, registry_fixture_set_up, test, registry_fixture_tear_down)

/* Takes up a QEMU that calls itself @guest_name and has @uuid, under @name (NULL: its own), given by user @uid. @ret_error: the
 * registry's; NULL: it must succeed. */
TestQemu *registry_fixture_give(RegistryFixture *fixture, const char *name, const char *guest_name, const char *uuid,
                                guint32 uid, GError **ret_error);

/* Takes up a VM at unix:/nowhere/@file; NULL: the registry refused it. @made_by: uid; of VM_FROM_DIRECTORY. */
VmEntry *registry_fixture_address(RegistryFixture *fixture, VmOrigin origin, const char *name, const char *file,
                                  guint32 made_by);

/* Runs until there are so many connected VMs. */
void registry_fixture_wait_connected(RegistryFixture *fixture, guint n);

/* Runs until the log is this, and empties it. */
void registry_fixture_expect(RegistryFixture *fixture, const char *log);
