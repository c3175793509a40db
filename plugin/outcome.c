/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Made and asked by wait.c, one for a call; owns its notes. */
#include "outcome.h"

/* One thing that the command is about. */
typedef struct Target {
    char *id; /* owned */
    gboolean has_ended;
    char *error; /* owned; NULL: well */
} Target;

struct Outcome {
    const Ending *ending; /* weak: a constant */
    char *command; /* owned */
    JsonNode *arguments; /* ref; may be NULL */
    GPtrArray *targets; /* owned, of Target */
    EndingVerdict verdict; /* of events, or an answer */
    char *error; /* owned; of ENDING_BAD */
    gboolean has_limit; /* the first question has been answered: */
    JsonNode *limit; /* ref; NULL: with nothing of use */
    gboolean is_unsettled; /* by the last answer */
};

static void
free_target(gpointer data)
{
    Target *target = data;

    g_free(target->id);
    g_free(target->error);
    g_free(target);
}

Outcome *
outcome_new(const char *command, JsonNode *arguments)
{
    const Ending *ending = ending_find(command, arguments);
    g_autoptr(GPtrArray) ids = ending ? ending_dup_ids(ending, arguments) : NULL;
    Outcome *outcome;

    if (!ending)
        return NULL;
    outcome = g_new0(Outcome, 1);
    outcome->ending = ending;
    outcome->command = g_strdup(command);
    outcome->arguments = arguments ? json_node_ref(arguments) : NULL;
    outcome->targets = g_ptr_array_new_with_free_func(free_target);
    for (guint i = 0; i < ids->len; i++) {
        Target *target = g_new0(Target, 1);
        target->id = g_strdup(g_ptr_array_index(ids, i));
        g_ptr_array_add(outcome->targets, target);
    }
    return outcome;
}

void
outcome_free(Outcome *outcome)
{
    g_ptr_array_unref(outcome->targets);
    g_clear_pointer(&outcome->arguments, json_node_unref);
    g_clear_pointer(&outcome->limit, json_node_unref);
    g_free(outcome->command);
    g_free(outcome->error);
    g_free(outcome);
}

const Ending *
outcome_get_ending(Outcome *outcome)
{
    return outcome->ending;
}

const char *
outcome_get_id(Outcome *outcome)
{
    return outcome->targets->len > 0 ? ((Target *)g_ptr_array_index(outcome->targets, 0))->id : NULL;
}

void
outcome_note_event(Outcome *outcome, const char *event, JsonNode *data)
{
    JsonObject *object = data && JSON_NODE_HOLDS_OBJECT(data) ? json_node_get_object(data) : NULL;

    if (outcome->verdict == ENDING_OPEN)
        outcome->verdict =
            ending_judge_event(outcome->ending, outcome_get_id(outcome), event, object, &outcome->error);
}

static void
set_ended(Target *target, gboolean has_ended, const char *error)
{
    target->has_ended = has_ended;
    g_free(target->error);
    target->error = g_strdup(error);
}

gboolean
outcome_note_job(Outcome *outcome, JobKind kind, const char *id, const char *error)
{
    JobKind of;

    if (!ending_is_of_jobs(outcome->ending, &of) || of != kind)
        return FALSE;
    for (guint i = 0; i < outcome->targets->len; i++) {
        Target *target = g_ptr_array_index(outcome->targets, i);
        if (!g_str_equal(target->id, id))
            continue;
        set_ended(target, TRUE, error);
        return TRUE;
    }
    return FALSE;
}

/* A job that was never seen would be waited for in vain. */
static void
correct(Outcome *outcome, Jobs *jobs, JobKind kind)
{
    for (guint i = 0; i < outcome->targets->len; i++) {
        Target *target = g_ptr_array_index(outcome->targets, i);
        if (jobs_is_under_way(jobs, kind, target->id))
            set_ended(target, FALSE, NULL);
        else if (!target->has_ended && ending_is_any(outcome->ending))
            target->has_ended = TRUE;
        else if (!target->has_ended && !outcome->error)
            outcome->error =
                g_strdup_printf("%s was accepted, but no job '%s' has been seen", outcome->command, target->id);
    }
    if (outcome->error)
        outcome->verdict = ENDING_BAD;
}

static gboolean
wants_limit(Outcome *outcome)
{
    return ending_get_first_question(outcome->ending) && !outcome->has_limit;
}

const char *
outcome_get_question(Outcome *outcome)
{
    return wants_limit(outcome) ? ending_get_first_question(outcome->ending) : ending_get_question(outcome->ending);
}

gboolean
outcome_note_answer(Outcome *outcome, Jobs *jobs, JsonNode *answer)
{
    JobKind kind;

    if (outcome->verdict != ENDING_OPEN)
        return FALSE;
    if (wants_limit(outcome)) {
        outcome->has_limit = TRUE;
        outcome->limit = answer ? json_node_ref(answer) : NULL;
        return TRUE;
    }
    if (ending_is_of_jobs(outcome->ending, &kind))
        correct(outcome, jobs, kind);
    else if (answer)
        outcome->verdict = ending_judge_answer(outcome->ending, outcome_get_id(outcome), outcome->arguments,
                                               outcome->limit, answer, &outcome->error);
    outcome->is_unsettled = answer && ending_is_unsettled(outcome->ending, answer);
    return FALSE;
}

gboolean
outcome_note_command(Outcome *outcome, const char *command)
{
    if (outcome->verdict != ENDING_OPEN || !ending_is_superseded(outcome->ending, command))
        return FALSE;
    outcome->verdict = ENDING_BAD;
    outcome->error = g_strdup_printf("Another %s has come after this one", command);
    return TRUE;
}

gboolean
outcome_has_ended(Outcome *outcome)
{
    if (outcome->verdict != ENDING_OPEN)
        return TRUE;
    for (guint i = 0; i < outcome->targets->len; i++)
        if (!((Target *)g_ptr_array_index(outcome->targets, i))->has_ended)
            return FALSE;
    return ending_is_of_jobs(outcome->ending, /* ret_kind= */ NULL);
}

gboolean
outcome_is_unsettled(Outcome *outcome)
{
    return outcome->is_unsettled && outcome->verdict == ENDING_OPEN;
}

/* In a group the jobs that QEMU cancels because another one has failed say no more than this. */
static gboolean
is_cause(const char *error)
{
    return !g_str_equal(error, "Operation canceled");
}

/* The first cause, wherever its job is listed. */
const char *
outcome_get_error(Outcome *outcome)
{
    const char *error = NULL;

    if (outcome->verdict == ENDING_BAD)
        return outcome->error;
    for (guint i = 0; i < outcome->targets->len && !ending_is_any(outcome->ending); i++) {
        Target *target = g_ptr_array_index(outcome->targets, i);
        if (target->error && (!error || (!is_cause(error) && is_cause(target->error))))
            error = target->error;
    }
    return error;
}
