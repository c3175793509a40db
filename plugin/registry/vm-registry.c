/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An entry that cannot be what it would be, because another one has its name or its monitor, stays in the table, refused, and
 * tries again when that one has left (vm-rivals.h). A VM of the run directory that is up, and whose name or monitor is given to
 * another one, becomes such an entry. */
#include "vm-registry.h"

#include <unistd.h>

#include "bus-error.h"
#include "names.h"
#include "vm-rivals.h"

/* Each holds at least a descriptor, and all are listed in one message. */
#define MAX_VMS 10000

/* Of VMs in the run directory, which take no leave. One user of its group takes no place from the others, and all of them none
 * of the key file's and of AddVM(): 2,000 QEMUs are more than one machine runs. */
#define MAX_FOUND_OF_USER 2000
#define MAX_FOUND 8000

struct VmRegistry {
    Context *context; /* weak */
    VmEntryShare share;
    VmRegistryFuncs funcs;
    gpointer user_data;
    VmTable *table; /* owned; its entries are too */
    VmRivals *rivals; /* owned */
    guint64 last_order; /* of the entry that was told about last */
    guint untried; /* entries whose first attempt has not ended */
};

/* The VM that one would be. */
typedef struct Claim {
    VmOrigin origin;
    const char *name; /* NULL or empty: QEMU's own */
    const QmpAddress *address; /* NULL: it is a descriptor */
    MonitorId monitor;
} Claim;

static void
claim_clear(Claim *claim)
{
    monitor_id_clear(&claim->monitor);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Claim, claim_clear)

static gboolean
is_found(VmEntry *entry)
{
    return vm_get_origin(vm_entry_get_vm(entry)) == VM_FROM_DIRECTORY;
}

/* Takes the entry out, so that its name is free again, tells who waits for it, and frees it. */
static void
forget_entry(VmRegistry *registry, VmEntry *entry, const GError *error)
{
    registry->funcs.on_vm_forgotten(vm_entry_get_vm(entry), registry->user_data);
    vm_table_remove(registry->table, entry);
    vm_rivals_left(registry->rivals, entry);
    vm_entry_free(entry, error);
}

void
vm_registry_drop(VmRegistry *registry, VmEntry *entry, const GError *reason)
{
    const QmpAddress *address = vm_get_address(vm_entry_get_vm(entry));
    g_autofree char *socket_path = address && !address->is_abstract ? g_strdup(address->path) : NULL;

    forget_entry(registry, entry, reason);
    if (socket_path)
        registry->funcs.on_socket_left(socket_path, registry->user_data);
}

static void
set_held_error(VmEntry *holder, const QmpAddress *address, GError **error)
{
    const char *what = address ? address->text : "The monitor of the descriptor";
    const char *name = vm_get_name(vm_entry_get_vm(holder));

    if (name)
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "%s is VM \"%s\" already", what, name);
    else
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "%s is being added already", what);
}

/* A monitor has one client: a second one would wait for a greeting that does not come. A VM of the run directory gives way to
 * the key file, and while it is not up to everybody who says what it is. */
static gboolean
gives_monitor_way(VmEntry *holder, VmOrigin origin)
{
    return is_found(holder) &&
           (origin == VM_FROM_KEY_FILE || (origin != VM_FROM_DIRECTORY && !vm_entry_is_connected(holder)));
}

/* The entry that has the name or the monitor of @claim and does not give way, with an error that says so; NULL: there is none. */
static VmEntry *
find_rival(VmRegistry *registry, const Claim *claim, GError **error)
{
    VmEntry *holder = vm_table_get_by_name(registry->table, claim->name);

    if (holder && !vm_names_goes_before(claim->origin, vm_entry_get_vm(holder))) {
        vm_names_check(vm_table_get_names(registry->table), claim->name, error);
        return holder;
    }
    holder = vm_table_get_by_monitor(registry->table, &claim->monitor, /* except= */ NULL);
    if (!holder || gives_monitor_way(holder, claim->origin))
        return NULL;
    set_held_error(holder, claim->address, error);
    return holder;
}

