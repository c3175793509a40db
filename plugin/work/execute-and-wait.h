/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One call of ExecuteAndWait(), from its command to its answer. */
#pragma once

#include "jobs.h"
#include "quota.h"
#include "vm-context.h"

typedef struct ExecuteAndWait ExecuteAndWait;

/* Shared by the calls that wait at one VM. */
typedef struct ExecuteAndWaitContext {
    VmContext *vm_context; /* weak */
    Jobs *jobs; /* weak */
    GQueue calls; /* of ExecuteAndWait, by their links: each is in it until it is answered */
    Quota quota; /* of these calls */
} ExecuteAndWaitContext;

/* The `options` of ExecuteAndWait(). */
typedef struct ExecuteAndWaitOptions {
    guint64 timeout; /* us; 0: none */
} ExecuteAndWaitOptions;

/* Runs a command, and consumes @call, and @share of the quota. As call_execute(). */
void execute_and_wait_start(ExecuteAndWaitContext *context, BusCall *call, const char *command, JsonNode *arguments,
                            const ExecuteAndWaitOptions *options, const QuotaShare *share);

/* Whether an event of that name is of interest to the call; such an event has come, with @data, which may be NULL. */
gboolean execute_and_wait_hears(ExecuteAndWait *wait, const char *event);
void execute_and_wait_note_event(ExecuteAndWait *wait, const char *event, JsonNode *data);

/* A job, the migration or the dump has ended. */
void execute_and_wait_note_job(ExecuteAndWait *wait, JobKind kind, const char *id, const char *error);

/* A caller's command has succeeded, perhaps this one's. */
void execute_and_wait_note_command(ExecuteAndWait *wait, const char *command);

const BusPeer *execute_and_wait_get_peer(ExecuteAndWait *wait); /* the caller */

/* The caller has left. Frees @wait. */
void execute_and_wait_give_up(ExecuteAndWait *wait);

/* The VM has gone: the caller gets what is known. Frees @wait. */
void execute_and_wait_tell_last(ExecuteAndWait *wait);
