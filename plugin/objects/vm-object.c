/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm-object.h"

#include <string.h>

#include "bus-dictionary.h"
#include "call.h"
#include "errors.h"
#include "events.h"
#include "execute-and-wait-list.h"
#include "jobs.h"
#include "vm-teardown.h"
#include "authorization.h"
#include "names.h"
#include "open-monitor.h"
#include "json-tree.h"
#include "caller-sessions.h"
#include "value.h"
#include "vm-schema.h"

/* Of one subscription; QEMU 11.1 has 57 events. */
#define MAX_EVENT_NAMES 256
#define MAX_EVENT_NAMES_SIZE 16384

struct VmObject {
    VmContext vm_context; /* first: the part that the rooms below are given */
    Events *events; /* owned */
    OpenMonitors *open_monitors; /* owned */
    Jobs *jobs; /* owned */
    ExecuteAndWaitList *waiting; /* owned */
    gboolean is_unpublished;
};

/* Reads `command` (s), and moves @iter to `arguments`, which may be left out. The XML has made sure of the types. */
static const char *
read_command_name(BusCall *call, DBusMessageIter *iter, GError **error)
{
    const char *command;

    dbus_message_iter_init(bus_call_get_message(call), iter);
    dbus_message_iter_get_basic(iter, &command);
    dbus_message_iter_next(iter);
    return names_check_command(command, error) ? command : NULL;
}

/* Reads `command`, and `arguments` (a{sv}); NULL: the caller gave none, or @error is set. @cost: of the arguments. */
static JsonNode *
read_arguments(BusCall *call, DBusMessageIter *iter, const char **ret_command, JsonCost *cost, GError **error)
{
    *ret_command = read_command_name(call, iter, error);
    if (!*ret_command || dbus_message_iter_get_arg_type(iter) == DBUS_TYPE_INVALID)
        return NULL;
    return value_read(iter, "arguments", cost, error);
}

static void
execute(BusCall *call, gpointer object_data)
{
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;
    const char *command;
    JsonCost cost = { 0 };
    g_autoptr(JsonNode) arguments = read_arguments(call, &iter, &command, &cost, &error);

    if (error)
        errors_fail(call, error);
    else
        call_execute(object_data, call, command, arguments, cost.bytes, DBUS_TYPE_VARIANT_AS_STRING);
}

static JsonNode *
parse_object(const char *text, GError **error)
{
    gsize length = strlen(text);
    g_autoptr(JsonNode) node = NULL;

    node = json_tree_parse_arguments(text, length, error);
    if (!node)
        g_prefix_error(error, "arguments: ");
    else if (JSON_NODE_HOLDS_OBJECT(node))
        return g_steal_pointer(&node);
    else
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "arguments: a JSON object is expected, there is a %s",
                    json_node_type_name(node));
    return NULL;
}

static void
execute_json(BusCall *call, gpointer object_data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) arguments = NULL;
    DBusMessageIter iter;
    const char *command = read_command_name(call, &iter, &error);
    const char *text = "";

    if (command && dbus_message_iter_get_arg_type(&iter) != DBUS_TYPE_INVALID)
        dbus_message_iter_get_basic(&iter, &text);
    if (*text)
        arguments = parse_object(text, &error);
    if (error)
        errors_fail(call, error);
    else
        call_execute(object_data, call, command, arguments, strlen(text), /* result= */ NULL);
}

static void
execute_and_wait(BusCall *call, gpointer object_data)
{
    VmObject *object = object_data;
    ExecuteAndWaitOptions options = { 0 };
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;
    const char *command;
    JsonCost cost = { 0 };
    g_autoptr(JsonNode) arguments = read_arguments(call, &iter, &command, &cost, &error);

    if (arguments && dbus_message_iter_next(&iter))
        execute_and_wait_read_options(&iter, &options, &error);
    if (error)
        errors_fail(call, error);
    else
        execute_and_wait_list_start(object->waiting, call, command, arguments, cost.bytes, &options);
}

static void
subscribe_authorized(BusCall *call, VmContext *vm_context, char **names)
{
    VmObject *object = (VmObject *)vm_context;
    events_subscribe(object->events, bus_call_get_sender(call), (const char *const *)names);
    jobs_look(object->jobs);
    bus_call_return(call, NULL);
}

/* Puts QEMU's name of the event for each of @names. */
static gboolean
resolve_events(QmpInterfaces *interfaces, char **names, GError **error)
{
    for (; *names; names++) {
        const char *event = qmp_interfaces_find_event(interfaces, *names, error);
        if (!event)
            return FALSE;
        g_free(*names);
        *names = g_strdup(event);
    }
    return TRUE;
}

/* Events that the contract promises are known at once, others when QEMU has told its schema. @names: borrowed. */
static void
subscribe_to_events(BusCall *call, VmContext *vm_context, char **names)
{
    g_auto(GStrv) events = g_strdupv(names);
    g_autoptr(GError) error = NULL;

    if (resolve_events(vm_schema_get_interfaces(vm_context->schema), events, &error))
        call_gated(vm_context, call, g_steal_pointer(&events), subscribe_authorized);
    else if (vm_schema_is_settled(vm_context->schema))
        errors_fail(call, error);
    else
        call_when_described(vm_context, call, g_strdupv(names), subscribe_to_events);
}

