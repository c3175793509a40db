/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Puts the policy's questions: what is asked for becomes classes, the VM becomes its name, UUID and owner. A question
 * ends with its answer, with its caller (whoever asked cancels), or with its VM's connection: another QEMU that has
 * taken the name meanwhile is not what leave was given for. */
#include "authorization.h"

#include "caller-sessions.h"
#include "command-arguments.h"
#include "hmp-word.h"
#include "policy.h"
#include "qmp-error.h"

struct Authorizations {
    GQueue asked; /* of AuthorizationTicket, owned, by their own links */
};

struct AuthorizationTicket {
    Context *context; /* weak */
    Vm *vm; /* weak; NULL: none */
    PolicyTicket *ticket; /* weak */
    AuthorizationFunc func;
    gpointer user_data;
    GList link; /* in context->authorizations->asked */
};

/* Methods that are no QMP commands, by what they show or take. */
static const struct {
    const char *name;
    PolicyClasses classes;
} methods[] = {
    { "ListMonitors", POLICY_CLASSES(POLICY_CLASS_OBSERVE) },
    /* The screen, and keyboard and mouse. */
    { "OpenDisplay", POLICY_CLASSES(POLICY_CLASS_READ_GUEST) | POLICY_CLASSES(POLICY_CLASS_CONTROL) },
    { "OpenMonitor", POLICY_CLASSES(POLICY_CLASS_OBSERVE) }, /* each command in it is asked for by itself */
    { "Subscribe", POLICY_CLASSES(POLICY_CLASS_OBSERVE) },
};

/* Another QEMU has the guest, or is about to, and both would write to the same disks. QEMU refuses `cont` in `finish-migrate` (7.2 to
 * 11.1) and runs the guest in `postmigrate`, which follows it at any moment. In `inmigrate` it takes the disks at once (7.2), and has
 * the guest run when the migration ends, though QEMU was started so as to wait then (-S). A QEMU that has not told its state may be in these. */
static gboolean
is_guest_elsewhere(VmContext *vm_context)
{
    static const char *const states[] = { "", "colo", "finish-migrate", "inmigrate", "postmigrate", NULL };

    return g_strv_contains(states, qemu_connection_get_status(vm_get_qemu(vm_context->vm)));
}

/* After system_reset the run state is `prelaunch` (7.2 to 11.1), and nothing tells any more where the guest is. */
gboolean
authorization_depends_on_status(const char *command)
{
    return g_str_equal(command, "cont") || g_str_equal(command, "system_reset");
}

/* The classes that a command has besides its own, by the state that the VM is in. */
static PolicyClasses
get_classes_of_state(VmContext *vm_context, const char *command, JsonNode *arguments)
{
    CallerSessions *sessions = vm_context->sessions;

    if (g_str_equal(command, "object-del") && (!sessions || caller_sessions_may_remove_authz(sessions, arguments)))
        return POLICY_CLASSES(POLICY_CLASS_HOST);
    if (authorization_depends_on_status(command) && is_guest_elsewhere(vm_context))
        return POLICY_CLASSES(POLICY_CLASS_MIGRATE);
    return 0;
}

PolicyClasses
authorization_get_classes(VmContext *vm_context, const char *command, JsonNode *arguments)
{
    PolicyClasses classes;

    for (guint i = 0; i < G_N_ELEMENTS(methods); i++)
        if (g_str_equal(command, methods[i].name))
            return methods[i].classes;
    classes = policy_classes_of_command(command, arguments) | get_classes_of_state(vm_context, command, arguments);
    return classes & POLICY_CLASSES(POLICY_CLASS_HOST) ? POLICY_CLASSES(POLICY_CLASS_HOST) : classes;
}

static void
end_authorization(AuthorizationTicket *ticket, const GError *error)
{
    AuthorizationFunc func = ticket->func;
    gpointer func_data = ticket->user_data;

    g_queue_unlink(&ticket->context->authorizations->asked, &ticket->link);
    g_free(ticket);
    func(error, func_data);
}

static void
on_decided(const GError *error, gpointer user_data)
{
    end_authorization(user_data, error);
}

static AuthorizationAnswer
ask_policy(Context *context, Vm *vm, const PolicyRequest *request, AuthorizationFunc func, gpointer user_data,
           AuthorizationTicket **ret_ticket, GError **error)
{
    AuthorizationTicket *ticket = g_new0(AuthorizationTicket, 1);
    PolicyAnswer answer = policy_ask(context->policy, request, on_decided, ticket, &ticket->ticket, error);

    if (answer != POLICY_ASKED) {
        g_free(ticket);
        return answer == POLICY_ALLOWED ? AUTHORIZATION_ALLOWED : AUTHORIZATION_REFUSED;
    }
    ticket->context = context;
    ticket->vm = vm;
    ticket->func = func;
    ticket->user_data = user_data;
    ticket->link.data = ticket;
    g_queue_push_tail_link(&context->authorizations->asked, &ticket->link);
    *ret_ticket = ticket;
    return AUTHORIZATION_ASKED;
}

