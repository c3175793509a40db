/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of all entries: which names and monitors are taken, and who is found by which. */
#include "vm-registry.h"

#include <string.h>
#include <unistd.h>

#include "names.h"
#include "vm-entry.h"

/* Each holds at least a descriptor, and all are listed in one message. */
#define MAX_VMS 10000

struct VmRegistry {
    Context *context; /* weak */
    VmTeardown *teardown; /* weak */
    VmRegistryFuncs funcs;
    gpointer user_data;
    GHashTable *entries; /* owned, of VmEntry, by VM */
    GHashTable *by_name; /* of VmEntry (weak), by its name; names stay taken while a VM is not connected */
    GHashTable *by_path; /* of VmEntry (weak), by its path */
    guint untried; /* entries whose first attempt has not ended */
};

/* Takes the entry out, so that its name is free again, tells who waits for it, and frees it. */
static void
forget(VmRegistry *registry, VmEntry *entry, const GError *error)
{
    Vm *vm = vm_entry_get_vm(entry);

    g_hash_table_remove(registry->entries, vm);
    if (vm_entry_get_path(entry)) {
        g_hash_table_remove(registry->by_path, vm_entry_get_path(entry));
        g_hash_table_remove(registry->by_name, vm_get_name(vm));
    }
    vm_entry_free(entry, error);
}

static gboolean
check_free_name(VmRegistry *registry, const char *name, GError **error)
{
    if (!names_check_vm(name, error))
        return FALSE;
    if (!g_hash_table_contains(registry->by_name, name))
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "The name \"%s\" is taken by another VM", name);
    return FALSE;
}

/* A name that a connected VM may have. */
static gboolean
check_name_of(VmRegistry *registry, Vm *vm, const char *name, GError **error)
{
    return check_free_name(registry, name, error) &&
           names_check_own_uuid(name, qemu_connection_get_uuid(vm_get_qemu(vm)), error);
}

/* That leads to the same monitor. */
static VmEntry *
find_same(VmRegistry *registry, const MonitorId *id, VmEntry *except)
{
    GHashTableIter entries;
    gpointer entry;

    g_hash_table_iter_init(&entries, registry->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry))
        if (entry != except && monitor_id_is_same(vm_get_monitor_id(vm_entry_get_vm(entry)), id))
            return entry;
    return NULL;
}

static gboolean
refuse_held(VmEntry *holder, const QmpAddress *address, GError **error)
{
    const char *what = address ? address->text : "The monitor of the descriptor";
    const char *name = vm_get_name(vm_entry_get_vm(holder));

    if (name)
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "%s is VM \"%s\" already", what, name);
    else
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "%s is being added already", what);
    return FALSE;
}

/* A monitor has one client: a second one would wait for a greeting that does not come. A VM of the run directory that is not up
 * gives way to somebody who says what it is. */
static gboolean
check_monitor(VmRegistry *registry, const VmSpec *spec, GError **error)
{
    g_auto(MonitorId) id = { 0 };
    VmEntry *holder;

    monitor_id_init(&id, spec->address);
    if (!spec->address)
        monitor_id_set_connected(&id, /* address= */ NULL, spec->fd);
    holder = find_same(registry, &id, /* except= */ NULL);
    if (!holder)
        return TRUE;
    if (vm_entry_get_object(holder) || vm_get_origin(vm_entry_get_vm(holder)) != VM_FROM_DIRECTORY ||
        spec->origin == VM_FROM_DIRECTORY)
        return refuse_held(holder, spec->address, error);
    forget(registry, holder, /* error= */ NULL);
    return TRUE;
}

static gboolean
check_spec(VmRegistry *registry, const VmSpec *spec, GError **error)
{
    if (g_hash_table_size(registry->entries) >= MAX_VMS) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "There are %u VMs already", MAX_VMS);
        return FALSE;
    }
    if (spec->name && *spec->name && !check_free_name(registry, spec->name, error))
        return FALSE;
    return check_monitor(registry, spec, error);
}

static void
add_name(VmRegistry *registry, VmEntry *entry)
{
    g_hash_table_insert(registry->by_name, (gpointer)vm_get_name(vm_entry_get_vm(entry)), entry);
    g_hash_table_insert(registry->by_path, (gpointer)vm_entry_get_path(entry), entry);
}

/* QEMU's `-name`, else its UUID. A socket that was found lends the name of its file where neither will do, so that
 * it is taken up in any case. */
