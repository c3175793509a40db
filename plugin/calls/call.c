/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The path of a method call, from top to bottom:
 *
 *   call_method()          a method of QMP: reads the values (bad ones are refused before anything else happens)
 *   call_execute()         Execute or ExecuteJSON, whose arguments vm-methods.c has read
 *   call_introspect()      Introspect, which only waits
 *   call_described()       QEMU's schema is known: the values become the command's arguments, and are checked
 *   start_call_command()  the command goes its way (caller-command.c): the schema unless the call has waited for it
 *                          already, the policy, QEMU
 *   call_replied()         QEMU has answered, or is gone: the caller gets a value (answers.c) or an error
 *   call_drop_caller()     the caller has left instead
 *
 * call_gated() is for methods that are no QMP command: they go on by themselves once the caller may. */
#include "call.h"

#include <string.h>

#include "answers.h"
#include "caller-command.h"
#include "errors.h"
#include "names.h"
#include "quota.h"
#include "value.h"
#include "vm-schema.h"

/* Calls with descriptors, of all callers. A process may have 1,024 descriptors where nobody has allowed it more. A user, who may
 * have many connections, takes no more than is left for all others. */
static const QuotaLimits fd_limits = { .of_all = { .n = 256 } };

struct Calls {
    GQueue all; /* of Call, by their own links */
    Quota with_fd;
};

typedef struct Call {
    Context *context; /* weak */
    VmContext *vm_context; /* weak; until it is sent: it ends the wait when it goes */
    BusCall *call; /* owned; until it is answered */
    SchemaWait *wait; /* weak; until QEMU is described, where the arguments cannot be read before */
    CallerCommand command; /* once they have been read */
    CallGatedFunc then_read; /* reads the rest of the arguments once QEMU is described; may be NULL */
    CallGatedFunc then; /* does the method's work once the caller may; NULL: the command is sent */
    char **then_arguments; /* owned; may be NULL */
    QmpMethodValues *values; /* owned; of a method, until it is described */
    QuotaShare fd_share; /* of calls->with_fd; of a call that came with a descriptor */
    QmpInterfaces
        *interfaces; /* ref; of a command: what is known of it and its result; NULL: no command yet, or none at all */
    gconstpointer object; /* weak; whose method it is; NULL: the VM's */
    char *name; /* owned; the QMP command's, or a method's; NULL: not known yet */
    const char *result; /* weak; D-Bus type, "" for none; NULL: JSON text */
    const QmpType *result_type; /* weak; may be NULL */
    GList link; /* in context->calls->all */
} Call;

static void call_replied(const QmpReply *reply, const GError *error, gpointer user_data);

static Call *
method_call_new(VmContext *vm_context, BusCall *bus_call)
{
    Call *call = g_new0(Call, 1);

    call->context = vm_context->context;
    call->vm_context = vm_context;
    call->call = bus_call;
    call->command = (CallerCommand){
        .vm_context = vm_context,
        .peer = bus_call_get_peer(bus_call),
        .is_interactive = bus_call_is_interactive(bus_call),
        .session = bus_call_get_sender(bus_call),
        .fd = -1,
        .func = call_replied,
        .user_data = call,
    };
    call->link.data = call;
    g_queue_push_tail_link(&call->context->calls->all, &call->link);
    return call;
}

static void
method_call_free(Call *call)
{
    g_queue_unlink(&call->context->calls->all, &call->link);
    quota_share_return(&call->fd_share);
    if (call->wait)
        schema_wait_cancel(call->wait);
    caller_command_cancel(&call->command);
    g_clear_pointer(&call->values, qmp_method_values_free);
    g_clear_pointer(&call->interfaces, qmp_interfaces_unref);
    g_free(call->name);
    g_strfreev(call->then_arguments);
    g_free(call);
}

static void
fail_call(Call *call, const GError *error)
{
    errors_fail(g_steal_pointer(&call->call), error);
    method_call_free(call);
}

/* The policy has let a method through that is no QMP command. */
static void
run_then(Call *call)
{
    call->then(g_steal_pointer(&call->call), call->vm_context, call->then_arguments);
    method_call_free(call);
}

static void
give_value(Call *call, const QmpReply *reply)
{
    AnswerForm form = { .result = call->result, .type = call->result_type, .interfaces = call->interfaces };

    answers_give(call->context, g_steal_pointer(&call->call), &form, reply);
}