static guint32
exempt_owner(Context *context, guint32 uid)
{
    return context->config->owner_needs_polkit || uid == BUS_PEER_OVERFLOW_ID ? BUS_PEER_NO_ID : uid;
}

/* Leave to add a VM is not leave to do everything to it: who has added one whose user the kernel cannot tell owns it
 * only if they run the agent. */
guint32
authorization_get_owner(Context *context, Vm *vm)
{
    guint32 uid = vm_get_owner_uid(vm);
    gboolean is_vouched_for = vm_is_owner_known(vm) || uid == context_get_uid();

    return is_vouched_for ? exempt_owner(context, uid) : BUS_PEER_NO_ID;
}

/* For rules, also where the owner is asked for like everybody else. */
static guint32
get_qemu_uid(Vm *vm)
{
    return vm_is_owner_known(vm) && vm_get_owner_uid(vm) != BUS_PEER_OVERFLOW_ID ? vm_get_owner_uid(vm)
                                                                                 : BUS_PEER_NO_ID;
}

static const char *
get_bus_kind(Context *context)
{
    return context->host->bus == MANAGEMENT_BUS_SYSTEM ? "system" : "session";
}

AuthorizationAnswer
authorization_ask(VmContext *vm_context, const AuthorizationQuestion *question, AuthorizationFunc func,
                  gpointer user_data, AuthorizationTicket **ret_ticket, PolicyClasses *ret_classes, GError **error)
{
    Context *context = vm_context->context;
    Vm *vm = vm_context->vm;
    PolicyRequest request = {
        .peer = question->peer,
        .has_left = question->has_left,
        .is_interactive = question->is_interactive,
        .classes = authorization_get_classes(vm_context, question->command, question->arguments),
        .command = question->command,
        .detail = hmp_word_get(question->command, question->arguments),
        .vm = vm_get_name(vm),
        .uuid = qemu_connection_get_uuid(vm_get_qemu(vm)),
        .id = policy_get_id(question->arguments),
        .bus = get_bus_kind(context),
        .owner_uid = authorization_get_owner(context, vm),
        .qemu_uid = get_qemu_uid(vm),
        .friend_uid = BUS_PEER_NO_ID,
        .size = question->size,
    };
    AuthorizationAnswer answer;

    answer = ask_policy(context, vm, &request, func, user_data, ret_ticket, error);
    if (answer == AUTHORIZATION_ASKED && ret_classes)
        *ret_classes = request.classes;
    return answer;
}

/* The agent's own user may add VMs, a caller who gives a descriptor of a QEMU of their own may have it added, and the
 * user who added a VM, or owns it, may have it forgotten. */
AuthorizationAnswer
authorization_ask_management(Context *context, const AuthorizationManagement *question, AuthorizationFunc func,
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
        .bus = get_bus_kind(context),
        .owner_uid = vm ? authorization_get_owner(context, vm) : exempt_owner(context, question->giver),
        .qemu_uid = vm ? get_qemu_uid(vm) : question->giver,
        .friend_uid = vm ? vm_get_spec(vm)->added_by : context_get_uid(),
    };

    return ask_policy(context, vm, &request, func, user_data, ret_ticket, error);
}

void
authorization_ticket_cancel(AuthorizationTicket *ticket)
{
    policy_ticket_cancel(ticket->ticket);
    g_queue_unlink(&ticket->context->authorizations->asked, &ticket->link);
    g_free(ticket);
}

static AuthorizationTicket *
find_ticket_of_vm(Context *context, Vm *vm)
{
    for (GList *i = context->authorizations->asked.head; i; i = i->next)
        if (((AuthorizationTicket *)i->data)->vm == vm)
            return i->data;
    return NULL;
}

void
authorization_vm_gone(Context *context, Vm *vm)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The VM has gone");
    AuthorizationTicket *ticket;

    while ((ticket = find_ticket_of_vm(context, vm))) {
        policy_ticket_cancel(ticket->ticket);
        end_authorization(ticket, error);
    }
}

Authorizations *
authorizations_new(void)
{
    return g_new0(Authorizations, 1);
}

void
authorizations_free(Authorizations *authorizations)
{
    g_free(authorizations);
}
