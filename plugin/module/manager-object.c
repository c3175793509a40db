/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager-object.h"

#include <string.h>
#include <sys/socket.h>

#include "errors.h"
#include "fd-reserve.h"
#include "management-call.h"
#include "names.h"
#include "nearest.h"
#include "vm-list.h"

static void
return_path(BusCall *call, const char *path)
{
    DBusMessage *reply = bus_call_new_reply(call);

    dbus_message_append_args(reply, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID);
    bus_call_return(call, reply);
}

struct ManagerObject {
    Context *context; /* weak */
    VmRegistry *registry; /* weak */
    BusObject *object; /* owned */
    ManagementCalls *calls; /* owned; while the policy is asked */
    guint n_adding; /* calls whose VM is being added */
};

/* A call whose VM is being added. */
typedef struct Adding {
    ManagerObject *manager; /* weak */
    BusCall *call; /* owned */
    char *name; /* owned; of the VM, may be empty */
} Adding;

static Adding *
adding_new(ManagerObject *manager, BusCall *call, const char *name)
{
    Adding *adding = g_new0(Adding, 1);

    adding->manager = manager;
    manager->n_adding++;
    adding->call = call;
    adding->name = g_strdup(name);
    return adding;
}

/* Answers the call, and is over. Leave was given, as the log says; so it says what became of it. */
static void
on_added(const char *path, const GError *error, gpointer user_data)
{
    Adding *adding = user_data;
    BusCall *call = adding->call;

    if (error) {
        audit_failure(adding->manager->context->audit, bus_call_get_peer(call), bus_call_get_member(call),
                      *adding->name ? adding->name : NULL, error->message);
        errors_fail(call, error);
    } else {
        return_path(call, path);
    }
    adding->manager->n_adding--;
    g_free(adding->name);
    g_free(adding);
}

static gboolean
is_awaited_by(gpointer add_data, gpointer unique_name)
{
    BusCall *call = ((Adding *)add_data)->call;

    return bus_call_is_reply_expected(call) && g_str_equal(bus_call_get_sender(call), unique_name);
}

void
manager_object_drop_caller(ManagerObject *manager, const char *unique_name)
{
    management_calls_drop_caller(manager->calls, unique_name);
    if (manager->n_adding > 0)
        vm_registry_forget_waiting(manager->registry, is_awaited_by, (gpointer)unique_name);
}

void
manager_object_free(ManagerObject *manager)
{
    management_calls_free(manager->calls);
    bus_object_free(manager->object);
    g_free(manager);
}

static void
add_authorized(ManagementCall *management)
{
    ManagerObject *manager = management->object_data;
    BusCall *call = management->call;
    Adding *adding = adding_new(manager, call, management->name);
    g_autoptr(GError) error = NULL;

    if (!add_options_find_user(&management->options, &error)) {
        on_added(/* path= */ NULL, error, adding);
        return;
    }
    VmSpec spec = {
        .origin = management->address ? VM_FROM_CALL : VM_FROM_FD,
        .name = management->name,
        .address = management->address,
        .spares = management->options.spares,
        .isolation_required = management->options.isolation_required,
        .user = management->options.user,
        .isolation_is_default = management->options.isolation_is_default,
        .fd = management->fd,
        .timeout = management->options.timeout,
        .added_by = bus_call_get_peer(call)->uid,
    };

    management->fd = -1; /* taken */
    if (!vm_registry_add(manager->registry, &spec, on_added, adding, &error))
        on_added(/* path= */ NULL, error, adding);
    else
        bus_call_drop_message(call);
}

/* `name`, and what follows it. */
static void
read_name(ManagementCall *management, DBusMessageIter *iter)
{
    const char *name;

    dbus_message_iter_init(bus_call_get_message(management->call), iter);
    dbus_message_iter_get_basic(iter, &name);
    dbus_message_iter_next(iter);
    management->name = g_strdup(name);
}

static gboolean
check_given_name(const char *name, GError **error)
{
    return !*name || names_check_vm(name, error);
}

/* A VM that has no name yet is known to rules by its address. */
static void
add_vm(BusCall *call, gpointer object_data)
{
    ManagerObject *manager = object_data;
    ManagementCall *management = management_call_new(manager->calls, call, manager, add_authorized);
    g_autoptr(GError) error = NULL;
    const char *text;
    DBusMessageIter iter;

    read_name(management, &iter);
    dbus_message_iter_get_basic(&iter, &text);
    dbus_message_iter_next(&iter);
    if (check_given_name(management->name, &error) && (management->address = qmp_address_parse(text, &error)) &&
        add_options_read(&management->options, &iter, manager->context->config, management->address, &error))
        management_call_ask(management, *management->name ? management->name : management->address->text);
    else
        management_call_fail(management, error);
}

static gboolean
check_socket(int fd, GError **error)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    int type = 0;
    socklen_t type_length = sizeof type;

    if (fd < 0) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "qmp: the agent has no descriptors left");
        return FALSE;
    }
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_length) == 0 && type == SOCK_STREAM &&
        getpeername(fd, (struct sockaddr *)&peer, &length) == 0)
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "qmp: a connected stream socket is expected");
    return FALSE;
}

