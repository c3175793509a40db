/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The gate between callers and everything that is not public: one place that asks the policy. */
#pragma once

#include <json-glib/json-glib.h>

#include "policy.h"

#include "bus-call.h"

typedef struct VmObject VmObject;
typedef struct GateTicket GateTicket; /* a question that has not been answered */

typedef enum GateAnswer {
    GATE_SHUT, /* refused, with an error */
    GATE_OPEN, /* allowed */
    GATE_ASKED, /* somebody has to be asked: the callback tells */
} GateAnswer;

/* Exactly once, unless cancelled; never from inside gate_ask(). @error: NULL: allowed. Otherwise it is for the caller
 * (errors_fail()): refused, or the VM has gone meanwhile. The ticket is gone when this returns. */
typedef void (*GateFunc)(const GError *error, gpointer user_data);

/* May @peer do this? Nothing in it is kept. */
typedef struct GateQuestion {
    const BusPeer *peer;
    gboolean is_interactive; /* they may be asked for a password */
    const char *command; /* a QMP command, or a method of the VM interface ("Subscribe", "OpenMonitor", …) */
    JsonNode *arguments; /* of the QMP command, an object; NULL: none. They can raise what is asked for. */
} GateQuestion;

/* Asks for something to be done to @object's VM. After GATE_ASKED everything is to be looked up again, except that @object
 * still exists when the callback comes without an error. */
GateAnswer gate_ask(VmObject *object, const GateQuestion *question, GateFunc func, gpointer user_data,
                    GateTicket **ret_ticket, GError **error);

/* The callback does not come. Whoever is being asked is not asked any more. */
void gate_ticket_cancel(GateTicket *ticket);

/* Whether the caller of @call may do what @request says; its peer is filled in here. Where not, the call is
 * answered (and consumed), and the result is FALSE. */
gboolean gate_pass(BusCall *call, PolicyRequest request);
