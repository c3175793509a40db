/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filled by VmRegistry. Owns no entry. */
#include "vm-table.h"

#include "names.h"

struct VmTable {
    GHashTable *entries; /* owned; VM (weak) → VmEntry (weak) */
    VmNames *names; /* owned; names stay taken while a VM is not connected */
};

VmTable *
vm_table_new(void)
{
    VmTable *table = g_new0(VmTable, 1);

    table->entries = g_hash_table_new(NULL, NULL);
    table->names = vm_names_new();
    return table;
}

void
vm_table_free(VmTable *table)
{
    g_hash_table_unref(table->entries);
    vm_names_free(table->names);
    g_free(table);
}

void
vm_table_add(VmTable *table, VmEntry *entry)
{
    g_hash_table_insert(table->entries, vm_entry_get_vm(entry), entry);
}

void
vm_table_remove(VmTable *table, VmEntry *entry)
{
    Vm *vm = vm_entry_get_vm(entry);

    g_hash_table_remove(table->entries, vm);
    if (vm_get_name(vm))
        vm_names_remove(table->names, vm);
}

void
vm_table_grant_name(VmTable *table, VmEntry *entry, const char *name)
{
    vm_entry_grant_name(entry, name);
    vm_names_add(table->names, vm_entry_get_vm(entry));
}

VmNames *
vm_table_get_names(VmTable *table)
{
    return table->names;
}

guint
vm_table_get_size(VmTable *table)
{
    return g_hash_table_size(table->entries);
}

guint
vm_table_count_connected(VmTable *table)
{
    GHashTableIter entries;
    gpointer entry;
    guint n = 0;

    g_hash_table_iter_init(&entries, table->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry))
        n += vm_entry_is_connected(entry);
    return n;
}

static int
compare_orders(gconstpointer a, gconstpointer b)
{
    guint64 first = vm_entry_get_order(*(VmEntry *const *)a), second = vm_entry_get_order(*(VmEntry *const *)b);

    return (first > second) - (first < second);
}

GPtrArray *
vm_table_list(VmTable *table)
{
    GPtrArray *list = g_ptr_array_sized_new(g_hash_table_size(table->entries));
    GHashTableIter entries;
    gpointer entry;

    g_hash_table_iter_init(&entries, table->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry))
        g_ptr_array_add(list, entry);
    g_ptr_array_sort(list, compare_orders);
    return list;
}

GPtrArray *
vm_table_list_awaited(VmTable *table)
{
    GPtrArray *list = g_ptr_array_new();
    GHashTableIter entries;
    gpointer entry;

    g_hash_table_iter_init(&entries, table->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry))
        if (vm_entry_get_add_data(entry))
            g_ptr_array_add(list, entry);
    return list;
}

static VmEntry *
get_by_vm(VmTable *table, Vm *vm)
{
    return vm ? g_hash_table_lookup(table->entries, vm) : NULL;
}

VmEntry *
vm_table_get_by_name(VmTable *table, const char *name)
{
    return name ? get_by_vm(table, vm_names_get_by_name(table->names, name)) : NULL;
}

VmEntry *
vm_table_get_by_path(VmTable *table, const char *path)
{
    return get_by_vm(table, vm_names_get_by_path(table->names, path));
}

VmEntry *
vm_table_get_by_monitor(VmTable *table, const MonitorId *id, VmEntry *except)
{
    GHashTableIter entries;
    gpointer vm, entry;

    g_hash_table_iter_init(&entries, table->entries);
    while (g_hash_table_iter_next(&entries, &vm, &entry))
        if (entry != except && vm_entry_is_admitted(entry) && monitor_id_is_same(vm_get_monitor_id(vm), id))
            return entry;
    return NULL;
}

VmEntry *
vm_table_get_by_socket(VmTable *table, const char *socket_path)
{
    GHashTableIter entries;
    gpointer vm, entry;

    g_hash_table_iter_init(&entries, table->entries);
    while (g_hash_table_iter_next(&entries, &vm, &entry)) {
        const QmpAddress *address = vm_get_address(vm);
        if (address && address->type == QMP_ADDRESS_UNIX && !address->is_abstract &&
            g_str_equal(address->path, socket_path))
            return entry;
    }
    return NULL;
}

/* One that several have, or that stands for none, names nobody. */
static VmEntry *
get_by_uuid(VmTable *table, const char *uuid)
{
    GHashTableIter entries;
    gpointer vm, entry;
    VmEntry *found = NULL;

    if (g_str_equal(uuid, NAMES_NIL_UUID))
        return NULL;
    g_hash_table_iter_init(&entries, table->entries);
    while (g_hash_table_iter_next(&entries, &vm, &entry)) {
        QemuConnection *qemu = vm_get_qemu(vm);
        if (!qemu || g_ascii_strcasecmp(qemu_connection_get_uuid(qemu), uuid) != 0)
            continue;
        if (found)
            return NULL;
        found = entry;
    }
    return found;
}

VmEntry *
vm_table_get_by_name_or_uuid(VmTable *table, const char *name_or_uuid)
{
    VmEntry *named;

    if (names_is_uuid(name_or_uuid))
        return get_by_uuid(table, name_or_uuid);
    named = vm_table_get_by_name(table, name_or_uuid);
    return named && vm_entry_is_connected(named) ? named : NULL;
}

static gboolean
is_of_group(VmEntry *entry, const char *name)
{
    return vm_get_origin(vm_entry_get_vm(entry)) == VM_FROM_KEY_FILE &&
           g_str_equal(vm_entry_get_wanted_name(entry), name);
}

VmEntry *
vm_table_get_configured(VmTable *table, const char *name)
{
    VmEntry *holder = vm_table_get_by_name(table, name);
    GHashTableIter entries;
    gpointer entry;

    if (holder && is_of_group(holder, name))
        return holder;
    g_hash_table_iter_init(&entries, table->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry))
        if (is_of_group(entry, name))
            return entry;
    return NULL;
}

guint
vm_table_count_given_by(VmTable *table, guint32 uid)
{
    GHashTableIter entries;
    gpointer vm;
    guint n = 0;

    g_hash_table_iter_init(&entries, table->entries);
    while (g_hash_table_iter_next(&entries, &vm, NULL))
        n += vm_get_origin(vm) == VM_FROM_FD && vm_get_spec(vm)->added_by == uid;
    return n;
}

guint
vm_table_count_found(VmTable *table, guint32 uid, guint *ret_of_user)
{
    GHashTableIter entries;
    gpointer vm;
    guint n = 0, n_of_user = 0;

    g_hash_table_iter_init(&entries, table->entries);
    while (g_hash_table_iter_next(&entries, &vm, NULL)) {
        if (vm_get_origin(vm) != VM_FROM_DIRECTORY)
            continue;
        n++;
        n_of_user += vm_get_spec(vm)->made_by == uid;
    }
    *ret_of_user = n_of_user;
    return n;
}

void
vm_table_look(VmTable *table)
{
    GHashTableIter entries;
    gpointer entry;

    g_hash_table_iter_init(&entries, table->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry))
        vm_entry_look(entry);
}

void
vm_table_reconfigured(VmTable *table, const Config *config)
{
    GHashTableIter entries;
    gpointer vm, entry;

    g_hash_table_iter_init(&entries, table->entries);
    while (g_hash_table_iter_next(&entries, &vm, &entry)) {
        vm_set_default_isolation(vm, config->isolation_required);
        vm_entry_reconfigured(entry);
    }
}
