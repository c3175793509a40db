/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ends how: the one table of the commands that only begin something. */
#pragma once

#include <json-glib/json-glib.h>

#include "job-kind.h"

typedef enum EndingVerdict {
    ENDING_OPEN, /* not yet, or not told by this */
    ENDING_GOOD,
    ENDING_BAD, /* with an error */
} EndingVerdict;

typedef struct Ending Ending;

/* NULL: with these arguments the command has done all when it returns. @arguments: an object; NULL: none. */
const Ending *ending_find(const char *command, JsonNode *arguments);

/* What it is about, by the arguments: devices, jobs …; of strings, owned by the caller. May be empty. */
GPtrArray *ending_dup_ids(const Ending *ending, JsonNode *arguments);

/* Whether it begins jobs (of @ret_kind, which may be NULL, by those ids), and ends when they do. Whether it is about ending them, so that every
 * end will do. Whether they stay in QEMU as they are done, for whoever began them to dismiss. */
gboolean ending_is_of_jobs(const Ending *ending, JobKind *ret_kind);
gboolean ending_is_any(const Ending *ending);
gboolean ending_leaves_jobs(const Ending *ending);

/* Whether it ends with the connection to QEMU. */
gboolean ending_is_of_connection(const Ending *ending);

/* Whether an event of that name may tell of its end; what it tells (@data: an object, or NULL). @id: the first of
 * ending_dup_ids(), or NULL. @ret_error: of ENDING_BAD, owned by the caller. */
gboolean ending_hears(const Ending *ending, const char *event);
EndingVerdict ending_judge_event(const Ending *ending, const char *id, const char *event, JsonObject *data,
                                 char **ret_error);

/* What QEMU is asked when the command has returned, and again after each event that it hears of: a QMP command, whose
 * answer may tell too. Whether that shows QEMU in a state that it is about to leave without an event. */
const char *ending_get_question(const Ending *ending);
gboolean ending_is_unsettled(const Ending *ending, JsonNode *answer);

/* @id: as above. @limit: QEMU's answer to the first question, or NULL. @ret_error: of ENDING_BAD, owned by the caller. */
EndingVerdict ending_judge_answer(const Ending *ending, const char *id, JsonNode *arguments, JsonNode *limit,
                                  JsonNode *answer, char **ret_error);

/* What QEMU is asked once before that; NULL: nothing. */
const char *ending_get_first_question(const Ending *ending);

/* Whether no event tells of the end, so that QEMU is to be asked again and again. Whether the caller gets the last answer
 * instead of what the command returned. Whether another one's @command means that this end will not come. */
gboolean ending_is_polled(const Ending *ending);
gboolean ending_returns_answer(const Ending *ending);
gboolean ending_is_superseded(const Ending *ending, const char *command);
