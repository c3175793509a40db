/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All entries that the agent knows, and by what each is found. VmRegistry adds and removes them; everybody may look. */
#pragma once

#include "vm-entry.h"
#include "vm-names.h"

typedef struct VmTable VmTable;

VmTable *vm_table_new(void);

/* The table is empty by then. */
void vm_table_free(VmTable *table);

/* The table borrows @entry until vm_table_remove(). */
void vm_table_add(VmTable *table, VmEntry *entry);
void vm_table_remove(VmTable *table, VmEntry *entry);

/* @entry has this name from now on, which must be free. */
void vm_table_grant_name(VmTable *table, VmEntry *entry, const char *name);

/* Which names are taken. */
VmNames *vm_table_get_names(VmTable *table);

guint vm_table_get_size(VmTable *table);
guint vm_table_count_connected(VmTable *table);

/* All entries, in the order in which the agent was told about them. Owned, of VmEntry (weak). */
GPtrArray *vm_table_list(VmTable *table);

/* The entries for which a caller waits, in no order. Owned, of VmEntry (weak). */
GPtrArray *vm_table_list_awaited(VmTable *table);

/* All return NULL where there is none. By name, which may be NULL, and by path: the entry that has it, connected or not. By
 * monitor: the one that leads to @id, which an entry that is refused does not; not @except. By socket: that which was added from
 * this file, or is refused. */
VmEntry *vm_table_get_by_name(VmTable *table, const char *name);
VmEntry *vm_table_get_by_path(VmTable *table, const char *path);
VmEntry *vm_table_get_by_monitor(VmTable *table, const MonitorId *id, VmEntry *except);
VmEntry *vm_table_get_by_socket(VmTable *table, const char *socket_path);

/* A connected one, by its name or by a UUID that no other has. A text that is written like a UUID is no name. */
VmEntry *vm_table_get_by_name_or_uuid(VmTable *table, const char *name_or_uuid);

/* How many this user has given as a descriptor. */
guint vm_table_count_given_by(VmTable *table, guint32 uid);

/* How many are in the run directory. @ret_of_user: how many of them this user has made. */
guint vm_table_count_found(VmTable *table, guint32 uid, guint *ret_of_user);

/* The entry of the key file's group @name, whether it has that name or is refused. */
VmEntry *vm_table_get_configured(VmTable *table, const char *name);

/* Somebody has begun to watch all VMs: every object is told. */
void vm_table_look(VmTable *table);

/* The configuration is another: its limits and defaults hold for all VMs from now on. */
void vm_table_reconfigured(VmTable *table, const Config *config);
