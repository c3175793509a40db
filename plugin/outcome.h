/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of how one command ends: noted from events and jobs as they come, also before it has returned, by the rules of
 * ending.c. */
#pragma once

#include "ending.h"
#include "jobs.h"

typedef struct Outcome Outcome;

/* NULL: the command has done all when it returns. @arguments: an object; NULL: none. */
Outcome *outcome_new(const char *command, JsonNode *arguments);
void outcome_free(Outcome *outcome);

const Ending *outcome_get_ending(Outcome *outcome);

/* The first thing that it is about; NULL: there is none. */
const char *outcome_get_id(Outcome *outcome);

/* An event has come, whose name ending_hears(). @data: may be NULL. */
void outcome_note_event(Outcome *outcome, const char *event, JsonNode *data);

/* A piece of work has ended. FALSE: it is not about that. */
gboolean outcome_note_job(Outcome *outcome, JobKind kind, const char *id, const char *error);

/* What QEMU is to be asked next; and its answer (NULL: an error, or nothing of use), asked after the command had returned: what
 * was noted before may have been of something older. TRUE: there is another question at once. */
const char *outcome_get_question(Outcome *outcome);
gboolean outcome_note_answer(Outcome *outcome, Jobs *jobs, JsonNode *answer);

/* A caller's @command has succeeded after this one had returned. TRUE: the end will not come because of that. */
gboolean outcome_note_command(Outcome *outcome, const char *command);

/* Whether QEMU, by its last answer, still has something to do before it takes what usually follows: it tells of no end of
 * that, and is to be asked again soon. */
gboolean outcome_is_unsettled(Outcome *outcome);

/* Whether all has ended; with an error, or NULL. */
gboolean outcome_has_ended(Outcome *outcome);
const char *outcome_get_error(Outcome *outcome);
