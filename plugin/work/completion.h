/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps the notes on the end of one command: of events and jobs as they come, also before the command has returned,
 * by the rules of completion-table.c. */
#pragma once

#include "completion-table.h"
#include "jobs.h"

typedef struct Completion Completion;

/* NULL without an error: the command has done all when it returns. @arguments: an object; NULL: none. Fails with
 * BUS_ERROR_LIMITS_EXCEEDED where the command begins more jobs than are followed. */
Completion *completion_new(const char *command, JsonNode *arguments, GError **error);
void completion_free(Completion *completion);

const CompletionRow *completion_get_row(Completion *completion);

/* The id of the first device, job … that the command is about; NULL: none. */
const char *completion_get_id(Completion *completion);

/* An event of that name is to be noted. @data: may be NULL. */
gboolean completion_hears(Completion *completion, const char *event);
void completion_note_event(Completion *completion, const char *event, JsonNode *data);

/* A job, the migration or the dump has ended. FALSE: the command is not about it. */
gboolean completion_note_job(Completion *completion, JobKind kind, const char *id, const char *error);

/* The command has returned: a job that begins from here on is not its own. */
void completion_note_return(Completion *completion);

/* The next question to QEMU; and its answer (NULL: of no use, for the reason @error), asked after the command had
 * returned: a note from before may have been of something older. TRUE: there is another question at once. */
const char *completion_get_question(Completion *completion);
gboolean completion_note_answer(Completion *completion, Jobs *jobs, JsonNode *answer, const char *error);

/* A caller's @command has succeeded after this one had returned. TRUE: the end will not come because of that. */
gboolean completion_note_command(Completion *completion, const char *command);

/* Whether QEMU, by its last answer, still has something to do before it takes the usual next command: no event tells
 * of the end of that, and QEMU is to be asked again soon. */
gboolean completion_is_unsettled(Completion *completion);

/* Whether all that the command began has ended; with an error, or NULL. */
gboolean completion_has_ended(Completion *completion);
const char *completion_get_error(Completion *completion);