static char *
choose_name(VmRegistry *registry, Vm *vm, GError **error)
{
    QemuConnection *qemu = vm_get_qemu(vm);
    const char *name =
        *qemu_connection_get_name(qemu) ? qemu_connection_get_name(qemu) : qemu_connection_get_uuid(qemu);

    if (vm_get_origin(vm) == VM_FROM_DIRECTORY && !check_name_of(registry, vm, name, NULL)) {
        g_autofree char *file = g_path_get_basename(vm_get_address(vm)->path);
        char *suffix = g_strrstr(file, ".");
        if (suffix && suffix != file)
            *suffix = '\0';
        return check_name_of(registry, vm, file, error) ? g_steal_pointer(&file) : NULL;
    }
    if (!*name || g_str_equal(name, NAMES_NIL_UUID)) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                    "%s: the argument `name` must say what the VM is to be called",
                    qemu_connection_is_storage_daemon(qemu) ? "A qemu-storage-daemon has no name of its own"
                                                            : "QEMU was started without a name and without a UUID");
        return NULL;
    }
    return check_name_of(registry, vm, name, error) ? g_strdup(name) : NULL;
}

static gboolean
on_entry_connected(VmEntry *entry, GError **error, gpointer user_data)
{
    VmRegistry *registry = user_data;
    Vm *vm = vm_entry_get_vm(entry);
    VmEntry *holder = find_same(registry, vm_get_monitor_id(vm), entry);

    return !holder || refuse_held(holder, vm_get_address(vm), error);
}

/* A name that was given before the UUID was known is looked at now; and another QEMU may be there than before. */
static gboolean
on_entry_up(VmEntry *entry, GError **error, gpointer user_data)
{
    VmRegistry *registry = user_data;
    Vm *vm = vm_entry_get_vm(entry);

    if (vm_get_name(vm))
        return names_check_own_uuid(vm_get_name(vm), qemu_connection_get_uuid(vm_get_qemu(vm)), error);
    g_autofree char *name = choose_name(registry, vm, error);
    if (!name)
        return FALSE;
    vm_entry_set_name(entry, name);
    add_name(registry, entry);
    return TRUE;
}

static void
on_entry_tried(VmEntry *entry, gpointer user_data)
{
    VmRegistry *registry = user_data;

    if (--registry->untried == 0)
        registry->funcs.on_settled(registry->user_data);
}

static void
on_entry_over(VmEntry *entry, const GError *error, gpointer user_data)
{
    VmRegistry *registry = user_data;
    const QmpAddress *address = vm_get_address(vm_entry_get_vm(entry));
    g_autofree char *socket_path = address && !address->is_abstract ? g_strdup(address->path) : NULL;

    forget(registry, entry, error);
    if (socket_path)
        registry->funcs.on_socket_left(socket_path, registry->user_data);
}

VmRegistry *
vm_registry_new(Context *context, VmTeardown *teardown, const VmRegistryFuncs *funcs, gpointer user_data)
{
    VmRegistry *registry = g_new0(VmRegistry, 1);

    registry->context = context;
    registry->teardown = teardown;
    registry->funcs = *funcs;
    registry->user_data = user_data;
    registry->entries = g_hash_table_new(NULL, NULL);
    registry->by_name = g_hash_table_new(g_str_hash, g_str_equal);
    registry->by_path = g_hash_table_new(g_str_hash, g_str_equal);
    return registry;
}

void
vm_registry_free(VmRegistry *registry)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The agent is stopping");
    g_autoptr(GList) entries = g_hash_table_get_values(registry->entries);

    for (GList *i = entries; i; i = i->next)
        forget(registry, i->data, error);
    g_hash_table_unref(registry->entries);
    g_hash_table_unref(registry->by_name);
    g_hash_table_unref(registry->by_path);
    g_free(registry);
}

gboolean
vm_registry_add(VmRegistry *registry, const VmSpec *spec, VmAddFunc func, gpointer user_data, GError **error)
{
    static const VmEntryFuncs funcs = { on_entry_connected, on_entry_up, on_entry_tried, on_entry_over };
    VmEntry *entry;

    if (!check_spec(registry, spec, error)) {
        if (!spec->address)
            close(spec->fd);
        return FALSE;
    }
    entry = vm_entry_new(registry->context, registry->teardown, spec, &funcs, registry);
    registry->untried += !vm_entry_is_tried(entry);
    g_hash_table_insert(registry->entries, vm_entry_get_vm(entry), entry);
    if (vm_entry_get_path(entry))
        add_name(registry, entry);
    if (func)
        vm_entry_await(entry, spec, func, user_data);
    return TRUE;
}