static void
call_replied(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Call *call = user_data;

    if (!error && call->then) {
        run_then(call);
        return;
    }
    if (error)
        errors_fail(g_steal_pointer(&call->call), error);
    else if (reply->error_class)
        errors_fail_command(g_steal_pointer(&call->call), reply, call->interfaces, call->name);
    else
        give_value(call, reply);
    method_call_free(call);
}

static void
start_call_command(Call *call)
{
    g_autoptr(GError) error = NULL;

    call->command.name = call->name;
    switch (caller_command_start(&call->command, &error)) {
    case CALLER_COMMAND_FAILED:
        fail_call(call, error);
        return;
    case CALLER_COMMAND_ALLOWED:
        run_then(call);
        return;
    case CALLER_COMMAND_UNDER_WAY:
        bus_call_drop_message(call->call);
        return;
    }
}

/* @arguments: taken. */
static void
set_then_arguments(Call *call, char **arguments)
{
    call->then_arguments = arguments;
    for (char **argument = arguments; argument && *argument; argument++)
        call->command.size += strlen(*argument) + 1;
}

void
call_gated(VmContext *vm_context, BusCall *bus_call, char **arguments, CallGatedFunc then)
{
    Call *call = method_call_new(vm_context, bus_call);

    call->name = g_strdup(bus_call_get_member(bus_call));
    call->command.is_method = TRUE;
    call->then = then;
    set_then_arguments(call, arguments);
    start_call_command(call);
}

static void
set_command(Call *call, const char *name, JsonNode *arguments)
{
    call->interfaces = qmp_interfaces_ref(vm_schema_get_interfaces(call->vm_context->schema));
    call->name = g_strdup(name);
    call->command.arguments = arguments ? json_node_ref(arguments) : NULL;
    if (qmp_interfaces_is_oob(call->interfaces, name))
        call->command.flags |= QMP_EXECUTE_OOB;
}

static void
set_unknown(Call *call, GError **error)
{
    const char *member = bus_call_get_member(call->call);
    g_autofree char *hint = bus_object_dup_method_hint(call->vm_context->object, MONITOR_QMP_INTERFACE, member);

    g_set_error(error, BUS_ERROR, BUS_ERROR_UNKNOWN_METHOD,
                "This VM's QEMU has no command that is %s (" MONITOR_VM_INTERFACE
                ".Execute runs commands by their QMP names)%s",
                member, hint);
}

/* The values become what the command takes. @method: NULL: QEMU has no such command. */
static void
start_qmp_method(Call *call, const QmpMethod *method)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) arguments = NULL;

    if (method)
        qmp_method_get_arguments(method, call->call, call->values, &arguments, &call->command.fd, &error);
    else
        set_unknown(call, &error);
    if (error) {
        fail_call(call, error);
        return;
    }
    if (call->command.fd >= 0)
        call->command.flags |= QMP_EXECUTE_FD;
    set_command(call, qmp_method_get_command(method), arguments);
    g_clear_pointer(&call->values, qmp_method_values_free);
    call->result = qmp_method_get_result(method, &call->result_type);
    call->command.is_described = TRUE;
    start_call_command(call);
}

static void
answer_introspect(Call *call)
{
    bus_object_introspect(call->vm_context->object, g_steal_pointer(&call->call));
    method_call_free(call);
}

static void
read_the_rest(Call *call)
{
    call->then_read(g_steal_pointer(&call->call), call->vm_context, call->then_arguments);
    method_call_free(call);
}

static void
call_described(const GError *error, gpointer user_data)
{
    Call *call = user_data;

    call->wait = NULL;
    if (error)
        fail_call(call, error);
    else if (call->values)
        start_qmp_method(call, qmp_interfaces_find_method(vm_schema_get_interfaces(call->vm_context->schema),
                                                          bus_call_get_member(call->call)));
    else if (call->then_read)
        read_the_rest(call);
    else
        answer_introspect(call);
}

/* A descriptor weighs as much as a caller's share has room for sixteen. */
#define FD_SIZE (32u * 1024)

static void
wait_to_describe(Call *call)
{
    const char *caller = bus_call_get_sender(call->call);
    g_autoptr(GError) error = NULL;

    call->wait = vm_schema_wait(call->vm_context->schema, caller, bus_call_get_peer(call->call)->uid,
                                call->command.size, call_described, call, &error);
    if (call->wait)
        bus_call_drop_message(call->call);
    else
        fail_call(call, error);
}