/* @ret_rival: the entry in its way; NULL: it cannot be called so, whoever else is there. */
static gboolean
check_claim(VmRegistry *registry, const Claim *claim, VmEntry **ret_rival, GError **error)
{
    *ret_rival = NULL;
    if (claim->name && *claim->name && !names_check_vm(claim->name, error))
        return FALSE;
    *ret_rival = find_rival(registry, claim, error);
    return !*ret_rival;
}

static void
refuse_entry(VmRegistry *registry, VmEntry *entry, VmEntry *rival, const GError *error)
{
    vm_entry_refuse(entry, /* is_final= */ !rival, error);
    if (rival)
        vm_rivals_wait(registry->rivals, entry, rival);
}

static VmEntry *new_entry(VmRegistry *registry, const VmSpec *spec, guint64 order);

/* @found, a VM of the run directory, gives its name or its monitor to @entry, which goes before it, and waits until that has left.
 * Where both have the same socket it is found again then. */
static void
displace(VmRegistry *registry, VmEntry *found, VmEntry *entry, const GError *error)
{
    VmSpec *spec = vm_spec_copy(vm_get_spec(vm_entry_get_vm(found)));
    const QmpAddress *other = vm_get_address(vm_entry_get_vm(entry));
    guint64 order = vm_entry_get_order(found);

    forget_entry(registry, found, error);
    if (!other || !g_str_equal(other->text, spec->address->text))
        refuse_entry(registry, new_entry(registry, spec, order), entry, error);
    vm_spec_free(spec);
}

static void
take_name(VmRegistry *registry, VmEntry *entry, const char *name)
{
    VmEntry *holder = vm_table_get_by_name(registry->table, name);

    if (holder) {
        g_autofree char *what = vm_names_describe(vm_entry_get_vm(entry));
        g_autoptr(GError) error =
            g_error_new(BUS_ERROR, BUS_ERROR_INVALID_ARGS, "The name \"%s\" is taken by %s", name, what);
        displace(registry, holder, entry, error);
    }
    vm_table_grant_name(registry->table, entry, name);
}

static void
take_monitor(VmRegistry *registry, VmEntry *entry, const MonitorId *id)
{
    VmEntry *holder = vm_table_get_by_monitor(registry->table, id, entry);
    g_autoptr(GError) error = NULL;

    if (!holder)
        return;
    set_held_error(entry, vm_get_address(vm_entry_get_vm(holder)), &error);
    displace(registry, holder, entry, error);
}

/* No rival is in its way. A VM that AddVM() names takes its name from a found one when it is up, so that a call that fails takes
 * nothing from anybody. */
static void
admit_entry(VmRegistry *registry, VmEntry *entry, const Claim *claim)
{
    const char *name = vm_entry_get_wanted_name(entry);

    if (name && claim->origin == VM_FROM_KEY_FILE)
        take_name(registry, entry, name);
    take_monitor(registry, entry, &claim->monitor);
    if (name && claim->origin != VM_FROM_KEY_FILE && !vm_table_get_by_name(registry->table, name))
        take_name(registry, entry, name);
    vm_entry_admit(entry);
}

void
vm_registry_poke(VmRegistry *registry, VmEntry *entry)
{
    Vm *vm = vm_entry_get_vm(entry);
    g_auto(Claim) claim = { vm_get_origin(vm), vm_entry_get_wanted_name(entry), vm_get_address(vm), { 0 } };
    g_autoptr(GError) error = NULL;
    VmEntry *rival;

    if (vm_entry_is_admitted(entry)) {
        vm_poke(vm);
        return;
    }
    vm_rivals_stop_waiting(registry->rivals, entry);
    monitor_id_init(&claim.monitor, claim.address);
    if (check_claim(registry, &claim, &rival, &error))
        admit_entry(registry, entry, &claim);
    else
        refuse_entry(registry, entry, rival, error);
}

