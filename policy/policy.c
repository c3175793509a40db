/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules. policy_ask() applies those that need nobody: the user whose VM it is may do everything, whom the bus cannot
 * name may do nothing. For everybody else, root included, polkit is asked (policy-queue.c). Whatever comes of it is told
 * to the log in one place, and so is who was let through without being asked for. */
#include "policy.h"

#include "policy-queue.h"
#include "refusal.h"
#include "shown-name.h"

struct Policy {
    Authority *authority; /* owned */
    PolicyQueue *lines; /* owned */
    PolicyAuditFunc audit;
    gpointer audit_data;
};

struct PolicyTicket {
    Policy *policy; /* weak */
    PolicyRequest request; /* of what is owned: the next two */
    BusPeer peer; /* its name is owned */
    char *command, *vm, *uuid, *id; /* owned */
    PolicyEntry *place; /* weak; until it is answered */
    PolicyFunc func;
    gpointer user_data;
};

static void
policy_ticket_free(PolicyTicket *ticket)
{
    g_free(ticket->peer.name);
    g_free(ticket->command);
    g_free(ticket->vm);
    g_free(ticket->uuid);
    g_free(ticket->id);
    g_free(ticket);
}

static char *
list_actions(PolicyClasses classes)
{
    GString *list = g_string_new(NULL);

    for (; classes; classes &= classes - 1)
        g_string_append_printf(list, "%s%s", list->len ? "," : "",
                               policy_class_get_action((PolicyClass)g_bit_nth_lsf(classes, -1)));
    return g_string_free(list, FALSE);
}

static void
audit_decision(Policy *policy, const PolicyRequest *request, gboolean is_allowed, const char *reason)
{
    gboolean is_one = request->classes && !(request->classes & (request->classes - 1));
    g_autofree char *list = is_one ? NULL : list_actions(request->classes);
    PolicyDecision decision = {
        .request = request,
        .actions = list ? list : policy_class_get_action((PolicyClass)g_bit_nth_lsf(request->classes, -1)),
        .is_allowed = is_allowed,
        .reason = reason,
    };

    policy->audit(&decision, policy->audit_data);
}

static PolicyAnswer
refuse_request(Policy *policy, const PolicyRequest *request, BusErrorCode code, const char *why, GError **error)
{
    Refusal refusal = {
        .uid = request->peer->uid,
        .caller = request->peer->name,
        .command = request->command,
        .vm = request->vm,
        .why = why,
    };
    g_autofree char *text = refusal_dup_text(&refusal);

    audit_decision(policy, request, /* is_allowed= */ FALSE, why);
    g_set_error_literal(error, BUS_ERROR, (int)code, text);
    return POLICY_REFUSED;
}

static void
on_answered(BusErrorCode code, const char *why, gpointer user_data)
{
    PolicyTicket *ticket = user_data;
    PolicyFunc func = ticket->func;
    gpointer func_data = ticket->user_data;
    g_autoptr(GError) error = NULL;

    if (why)
        refuse_request(ticket->policy, &ticket->request, code, why, &error);
    else
        audit_decision(ticket->policy, &ticket->request, /* is_allowed= */ TRUE, "polkit");
    policy_ticket_free(ticket);
    func(error, func_data);
}

static PolicyTicket *
policy_ticket_new(Policy *policy, const PolicyRequest *request, PolicyFunc func, gpointer user_data)
{
    PolicyTicket *ticket = g_new0(PolicyTicket, 1);

    ticket->policy = policy;
    ticket->request = *request;
    ticket->peer = *request->peer;
    ticket->request.peer = &ticket->peer;
    ticket->peer.name = g_strdup(request->peer->name);
    ticket->request.command = ticket->command = g_strdup(request->command);
    ticket->request.vm = ticket->vm = g_strdup(request->vm);
    ticket->request.uuid = ticket->uuid = g_strdup(request->uuid);
    ticket->request.id = ticket->id = g_strdup(request->id);
    ticket->func = func;
    ticket->user_data = user_data;
    return ticket;
}

static PolicyAnswer
ask_polkit(Policy *policy, const PolicyRequest *request, PolicyFunc func, gpointer user_data,
           PolicyTicket **ret_ticket, GError **error)
{
    PolicyTicket *ticket = policy_ticket_new(policy, request, func, user_data);
    g_autoptr(GError) full = NULL;

    ticket->place = policy_queue_join(policy->lines, &ticket->request, on_answered, ticket, &full);
    if (!ticket->place) {
        policy_ticket_free(ticket);
        return refuse_request(policy, request, (BusErrorCode)full->code, full->message, error);
    }
    *ret_ticket = ticket;
    return POLICY_ASKED;
}

/* Polkit's own words would be that a name has no owner, which tells nobody what to do. */
static PolicyAnswer
refuse_absent(Policy *policy, const PolicyRequest *request, GError **error)
{
    g_autofree char *why = g_strdup_printf(
        "%s, who opened this session, has left the bus, and polkit decides only about callers who are on "
        "it; open a session from a connection that stays, or as the user that the QEMU runs as",
        request->peer->name);

    return refuse_request(policy, request, BUS_ERROR_ACCESS_DENIED, why, error);
}

static const char *
keep_plain_name(const char *name)
{
    return name && shown_name_is_plain(name) ? name : NULL;
}

static PolicyAnswer
decide_request(Policy *policy, const PolicyRequest *request, PolicyFunc func, gpointer user_data,
               PolicyTicket **ret_ticket, GError **error)
{
    gboolean is_owner = bus_peer_is_user(request->peer, request->owner_uid);
    gboolean is_friend = bus_peer_is_user(request->peer, request->friend_uid);

    if (request->peer->uid == BUS_PEER_NO_ID)
        return refuse_request(policy, request, BUS_ERROR_ACCESS_DENIED, "the bus does not tell whose it is", error);
    if (request->classes == 0)
        return refuse_request(policy, request, BUS_ERROR_ACCESS_DENIED, "nothing says what that takes", error);
    if (!is_owner && !is_friend && request->has_left)
        return refuse_absent(policy, request, error);
    if (!is_owner && !is_friend)
        return ask_polkit(policy, request, func, user_data, ret_ticket, error);
    audit_decision(policy, request, /* is_allowed= */ TRUE, is_owner ? "owner" : "trusted");
    return POLICY_ALLOWED;
}

/* Whatever a person gets to see, in polkit's dialog, an error or the log, comes from here. */
PolicyAnswer
policy_ask(Policy *policy, const PolicyRequest *request, PolicyFunc func, gpointer user_data,
           PolicyTicket **ret_ticket, GError **error)
{
    PolicyRequest shown = *request;

    shown.vm = keep_plain_name(request->vm);
    shown.uuid = keep_plain_name(request->uuid);
    shown.id = keep_plain_name(request->id);
    return decide_request(policy, &shown, func, user_data, ret_ticket, error);
}

void
policy_ticket_cancel(PolicyTicket *ticket)
{
    policy_entry_leave(ticket->place);
    policy_ticket_free(ticket);
}

Policy *
policy_new(GMainContext *context, Bus *bus, const char *system_bus_address, PolicyAuditFunc audit_func,
           gpointer user_data)
{
    Policy *policy = g_new0(Policy, 1);

    policy->authority = authority_new(context, bus, system_bus_address);
    policy->lines = policy_queue_new(context, policy->authority);
    policy->audit = audit_func;
    policy->audit_data = user_data;
    return policy;
}

void
policy_free(Policy *policy)
{
    policy_queue_free(policy->lines);
    authority_free(policy->authority);
    g_free(policy);
}
