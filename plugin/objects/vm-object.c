/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a VM's object, from its first signal to its last answer. Its methods are in vm-methods.c, its properties in
 * vm-properties.c; the path of an event is told in events.c. */
#include "vm-object.h"

#include "authorization.h"
#include "call.h"
#include "caller-sessions.h"
#include "names.h"
#include "vm-object-parts.h"
#include "vm-schema.h"
#include "vm-teardown.h"

static void
on_vm_schema(QmpInterfaces *interfaces, gpointer user_data)
{
    VmObject *object = user_data;
    MonitorPool *pool = caller_sessions_get_pool(object->vm_context.sessions);

    monitor_pool_set_can_hotplug(pool, interfaces && qmp_interfaces_has_monitor_object(interfaces));
    if (!interfaces)
        return;
    bus_object_refine_interface(object->vm_context.object, qmp_interfaces_get_qmp(interfaces));
    bus_object_refine_interface(object->vm_context.object, qmp_interfaces_get_events(interfaces));
}

static void
on_monitor_mode(gpointer user_data)
{
    VmObject *object = user_data;

    bus_object_property_changed(object->vm_context.object, MONITOR_VM_INTERFACE, "MonitorMode");
}

static MonitorPoolLimits
get_pool_limits(VmObject *object)
{
    const Config *config = object->vm_context.context->config;

    return (MonitorPoolLimits){
        .idle_timeout = config->idle_timeout,
        .max_monitors = config->max_monitors,
        .max_reply = config->max_reply,
    };
}

void
vm_object_reconfigured(VmObject *object)
{
    MonitorPoolLimits limits = get_pool_limits(object);

    monitor_pool_set_limits(caller_sessions_get_pool(object->vm_context.sessions), &limits);
}

static CallerSessions *
new_caller_sessions(VmObject *object)
{
    Vm *vm = object->vm_context.vm;
    MonitorPoolLimits limits = get_pool_limits(object);
    CallerSessions *sessions =
        caller_sessions_new(object->vm_context.context->host->context, vm, &limits, on_monitor_mode, object);

    /* The schema tells too, but costs QEMU 30 ms of the processor. */
    if (qemu_connection_is_at_least(vm_get_qemu(vm), 11, 1) &&
        started_monitors_are_objects(qemu_connection_get_started_monitors(vm_get_qemu(vm))))
        monitor_pool_set_can_hotplug(caller_sessions_get_pool(sessions), TRUE);
    return sessions;
}

/* Called for the VMs that the caller has used, as caller_vms_note() was told. */
void
vm_object_drop_caller(VmObject *object, const char *unique_name)
{
    open_monitors_drop_caller(object->open_monitors, unique_name);
    open_displays_drop_caller(object->open_displays, unique_name);
    screenshots_drop_caller(object->screenshots, unique_name);
    execute_and_wait_list_drop_caller(object->waiting, unique_name);
    caller_sessions_drop_caller(object->vm_context.sessions, unique_name);
}

void
vm_object_look(VmObject *object)
{
    jobs_look(object->jobs);
}

static void
on_job_finished(JobKind kind, const char *id, const char *error, gpointer user_data)
{
    VmObject *object = user_data;

    execute_and_wait_list_note_job(object->waiting, kind, id, error);
}

/* On a session bus everybody hears of changes, and nobody can be known to listen who does not say so. */
static gboolean
are_jobs_watched(gpointer user_data)
{
    VmObject *object = user_data;

    return !execute_and_wait_list_is_empty(object->waiting) || events_has_subscribers(object->events) ||
           g_hash_table_size(object->vm_context.context->viewers) > 0;
}

static void
on_command_done(const char *command, gpointer user_data)
{
    VmObject *object = user_data;

    jobs_command_done(object->jobs, command);
    execute_and_wait_list_note_command(object->waiting, command);
}

static void
begin_jobs(VmObject *object)
{
    static const JobsFuncs funcs = { on_job_finished, are_jobs_watched };

    object->jobs = jobs_new(&object->vm_context, &funcs, object);
    object->waiting = execute_and_wait_list_new(&object->vm_context, object->jobs);
    caller_sessions_set_done(object->vm_context.sessions, on_command_done, object);
}