void
call_when_described(VmContext *vm_context, BusCall *bus_call, char **arguments, CallGatedFunc then)
{
    Call *call = method_call_new(vm_context, bus_call);

    call->then_read = then;
    set_then_arguments(call, arguments);
    wait_to_describe(call);
}

/* Earlier calls may be waiting still, and a later one waits behind them. */
static gboolean
is_schema_settled(VmSchema *schema)
{
    return vm_schema_is_settled(schema) && !vm_schema_is_awaited(schema);
}

/* Of a caller's share, which so has room for 128: the answer is 100 kB. */
#define INTROSPECT_SIZE 4096

void
call_introspect(BusCall *bus_call, gpointer data)
{
    VmContext *vm_context = data;
    Call *call = method_call_new(vm_context, bus_call);

    call->command.size = INTROSPECT_SIZE;
    if (is_schema_settled(vm_context->schema))
        answer_introspect(call);
    else
        wait_to_describe(call);
}

static gboolean
measure_arguments(Call *call, GError **error)
{
    const BusPeer *peer = bus_call_get_peer(call->call);

    call->command.size = qmp_method_values_get_size(call->values);
    if (!qmp_method_values_has_fd(call->values))
        return TRUE;
    call->command.size += FD_SIZE;
    /* Without a limit no new VM could be connected to, and no caller's monitor plugged. */
    if (quota_take(&call->context->calls->with_fd, &fd_limits, peer->name, peer->uid, FD_SIZE, &call->fd_share))
        return TRUE;
    g_set_error_literal(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED,
                        "Too many calls with descriptors wait already, yours among them");
    return FALSE;
}

void
call_method(BusCall *bus_call, gpointer data)
{
    VmContext *vm_context = data;
    VmSchema *schema = vm_context->schema;
    QmpInterfaces *interfaces = vm_schema_get_interfaces(schema);
    const QmpMethod *method = qmp_interfaces_find_method(interfaces, bus_call_get_member(bus_call));
    Call *call = method_call_new(vm_context, bus_call);
    g_autoptr(GError) error = NULL;

    call->values = qmp_method_values_new(bus_call, method, &error);
    if (!call->values || !measure_arguments(call, &error))
        fail_call(call, error);
    else if (is_schema_settled(schema) ||
             (method && qmp_interfaces_is_oob(interfaces, qmp_method_get_command(method))))
        start_qmp_method(call, method);
    else
        wait_to_describe(call);
}

void
call_execute(VmContext *vm_context, BusCall *bus_call, const char *command, JsonNode *arguments, gsize size,
             const char *result)
{
    Call *call = method_call_new(vm_context, bus_call);

    call->result = result;
    call->command.size = size;
    set_command(call, command, arguments);
    start_call_command(call);
}

/* Bytes of a job's id and a number. */
#define METHOD_SIZE 64

void
call_execute_of(VmContext *vm_context, BusCall *bus_call, const char *command, JsonNode *arguments,
                gconstpointer object)
{
    Call *call = method_call_new(vm_context, bus_call);

    call->object = object;
    call->result = "";
    call->command.size = METHOD_SIZE;
    set_command(call, command, arguments);
    start_call_command(call);
}

/* A command that QEMU has was sent while the object was there. */
void
call_object_gone(Context *context, gconstpointer object)
{
    for (GList *i = context->calls->all.head, *next; i; i = next) {
        Call *call = i->data;
        BusCall *bus_call = call->call;
        next = i->next;
        if (call->object != object || caller_command_abandon(&call->command))
            continue;
        bus_call_fail_code(bus_call, BUS_ERROR_UNKNOWN_OBJECT, "%s has gone before %s could be done",
                           bus_call_get_path(bus_call), bus_call_get_member(bus_call));
        method_call_free(call);
    }
}

void
call_drop_caller(Context *context, const char *unique_name)
{
    GList *next;

    answers_drop_caller(context, unique_name);
    for (GList *i = context->calls->all.head; i; i = next) {
        Call *call = i->data;
        next = i->next;
        if (!g_str_equal(bus_call_get_sender(call->call), unique_name))
            continue;
        caller_command_cancel(&call->command);
        bus_call_fail_code(call->call, BUS_ERROR_DISCONNECTED, "The caller has left");
        method_call_free(call);
    }
}

Calls *
calls_new(void)
{
    return g_new0(Calls, 1);
}

void
calls_free(Calls *calls)
{
    g_free(calls);
}
