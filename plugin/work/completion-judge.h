/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Judges of QEMU's answers: whether an answer tells that the work of a command has ended. Each row of
 * completion-table.c names one of these functions. */
#pragma once

#include <json-glib/json-glib.h>

typedef enum CompletionVerdict {
    COMPLETION_OPEN, /* the end has not come, or this does not tell of it */
    COMPLETION_GOOD,
    COMPLETION_BAD, /* with an error */
} CompletionVerdict;

/* Answers to questions that are asked once, before the question whose answer is judged. */
#define COMPLETION_MAX_FACTS 2

/* The circumstances by which an answer is judged. */
typedef struct CompletionCase {
    JsonObject *arguments; /* of the command; an object without members where the command has none */
    const char *id; /* the first device, job … that the command is about; NULL: none */
    JsonNode *facts[COMPLETION_MAX_FACTS]; /* NULL: QEMU had none of use */
    gboolean has_turned; /* an event has told of the end: where the answer shows another state, that is a newer one */
} CompletionCase;

/* @ret_error: of COMPLETION_BAD, owned by the caller. */
typedef CompletionVerdict (*CompletionJudgeFunc)(const CompletionCase *item, JsonNode *answer, char **ret_error);

/* By query-status. */
CompletionVerdict completion_judge_running(const CompletionCase *item, JsonNode *answer, char **ret_error);
CompletionVerdict completion_judge_stopped(const CompletionCase *item, JsonNode *answer, char **ret_error);
CompletionVerdict completion_judge_off(const CompletionCase *item, JsonNode *answer, char **ret_error);

/* By query-balloon; facts: query-memory-size-summary, query-memory-devices. */
CompletionVerdict completion_judge_balloon(const CompletionCase *item, JsonNode *answer, char **ret_error);

/* By query-dirty-rate. */
CompletionVerdict completion_judge_dirty_rate(const CompletionCase *item, JsonNode *answer, char **ret_error);

/* By query-block-jobs. */
CompletionVerdict completion_judge_paused(const CompletionCase *item, JsonNode *answer, char **ret_error);
CompletionVerdict completion_judge_resumed(const CompletionCase *item, JsonNode *answer, char **ret_error);

/* By query-block. */
CompletionVerdict completion_judge_tray(const CompletionCase *item, JsonNode *answer, char **ret_error);

/* By query-migrate; of a migration that is cancelled, as the one fact. */
CompletionVerdict completion_judge_migration_paused(const CompletionCase *item, JsonNode *answer, char **ret_error);
CompletionVerdict completion_judge_cancelled(const CompletionCase *item, JsonNode *answer, char **ret_error);

/* By query-replay. */
CompletionVerdict completion_judge_replay(const CompletionCase *item, JsonNode *answer, char **ret_error);

/* Whether @name, an id or a path as a caller may spell it, is the device that QEMU calls @known by its id or its path. */
gboolean completion_is_device(const char *name, const char *known);
