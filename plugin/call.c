/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The path of a method call, from top to bottom:
 *
 *   vm-object.c or qmp-object.c reads the arguments (bad ones are refused before anything else happens)
 *   call_execute()    asks the policy, and gets in line
 *   call_replied()    QEMU has answered, or is gone: the caller gets a value or an error
 *   call_drop_caller()  the caller has left instead
 */
#include "call.h"

#include "errors.h"
#include "gate.h"
#include "qmp-json.h"
#include "value.h"

/* Values of a reply that are made a D-Bus value of; query-qmp-schema of QEMU 11.1 has 19,000 and takes 12 ms. */
#define MAX_VALUES 100000

typedef struct Call {
    Service *service; /* weak */
    BusCall *call; /* owned; until it is answered */
    ReplyTicket *ticket; /* weak; until the reply */
    const char *result; /* weak; see call_execute() */
    GList link; /* in service->calls */
} Call;

static void
free_call(Call *call)
{
    g_queue_unlink(&call->service->calls, &call->link);
    g_free(call);
}

static gboolean
append_result(DBusMessage *message, const QmpText *value, const char *type, GError **error)
{
    g_autoptr(JsonNode) node = NULL;
    DBusMessageIter iter;

    if (!*type)
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
    return value_append(&iter, type, node, "return", error);
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
    gboolean done =
        call->result ? append_result(message, value, call->result, &error) : append_text(message, value, &error);

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

void
call_execute(VmObject *object, BusCall *bus_call, const char *command, JsonNode *arguments, const char *result)
{
    Service *service = vm_object_get_service(object);
    ReplyGate *gate = qemu_get_gate(vm_get_qemu(vm_object_get_vm(object)));
    g_autoptr(GString) text = NULL;
    g_autoptr(GError) error = NULL;
    Call *call;

    if (!call_is_allowed(object, bus_call, command))
        return;
    if (arguments && json_object_get_size(json_node_get_object(arguments)) > 0)
        qmp_json_append(text = g_string_sized_new(64), arguments);

    call = g_new0(Call, 1);
    call->service = service;
    call->call = bus_call;
    call->result = result;
    call->link.data = call;
    g_queue_push_tail_link(&service->calls, &call->link);
    QmpCommand qmp = { .name = command, .arguments = text ? text->str : NULL };
    call->ticket = reply_gate_submit(gate, bus_call_get_sender(bus_call), &qmp, call_replied, call, &error);
    if (call->ticket)
        bus_call_drop_message(bus_call);
    else {
        errors_fail(g_steal_pointer(&call->call), error);
        free_call(call);
    }
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
        reply_ticket_cancel(call->ticket);
        bus_call_fail_code(call->call, BUS_ERROR_DISCONNECTED, "The caller has left");
        free_call(call);
    }
}
