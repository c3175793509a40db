/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One VM that the agent was told about, from its addition until it is forgotten: how it stands, its object while its QEMU is
 * connected, and who waits for it to be added. Part of VmRegistry, which owns it and decides what it may be called. */
#pragma once

#include "vm-object-funcs.h"
#include "vm.h"

typedef struct VmEntry VmEntry;

/* How a VM stands. Attempts to connect that fail one after the other change nothing here. */
typedef enum VmEntryState {
    VM_ENTRY_REFUSED, /* the VM may not be what it would be: it cannot be called so, or another VM has its name or its monitor */
    VM_ENTRY_CONNECTING, /* the first attempt is under way */
    VM_ENTRY_WAITING, /* the VM could not be had, or its QEMU has gone; it is tried again, or listened for */
    VM_ENTRY_CONNECTED, /* the VM has an object */
    VM_ENTRY_STUCK, /* the VM has an object, and its QEMU answers nothing */
} VmEntryState;

/* An entry's questions to its owner, and its news. */
typedef struct VmEntryFuncs {
    /* As VmFuncs.on_connected. FALSE with an error: another entry has this monitor. */
    gboolean (*on_connected)(VmEntry *entry, GError **error, gpointer user_data);
    /* QEMU is connected and known: vm_entry_grant_name() gives the entry a name, unless it has one. FALSE with an error: it cannot
     * be called so. */
    gboolean (*on_up)(VmEntry *entry, GError **error, gpointer user_data);
    /* The VM has its object, and callers who wait for it have not been told; its connection has ended, or was of no use (on_over may follow). */
    void (*on_published)(VmEntry *entry, gpointer user_data);
    void (*on_down)(VmEntry *entry, gpointer user_data);
    /* The first attempt has ended, well or badly. Once, and before the entry is gone. */
    void (*on_tried)(VmEntry *entry, gpointer user_data);
    /* The entry is over: to be freed from inside. */
    void (*on_over)(VmEntry *entry, const GError *error, gpointer user_data);
} VmEntryFuncs;

/* The outcome of an addition: the object path, or NULL with an error and nothing left of the VM. Exactly once, never from inside
 * the function that adds. */
typedef void (*VmAddFunc)(const char *path, const GError *error, gpointer user_data);

/* The things that all entries of one owner share, which keeps them. */
typedef struct VmEntryShare {
    Context *context; /* weak */
    VmTeardown *teardown; /* weak */
    const VmObjectFuncs *objects; /* static */
    const VmEntryFuncs *funcs; /* static */
    gpointer user_data;
} VmEntryShare;

/* Nothing is tried until vm_entry_admit() or vm_entry_refuse() follows. @order: which entry was told about earlier. Borrows
 * @share. */
VmEntry *vm_entry_new(const VmEntryShare *share, const VmSpec *spec, guint64 order);

/* The VM may be what it would be: the first attempt begins, from which no callback comes from inside. Once. */
void vm_entry_admit(VmEntry *entry);

/* The VM may not, for now. Says so in the log, unless it said the same before. @is_final: as long as it is called so. */
void vm_entry_refuse(VmEntry *entry, gboolean is_final, const GError *error);

/* Disconnects. The caller who waits for it to be added gets @error, last. */
void vm_entry_free(VmEntry *entry, const GError *error);

/* Somebody waits for it to be added. Once, right after vm_entry_new(). */
void vm_entry_await(VmEntry *entry, const VmSpec *spec, VmAddFunc func, gpointer user_data);

/* vm_entry_await()'s data; NULL: nobody waits. */
gpointer vm_entry_get_add_data(VmEntry *entry);

/* The VM has a name from now on, and the path that follows from it. Once. */
void vm_entry_grant_name(VmEntry *entry, const char *name);

Vm *vm_entry_get_vm(VmEntry *entry);
guint64 vm_entry_get_order(VmEntry *entry);
const char *
vm_entry_get_wanted_name(VmEntry *entry); /* the one that it was given, whether it has it or not; NULL: QEMU's own */
gboolean vm_entry_is_connected(VmEntry *entry); /* it has an object */
const char *vm_entry_get_path(VmEntry *entry); /* NULL: it has no name yet */
gboolean vm_entry_is_tried(VmEntry *entry); /* always where it is listened for */
gboolean vm_entry_is_admitted(VmEntry *entry);

/* The entry's object, if it has one, is told: somebody has begun to watch all VMs; the configuration is another. */
void vm_entry_look(VmEntry *entry);
void vm_entry_reconfigured(VmEntry *entry);

/* How it stands, since when (us since the epoch), and the text of the last error; "": there has been none since it was connected. */
VmEntryState vm_entry_get_state(VmEntry *entry);
guint64 vm_entry_get_since(VmEntry *entry);
const char *vm_entry_get_error(VmEntry *entry);
