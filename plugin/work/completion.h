/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of how one command ends: noted from events and jobs as they come, also before it has returned, by the rules of
 * completion-table.c. */
#pragma once

#include "completion-table.h"
#include "jobs.h"

typedef struct Completion Completion;

/* NULL: the command has done all when it returns. @arguments: an object; NULL: none. */
Completion *completion_new(const char *command, JsonNode *arguments);
void completion_free(Completion *completion);

const CompletionRow *completion_get_row(Completion *completion);

/* The first thing that it is about; NULL: there is none. */
const char *completion_get_id(Completion *completion);

/* An event has come, whose name completion_table_hears(). @data: may be NULL. */
void completion_note_event(Completion *completion, const char *event, JsonNode *data);

/* A piece of work has ended. FALSE: it is not about that. */
gboolean completion_note_job(Completion *completion, JobKind kind, const char *id, const char *error);

/* What QEMU is to be asked next; and its answer (NULL: none of use, for the reason @error), asked after the command had
 * returned: what was noted before may have been of something older. TRUE: there is another question at once. */
const char *completion_get_question(Completion *completion);
gboolean completion_note_answer(Completion *completion, Jobs *jobs, JsonNode *answer, const char *error);

/* A caller's @command has succeeded after this one had returned. TRUE: the end will not come because of that. */
gboolean completion_note_command(Completion *completion, const char *command);

/* Whether QEMU, by its last answer, still has something to do before it takes what usually follows: it tells of no end of
 * that, and is to be asked again soon. */
gboolean completion_is_unsettled(Completion *completion);

/* Whether all has ended; with an error, or NULL. */
gboolean completion_has_ended(Completion *completion);
const char *completion_get_error(Completion *completion);
