/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The schema of one VM's QEMU: asked for when it is first needed, by whatever needs it. Until then, and where QEMU
 * does not tell it, the contract takes its place. */
#pragma once

#include "qmp-interfaces.h"
#include "vm-context.h"
#include "vm.h"

/* Once at most, also from inside vm_schema_is_settled(): QEMU has told what it understands, and the interfaces have
 * become its own; or it does not tell, and @interfaces is NULL. Not where it has only not told in time. */
typedef void (*VmSchemaFunc)(QmpInterfaces *interfaces, gpointer user_data);

/* Borrows @vm, which is up and must outlive it. */
VmSchema *vm_schema_new(Context *context, Vm *vm, VmSchemaFunc func, gpointer user_data);

/* Everybody who waits is told, with QMP_ERROR_DISCONNECTED. */
void vm_schema_free(VmSchema *schema);

/* Borrowed; never NULL. */
QmpInterfaces *vm_schema_get_interfaces(VmSchema *schema);

/* Whether more will not be known soon: QEMU has told, or does not tell, or has not told in time. */
gboolean vm_schema_is_settled(VmSchema *schema);

/* Whether it must be known before a caller's command goes out, to know how callers get at this QEMU: 11.1 and later have
 * monitors that are objects. One that lists none may have them nevertheless, and then its schema tells. */
gboolean vm_schema_is_needed(VmSchema *schema);

/* Whether somebody waits. Whoever comes later and does not have to should wait behind them, so that order is kept. */
gboolean vm_schema_is_awaited(VmSchema *schema);

/* Somebody who waits until it is settled. */
typedef struct SchemaWait SchemaWait;

/* Once, unless cancelled; never from inside vm_schema_wait(). @error: the VM has gone. The SchemaWait is gone when
 * this returns. */
typedef void (*SchemaWaitFunc)(const GError *error, gpointer user_data);

/* Only while it is not settled, or awaited; begins to find out. @caller and @uid: the caller and its user, "" for the agent; @size:
 * bytes that are kept meanwhile. Fails with QMP_ERROR_LIMIT where too much of that caller's, or of that user's, waits already. */
SchemaWait *vm_schema_wait(VmSchema *schema, const char *caller, guint32 uid, gsize size, SchemaWaitFunc func,
                           gpointer user_data, GError **error);
void schema_wait_cancel(SchemaWait *wait);
