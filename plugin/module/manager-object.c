/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager-object.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "errors.h"
#include "authorization.h"
#include "names.h"
#include "vardict.h"
#include "qmp-connector.h"
#include "vm-registry.h"

/* What AddVM() takes as `options`. */
typedef struct AddOptions {
    guint64 timeout;
    GPtrArray *spares; /* owned; may be NULL */
    gboolean isolation_required;
} AddOptions;

static void
add_options_clear(AddOptions *options)
{
    g_clear_pointer(&options->spares, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AddOptions, add_options_clear)

static gboolean
read_timeout(DBusMessageIter *value, gpointer user_data, GError **error)
{
    AddOptions *options = user_data;

    return vardict_read_timeout(value, &options->timeout, error);
}

static gboolean
read_isolation(DBusMessageIter *value, gpointer user_data, GError **error)
{
    AddOptions *options = user_data;
    const char *word;

    dbus_message_iter_get_basic(value, &word);
    if (config_read_isolation(word, &options->isolation_required, error))
        return TRUE;
    g_prefix_error(error, "options.isolation: ");
    return FALSE;
}

static gboolean
read_spares(DBusMessageIter *value, gpointer user_data, GError **error)
{
    AddOptions *options = user_data;
    g_autoptr(GPtrArray) addresses = g_ptr_array_new();
    DBusMessageIter elements;

    dbus_message_iter_recurse(value, &elements);
    for (; dbus_message_iter_get_arg_type(&elements) != DBUS_TYPE_INVALID; dbus_message_iter_next(&elements)) {
        const char *address;
        dbus_message_iter_get_basic(&elements, &address);
        g_ptr_array_add(addresses, (gpointer)address);
    }
    g_ptr_array_add(addresses, NULL);
    g_clear_pointer(&options->spares, g_ptr_array_unref);
    options->spares = config_read_spares((const char *const *)addresses->pdata, error);
    if (!options->spares)
        g_prefix_error(error, "options.spares: ");
    return options->spares != NULL;
}

static const VardictRow option_rows[] = {
    { "isolation", "s", "`required` or `preferred`", read_isolation },
    { "spares", "as", "addresses", read_spares },
    { "timeout", "t", "microseconds", read_timeout },
    { 0 },
};

static gboolean
read_options(DBusMessageIter *iter, const Config *config, AddOptions *options, GError **error)
{
    *options = (AddOptions){ .timeout = VM_TIMEOUT_DEFAULT, .isolation_required = config->isolation_required };
    return vardict_read(iter, option_rows, options, error);
}

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
    GQueue calls; /* of ManagementCall, by their own links: while the policy is asked */
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
    g_free(adding->name);
    g_free(adding);
}

/* A call of the manager's while the policy decides about it. */
typedef struct ManagementCall ManagementCall;
struct ManagementCall {
    ManagerObject *manager; /* weak */
    BusCall *call; /* owned */
    AuthorizationTicket *authorization; /* weak; while the policy is asked */
    void (*then)(ManagementCall *management); /* answers the call, at once or later */
    char *name; /* owned; of a VM to be added; and the next two */
    QmpAddress *address; /* owned; NULL: by its descriptor */
    AddOptions options;
    int fd; /* owned; -1: none */
    Vm *vm; /* weak; to be removed */
    GList link; /* in manager->calls */
};

/* As many descriptors may be held, and dialogs be waited for; of one user, and of all. */
#define MAX_OF_USER 16
#define MAX_MANAGEMENT_CALLS 64

static void
management_call_free(ManagementCall *management)
{
    g_queue_unlink(&management->manager->calls, &management->link);
    g_free(management->name);
    g_clear_pointer(&management->address, qmp_address_free);
    add_options_clear(&management->options);
    if (management->fd >= 0)
        close(management->fd);
    g_free(management);
}

static ManagementCall *
management_call_new(ManagerObject *manager, BusCall *call, void (*then)(ManagementCall *management))
{
    ManagementCall *management = g_new0(ManagementCall, 1);

    management->manager = manager;
    management->call = call;
    management->then = then;
    management->fd = -1;
    management->link.data = management;
    g_queue_push_tail_link(&manager->calls, &management->link);
    return management;
}