static void
add_vm_from_fd(BusCall *call, gpointer object_data)
{
    ManagerObject *manager = object_data;
    ManagementCall *management = management_call_new(manager->calls, call, manager, add_authorized);
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;

    read_name(management, &iter);
    dbus_message_iter_get_basic(&iter, &management->fd); /* a duplicate of our own */
    management->fd = fd_reserve_pass(management->fd);
    dbus_message_iter_next(&iter);
    if (check_given_name(management->name, &error) && check_socket(management->fd, &error) &&
        add_options_read(&management->options, &iter, manager->context->config, management->address, &error))
        management_call_ask(management, *management->name ? management->name : "fd");
    else
        management_call_fail(management, error);
}

static void
remove_authorized(ManagementCall *management)
{
    ManagerObject *manager = management->object_data;

    vm_registry_remove(manager->registry, management->entry);
    bus_call_return(management->call, NULL);
}

static void
remove_vm(BusCall *call, gpointer object_data)
{
    ManagerObject *manager = object_data;
    ManagementCall *management;
    const char *path;
    VmEntry *entry;

    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID);
    entry = vm_table_get_by_path(vm_registry_get_table(manager->registry), path);
    if (!entry) {
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_OBJECT, "There is no VM at %s", path);
        return;
    }
    management = management_call_new(manager->calls, call, manager, remove_authorized);
    management->entry = entry;
    management_call_ask(management, vm_get_name(vm_entry_get_vm(entry)));
}

/* What an error about a wrong name ends with. */
static char *
dup_near_names(VmTable *table, const char *wrong)
{
    g_autoptr(GPtrArray) entries = vm_table_list(table);
    Nearest nearest;

    nearest_init(&nearest, wrong);
    for (guint i = 0; i < entries->len; i++) {
        VmEntryState state = vm_entry_get_state(entries->pdata[i]);
        if (state == VM_ENTRY_CONNECTED || state == VM_ENTRY_STUCK)
            nearest_offer(&nearest, vm_get_name(vm_entry_get_vm(entries->pdata[i])));
    }
    return nearest_dup_question(&nearest);
}

static void
find_vm(BusCall *call, gpointer object_data)
{
    ManagerObject *manager = object_data;
    const char *name_or_uuid;
    VmEntry *entry;

    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_STRING, &name_or_uuid, DBUS_TYPE_INVALID);
    entry = vm_table_get_by_name_or_uuid(vm_registry_get_table(manager->registry), name_or_uuid);
    if (!entry) {
        g_autofree char *question = dup_near_names(vm_registry_get_table(manager->registry), name_or_uuid);
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_OBJECT, "No connected VM has the name or UUID \"%s\"%s",
                           name_or_uuid, question);
        return;
    }
    return_path(call, vm_entry_get_path(entry));
}

static void
list_vms(BusCall *call, gpointer object_data)
{
    ManagerObject *manager = object_data;
    DBusMessage *reply = bus_call_new_reply(call);
    DBusMessageIter iter;

    dbus_message_iter_init_append(reply, &iter);
    vm_list_append(&iter, vm_registry_get_table(manager->registry), bus_call_get_peer(call));
    bus_call_return(call, reply);
}

const BusMethod manager_object_methods[] = {
    { "AddVM", BUS_ACCESS_GATED, add_vm },       { "AddVMFromFD", BUS_ACCESS_GATED, add_vm_from_fd },
    { "RemoveVM", BUS_ACCESS_GATED, remove_vm }, { "GetVM", BUS_ACCESS_PUBLIC, find_vm },
    { "ListVMs", BUS_ACCESS_PUBLIC, list_vms },  { 0 },
};

static DBusBasicValue
get_own_version(gpointer object_data)
{
    return (DBusBasicValue){ .str = (char *)PROJECT_VERSION };
}

const BusProperty manager_object_properties[] = {
    { "Version", get_own_version },
    { 0 },
};

/* As GDBusObjectManagerClient does, they may ask for nothing from now on and show what they hear. */
static void
on_listed(const BusPeer *peer, gpointer object_data)
{
    ManagerObject *manager = object_data;

    if (g_hash_table_add(manager->context->viewers, g_strdup(peer->name)))
        vm_table_look(vm_registry_get_table(manager->registry));
}

ManagerObject *
manager_object_new(Context *context, VmRegistry *registry, BusInterface *interface)
{
    ManagerObject *manager = g_new0(ManagerObject, 1);

    manager->context = context;
    manager->registry = registry;
    manager->calls = management_calls_new(context, registry);
    manager->object = bus_object_new(context->bus, MONITOR_PATH, manager);
    bus_object_add_interface(manager->object, interface);
    bus_object_make_manager(manager->object, on_listed);
    bus_object_publish(manager->object);
    return manager;
}
