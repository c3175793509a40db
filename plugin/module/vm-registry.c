/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An entry is a VM with its name, its object while it is up, and whoever waits for it to be added. */
#include "vm-registry.h"

#include <string.h>
#include <unistd.h>

#include "authorization.h"
#include "names.h"
#include "timer.h"
#include "vm-log.h"
#include "vm-object.h"

/* Each holds at least a descriptor, and all are listed in one message. */
#define MAX_VMS 10000

struct VmRegistry {
    Context *context; /* weak */
    VmTeardown *farewells; /* weak */
    VmRegistryFuncs funcs;
    gpointer user_data;
    GHashTable *entries; /* owned, of Entry, by VM */
    GHashTable *by_name; /* of Entry (weak), by its name; names stay taken while a VM is not connected */
    GHashTable *by_path; /* of Entry (weak), by its path */
    guint untried; /* entries whose first attempt has not ended */
};

typedef struct Entry {
    VmRegistry *registry; /* weak */
    Vm *vm; /* owned */
    VmObject *object; /* owned; while up */
    char *path; /* owned; NULL until it has a name */
    VmRegistryAddFunc func; /* until the outcome is told */
    gpointer user_data;
    GSource *add_timer; /* owned; while listening for a VM that somebody waits for */
    gboolean tried;
    VmLog log;
} Entry;

static void
set_tried(Entry *entry)
{
    if (entry->tried)
        return;
    entry->tried = TRUE;
    if (--entry->registry->untried == 0)
        entry->registry->funcs.on_settled(entry->registry->user_data);
}

static void
free_entry(Entry *entry)
{
    Context *context = entry->registry->context;

    timer_stop(&entry->add_timer);
    if (entry->object) {
        vm_object_free(entry->object, entry->registry->farewells);
    } else {
        authorization_vm_gone(context, entry->vm);
        vm_free(entry->vm);
    }
    g_free(entry->path);
    g_free(entry);
}

/* Takes the entry out, so that its name is free again, tells who waits for it, and frees it. */
static void
forget(Entry *entry, const GError *error)
{
    VmRegistry *registry = entry->registry;
    VmRegistryAddFunc func = g_steal_pointer(&entry->func);
    gpointer user_data = entry->user_data;

    g_hash_table_remove(registry->entries, entry->vm);
    if (entry->path) {
        g_hash_table_remove(registry->by_path, entry->path);
        g_hash_table_remove(registry->by_name, vm_get_name(entry->vm));
    }
    set_tried(entry);
    free_entry(entry);
    if (func)
        func(NULL, error, user_data);
}

static gboolean
check_name(VmRegistry *registry, const char *name, GError **error)
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
check_name_of(Entry *entry, const char *name, GError **error)
{
    return check_name(entry->registry, name, error) &&
           names_check_own_uuid(name, qemu_connection_get_uuid(vm_get_qemu(entry->vm)), error);
}

/* That leads to the same monitor. */
static Entry *
find_same(VmRegistry *registry, const MonitorId *id, Entry *except)
{
    GHashTableIter entries;
    gpointer entry;

    g_hash_table_iter_init(&entries, registry->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry))
        if (entry != except && monitor_id_is_same(vm_get_monitor_id(((Entry *)entry)->vm), id))
            return entry;
    return NULL;
}

static gboolean
refuse_held(Entry *holder, const QmpAddress *address, GError **error)
{
    const char *what = address ? address->text : "The monitor of the descriptor";
    const char *name = vm_get_name(holder->vm);

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
    Entry *holder;

    monitor_id_init(&id, spec->address);
    if (!spec->address)
        monitor_id_set_connected(&id, /* address= */ NULL, spec->fd);
    holder = find_same(registry, &id, /* except= */ NULL);
    if (!holder)
        return TRUE;
    if (holder->object || vm_get_origin(holder->vm) != VM_FROM_DIRECTORY || spec->origin == VM_FROM_DIRECTORY)
        return refuse_held(holder, spec->address, error);
    forget(holder, /* error= */ NULL);
    return TRUE;
}

static gboolean
on_connected(Vm *vm, GError **error, gpointer user_data)
{
    Entry *entry = user_data, *holder = find_same(entry->registry, vm_get_monitor_id(vm), entry);

    return !holder || refuse_held(holder, vm_get_address(vm), error);
}

static gboolean
check_spec(VmRegistry *registry, const VmSpec *spec, GError **error)
{
    if (g_hash_table_size(registry->entries) >= MAX_VMS) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "There are %u VMs already", MAX_VMS);
        return FALSE;
    }
    if (spec->name && *spec->name && !check_name(registry, spec->name, error))
        return FALSE;
    return check_monitor(registry, spec, error);
}