static void
on_authorized(const GError *error, gpointer user_data)
{
    ManagementCall *management = user_data;

    if (error)
        errors_fail(management->call, error);
    else
        management->then(management);
    management_call_free(management);
}

/* It is among them already. */
static gboolean
check_room(ManagementCall *management, GError **error)
{
    GQueue *all = &management->manager->calls;
    guint n = 0;

    for (GList *i = all->head; i; i = i->next)
        n += bus_call_get_peer(((ManagementCall *)i->data)->call)->uid == bus_call_get_peer(management->call)->uid;
    if (n <= MAX_OF_USER && all->length <= MAX_MANAGEMENT_CALLS)
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "%u calls of yours wait already, %u in all", n - 1,
                all->length - 1);
    return FALSE;
}

/* VMs that one user may give without leave. Each holds a descriptor or two of the agent's, which may have 1,024 as a rule,
 * and their names are taken for all others. */
#define MAX_GIVEN_BY_USER 64

/* The caller, if it is a QEMU of their own that they give (as the kernel tells, which is whoever made the socket or connected
 * it), and they have not had their share. */
static guint32
find_giver(ManagementCall *management)
{
    guint32 caller = bus_call_get_peer(management->call)->uid, uid;

    if (management->fd < 0 || !qmp_peer_get_uid(management->fd, &uid) || uid != caller)
        return BUS_PEER_NO_ID;
    return vm_registry_count_given_by(management->manager->registry, caller) < MAX_GIVEN_BY_USER ? caller
                                                                                                 : BUS_PEER_NO_ID;
}

/* @vm_name: for rules and for the log. */
static void
ask(ManagementCall *management, const char *vm_name)
{
    BusCall *call = management->call;
    AuthorizationManagement question = {
        .peer = bus_call_get_peer(call),
        .is_interactive = bus_call_is_interactive(call),
        .method = bus_call_get_member(call),
        .name = vm_name,
        .vm = management->vm,
        .giver = find_giver(management),
    };
    g_autoptr(GError) error = NULL;
    AuthorizationAnswer answer = AUTHORIZATION_REFUSED;

    if (check_room(management, &error))
        answer = authorization_ask_management(management->manager->context, &question, on_authorized, management,
                                              &management->authorization, &error);
    if (answer != AUTHORIZATION_ASKED)
        on_authorized(error, management);
    else
        bus_call_drop_message(call);
}

static gboolean
is_awaited_by(gpointer add_data, gpointer unique_name)
{
    BusCall *call = ((Adding *)add_data)->call;

    return bus_call_is_reply_expected(call) && g_str_equal(bus_call_get_sender(call), unique_name);
}

/* While the policy is asked nothing has been done for anybody. @unique_name: NULL: all. */
static void
drop_asking(ManagerObject *manager, const char *unique_name)
{
    for (GList *i = manager->calls.head, *next; i; i = next) {
        ManagementCall *management = i->data;
        next = i->next;
        if (unique_name && !g_str_equal(bus_call_get_sender(management->call), unique_name))
            continue;
        authorization_ticket_cancel(management->authorization);
        bus_call_fail_code(management->call, BUS_ERROR_DISCONNECTED, "The agent ends");
        management_call_free(management);
    }
}

void
manager_object_drop_caller(ManagerObject *manager, const char *unique_name)
{
    drop_asking(manager, unique_name);
    vm_registry_forget_waiting(manager->registry, is_awaited_by, (gpointer)unique_name);
}

void
manager_object_free(ManagerObject *manager)
{
    drop_asking(manager, /* unique_name= */ NULL);
    bus_object_free(manager->object);
    g_free(manager);
}

