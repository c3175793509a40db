/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The path of a method call, from top to bottom:
 *
 *   call_method()       a method of QMP: reads the values (bad ones are refused before anything else happens)
 *   call_execute()      Execute or ExecuteJSON, whose arguments vm-object.c has read
 *   call_described()    what QEMU understands is known: the values become the command's arguments, and are checked
 *   send()              asks the policy, and gets in line
 *   call_replied()      QEMU has answered, or is gone: the caller gets a value or an error
 *   call_drop_caller()  the caller has left instead
 */
#include "call.h"

#include <string.h>
#include <unistd.h>

#include "errors.h"
#include "gate.h"
#include "names.h"
#include "qmp-json.h"
#include "value.h"
#include "vm-schema.h"

/* Values of a reply that are made a D-Bus value of; query-qmp-schema of QEMU 11.1 has 19,000 and takes 12 ms. */
#define MAX_VALUES 100000

typedef struct Call {
    Service *service; /* weak */
    VmObject *object; /* weak; until it is sent: it ends the wait when it goes */
    BusCall *call; /* owned; until it is answered */
    SchemaWait *wait; /* weak; until QEMU is described */
    MethodValues *values; /* owned; of a method, until it is described */
    Interfaces *interfaces; /* ref; of a method: what the result is described by */
    QmpCommand command; /* until it is sent; its texts and descriptor are owned */
    ReplyTicket *ticket; /* weak; until the reply */
    const char *result; /* weak; D-Bus type, "" for none; NULL: JSON text */
    const QmpType *result_type; /* weak; may be NULL */
    GList link; /* in service->calls */
} Call;

static Call *
new_call(VmObject *object, BusCall *bus_call)
{
    Call *call = g_new0(Call, 1);

    call->service = vm_object_get_service(object);
    call->object = object;
    call->call = bus_call;
    call->command.fd = -1;
    call->link.data = call;
    g_queue_push_tail_link(&call->service->calls, &call->link);
    return call;
}

static void
clear_command(Call *call)
{
    g_clear_pointer((char **)&call->command.name, g_free);
    g_clear_pointer((char **)&call->command.arguments, g_free);
    if (call->command.fd >= 0)
        close(call->command.fd);
    call->command.fd = -1;
}

static void
free_call(Call *call)
{
    g_queue_unlink(&call->service->calls, &call->link);
    clear_command(call);
    g_clear_pointer(&call->values, method_values_free);
    g_clear_pointer(&call->interfaces, interfaces_unref);
    g_free(call);
}

static void
fail(Call *call, const GError *error)
{
    errors_fail(g_steal_pointer(&call->call), error);
    free_call(call);
}

static gboolean
append_result(Call *call, DBusMessage *message, const QmpText *value, GError **error)
{
    g_autoptr(JsonNode) node = NULL;
    DBusMessageIter iter;

    if (!*call->result)
        return TRUE;
    if (qmp_json_has_more_values(value->text, value->length, MAX_VALUES)) {
        g_set_error(error, VALUE_ERROR, VALUE_ERROR_UNREPRESENTABLE,
                    "return has more than %d values; ExecuteJSON has no such limit", MAX_VALUES);
        return FALSE;
    }
    node = qmp_json_parse(value->text, value->length, error);
    if (!node)
        return FALSE;
    dbus_message_iter_init_append(message, &iter);
    return value_append(&iter, call->result, call->result_type, node, "return", error);
}