static void
on_rival_gone(gpointer entry, gpointer user_data)
{
    vm_registry_poke(user_data, entry);
}

/* VMs that somebody has named before found ones; among these who was told about first. */
static int
compare_entries(gconstpointer a, gconstpointer b)
{
    VmEntry *first = (VmEntry *)a, *second = (VmEntry *)b;

    if (is_found(first) != is_found(second))
        return is_found(first) ? 1 : -1;
    return vm_entry_get_order(first) < vm_entry_get_order(second) ? -1 : 1;
}

static gboolean
on_entry_connected(VmEntry *entry, GError **error, gpointer user_data)
{
    VmRegistry *registry = user_data;
    Vm *vm = vm_entry_get_vm(entry);
    VmEntry *holder = vm_table_get_by_monitor(registry->table, vm_get_monitor_id(vm), entry);

    if (!holder)
        return TRUE;
    set_held_error(holder, vm_get_address(vm), error);
    vm_rivals_wait(registry->rivals, entry, holder);
    return FALSE;
}

/* A name that was given before the UUID was known is looked at now; and another QEMU may be there than before. */
static gboolean
on_entry_up(VmEntry *entry, GError **error, gpointer user_data)
{
    VmRegistry *registry = user_data;
    VmNames *names = vm_table_get_names(registry->table);
    Vm *vm = vm_entry_get_vm(entry);
    const char *uuid = qemu_connection_get_uuid(vm_get_qemu(vm)), *wanted = vm_entry_get_wanted_name(entry);
    VmEntry *holder = vm_table_get_by_name(registry->table, wanted);

    vm_rivals_stop_waiting(registry->rivals, entry);
    if (vm_get_name(vm))
        return names_check_own_uuid(vm_get_name(vm), uuid, error);
    g_autofree char *name = wanted ? g_strdup(wanted) : vm_names_choose(names, vm, error);
    if (!name || !names_check_own_uuid(name, uuid, error))
        return FALSE;
    if (holder && !vm_names_goes_before(vm_get_origin(vm), vm_entry_get_vm(holder)))
        return vm_names_check(names, name, error);
    take_name(registry, entry, name);
    vm_rivals_renamed(registry->rivals, entry);
    return TRUE;
}

static void
on_entry_published(VmEntry *entry, gpointer user_data)
{
    VmRegistry *registry = user_data;

    registry->funcs.on_vm_published(vm_entry_get_vm(entry), registry->user_data);
}

static void
on_entry_down(VmEntry *entry, gpointer user_data)
{
    VmRegistry *registry = user_data;

    registry->funcs.on_vm_down(vm_entry_get_vm(entry), registry->user_data);
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
    vm_registry_drop(user_data, entry, error);
}

static VmEntry *
new_entry(VmRegistry *registry, const VmSpec *spec, guint64 order)
{
    VmEntry *entry = vm_entry_new(&registry->share, spec, order);

    registry->untried += !vm_entry_is_tried(entry);
    vm_table_add(registry->table, entry);
    return entry;
}

static gboolean
check_room(guint n, guint most, const char *where, GError **error)
{
    if (n < most)
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "There are %u VMs %salready", most, where);
    return FALSE;
}

static gboolean
has_room_for_found(VmRegistry *registry, guint32 uid, GError **error)
{
    g_autofree char *of_user = g_strdup_printf("of user %u in the run directory ", uid);
    guint n_of_user, n = vm_table_count_found(registry->table, uid, &n_of_user);

    return check_room(n_of_user, MAX_FOUND_OF_USER, of_user, error) &&
           check_room(n, MAX_FOUND, "in the run directory ", error);
}

static gboolean
has_room(VmRegistry *registry, const VmSpec *spec, GError **error)
{
    return check_room(vm_table_get_size(registry->table), MAX_VMS, "", error) &&
           (spec->origin != VM_FROM_DIRECTORY || has_room_for_found(registry, spec->made_by, error));
}

