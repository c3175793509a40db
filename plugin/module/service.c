/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An instance from start to stop: joins the bus, publishes the manager, takes up the VMs that it was told about,
 * and takes the bus name when they can be called. */
#include "service.h"

#include <unistd.h>

#include "answers.h"
#include "authorization.h"
#include "bus-arrivals.h"
#include "bus-open.h"
#include "bus-peers.h"
#include "call.h"
#include "configured-vms.h"
#include "contract.h"
#include "discovery.h"
#include "vm-teardown.h"
#include "job-methods.h"
#include "job-object.h"
#include "log.h"
#include "manager-object.h"
#include "names.h"
#include "vm-registry.h"
#include "vm-state.h"
#include "timer.h"
#include "vm-object.h"

/* How long the name may wait for VMs that are there already to be callable. A QEMU that does not answer holds up
 * nobody for longer. */
#define SETTLE_TIME ((guint64)G_TIME_SPAN_SECOND)

/* How long the number of VMs that the host shows may be an old one. */
#define STATUS_TIME ((guint64)100 * G_TIME_SPAN_MILLISECOND)

struct Service {
    Context context; /* shared by its parts */
    GDBusNodeInfo *contract; /* ref */
    BusInterface *manager_interface; /* ref */
    ManagerObject *manager; /* owned */
    VmRegistry *registry; /* owned */
    VmState *state; /* owned; NULL while nothing is there to be kept */
    GSource *status_timer; /* owned; while the host knows another number of VMs */
    VmTeardown *teardown; /* owned */
    Discovery *discovery; /* owned; NULL where there is no run directory */
    BusPeerWatch *peer_watch; /* owned */
    GSource *settle_timer; /* owned; until the name is asked for */
    gboolean name_asked;
    gboolean has_failed; /* the host has been told */
};

/* Whatever ends first; the bus's end fails the question for the name as well. */
static void
fail_service(Service *service, const GError *error)
{
    const ManagementHost *host = service->context.host;

    if (service->has_failed)
        return;
    service->has_failed = TRUE;
    host->failed(host->data, service, error);
}

static void
on_name(Bus *bus, const GError *error, gpointer user_data)
{
    Service *service = user_data;

    if (error)
        fail_service(service, error);
    else
        service->context.host->ready(service->context.host->data, service);
}

static void
on_settled(gpointer user_data)
{
    Service *service = user_data;

    if (service->name_asked || !service->settle_timer)
        return;
    service->name_asked = TRUE;
    timer_stop(&service->settle_timer);
    bus_own_name(service->context.bus, MONITOR_BUS_NAME, on_name, service);
}

static gboolean
on_settle_time_over(gpointer user_data)
{
    on_settled(user_data);
    return G_SOURCE_REMOVE;
}

static void
on_socket_left(const char *path, gpointer user_data)
{
    Service *service = user_data;

    if (service->discovery)
        discovery_look(service->discovery, path);
}

static void
drop_from_vm(gpointer vm_context, const char *unique_name)
{
    vm_object_drop_caller(vm_context, unique_name);
}

static void
on_caller_left(Bus *bus, const char *unique_name, gpointer user_data)
{
    Service *service = user_data;

    g_hash_table_remove(service->context.viewers, unique_name);
    call_drop_caller(&service->context, unique_name);
    manager_object_drop_caller(service->manager, unique_name);
    caller_vms_leave(service->context.caller_vms, unique_name, drop_from_vm);
}

static void
on_signals_withheld(gboolean is_withheld, gpointer user_data)
{
    const ManagementHost *host = ((Service *)user_data)->context.host;

    if (is_withheld)
        log_line(host, G_LOG_LEVEL_WARNING, /* vm= */ NULL,
                 "Signals are withheld: the bus keeps too many for somebody who listens and does not read");
    else
        log_line(host, G_LOG_LEVEL_INFO, /* vm= */ NULL, "Signals are sent again");
}

static gboolean
on_status_due(gpointer user_data)
{
    Service *service = user_data;
    const ManagementHost *host = service->context.host;
    VmTable *table = vm_registry_get_table(service->registry);
    guint n = vm_table_get_size(table), n_connected = vm_table_count_connected(table);
    g_autofree char *status = g_strdup_printf("%u VM%s, %u connected", n, n == 1 ? "" : "s", n_connected);

    timer_stop(&service->status_timer);
    host->status(host->data, service, status);
    return G_SOURCE_REMOVE;
}

/* A host of before does not ask, and one that shows nothing has no function. */
static void
note_vms_changed(Service *service)
{
    const ManagementHost *host = service->context.host;

    if (host->size < G_STRUCT_OFFSET(ManagementHost, status) + sizeof host->status || !host->status ||
        service->status_timer)
        return;
    service->status_timer = timer_start(host->context, STATUS_TIME, on_status_due, service);
}

static void
on_vm_published(Vm *vm, gpointer user_data)
{
    Service *service = user_data;

    vm_state_put(service->state, vm);
    note_vms_changed(service);
}