static void
subscribe(BusCall *call, gpointer object_data)
{
    g_auto(GStrv) copies = NULL;
    char **names;
    int n_names;
    gsize size = 0;

    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &names, &n_names,
                          DBUS_TYPE_INVALID);
    for (int i = 0; i < n_names; i++)
        size += strlen(names[i]) + 1;
    copies = n_names <= MAX_EVENT_NAMES && size <= MAX_EVENT_NAMES_SIZE ? g_strdupv(names) : NULL;
    dbus_free_string_array(names);
    if (copies)
        subscribe_to_events(call, object_data, copies);
    else
        bus_call_fail_code(call, BUS_ERROR_LIMITS_EXCEEDED,
                           "events: %d names of %zu bytes, there may be %d of %d; none means all", n_names, size,
                           MAX_EVENT_NAMES, MAX_EVENT_NAMES_SIZE);
}

static void
unsubscribe(BusCall *call, gpointer object_data)
{
    VmObject *object = object_data;

    events_unsubscribe(object->events, bus_call_get_sender(call));
    bus_call_return(call, NULL);
}

/* A reply to ListMonitors that is being written. */
typedef struct Listing {
    DBusMessageIter list;
    const char *caller; /* whose monitors are listed; NULL: all callers' */
} Listing;

static void
append_session(const CallerSessionInfo *info, gpointer user_data)
{
    Listing *listing = user_data;
    DBusMessageIter dictionary;
    dbus_uint64_t since = (dbus_uint64_t)info->since;
    dbus_bool_t is_native = info->is_native;

    if (listing->caller && !g_str_equal(listing->caller, info->caller))
        return;
    dbus_message_iter_open_container(&listing->list, DBUS_TYPE_ARRAY, "{sv}", &dictionary);
    bus_dictionary_append(&dictionary, "id", DBUS_TYPE_STRING_AS_STRING, &info->id);
    bus_dictionary_append(&dictionary, "caller", DBUS_TYPE_STRING_AS_STRING, &info->caller);
    bus_dictionary_append(&dictionary, "uid", DBUS_TYPE_UINT32_AS_STRING, &info->uid);
    bus_dictionary_append(&dictionary, "mode", DBUS_TYPE_STRING_AS_STRING, &info->mode);
    bus_dictionary_append(&dictionary, "pending", DBUS_TYPE_UINT32_AS_STRING, &info->pending);
    bus_dictionary_append(&dictionary, "native", DBUS_TYPE_BOOLEAN_AS_STRING, &is_native);
    bus_dictionary_append(&dictionary, "since", DBUS_TYPE_UINT64_AS_STRING, &since);
    dbus_message_iter_close_container(&listing->list, &dictionary);
}

/* Root and the VM's owner see all, others their own. */
static void
list_monitors_authorized(BusCall *call, VmContext *vm_context, char **arguments)
{
    VmObject *object = (VmObject *)vm_context;
    guint32 uid = bus_call_get_peer(call)->uid;
    gboolean sees_all = uid == 0 || uid == authorization_get_owner(object->vm_context.context, object->vm_context.vm);
    Listing listing = { .caller = sees_all ? NULL : bus_call_get_sender(call) };
    DBusMessageIter iter;
    DBusMessage *reply;

    reply = bus_call_new_reply(call);
    dbus_message_iter_init_append(reply, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "a{sv}", &listing.list);
    caller_sessions_foreach(object->vm_context.sessions, append_session, &listing);
    dbus_message_iter_close_container(&iter, &listing.list);
    bus_call_return(call, reply);
}

static void
list_monitors(BusCall *call, gpointer object_data)
{
    call_gated(object_data, call, /* arguments= */ NULL, list_monitors_authorized);
}

static void
open_monitor(BusCall *call, gpointer object_data)
{
    open_monitors_open(((VmObject *)object_data)->open_monitors, call);
}

const BusMethod vm_object_methods[] = {
    { "Execute", BUS_ACCESS_GATED, execute },          { "ExecuteAndWait", BUS_ACCESS_GATED, execute_and_wait },
    { "ExecuteJSON", BUS_ACCESS_GATED, execute_json }, { "ListMonitors", BUS_ACCESS_GATED, list_monitors },
    { "OpenMonitor", BUS_ACCESS_GATED, open_monitor }, { "Subscribe", BUS_ACCESS_GATED, subscribe },
    { "Unsubscribe", BUS_ACCESS_PUBLIC, unsubscribe }, { 0 },
};

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
    MonitorPoolLimits limits = get_pool_limits(object);

    return caller_sessions_new(object->vm_context.context->host->context, object->vm_context.vm, &limits,
                               on_monitor_mode, object);
}

void
vm_object_drop_caller(VmObject *object, const char *unique_name)
{
    open_monitors_drop_caller(object->open_monitors, unique_name);
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
    bus_object_add_interface(object->vm_context.object, context->vm_interface);
    bus_object_add_interface(object->vm_context.object, qmp_interfaces_get_qmp(context->promised));
    bus_object_add_interface(object->vm_context.object, qmp_interfaces_get_events(context->promised));
    bus_object_set_introspect(object->vm_context.object, call_introspect);
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
}

void
vm_object_free(VmObject *object, VmTeardown *teardown)
{
    vm_object_unpublish(object);
    events_free(object->events);
    authorization_vm_gone(object->vm_context.context, object->vm_context.vm);
    vm_schema_free(object->vm_context.schema);
    if (teardown)
        vm_teardown_add(teardown, object->vm_context.vm, object->vm_context.sessions);
    else
        caller_sessions_free(object->vm_context.sessions);
    execute_and_wait_list_free(object->waiting);
    jobs_free(object->jobs);
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
