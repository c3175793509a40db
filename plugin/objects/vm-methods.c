/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The methods of org.qemu.Monitor1.VM. Each reads its arguments, whose types the XML has made sure of, and hands the call to the
 * part of the object that answers it. module/service.c makes the interface of them. */
#include "vm-object.h"

#include <string.h>

#include "authorization.h"
#include "bus-dictionary.h"
#include "call.h"
#include "caller-sessions.h"
#include "errors.h"
#include "json-tree.h"
#include "names.h"
#include "value.h"
#include "vm-object-parts.h"
#include "vm-schema.h"

/* Of one subscription; QEMU 11.1 has 57 events. */
#define MAX_EVENT_NAMES 256
#define MAX_EVENT_NAMES_SIZE 16384

/* What the method is about to begin is ended when the caller leaves. */
static void
note_caller(VmObject *object, BusCall *call)
{
    caller_vms_note(object->vm_context.context->caller_vms, bus_call_get_peer(call), &object->vm_context);
}

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
        execute_and_wait_list_read_options(&iter, &options, &error);
    note_caller(object, call);
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
    const BusPeer *peer = bus_call_get_peer(call);
    guint32 owner = authorization_get_owner(object->vm_context.context, object->vm_context.vm);
    gboolean sees_all = peer->uid == 0 || bus_peer_is_user(peer, owner);
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
    note_caller(object_data, call);
    open_monitors_open(((VmObject *)object_data)->open_monitors, call);
}

static void
open_display(BusCall *call, gpointer object_data)
{
    note_caller(object_data, call);
    open_displays_open(((VmObject *)object_data)->open_displays, call);
}

static void
take_screenshot(BusCall *call, gpointer object_data)
{
    note_caller(object_data, call);
    screenshots_take(((VmObject *)object_data)->screenshots, call);
}

const BusMethod vm_object_methods[] = {
    { "Execute", BUS_ACCESS_GATED, execute },
    { "ExecuteAndWait", BUS_ACCESS_GATED, execute_and_wait },
    { "ExecuteJSON", BUS_ACCESS_GATED, execute_json },
    { "ListMonitors", BUS_ACCESS_GATED, list_monitors },
    { "OpenDisplay", BUS_ACCESS_GATED, open_display },
    { "OpenMonitor", BUS_ACCESS_GATED, open_monitor },
    { "Screenshot", BUS_ACCESS_GATED, take_screenshot },
    { "Subscribe", BUS_ACCESS_GATED, subscribe },
    { "Unsubscribe", BUS_ACCESS_PUBLIC, unsubscribe },
    { 0 },
};
