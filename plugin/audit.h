/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy's decisions in the host's log. */
#pragma once

#include "management-module.h"
#include "policy.h"

typedef struct Audit Audit;

Audit *audit_new(const ManagementHost *host);

/* What has not been written is. */
void audit_free(Audit *audit);

/* One line, a PolicyAuditFunc. Its fields: MESSAGE_ID (the same for all), CALLER (unique name), CALLER_UID, CALLER_PID, VM,
 * VM_UUID, COMMAND, ACTION (polkit's, several separated by commas), OBJECT (the device, block node, job, … named),
 * DECISION ("allowed", "refused") and REASON. Nothing else of the arguments: they may hold secrets. */
void audit_decision(const PolicyDecision *decision, gpointer audit);
