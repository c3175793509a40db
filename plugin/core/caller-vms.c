/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Part of the Context. Owns no VM. */
#include "caller-vms.h"

struct CallerVms {
    GHashTable *by_caller; /* owned: unique name → GPtrArray of VMs (weak), owned */
};

CallerVms *
caller_vms_new(void)
{
    CallerVms *vms = g_new(CallerVms, 1);

    vms->by_caller = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    return vms;
}

void
caller_vms_free(CallerVms *vms)
{
    g_hash_table_unref(vms->by_caller);
    g_free(vms);
}

void
caller_vms_note(CallerVms *vms, const BusPeer *caller, gpointer vm)
{
    GPtrArray *used = g_hash_table_lookup(vms->by_caller, caller->name);

    if (caller->is_gone)
        return;
    if (!used) {
        used = g_ptr_array_new();
        g_hash_table_insert(vms->by_caller, g_strdup(caller->name), used);
    }
    if (!g_ptr_array_find(used, vm, NULL))
        g_ptr_array_add(used, vm);
}

void
caller_vms_forget(CallerVms *vms, gpointer vm)
{
    GHashTableIter callers;
    gpointer used;

    g_hash_table_iter_init(&callers, vms->by_caller);
    while (g_hash_table_iter_next(&callers, NULL, &used))
        g_ptr_array_remove_fast(used, vm);
}

/* A VM may go from inside @func. */
void
caller_vms_leave(CallerVms *vms, const char *caller, CallerVmsFunc func)
{
    GPtrArray *used = g_hash_table_lookup(vms->by_caller, caller);

    while (used && used->len > 0)
        func(g_ptr_array_steal_index_fast(used, used->len - 1), caller);
    g_hash_table_remove(vms->by_caller, caller);
}