static gboolean
has_target(VmObject *object)
{
    return *qemu_connection_get_target(vm_get_qemu(object->vm_context.vm)) != '\0';
}

VmObject *
vm_object_new(Context *context, Vm *vm, const char *path)
{
    VmObject *object = g_new0(VmObject, 1);

    object->vm_context.context = context;
    object->vm_context.vm = vm;
    object->vm_context.object = bus_object_new(context->bus, path, object);
    object->vm_context.schema = vm_schema_new(context, vm, on_vm_schema, object);
    object->events = events_new(&object->vm_context);
    object->vm_context.sessions = new_caller_sessions(object);
    object->open_monitors = open_monitors_new(&object->vm_context);
    object->open_displays = open_displays_new(&object->vm_context);
    object->screenshots = screenshots_new(&object->vm_context);
    bus_object_add_interface(object->vm_context.object, context->vm_interface);
    bus_object_add_interface(object->vm_context.object, qmp_interfaces_get_qmp(context->promised));
    bus_object_add_interface(object->vm_context.object, qmp_interfaces_get_events(context->promised));
    bus_object_set_introspect(object->vm_context.object, call_introspect);
    object->has_target = has_target(object);
    /* Where another VM has told this QEMU's schema, the interfaces are complete from the first. */
    vm_schema_is_settled(object->vm_context.schema);
    bus_object_publish(object->vm_context.object);
    begin_jobs(object);
    return object;
}

/* A VM leaves the bus in one order, whether its QEMU has ended, a caller has it removed, or the agent ends:
 *
 *   vm_object_unpublish()  signals that are owed go out while the whole object is there; then its jobs and the object itself
 *                          disappear, and no property is read any more; native sessions say nothing more of their own
 *   vm_object_free()       everybody who waits is answered, each exactly once; then the parts that answered are freed
 *
 * With every answer the bus sends the signals that are owed, so nothing may be published of an object that is half gone. The
 * end of QEMU comes in two parts, as the commands under way are failed in between (VmFuncs). */
void
vm_object_unpublish(VmObject *object)
{
    if (object->is_unpublished)
        return;
    object->is_unpublished = TRUE;
    events_stop(object->events);
    jobs_unpublish(object->jobs);
    bus_object_unpublish(object->vm_context.object);
    open_monitors_stop(object->open_monitors);
    screenshots_stop(object->screenshots);
}

void
vm_object_free(VmObject *object, VmTeardown *teardown)
{
    vm_object_unpublish(object);
    events_free(object->events);
    caller_vms_forget(object->vm_context.context->caller_vms, &object->vm_context);
    authorization_vm_gone(object->vm_context.context, object->vm_context.vm);
    vm_schema_free(object->vm_context.schema);
    if (teardown)
        vm_teardown_add(teardown, object->vm_context.vm, object->vm_context.sessions);
    else
        caller_sessions_free(object->vm_context.sessions);
    execute_and_wait_list_free(object->waiting);
    jobs_free(object->jobs);
    screenshots_free(object->screenshots);
    open_displays_free(object->open_displays);
    open_monitors_free(object->open_monitors);
    bus_object_free(object->vm_context.object);
    g_free(object);
}

void
vm_object_fail_commands(VmObject *object, const GError *error)
{
    caller_sessions_fail(object->vm_context.sessions, error);
}

void
vm_object_changed(VmObject *object)
{
    if (!object->has_target && has_target(object))
        bus_object_property_changed(object->vm_context.object, MONITOR_VM_INTERFACE, "Target");
    object->has_target = has_target(object);
    bus_object_property_changed(object->vm_context.object, MONITOR_VM_INTERFACE, "Status");
    bus_object_property_changed(object->vm_context.object, MONITOR_VM_INTERFACE, "Running");
    caller_sessions_status_changed(object->vm_context.sessions);
    jobs_status_changed(object->jobs);
}

void
vm_object_event(VmObject *object, const QmpEvent *event)
{
    /* The job's object says how it has ended before a caller who waits for that is answered. */
    jobs_event(object->jobs, event);
    execute_and_wait_list_note_event(object->waiting, event);
    events_publish(object->events, event);
    open_monitors_event(object->open_monitors, event);
}
