/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm-names.h"

#include "bus-error.h"
#include "names.h"

struct VmNames {
    GHashTable *by_name; /* owned, of Vm (weak), by its name (weak) */
    GHashTable *by_path; /* owned, of Vm (weak), by its object path (owned) */
};

VmNames *
vm_names_new(void)
{
    VmNames *names = g_new0(VmNames, 1);

    names->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    names->by_path = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return names;
}

void
vm_names_free(VmNames *names)
{
    g_hash_table_unref(names->by_name);
    g_hash_table_unref(names->by_path);
    g_free(names);
}

void
vm_names_add(VmNames *names, Vm *vm)
{
    g_hash_table_insert(names->by_name, (gpointer)vm_get_name(vm), vm);
    g_hash_table_insert(names->by_path, names_path_from_vm(vm_get_name(vm)), vm);
}

void
vm_names_remove(VmNames *names, Vm *vm)
{
    g_autofree char *path = names_path_from_vm(vm_get_name(vm));

    g_hash_table_remove(names->by_name, vm_get_name(vm));
    g_hash_table_remove(names->by_path, path);
}

Vm *
vm_names_get_by_name(VmNames *names, const char *name)
{
    return g_hash_table_lookup(names->by_name, name);
}

Vm *
vm_names_get_by_path(VmNames *names, const char *path)
{
    return g_hash_table_lookup(names->by_path, path);
}

char *
vm_names_describe(Vm *vm)
{
    switch (vm_get_origin(vm)) {
    case VM_FROM_CALL:
        return g_strdup_printf("the VM that user %u has added by AddVM", vm_get_spec(vm)->added_by);
    case VM_FROM_FD:
        return g_strdup_printf("the VM that user %u has added by AddVMFromFD", vm_get_spec(vm)->added_by);
    case VM_FROM_KEY_FILE:
        return g_strdup("the VM of that name in the key file");
    case VM_FROM_DIRECTORY:
        return g_strdup_printf("the VM found at %s", vm_get_address(vm)->path);
    }
    g_return_val_if_reached(NULL);
}

gboolean
vm_names_check(VmNames *names, const char *name, GError **error)
{
    Vm *holder = vm_names_get_by_name(names, name);
    g_autofree char *what = NULL;

    if (!names_check_vm(name, error))
        return FALSE;
    if (!holder)
        return TRUE;
    what = vm_names_describe(holder);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "The name \"%s\" is taken by %s", name, what);
    return FALSE;
}

/* A descriptor may come from somebody who needs no leave to hand it over, and takes no name from others. */
gboolean
vm_names_goes_before(VmOrigin origin, Vm *holder)
{
    return (origin == VM_FROM_CALL || origin == VM_FROM_KEY_FILE) && vm_get_origin(holder) == VM_FROM_DIRECTORY;
}

char *
vm_names_choose(VmNames *names, Vm *vm, GError **error)
{
    QemuConnection *qemu = vm_get_qemu(vm);
    const char *name =
        *qemu_connection_get_name(qemu) ? qemu_connection_get_name(qemu) : qemu_connection_get_uuid(qemu);

    if (*name && !g_str_equal(name, NAMES_NIL_UUID))
        return vm_names_check(names, name, error) ? g_strdup(name) : NULL;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                "%s: the argument `name` must say what the VM is to be called",
                qemu_connection_is_storage_daemon(qemu) ? "A qemu-storage-daemon has no name of its own"
                                                        : "QEMU was started without a name and without a UUID");
    return NULL;
}