static void
take_name(Entry *entry)
{
    VmRegistry *registry = entry->registry;

    entry->path = names_path_from_vm(vm_get_name(entry->vm));
    g_hash_table_insert(registry->by_name, (gpointer)vm_get_name(entry->vm), entry);
    g_hash_table_insert(registry->by_path, entry->path, entry);
}

/* QEMU's `-name`, else its UUID. A socket that was found lends the name of its file where neither will do, so that
 * it is taken up in any case. */
static char *
choose_name(Entry *entry, GError **error)
{
    QemuConnection *qemu = vm_get_qemu(entry->vm);
    const char *name =
        *qemu_connection_get_name(qemu) ? qemu_connection_get_name(qemu) : qemu_connection_get_uuid(qemu);

    if (vm_get_origin(entry->vm) == VM_FROM_DIRECTORY && !check_name_of(entry, name, NULL)) {
        g_autofree char *file = g_path_get_basename(vm_get_address(entry->vm)->path);
        char *suffix = g_strrstr(file, ".");
        if (suffix && suffix != file)
            *suffix = '\0';
        return check_name_of(entry, file, error) ? g_steal_pointer(&file) : NULL;
    }
    if (!*name || g_str_equal(name, NAMES_NIL_UUID)) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                    "%s: the argument `name` must say what the VM is to be called",
                    qemu_connection_is_storage_daemon(qemu) ? "A qemu-storage-daemon has no name of its own"
                                                            : "QEMU was started without a name and without a UUID");
        return NULL;
    }
    return check_name_of(entry, name, error) ? g_strdup(name) : NULL;
}

static gboolean
on_up(Vm *vm, GError **error, gpointer user_data)
{
    Entry *entry = user_data;

    if (!vm_get_name(vm)) {
        g_autofree char *name = choose_name(entry, error);
        if (!name)
            return FALSE;
        vm_set_name(vm, name);
        take_name(entry);
    } else if (!names_check_own_uuid(vm_get_name(vm), qemu_connection_get_uuid(vm_get_qemu(vm)), error)) {
        return FALSE; /* the name was given before the UUID was known, or another QEMU is there now */
    }
    timer_stop(&entry->add_timer);
    entry->object = vm_object_new(entry->registry->context, vm, entry->path);
    vm_log_up(&entry->log, entry->registry->context->host, vm);

    VmRegistryAddFunc func = g_steal_pointer(&entry->func);
    if (func)
        func(entry->path, NULL, entry->user_data);
    set_tried(entry);
    return TRUE;
}

static void
on_changed(Vm *vm, gpointer user_data)
{
    Entry *entry = user_data;

    vm_object_changed(entry->object);
}

static void
on_event(Vm *vm, const QmpEvent *event, gpointer user_data)
{
    Entry *entry = user_data;

    vm_object_event(entry->object, event);
}

static void
on_stuck(Vm *vm, const GError *error, gpointer user_data)
{
    Entry *entry = user_data;

    log_line(entry->registry->context->host, G_LOG_LEVEL_WARNING, vm_get_name(vm), "VM \"%s\": %s", vm_get_name(vm),
             error->message);
    vm_object_fail_commands(entry->object, error);
}

static void
on_ending(Vm *vm, gpointer user_data)
{
    Entry *entry = user_data;

    vm_object_unpublish(entry->object);
}

static gboolean
goes_on(Entry *entry, VmDown how, const GError *error)
{
    const QmpAddress *address = vm_get_address(entry->vm);

    /* Whoever waits for an answer gets it, unless it was a stranger that connected to where we listen. */
    if (entry->func)
        return address && address->server && how == VM_DOWN_UNUSABLE && error->domain == QMP_ERROR;
    switch (vm_get_origin(entry->vm)) {
    case VM_FROM_CALL:
        return address->server || (how == VM_DOWN_ENDED && g_error_matches(error, QMP_ERROR, QMP_ERROR_TIMED_OUT));
    case VM_FROM_FD:
        return FALSE;
    case VM_FROM_KEY_FILE:
        return TRUE;
    case VM_FROM_DIRECTORY:
        return access(address->path, F_OK) == 0;
    }
    g_return_val_if_reached(FALSE);
}

static gboolean
on_down(Vm *vm, VmDown how, const GError *error, gpointer user_data)
{
    Entry *entry = user_data;
    VmRegistry *registry = entry->registry;
    const QmpAddress *address = vm_get_address(vm);

    if (entry->object)
        vm_object_free(g_steal_pointer(&entry->object), /* farewells= */ NULL);
    vm_log_down(&entry->log, registry->context->host, vm, how, error, entry->func != NULL);
    if (!goes_on(entry, how, error)) {
        g_autofree char *socket_path = address && !address->is_abstract ? g_strdup(address->path) : NULL;
        forget(entry, error);
        if (socket_path)
            registry->funcs.on_socket_left(socket_path, registry->user_data);
        return FALSE;
    }
    set_tried(entry);
    return TRUE;
}