/* A refused VM that has an address gives up the socket that it came with, and connects when it is admitted. */
static VmEntry *
new_refused_entry(VmRegistry *registry, const VmSpec *spec)
{
    VmSpec unconnected = *spec;

    if (spec->session)
        close(spec->fd);
    unconnected.session = NULL;
    unconnected.fd = -1;
    return new_entry(registry, &unconnected, ++registry->last_order);
}

gboolean
vm_registry_add(VmRegistry *registry, const VmSpec *spec, VmAddFunc func, gpointer user_data, GError **error)
{
    gboolean has_socket = !spec->address || spec->session;
    g_auto(Claim) claim = { spec->origin, spec->name, spec->address, { 0 } };
    g_autoptr(GError) refusal = NULL;
    VmEntry *entry, *rival;

    monitor_id_init(&claim.monitor, spec->address);
    if (has_socket)
        monitor_id_set_connected(&claim.monitor, spec->address, spec->fd);
    if (!has_room(registry, spec, error) || (!check_claim(registry, &claim, &rival, &refusal) && (func || !spec->address))) {
        if (has_socket)
            close(spec->fd);
        if (refusal)
            g_propagate_error(error, g_steal_pointer(&refusal));
        return FALSE;
    }
    if (refusal) {
        entry = new_refused_entry(registry, spec);
        refuse_entry(registry, entry, rival, refusal);
    } else {
        entry = new_entry(registry, spec, ++registry->last_order);
        admit_entry(registry, entry, &claim);
    }
    if (func)
        vm_entry_await(entry, spec, func, user_data);
    return TRUE;
}

void
vm_registry_remove(VmRegistry *registry, VmEntry *entry)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The VM was removed");
    g_autoptr(GPtrArray) entries = vm_table_list(registry->table);

    for (guint i = 0; i < entries->len; i++) {
        VmEntry *other = entries->pdata[i];
        g_auto(MonitorId) id = { 0 };
        if (vm_entry_is_admitted(other) || !is_found(other))
            continue;
        monitor_id_init(&id, vm_get_address(vm_entry_get_vm(other)));
        if (monitor_id_is_same(&id, vm_get_monitor_id(vm_entry_get_vm(entry))))
            forget_entry(registry, other, /* error= */ NULL);
    }
    forget_entry(registry, entry, error);
}

void
vm_registry_forget_waiting(VmRegistry *registry, VmRegistryMatchFunc func, gpointer user_data)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "Nobody waits for the VM any more");
    g_autoptr(GPtrArray) entries = vm_table_list_awaited(registry->table);

    for (guint i = 0; i < entries->len; i++)
        if (func(vm_entry_get_add_data(entries->pdata[i]), user_data))
            vm_registry_drop(registry, entries->pdata[i], error);
}

VmRegistry *
vm_registry_new(Context *context, VmTeardown *teardown, const VmObjectFuncs *objects, const VmRegistryFuncs *funcs,
                gpointer user_data)
{
    static const VmEntryFuncs entry_funcs = { on_entry_connected, on_entry_up,    on_entry_published,
                                              on_entry_down,      on_entry_tried, on_entry_over };
    VmRegistry *registry = g_new0(VmRegistry, 1);

    registry->context = context;
    registry->share = (VmEntryShare){ context, teardown, objects, &entry_funcs, registry };
    registry->funcs = *funcs;
    registry->user_data = user_data;
    registry->table = vm_table_new();
    registry->rivals = vm_rivals_new(context->host->context, compare_entries, on_rival_gone, registry);
    return registry;
}

void
vm_registry_free(VmRegistry *registry)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The agent is stopping");
    g_autoptr(GPtrArray) entries = vm_table_list(registry->table);

    for (guint i = 0; i < entries->len; i++)
        forget_entry(registry, entries->pdata[i], error);
    vm_table_free(registry->table);
    vm_rivals_free(registry->rivals);
    g_free(registry);
}

VmTable *
vm_registry_get_table(VmRegistry *registry)
{
    return registry->table;
}

gboolean
vm_registry_is_settled(VmRegistry *registry)
{
    return registry->untried == 0;
}
