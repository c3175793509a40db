/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A call of the Manager's that needs leave, while the policy decides about it. */
#pragma once

#include "add-options.h"
#include "authorization.h"
#include "quota.h"
#include "vm-registry.h"

/* All of them. */
typedef struct ManagementCalls ManagementCalls;

typedef struct ManagementCall ManagementCall;
struct ManagementCall {
    ManagementCalls *calls; /* weak */
    gpointer object_data; /* weak; as the method was given it */
    BusCall *call; /* owned */
    AuthorizationTicket *authorization; /* weak; while the policy is asked */
    void (*then)(ManagementCall *management); /* answers the call, at once or later */
    char *name; /* owned; of a VM to be added; and the next two */
    QmpAddress *address; /* owned; NULL: by its descriptor */
    AddOptions options;
    int fd; /* owned; -1: none */
    VmEntry *entry; /* weak; to be removed */
    QuotaShare share; /* of the calls' quota */
    GList link; /* in calls */
};

/* Borrows both, which must outlive it. When it is freed, the calls that are left are answered. */
ManagementCalls *management_calls_new(Context *context, VmRegistry *registry);
void management_calls_free(ManagementCalls *calls);

/* A caller has left: the policy need not decide any more. */
void management_calls_drop_caller(ManagementCalls *calls, const char *unique_name);

/* Takes @call. One of the next two must follow. */
ManagementCall *management_call_new(ManagementCalls *calls, BusCall *call, gpointer object_data,
                                    void (*then)(ManagementCall *management));

/* Asks the policy, and then calls `then`, or answers the call with the refusal; the ManagementCall is gone afterwards.
 * @vm_name: for rules and for the log. */
void management_call_ask(ManagementCall *management, const char *vm_name);

/* Answers the call: it cannot be. The ManagementCall is gone. */
void management_call_fail(ManagementCall *management, const GError *error);