/* VMs that end because the agent does are kept for the next one: by then the state is closed. */
static void
on_vm_disconnected(Vm *vm, gpointer user_data)
{
    Service *service = user_data;

    if (!service->state)
        return;
    vm_state_disconnect(service->state, vm);
    note_vms_changed(service);
}

static void
on_vm_forgotten(Vm *vm, gpointer user_data)
{
    Service *service = user_data;

    if (!service->state)
        return;
    vm_state_remove(service->state, vm);
    note_vms_changed(service);
}

static gboolean
on_vm_restored(const VmSpec *spec, gpointer user_data)
{
    Service *service = user_data;
    g_autoptr(GError) error = NULL;
    VmSpec current = *spec;

    if (spec->isolation_is_default)
        current.isolation_required = service->context.config->isolation_required;
    if (vm_registry_add(service->registry, &current, /* func= */ NULL, /* user_data= */ NULL, &error))
        return TRUE;
    log_line(service->context.host, G_LOG_LEVEL_WARNING, spec->name, "VM \"%s\" is not taken up again: %s", spec->name,
             error->message);
    return FALSE;
}

static void
on_run_directory(gpointer user_data)
{
    Service *service = user_data;

    service->context.run_directory = discovery_get_path(service->discovery);
    vm_state_set_directory(service->state, service->context.run_directory);
}

static void
on_directory_moved(gpointer user_data)
{
    vm_state_look(((Service *)user_data)->state);
}

static void
on_vms_taken_up(gpointer user_data)
{
    Service *service = user_data;

    if (service->discovery)
        discovery_start(service->discovery);
    service->settle_timer = timer_start(service->context.host->context, SETTLE_TIME, on_settle_time_over, service);
    if (vm_registry_is_settled(service->registry))
        on_settled(service);
}

/* Names of the key file go before others, and what was there before goes before what is found. */
static void
add_vms(Service *service)
{
    static const DiscoveryFuncs discovery_funcs = { on_run_directory, on_directory_moved };
    Context *context = &service->context;

    service->discovery = discovery_new(context, service->registry, &discovery_funcs, service);
    context->run_directory = service->discovery ? discovery_get_path(service->discovery) : NULL;
    service->state = vm_state_new(context->host, context->run_directory);
    configured_vms_take_up(context, service->registry, service->state);
    vm_state_restore(service->state, on_vm_restored, on_vms_taken_up, service);
}

static void
begin_service(Service *service)
{
    static const VmRegistryFuncs registry_funcs = { on_settled, on_vm_published, on_vm_disconnected, on_vm_forgotten,
                                                    on_socket_left };
    static const VmObjectFuncs object_funcs = {
        .publish = vm_object_new,
        .unpublish = vm_object_unpublish,
        .free = vm_object_free,
        .look = vm_object_look,
        .reconfigured = vm_object_reconfigured,
        .fail_commands = vm_object_fail_commands,
        .changed = vm_object_changed,
        .event = vm_object_event,
    };

    if (service->context.host->bus == MANAGEMENT_BUS_SYSTEM)
        bus_limit_signals(service->context.bus, on_signals_withheld, service);
    service->peer_watch = bus_watch_peers(service->context.bus, on_caller_left, service);
    service->registry = vm_registry_new(&service->context, service->teardown, &object_funcs, &registry_funcs, service);
    service->manager = manager_object_new(&service->context, service->registry, service->manager_interface);
    add_vms(service);
}

static void
on_service_bus(Bus *bus, const GError *error, gpointer user_data)
{
    Service *service = user_data;

    if (error)
        fail_service(service, error);
    else
        begin_service(service);
}

static gboolean
make_interfaces(Service *service, GError **error)
{
    GDBusNodeInfo *contract = service->contract = contract_load();

    service->manager_interface =
        bus_interface_new(g_dbus_node_info_lookup_interface(contract, MONITOR_MANAGER_INTERFACE),
                          manager_object_methods, manager_object_properties, /* any= */ NULL, error);
    if (!service->manager_interface)
        return FALSE;
    service->context.vm_interface =
        bus_interface_new(g_dbus_node_info_lookup_interface(contract, MONITOR_VM_INTERFACE), vm_object_methods,
                          vm_object_properties, /* any= */ NULL, error);
    if (!service->context.vm_interface)
        return FALSE;
    service->context.job_interface =
        bus_interface_new(g_dbus_node_info_lookup_interface(contract, MONITOR_JOB_INTERFACE), job_methods,
                          job_object_properties, /* any= */ NULL, error);
    if (!service->context.job_interface)
        return FALSE;
    service->context.promised = qmp_interfaces_new_from_contract(contract, call_method, error);
    return service->context.promised != NULL;
}

static QmpInterfaces *
make_own_interfaces(QmpSchema *schema, gpointer user_data)
{
    return qmp_interfaces_new(schema, ((Service *)user_data)->contract, policy_class_get_command_action, call_method);
}

