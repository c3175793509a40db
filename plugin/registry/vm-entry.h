/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One VM that the agent was told about, from its addition until it is forgotten: its object while its QEMU is connected, and
 * who waits for it to be added. Part of VmRegistry, which owns it and decides what it may be called. */
#pragma once

#include "context.h"
#include "vm-object.h"

typedef struct VmEntry VmEntry;

/* What an entry asks of its owner, and tells it. */
typedef struct VmEntryFuncs {
    /* As VmFuncs.on_connected. FALSE with an error: another entry has this monitor. */
    gboolean (*on_connected)(VmEntry *entry, GError **error, gpointer user_data);
    /* QEMU is connected and known: vm_entry_set_name() gives the entry a name, unless it has one. FALSE with an error: it cannot be
     * called so. */
    gboolean (*on_up)(VmEntry *entry, GError **error, gpointer user_data);
    /* The first attempt has ended, well or badly. Once, and before the entry is gone. */
    void (*on_tried)(VmEntry *entry, gpointer user_data);
    /* It is over: to be freed from inside. */
    void (*on_over)(VmEntry *entry, const GError *error, gpointer user_data);
} VmEntryFuncs;

/* The outcome of an addition: the object path, or NULL with an error and nothing left of the VM. Exactly once, never from inside
 * the function that adds. */
typedef void (*VmAddFunc)(const char *path, const GError *error, gpointer user_data);

/* Begins the first attempt; no callback comes from inside. Borrows context and teardown. @funcs is not copied. */
VmEntry *vm_entry_new(Context *context, VmTeardown *teardown, const VmSpec *spec, const VmEntryFuncs *funcs,
                      gpointer user_data);

/* Disconnects. Who waits for it to be added gets @error, last. */
void vm_entry_free(VmEntry *entry, const GError *error);

/* Somebody waits for it to be added. Once, right after vm_entry_new(). */
void vm_entry_await(VmEntry *entry, const VmSpec *spec, VmAddFunc func, gpointer user_data);

/* vm_entry_await()'s data; NULL: nobody waits. */
gpointer vm_entry_get_add_data(VmEntry *entry);

/* It has a name, and the path that follows from it. Once. */
void vm_entry_set_name(VmEntry *entry, const char *name);

Vm *vm_entry_get_vm(VmEntry *entry);
VmObject *vm_entry_get_object(VmEntry *entry); /* NULL: it is not connected */
const char *vm_entry_get_path(VmEntry *entry); /* NULL: it has no name yet */
gboolean vm_entry_is_tried(VmEntry *entry); /* always where it is listened for */