guint
vm_registry_count_given_by(VmRegistry *registry, guint32 uid)
{
    GHashTableIter entries;
    gpointer vm;
    guint n = 0;

    g_hash_table_iter_init(&entries, registry->entries);
    while (g_hash_table_iter_next(&entries, &vm, NULL))
        n += vm_get_origin(vm) == VM_FROM_FD && vm_get_spec(vm)->added_by == uid;
    return n;
}

void
vm_registry_remove(VmRegistry *registry, Vm *vm)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The VM was removed");

    forget(registry, g_hash_table_lookup(registry->entries, vm), error);
}

Vm *
vm_registry_get_by_path(VmRegistry *registry, const char *path)
{
    VmEntry *entry = g_hash_table_lookup(registry->by_path, path);

    return entry ? vm_entry_get_vm(entry) : NULL;
}

/* One that several have, or that stands for none, names nobody. */
static Vm *
get_by_uuid(VmRegistry *registry, const char *uuid)
{
    GHashTableIter entries;
    gpointer entry;
    Vm *found = NULL;

    if (g_str_equal(uuid, NAMES_NIL_UUID))
        return NULL;
    g_hash_table_iter_init(&entries, registry->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry)) {
        Vm *vm = vm_entry_get_vm(entry);
        QemuConnection *qemu = vm_get_qemu(vm);
        if (!qemu || g_ascii_strcasecmp(qemu_connection_get_uuid(qemu), uuid) != 0)
            continue;
        if (found)
            return NULL;
        found = vm;
    }
    return found;
}

Vm *
vm_registry_get_by_name_or_uuid(VmRegistry *registry, const char *name_or_uuid)
{
    VmEntry *named;

    if (names_is_uuid(name_or_uuid))
        return get_by_uuid(registry, name_or_uuid);
    named = g_hash_table_lookup(registry->by_name, name_or_uuid);
    return named && vm_entry_get_object(named) ? vm_entry_get_vm(named) : NULL;
}

void
vm_registry_forget_waiting(VmRegistry *registry, VmRegistryMatchFunc func, gpointer user_data)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "Nobody waits for the VM any more");
    g_autoptr(GList) entries = g_hash_table_get_values(registry->entries);

    for (GList *i = entries; i; i = i->next) {
        gpointer add_data = vm_entry_get_add_data(i->data);
        if (add_data && func(add_data, user_data))
            forget(registry, i->data, error);
    }
}

void
vm_registry_look(VmRegistry *registry)
{
    GHashTableIter entries;
    gpointer entry;

    g_hash_table_iter_init(&entries, registry->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry))
        if (vm_entry_get_object(entry))
            vm_object_look(vm_entry_get_object(entry));
}

void
vm_registry_reconfigured(VmRegistry *registry)
{
    GHashTableIter entries;
    gpointer entry;

    g_hash_table_iter_init(&entries, registry->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry)) {
        VmObject *object = vm_entry_get_object(entry);
        vm_set_default_isolation(vm_entry_get_vm(entry), registry->context->config->isolation_required);
        if (object)
            vm_object_reconfigured(object);
    }
}

void
vm_registry_drop_caller(VmRegistry *registry, const char *unique_name)
{
    GHashTableIter entries;
    gpointer entry;

    g_hash_table_iter_init(&entries, registry->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry))
        if (vm_entry_get_object(entry))
            vm_object_drop_caller(vm_entry_get_object(entry), unique_name);
}

Vm *
vm_registry_get_by_socket(VmRegistry *registry, const char *socket_path)
{
    GHashTableIter entries;
    gpointer entry;

    g_hash_table_iter_init(&entries, registry->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry)) {
        const QmpAddress *address = vm_get_address(vm_entry_get_vm(entry));
        if (address && address->type == QMP_ADDRESS_UNIX && !address->is_abstract &&
            g_str_equal(address->path, socket_path))
            return vm_entry_get_vm(entry);
    }
    return NULL;
}

gboolean
vm_registry_is_settled(VmRegistry *registry)
{
    return registry->untried == 0;
}
