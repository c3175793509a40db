/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The one table of the commands that only begin something: what their end is, and how the agent knows of it. */
#pragma once

#include <json-glib/json-glib.h>

#include "completion-judge.h"
#include "job-kind.h"

typedef struct CompletionRow CompletionRow;

/* The row of a command. NULL: with these arguments the command has done all when it returns. @arguments: an object;
 * NULL: none. */
const CompletionRow *completion_table_find(const char *command, JsonNode *arguments);

/* The id of a device, job … that a command is about. */
typedef struct CompletionId {
    char *id; /* owned */
    gboolean
        is_of_device; /* of a job without an id of its own: QEMU calls the job by its device, of which the command may name the node instead */
} CompletionId;

/* Those in @arguments; of CompletionId, owned by the caller. May be empty. */
GPtrArray *completion_table_dup_ids(const CompletionRow *row, JsonNode *arguments);

/* Whether the command begins jobs (of @ret_kind, which may be NULL, with those ids), and ends when they do. Whether
 * the command ends jobs, so that every end of theirs will do. Whether QEMU keeps the jobs when they are done, for
 * their caller to dismiss. */
gboolean completion_table_is_of_jobs(const CompletionRow *row, JobKind *ret_kind);
gboolean completion_table_is_any(const CompletionRow *row);
gboolean completion_table_leaves_jobs(const CompletionRow *row);

/* Whether the command ends with the connection to QEMU. */
gboolean completion_table_is_of_connection(const CompletionRow *row);

/* Whether an event of that name may tell of the end; the verdict of one (@data: an object, or NULL). @id: the first
 * of completion_table_dup_ids(), or NULL. @has_turned: set where the event has news for
 * completion_table_judge_answer(). @ret_error: of COMPLETION_BAD, owned by the caller. */
gboolean completion_table_hears(const CompletionRow *row, const char *event);
CompletionVerdict completion_table_judge_event(const CompletionRow *row, const char *id, const char *event,
                                               JsonObject *data, gboolean *has_turned, char **ret_error);

/* The question to QEMU when the command has returned, and again after each event that completion_table_hears(): a QMP
 * command. Whether its @answer shows QEMU in a state that QEMU is about to leave without an event. */
const char *completion_table_get_question(const CompletionRow *row);
gboolean completion_table_is_unsettled(const CompletionRow *row, JsonNode *answer);

/* Whether answers tell of the end; the verdict of one. @ret_error: of COMPLETION_BAD, owned by the caller. */
gboolean completion_table_is_judged(const CompletionRow *row);
CompletionVerdict completion_table_judge_answer(const CompletionRow *row, const CompletionCase *item, JsonNode *answer,
                                                char **ret_error);

/* The question whose answer is CompletionCase.facts[@i], asked once before the other question; NULL: the row has no
 * more. */
const char *completion_table_get_fact(const CompletionRow *row, guint i);

/* Whether events do not tell all, so that QEMU is to be asked again and again. Whether the caller gets the last
 * answer instead of the command's own. Whether @command, of another caller, means that this end will not come. */
gboolean completion_table_is_polled(const CompletionRow *row);
gboolean completion_table_returns_answer(const CompletionRow *row);
gboolean completion_table_is_superseded(const CompletionRow *row, const char *command);
