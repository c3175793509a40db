/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts the policy's questions: what is asked for becomes classes, the VM becomes its name, UUID and owner. A question ends
 * with its answer, with its caller (whoever asked cancels), or with its VM's connection: another QEMU that has taken the
 * name meanwhile is not what leave was given for. */
#include "authorization.h"

#include "command-arguments.h"
#include "hmp-word.h"
#include "policy.h"
#include "qmp-error.h"
#include "service.h"
#include "caller-sessions.h"
#include "vm-object.h"

struct AuthorizationTicket {
    Service *service; /* weak */
    Vm *vm; /* weak; NULL: none */
    PolicyTicket *ticket; /* weak */
    AuthorizationFunc func;
    gpointer user_data;
    GList link; /* in service->questions */
};

/* Methods that are no QMP commands, by what they show or take. */
static const struct {
    const char *name;
    PolicyClass policy_class;
} methods[] = {
    { "ListMonitors", POLICY_CLASS_OBSERVE },
    { "OpenMonitor", POLICY_CLASS_OBSERVE }, /* each command in it is asked for by itself */
    { "Subscribe", POLICY_CLASS_OBSERVE },
};

static PolicyClasses
get_classes(VmObject *object, const AuthorizationQuestion *question)
{
    CallerSessions *sessions = vm_object_get_sessions(object);

    for (guint i = 0; i < G_N_ELEMENTS(methods); i++)
        if (g_str_equal(question->command, methods[i].name))
            return POLICY_CLASSES(methods[i].policy_class);
    if (g_str_equal(question->command, "object-del") &&
        (!sessions || caller_sessions_may_remove_authz(sessions, question->arguments)))
        return POLICY_CLASSES(POLICY_CLASS_HOST);
    return policy_classes_of_command(question->command, question->arguments);
}

static void
end(AuthorizationTicket *ticket, const GError *error)
{
    AuthorizationFunc func = ticket->func;
    gpointer func_data = ticket->user_data;

    g_queue_unlink(&ticket->service->questions, &ticket->link);
    g_free(ticket);
    func(error, func_data);
}

static void
on_decided(const GError *error, gpointer user_data)
{
    end(user_data, error);
}

static AuthorizationAnswer
ask(Service *service, Vm *vm, const PolicyRequest *request, AuthorizationFunc func, gpointer user_data,
    AuthorizationTicket **ret_ticket, GError **error)
{
    AuthorizationTicket *ticket = g_new0(AuthorizationTicket, 1);
    PolicyAnswer answer = policy_ask(service->policy, request, on_decided, ticket, &ticket->ticket, error);

    if (answer != POLICY_ASKED) {
        g_free(ticket);
        return answer == POLICY_ALLOWED ? AUTHORIZATION_ALLOWED : AUTHORIZATION_REFUSED;
    }
    ticket->service = service;
    ticket->vm = vm;
    ticket->func = func;
    ticket->user_data = user_data;
    ticket->link.data = ticket;
    g_queue_push_tail_link(&service->questions, &ticket->link);
    *ret_ticket = ticket;
    return AUTHORIZATION_ASKED;
}

/* The uid that the kernel gives for users it has no number for: nobody's, or everybody's. See user_namespaces(7). */
#define OVERFLOW_UID 65534

static guint32
exempt(Service *service, guint32 uid)
{
    return service->config->owner_needs_polkit || uid == OVERFLOW_UID ? BUS_PEER_NO_ID : uid;
}

/* Leave to add a VM is not leave to do everything to it: who has added one whose user the kernel cannot tell owns it only
 * if they run the agent. */
guint32
authorization_get_owner(Service *service, Vm *vm)
{
    guint32 uid = vm_get_owner_uid(vm);
    gboolean is_vouched_for = vm_is_owner_known(vm) || uid == service_get_uid();

    return is_vouched_for ? exempt(service, uid) : BUS_PEER_NO_ID;
}

/* For rules, also where the owner is asked for like everybody else. */
static guint32
get_qemu_uid(Vm *vm)
{
    return vm_is_owner_known(vm) && vm_get_owner_uid(vm) != OVERFLOW_UID ? vm_get_owner_uid(vm) : BUS_PEER_NO_ID;
}

static const char *
get_bus_kind(Service *service)
{
    return service->host->bus == MANAGEMENT_BUS_SYSTEM ? "system" : "session";
}

AuthorizationAnswer
authorization_ask(VmObject *object, const AuthorizationQuestion *question, AuthorizationFunc func, gpointer user_data,
                  AuthorizationTicket **ret_ticket, GError **error)
{
    Service *service = vm_object_get_service(object);
    Vm *vm = vm_object_get_vm(object);
    PolicyRequest request = {
        .peer = question->peer,
        .has_left = question->has_left,
        .is_interactive = question->is_interactive,
        .classes = get_classes(object, question),
        .command = question->command,
        .detail = hmp_word_get(question->command, question->arguments),
        .vm = vm_get_name(vm),
        .uuid = qemu_connection_get_uuid(vm_get_qemu(vm)),
        .id = policy_get_id(question->arguments),
        .bus = get_bus_kind(service),
        .owner_uid = authorization_get_owner(service, vm),
        .qemu_uid = get_qemu_uid(vm),
        .friend_uid = BUS_PEER_NO_ID,
        .size = question->size,
    };

    return ask(service, vm, &request, func, user_data, ret_ticket, error);
}

/* Who runs the agent may add VMs, whoever gives a descriptor of a QEMU of their own may have it added, and who added one, or
 * owns it, may have it forgotten. */
AuthorizationAnswer
authorization_ask_management(Service *service, const AuthorizationManagement *question, AuthorizationFunc func,
                             gpointer user_data, AuthorizationTicket **ret_ticket, GError **error)
{
    Vm *vm = question->vm;
    PolicyRequest request = {
        .peer = question->peer,
        .is_interactive = question->is_interactive,
        .classes = POLICY_CLASSES(POLICY_CLASS_MANAGE),
        .command = question->method,
        .vm = question->name,
        .uuid = vm && vm_get_qemu(vm) ? qemu_connection_get_uuid(vm_get_qemu(vm)) : NULL,
        .bus = get_bus_kind(service),
        .owner_uid = vm ? authorization_get_owner(service, vm) : exempt(service, question->giver),
        .qemu_uid = vm ? get_qemu_uid(vm) : question->giver,
        .friend_uid = vm ? vm_get_added_by(vm) : service_get_uid(),
    };

    return ask(service, vm, &request, func, user_data, ret_ticket, error);
}

void
authorization_ticket_cancel(AuthorizationTicket *ticket)
{
    policy_ticket_cancel(ticket->ticket);
    g_queue_unlink(&ticket->service->questions, &ticket->link);
    g_free(ticket);
}

static AuthorizationTicket *
find(Service *service, Vm *vm)
{
    for (GList *i = service->questions.head; i; i = i->next)
        if (((AuthorizationTicket *)i->data)->vm == vm)
            return i->data;
    return NULL;
}

void
authorization_vm_gone(Service *service, Vm *vm)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The VM has gone");
    AuthorizationTicket *ticket;

    while ((ticket = find(service, vm))) {
        policy_ticket_cancel(ticket->ticket);
        end(ticket, error);
    }
}
