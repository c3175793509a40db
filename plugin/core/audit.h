/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy's decisions in the host's log. */
#pragma once

#include "management-module.h"
#include "policy.h"

typedef struct Audit Audit;

Audit *audit_new(const ManagementHost *host);

/* Records that have not been written are. */
void audit_free(Audit *audit);

/* Whether what is allowed and only observes is recorded, too: by far the most, and nothing happens by it. */
void audit_set_all(Audit *audit, gboolean is_all);

/* A PolicyAuditFunc. Refusals are notices, the rest is information. Repeats are counted (audit-fold.h): the record comes again
 * with a COUNT. Fields: MESSAGE_ID (the same for all), CALLER (unique name), CALLER_UID, CALLER_PID, CALLER_LOGINUID (where the
 * kernel has one), VM,
 * VM_UUID, COMMAND, HMP_COMMAND (the command of an HMP line), ACTION (polkit's, several separated by commas), OBJECT (the device, block node, job, … named),
 * DECISION ("allowed", "refused") and REASON. Nothing else of the arguments: they may hold secrets. */
void audit_decision(const PolicyDecision *decision, gpointer audit);

/* A call that was allowed, and has failed later, or was refused what is another caller's: @method of @peer, about a VM that is or was to be called @vm (NULL: not known). */
void audit_failure(Audit *audit, const BusPeer *peer, const char *method, const char *vm, const char *error);
