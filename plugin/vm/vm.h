/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM that the agent was told about: where its QEMU is, and the connection to it while there is one. A Vm
 * connects, listens, and tries again; the VM's name and the objects that tell of it are the registry's affair. */
#pragma once

#include "monitor-id.h"
#include "qemu-connection.h"
#include "vm-spec.h"

typedef struct Vm Vm;

typedef enum VmDown {
    VM_DOWN_UNREACHABLE, /* no connection could be had */
    VM_DOWN_UNUSABLE, /* there was one, but no QMP at its other end, or on_up refused it */
    VM_DOWN_ENDED, /* the VM was up; with QMP_ERROR_TIMED_OUT: QEMU is there, and its monitor answers no more */
} VmDown;

typedef struct VmFuncs {
    /* A socket is connected to vm_get_address(), and vm_get_monitor_id() tells to which monitor. FALSE with an error: the
     * socket is of no use, and on_down follows. */
    gboolean (*on_connected)(Vm *vm, GError **error, gpointer user_data);
    /* QEMU is connected and known. FALSE with an error refuses it (its name is taken, …), and on_down follows. */
    gboolean (*on_up)(Vm *vm, GError **error, gpointer user_data);
    /* The run state changed. */
    void (*on_changed)(Vm *vm, gpointer user_data);
    void (*on_event)(Vm *vm, const QmpEvent *event, gpointer user_data);
    /* As QemuConnectionFuncs.on_stuck. */
    void (*on_stuck)(Vm *vm, const GError *error, gpointer user_data);
    /* The connection of a QEMU that was up has ended: the commands under way are about to be failed, and on_down follows. The
     * VM must not be freed from inside. */
    void (*on_ending)(Vm *vm, gpointer user_data);
    /* An attempt failed or the connection ended. TRUE: go on as the origin says. FALSE: the VM has been freed. */
    gboolean (*on_down)(Vm *vm, VmDown how, const GError *error, gpointer user_data);
} VmFuncs;

/* Copies @spec and begins the first attempt, unless @spec says that it waits; no callback comes from inside. @max_reply: bytes. */
Vm *vm_new(GMainContext *context, const VmSpec *spec, gsize max_reply, const VmFuncs *funcs, gpointer user_data);

/* Disconnects. Commands under way are failed, but on_down does not come. Not from inside on_up. */
void vm_free(Vm *vm);

/* Replaces the callbacks. Not from inside one. */
void vm_set_funcs(Vm *vm, const VmFuncs *funcs, gpointer user_data);

/* Tries at once, if the Vm waits to try: its socket has appeared, or nothing is in its way any more. */
void vm_poke(Vm *vm);

/* NULL until it is known, which is at on_up at the latest. Once set it stays. */
const char *vm_get_name(Vm *vm);
void vm_set_name(Vm *vm, const char *name);

/* The VmSpec of vm_new(); its descriptor is gone. The next getters are parts of it. */
const VmSpec *vm_get_spec(Vm *vm);
VmOrigin vm_get_origin(Vm *vm);
const QmpAddress *vm_get_address(Vm *vm); /* NULL: VM_FROM_FD */
const MonitorId *vm_get_monitor_id(Vm *vm);
gboolean vm_requires_isolation(Vm *vm);

/* The default has become another. */
void vm_set_default_isolation(Vm *vm, gboolean isolation_required);

/* The QEMU while it is up, from on_up to on_down; NULL otherwise. */
QemuConnection *vm_get_qemu(Vm *vm);

/* The uid that QEMU runs as (SO_PEERCRED); over TCP, where the kernel has none, and while it is not up, the uid that
 * added it. */
guint32 vm_get_owner_uid(Vm *vm);
gboolean vm_is_owner_known(Vm *vm); /* FALSE: the uid is that of whoever added the VM */