static gboolean
on_add_timeout(gpointer user_data)
{
    Entry *entry = user_data;
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_TIMED_OUT, "No QEMU connected to %s in time",
                                          vm_get_address(entry->vm)->text);

    forget(entry, error);
    return G_SOURCE_REMOVE;
}

VmRegistry *
vm_registry_new(Context *context, VmTeardown *farewells, const VmRegistryFuncs *funcs, gpointer user_data)
{
    VmRegistry *registry = g_new0(VmRegistry, 1);

    registry->context = context;
    registry->farewells = farewells;
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
        forget(i->data, error);
    g_hash_table_unref(registry->entries);
    g_hash_table_unref(registry->by_name);
    g_hash_table_unref(registry->by_path);
    g_free(registry);
}

gboolean
vm_registry_add(VmRegistry *registry, const VmSpec *spec, VmRegistryAddFunc func, gpointer user_data, GError **error)
{
    static const VmFuncs funcs = { on_connected, on_up, on_changed, on_event, on_stuck, on_ending, on_down };
    GMainContext *context = registry->context->host->context;
    gboolean listens = spec->address && spec->address->server;
    Entry *entry;

    if (!check_spec(registry, spec, error)) {
        if (!spec->address)
            close(spec->fd);
        return FALSE;
    }
    entry = g_new0(Entry, 1);
    entry->registry = registry;
    entry->func = func;
    entry->user_data = user_data;
    entry->tried = listens;
    registry->untried += !listens;
    entry->vm = vm_new(context, spec, registry->context->config->max_reply, &funcs, entry);
    g_hash_table_insert(registry->entries, entry->vm, entry);
    if (vm_get_name(entry->vm))
        take_name(entry);
    if (listens && func && spec->timeout != G_MAXUINT64)
        entry->add_timer = timer_start(context, spec->timeout, on_add_timeout, entry);
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
        n += vm_get_origin(vm) == VM_FROM_FD && vm_get_added_by(vm) == uid;
    return n;
}

void
vm_registry_remove(VmRegistry *registry, Vm *vm)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The VM was removed");

    forget(g_hash_table_lookup(registry->entries, vm), error);
}

Vm *
vm_registry_get_by_path(VmRegistry *registry, const char *path)
{
    Entry *entry = g_hash_table_lookup(registry->by_path, path);

    return entry ? entry->vm : NULL;
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
        Vm *vm = ((Entry *)entry)->vm;
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
    Entry *named;

    if (names_is_uuid(name_or_uuid))
        return get_by_uuid(registry, name_or_uuid);
    named = g_hash_table_lookup(registry->by_name, name_or_uuid);
    return named && named->object ? named->vm : NULL;
}

void
vm_registry_forget_waiting(VmRegistry *registry, VmRegistryMatchFunc func, gpointer user_data)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "Nobody waits for the VM any more");
    g_autoptr(GList) entries = g_hash_table_get_values(registry->entries);

    for (GList *i = entries; i; i = i->next) {
        Entry *entry = i->data;
        if (entry->func && func(entry->user_data, user_data))
            forget(entry, error);
    }
}

void
vm_registry_look(VmRegistry *registry)
{
    GHashTableIter entries;
    gpointer entry;

    g_hash_table_iter_init(&entries, registry->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry))
        if (((Entry *)entry)->object)
            vm_object_look(((Entry *)entry)->object);
}

void
vm_registry_drop_caller(VmRegistry *registry, const char *unique_name)
{
    GHashTableIter entries;
    gpointer entry;

    g_hash_table_iter_init(&entries, registry->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry))
        if (((Entry *)entry)->object)
            vm_object_drop_caller(((Entry *)entry)->object, unique_name);
}

Vm *
vm_registry_get_by_socket(VmRegistry *registry, const char *socket_path)
{
    GHashTableIter entries;
    gpointer entry;

    g_hash_table_iter_init(&entries, registry->entries);
    while (g_hash_table_iter_next(&entries, NULL, &entry)) {
        const QmpAddress *address = vm_get_address(((Entry *)entry)->vm);
        if (address && address->type == QMP_ADDRESS_UNIX && !address->is_abstract &&
            g_str_equal(address->path, socket_path))
            return ((Entry *)entry)->vm;
    }
    return NULL;
}

gboolean
vm_registry_is_settled(VmRegistry *registry)
{
    return registry->untried == 0;
}
