/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy decides who may do what. Deny by default: a caller is allowed only where a rule of policy.c, or polkit,
 * says so. */
#pragma once

#include "policy-request.h"

typedef struct Policy Policy;
typedef struct PolicyTicket PolicyTicket; /* a question that has not been decided */

/* A decision, for the log. Nothing in it outlives the call. */
typedef struct PolicyDecision {
    const PolicyRequest *request;
    const char *actions; /* polkit's ids, separated by commas */
    gboolean is_allowed;
    const char *reason; /* "owner", "trusted", "polkit", or why not */
} PolicyDecision;
typedef void (*PolicyAuditFunc)(const PolicyDecision *decision, gpointer user_data);

/* @bus: that of the callers, if it is the system bus; NULL: it is another one, and polkit's is at @system_bus_address.
 * @audit is called once for each decision. */
Policy *policy_new(GMainContext *context, Bus *bus, const char *system_bus_address, PolicyAuditFunc audit,
                   gpointer user_data);

/* All questions must have been decided or cancelled. */
void policy_free(Policy *policy);

typedef enum PolicyAnswer {
    POLICY_REFUSED, /* with BUS_ERROR_ACCESS_DENIED, _LIMITS_EXCEEDED or _INTERACTIVE_AUTHORIZATION_REQUIRED */
    POLICY_ALLOWED,
    POLICY_ASKED, /* polkit decides: the callback tells */
} PolicyAnswer;

/* Exactly once unless cancelled; from the main context, never from inside a function of this file. @error: NULL:
 * allowed; as for POLICY_REFUSED. The ticket is gone when this returns. */
typedef void (*PolicyFunc)(const GError *error, gpointer user_data);

PolicyAnswer policy_ask(Policy *policy, const PolicyRequest *request, PolicyFunc func, gpointer user_data,
                        PolicyTicket **ret_ticket, GError **error);

/* The callback does not come; a dialog goes. */
void policy_ticket_cancel(PolicyTicket *ticket);