static void
add_authorized(ManagementCall *management)
{
    BusCall *call = management->call;
    g_autoptr(GError) error = NULL;
    VmSpec spec = {
        .origin = management->address ? VM_FROM_CALL : VM_FROM_FD,
        .name = management->name,
        .address = management->address,
        .spares = management->options.spares,
        .isolation_required = management->options.isolation_required,
        .fd = management->fd,
        .timeout = management->options.timeout,
        .added_by = bus_call_get_peer(call)->uid,
    };

    management->fd = -1; /* taken */
    Adding *adding = adding_new(management->manager, call, management->name);
    if (!vm_registry_add(management->manager->registry, &spec, on_added, adding, &error))
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
check_name(const char *name, GError **error)
{
    return !*name || names_check_vm(name, error);
}

/* A VM that has no name yet is known to rules by its address. */
static void
add_vm(BusCall *call, gpointer object_data)
{
    ManagementCall *management = management_call_new(object_data, call, add_authorized);
    g_autoptr(GError) error = NULL;
    const char *text;
    DBusMessageIter iter;

    read_name(management, &iter);
    dbus_message_iter_get_basic(&iter, &text);
    dbus_message_iter_next(&iter);
    if (check_name(management->name, &error) && (management->address = qmp_address_parse(text, &error)) &&
        read_options(&iter, management->manager->context->config, &management->options, &error))
        ask(management, *management->name ? management->name : management->address->text);
    else
        on_authorized(error, management);
}

static gboolean
check_socket(int fd, GError **error)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    int type = 0;
    socklen_t type_length = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_length) == 0 && type == SOCK_STREAM &&
        getpeername(fd, (struct sockaddr *)&peer, &length) == 0)
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "qmp: a connected stream socket is expected");
    return FALSE;
}

static void
add_vm_from_fd(BusCall *call, gpointer object_data)
{
    ManagementCall *management = management_call_new(object_data, call, add_authorized);
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;

    read_name(management, &iter);
    dbus_message_iter_get_basic(&iter, &management->fd); /* a duplicate of our own */
    dbus_message_iter_next(&iter);
    if (check_name(management->name, &error) && check_socket(management->fd, &error) &&
        read_options(&iter, management->manager->context->config, &management->options, &error))
        ask(management, *management->name ? management->name : "fd");
    else
        on_authorized(error, management);
}

static void
remove_authorized(ManagementCall *management)
{
    vm_registry_remove(management->manager->registry, management->vm);
    bus_call_return(management->call, NULL);
}

static void
remove_vm(BusCall *call, gpointer object_data)
{
    ManagerObject *manager = object_data;
    ManagementCall *management;
    const char *path;
    Vm *vm;

    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID);
    vm = vm_registry_get_by_path(manager->registry, path);
    if (!vm) {
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_OBJECT, "There is no VM at %s", path);
        return;
    }
    management = management_call_new(manager, call, remove_authorized);
    management->vm = vm;
    ask(management, vm_get_name(vm));
}

static void
get_vm(BusCall *call, gpointer object_data)
{
    ManagerObject *manager = object_data;
    const char *name_or_uuid;
    Vm *vm;

    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_STRING, &name_or_uuid, DBUS_TYPE_INVALID);
    vm = vm_registry_get_by_name_or_uuid(manager->registry, name_or_uuid);
    if (!vm) {
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_OBJECT, "No connected VM has the name or UUID \"%s\"",
                           name_or_uuid);
        return;
    }
    g_autofree char *path = names_path_from_vm(vm_get_name(vm));
    return_path(call, path);
}

const BusMethod manager_object_methods[] = {
    { "AddVM", BUS_ACCESS_GATED, add_vm },
    { "AddVMFromFD", BUS_ACCESS_GATED, add_vm_from_fd },
    { "RemoveVM", BUS_ACCESS_GATED, remove_vm },
    { "GetVM", BUS_ACCESS_PUBLIC, get_vm },
    { 0 },
};

static void
get_version(DBusMessageIter *iter, gpointer object_data)
{
    const char *version = PROJECT_VERSION;
    dbus_message_iter_append_basic(iter, DBUS_TYPE_STRING, &version);
}

const BusProperty manager_object_properties[] = {
    { "Version", get_version },
    { 0 },
};

/* As GDBusObjectManagerClient does, they may ask for nothing from now on and show what they hear. */
static void
on_listed(const BusPeer *peer, gpointer object_data)
{
    ManagerObject *manager = object_data;

    if (g_hash_table_add(manager->context->viewers, g_strdup(peer->name)))
        vm_registry_look(manager->registry);
}

ManagerObject *
manager_object_new(Context *context, VmRegistry *registry, BusInterface *interface)
{
    ManagerObject *manager = g_new0(ManagerObject, 1);

    manager->context = context;
    manager->registry = registry;
    manager->object = bus_object_new(context->bus, MONITOR_PATH, manager);
    bus_object_add_interface(manager->object, interface);
    bus_object_make_manager(manager->object, on_listed);
    bus_object_publish(manager->object);
    return manager;
}