static gboolean
append_text(DBusMessage *message, const QmpText *value, GError **error)
{
    g_autofree char *text = NULL;

    if (value->length >= VALUE_BODY_MAX) {
        g_set_error(error, VALUE_ERROR, VALUE_ERROR_UNREPRESENTABLE,
                    "return: %" G_GSIZE_FORMAT " bytes, a message has room for %u", value->length, VALUE_BODY_MAX);
        return FALSE;
    }
    text = g_strndup(value->text, value->length);
    dbus_message_append_args(message, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    return TRUE;
}

static void
answer(Call *call, const QmpText *value)
{
    g_autoptr(GError) error = NULL;
    DBusMessage *message = bus_call_new_reply(call->call);
    gboolean done = call->result ? append_result(call, message, value, &error) : append_text(message, value, &error);

    if (done) {
        bus_call_return(g_steal_pointer(&call->call), message);
        return;
    }
    dbus_message_unref(message);
    errors_fail(g_steal_pointer(&call->call), error);
}

static void
call_replied(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Call *call = user_data;

    if (error)
        errors_fail(g_steal_pointer(&call->call), error);
    else if (reply->error_class)
        errors_fail_qmp(g_steal_pointer(&call->call), reply);
    else
        answer(call, &reply->value);
    free_call(call);
}

gboolean
call_is_allowed(VmObject *object, BusCall *call, const char *what)
{
    Vm *vm = vm_object_get_vm(object);
    PolicyRequest request = {
        .command = what,
        .vm = vm_get_name(vm),
        .owner_uid = vm_get_owner_uid(vm),
        .friend_uid = BUS_PEER_NO_ID,
    };

    return gate_pass(call, request);
}

static void
send(Call *call)
{
    ReplyGate *gate = qemu_get_gate(vm_get_qemu(vm_object_get_vm(call->object)));
    const char *caller = bus_call_get_sender(call->call);
    g_autoptr(GError) error = NULL;

    if (!call_is_allowed(call->object, call->call, call->command.name)) {
        free_call(call);
        return;
    }
    call->ticket = reply_gate_submit(gate, caller, &call->command, call_replied, call, &error);
    call->command.fd = -1; /* taken */
    call->object = NULL;
    if (call->ticket) {
        clear_command(call);
        bus_call_drop_message(call->call);
    } else {
        fail(call, error);
    }
}

static void
set_command(Call *call, const char *name, JsonNode *arguments)
{
    VmSchema *schema = vm_object_get_schema(call->object);

    call->command.name = g_strdup(name);
    if (interfaces_is_oob(vm_schema_get_interfaces(schema), name))
        call->command.flags |= QMP_EXECUTE_OOB;
    if (arguments && json_object_get_size(json_node_get_object(arguments)) > 0) {
        GString *text = g_string_sized_new(64);
        qmp_json_append(text, arguments);
        call->command.arguments = g_string_free(text, FALSE);
    }
}

/* The values become what the command takes. */
static void
describe(Call *call)
{
    Interfaces *interfaces = vm_schema_get_interfaces(vm_object_get_schema(call->object));
    const Method *method = interfaces_find_method(interfaces, bus_call_get_member(call->call));
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) arguments = NULL;

    if (method)
        arguments = method_get_arguments(method, call->values, &call->command.fd, &error);
    else
        g_set_error(&error, BUS_ERROR, BUS_ERROR_UNKNOWN_METHOD,
                    "This VM's QEMU has no command that is %s; " MONITOR_VM_INTERFACE
                    ".Execute runs commands by their QMP names",
                    bus_call_get_member(call->call));
    if (error) {
        fail(call, error);
        return;
    }
    if (call->command.fd >= 0)
        call->command.flags |= QMP_EXECUTE_FD;
    set_command(call, method_get_command(method), arguments);
    g_clear_pointer(&call->values, method_values_free);
    call->interfaces = interfaces_ref(interfaces);
    call->result = method_get_result(method, &call->result_type);
    send(call);
}

static void
call_described(const GError *error, gpointer user_data)
{
    Call *call = user_data;

    call->wait = NULL;
    if (error)
        fail(call, error);
    else if (call->values)
        describe(call);
    else
        send(call);
}

static void
wait_for_schema(Call *call, gsize size)
{
    const char *caller = bus_call_get_sender(call->call);
    g_autoptr(GError) error = NULL;

    call->wait = vm_schema_wait(vm_object_get_schema(call->object), caller, size, call_described, call, &error);
    if (call->wait)
        bus_call_drop_message(call->call);
    else
        fail(call, error);
}

void
call_method(BusCall *bus_call, gpointer vm_object)
{
    VmSchema *schema = vm_object_get_schema(vm_object);
    Interfaces *interfaces = vm_schema_get_interfaces(schema);
    const Method *method = interfaces_find_method(interfaces, bus_call_get_member(bus_call));
    Call *call = new_call(vm_object, bus_call);
    g_autoptr(GError) error = NULL;

    call->values = method_values_new(bus_call, method, &error);
    if (!call->values)
        fail(call, error);
    else if (vm_schema_is_settled(schema) || (method && interfaces_is_oob(interfaces, method_get_command(method))))
        describe(call);
    else
        wait_for_schema(call, method_values_get_size(call->values));
}

void
call_execute(VmObject *object, BusCall *bus_call, const char *command, JsonNode *arguments, const char *result)
{
    Call *call = new_call(object, bus_call);
    VmSchema *schema = vm_object_get_schema(object);

    call->result = result;
    set_command(call, command, arguments);
    /* What this caller has asked for before may be waiting. */
    if (!vm_schema_is_awaited(schema) || call->command.flags & QMP_EXECUTE_OOB)
        send(call);
    else
        wait_for_schema(call, call->command.arguments ? strlen(call->command.arguments) : 0);
}

void
call_drop_caller(Service *service, const char *unique_name)
{
    GList *next;

    for (GList *i = service->calls.head; i; i = next) {
        Call *call = i->data;
        next = i->next;
        if (!g_str_equal(bus_call_get_sender(call->call), unique_name))
            continue;
        if (call->wait)
            schema_wait_cancel(call->wait);
        if (call->ticket)
            reply_ticket_cancel(call->ticket);
        bus_call_fail_code(call->call, BUS_ERROR_DISCONNECTED, "The caller has left");
        free_call(call);
    }
}
