/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by VmState, whose part the table is; owns what it keeps. */
#include "kept-vms.h"

static guint
hash_kept(gconstpointer data)
{
    const KeptVm *kept = data;

    return g_str_hash(kept->name) + kept->origin;
}

static gboolean
is_same_vm(gconstpointer a, gconstpointer b)
{
    const KeptVm *one = a, *other = b;

    return one->origin == other->origin && g_str_equal(one->name, other->name);
}

static void
free_kept(gpointer data)
{
    KeptVm *kept = data;

    g_clear_pointer(&kept->record, vm_record_free);
    g_free(kept->name);
    g_free(kept->text);
    g_free(kept->descriptor);
    g_free(kept);
}

void
kept_vms_init(KeptVms *vms)
{
    g_queue_init(&vms->all);
    vms->index = g_hash_table_new_full(hash_kept, is_same_vm, free_kept, NULL);
}

void
kept_vms_clear(KeptVms *vms)
{
    g_hash_table_unref(vms->index);
}

KeptVm *
kept_vms_add(KeptVms *vms, const VmRecord *record)
{
    KeptVm *kept = g_new0(KeptVm, 1);

    kept->origin = record->spec->origin;
    kept->name = g_strdup(record->spec->name);
    kept->text = vm_record_print(record);
    kept->descriptor = g_strdup(record->descriptor);
    kept->link.data = kept;
    g_queue_push_tail_link(&vms->all, &kept->link);
    g_hash_table_add(vms->index, kept);
    return kept;
}

KeptVm *
kept_vms_add_vm(KeptVms *vms, Vm *vm, char *descriptor)
{
    VmSpec spec = *vm_get_spec(vm);
    g_autoptr(VmRecord) record = NULL;

    spec.name = vm_get_name(vm);
    record = vm_record_new(&spec, descriptor, qmp_client_dup_session(qemu_connection_get_client(vm_get_qemu(vm))));
    return kept_vms_add(vms, record);
}

/* The file may be a copy of what this agent has written, and the descriptor so the one that is kept. */
static void
drop_record(const KeptVm *kept, const ManagementHost *host, VmRecord *record)
{
    if (g_strcmp0(record->descriptor, kept->descriptor) != 0)
        host_store_drop(host, record->descriptor);
    vm_record_free(record);
}

gboolean
kept_vms_take_record(KeptVms *vms, const ManagementHost *host, VmRecord *record)
{
    KeptVm *earlier = kept_vms_find(vms, record->spec->origin, record->spec->name);

    if (earlier && !earlier->record) {
        drop_record(earlier, host, record);
        return FALSE;
    }
    if (earlier)
        kept_vms_remove(vms, earlier);
    if (record->has_ended) {
        vm_record_free(record);
        return FALSE;
    }
    kept_vms_add(vms, record)->record = record;
    return TRUE;
}

void
kept_vms_remove(KeptVms *vms, KeptVm *kept)
{
    g_queue_unlink(&vms->all, &kept->link);
    g_hash_table_remove(vms->index, kept);
}

void
kept_vms_forget(KeptVms *vms, KeptVm *kept, const ManagementHost *host)
{
    kept_vm_drop_descriptor(kept, host);
    kept_vms_remove(vms, kept);
}

KeptVm *
kept_vms_find(KeptVms *vms, VmOrigin origin, const char *name)
{
    KeptVm key = { .origin = origin, .name = (char *)name };

    return name ? g_hash_table_lookup(vms->index, &key) : NULL;
}

KeptVm *
kept_vms_find_vm(KeptVms *vms, Vm *vm)
{
    const char *name = vm_get_name(vm);

    return kept_vms_find(vms, vm_get_origin(vm), name ? name : vm_get_spec(vm)->name);
}

void
kept_vm_take_connection(KeptVm *kept, const ManagementHost *host, VmSpec *spec)
{
    VmRecord *record = kept->record;

    spec->is_known = TRUE;
    spec->fd = -1;
    spec->session = NULL;
    if (!record->descriptor || !record->session)
        return;
    spec->fd = host_store_take(host, record->descriptor);
    if (spec->fd >= 0)
        spec->session = record->session;
}

void
kept_vm_drop_descriptor(KeptVm *kept, const ManagementHost *host)
{
    host_store_drop(host, kept->descriptor);
    g_clear_pointer(&kept->descriptor, g_free);
}

void
kept_vm_strip_connection(KeptVm *kept)
{
    g_autoptr(VmRecord) record = vm_record_parse(kept->text, /* error= */ NULL);

    g_return_if_fail(record);
    g_clear_pointer(&record->descriptor, g_free);
    g_clear_pointer(&record->session, g_free);
    g_free(kept->text);
    kept->text = vm_record_print(record);
}
