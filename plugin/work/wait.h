/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One call of ExecuteAndWait(), from its arguments to its answer. */
#pragma once

#include "jobs.h"
#include "reply-barrier.h"
#include "vm-context.h"

typedef struct Wait Wait;

/* What the waits of one VM share. */
typedef struct WaitContext {
    VmContext *vm_context; /* weak */
    Jobs *jobs; /* weak */
    ReplyBarrier *barrier; /* owned; on the control monitor; NULL until the first waits */
    GQueue waits; /* of Wait, by their own links: each is there until it is answered */
} WaitContext;

/* What ExecuteAndWait() takes as `options`. */
typedef struct WaitOptions {
    guint64 timeout; /* us; 0: none */
} WaitOptions;
gboolean wait_read_options(DBusMessageIter *iter, WaitOptions *options, GError **error);

/* Runs a command, and consumes @call. As call_execute(). */
void wait_start(WaitContext *context, BusCall *call, const char *command, JsonNode *arguments, gsize size,
                const WaitOptions *options);

/* Whether an event of that name is of interest to it; one has come, with @data, which may be NULL. */
gboolean wait_hears(Wait *wait, const char *event);
void wait_note_event(Wait *wait, const char *event, JsonNode *data);

/* A piece of work has ended. */
void wait_note_job(Wait *wait, JobKind kind, const char *id, const char *error);

/* A caller's command has succeeded, perhaps this one's. */
void wait_note_command(Wait *wait, const char *command);

const char *wait_get_caller(Wait *wait);
gsize wait_get_size(Wait *wait); /* bytes of its arguments */

/* The caller has left. It is gone when this returns. */
void wait_give_up(Wait *wait);

/* The VM has gone: the caller gets what is known. It is gone when this returns. */
void wait_tell_last(Wait *wait);