static gboolean
open_bus(Service *service, GError **error)
{
    const ManagementHost *host = service->context.host;

    service->context.bus = bus_open(host->context, host->bus_address, on_service_bus, service, error);
    if (!service->context.bus)
        return FALSE;
    if (host->bus != MANAGEMENT_BUS_SYSTEM)
        bus_find_out_early(service->context.bus);
    service->context.policy =
        policy_new(host->context, host->bus == MANAGEMENT_BUS_SYSTEM ? service->context.bus : NULL,
                   context_get_system_bus_address(), audit_decision, service->context.audit);
    return TRUE;
}

/* A host of before has no such member. */
static const char *
get_key_file_path(const ManagementHost *host)
{
    return host->size >= G_STRUCT_OFFSET(ManagementHost, key_file_path) + sizeof host->key_file_path
               ? host->key_file_path
               : NULL;
}

static void
log_problems(Service *service, const Config *config)
{
    for (guint i = 0; i < config->problems->len; i++) {
        const ConfigProblem *problem = g_ptr_array_index(config->problems, i);
        log_line(service->context.host, problem->is_error ? G_LOG_LEVEL_CRITICAL : G_LOG_LEVEL_WARNING, problem->vm,
                 "%s", problem->text);
    }
}

Service *
service_start(const ManagementHost *host, GError **error)
{
    Service *service = g_new0(Service, 1);

    service->context.host = host;
    service->context.call_method = call_method;
    service->context.calls = calls_new();
    service->context.answers = answers_new(host->context);
    service->context.authorizations = authorizations_new();
    service->context.audit = audit_new(host);
    service->context.schemas = schema_cache_new(host->context, make_own_interfaces, service);
    service->teardown = vm_teardown_new(host->context);
    service->context.caller_vms = caller_vms_new();
    service->context.viewers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    service->context.config = config_new(host->key_file, get_key_file_path(host), error);
    if (service->context.config && make_interfaces(service, error) && open_bus(service, error)) {
        log_problems(service, service->context.config);
        audit_set_all(service->context.audit, service->context.config->audit_all);
        return service;
    }
    service_stop(service);
    return NULL;
}

/* Where the bus has not been joined yet, nothing but the configuration is there. */
gboolean
service_reload(Service *service, GKeyFile *key_file, const char *key_file_path, GError **error)
{
    Context *context = &service->context;
    Config *config = config_new(key_file, key_file_path, error);

    if (!config)
        return FALSE;
    g_autoptr(Config) old = context->config;
    context->config = config;
    log_problems(service, config);
    audit_set_all(context->audit, config->audit_all);
    if (!service->registry)
        return TRUE;
    vm_table_reconfigured(vm_registry_get_table(service->registry), config);
    configured_vms_update(context, service->registry, service->state, old);
    return TRUE;
}

/* Nothing of it is on the bus any more. */
static void
leave_bus(Service *service)
{
    service->name_asked = TRUE;
    service->has_failed = TRUE;
    timer_stop(&service->settle_timer);
    timer_stop(&service->status_timer);
    service->context.run_directory = NULL;
    g_clear_pointer(&service->state, vm_state_free);
    g_clear_pointer(&service->discovery, discovery_free);
    /* Answers every call that waits for a QEMU. */
    g_clear_pointer(&service->registry, vm_registry_free);
    g_clear_pointer(&service->context.answers, answers_free);
    g_clear_pointer(&service->manager, manager_object_free);
    g_clear_pointer(&service->context.policy, policy_free);
    g_clear_pointer(&service->peer_watch, bus_peer_watch_free);
    g_clear_pointer(&service->context.bus, bus_close);
}

static void
on_teardown_ended(gpointer user_data)
{
    Service *service = user_data;

    service->context.host->stopped(service->context.host->data, service);
}

gboolean
service_prepare_stop(Service *service)
{
    leave_bus(service);
    return vm_teardown_wait(service->teardown, on_teardown_ended, service);
}

void
service_stop(Service *service)
{
    leave_bus(service);
    vm_teardown_free(service->teardown);
    audit_free(service->context.audit);
    g_clear_pointer(&service->manager_interface, bus_interface_unref);
    g_clear_pointer(&service->context.vm_interface, bus_interface_unref);
    g_clear_pointer(&service->context.job_interface, bus_interface_unref);
    g_clear_pointer(&service->context.promised, qmp_interfaces_unref);
    g_clear_pointer(&service->context.schemas, schema_cache_free);
    g_clear_pointer(&service->contract, g_dbus_node_info_unref);
    g_clear_pointer(&service->context.config, config_free);
    g_clear_pointer(&service->context.viewers, g_hash_table_unref);
    g_clear_pointer(&service->context.caller_vms, caller_vms_free);
    calls_free(service->context.calls);
    authorizations_free(service->context.authorizations);
    g_free(service);
}
