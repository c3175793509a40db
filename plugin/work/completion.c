/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Made and asked by wait.c, one for a call; owns its notes. */
#include "completion.h"

/* One thing that the command is about. */
typedef struct Target {
    char *id; /* owned */
    gboolean has_ended;
    char *error; /* owned; NULL: well */
} Target;

struct Completion {
    const CompletionRow *ending; /* weak: a constant */
    char *command; /* owned */
    JsonNode *arguments; /* ref; may be NULL */
    GPtrArray *targets; /* owned, of Target */
    CompletionVerdict verdict; /* of events, or an answer */
    char *error; /* owned; of COMPLETION_BAD */
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

Completion *
completion_new(const char *command, JsonNode *arguments)
{
    const CompletionRow *ending = completion_table_find(command, arguments);
    g_autoptr(GPtrArray) ids = ending ? completion_table_dup_ids(ending, arguments) : NULL;
    Completion *outcome;

    if (!ending)
        return NULL;
    outcome = g_new0(Completion, 1);
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
completion_free(Completion *outcome)
{
    g_ptr_array_unref(outcome->targets);
    g_clear_pointer(&outcome->arguments, json_node_unref);
    g_clear_pointer(&outcome->limit, json_node_unref);
    g_free(outcome->command);
    g_free(outcome->error);
    g_free(outcome);
}

const CompletionRow *
completion_get_ending(Completion *outcome)
{
    return outcome->ending;
}

const char *
completion_get_id(Completion *outcome)
{
    return outcome->targets->len > 0 ? ((Target *)g_ptr_array_index(outcome->targets, 0))->id : NULL;
}

void
completion_note_event(Completion *outcome, const char *event, JsonNode *data)
{
    JsonObject *object = data && JSON_NODE_HOLDS_OBJECT(data) ? json_node_get_object(data) : NULL;

    if (outcome->verdict == COMPLETION_OPEN)
        outcome->verdict =
            completion_table_judge_event(outcome->ending, completion_get_id(outcome), event, object, &outcome->error);
}

static void
set_ended(Target *target, gboolean has_ended, const char *error)
{
    target->has_ended = has_ended;
    g_free(target->error);
    target->error = g_strdup(error);
}

gboolean
completion_note_job(Completion *outcome, JobKind kind, const char *id, const char *error)
{
    JobKind of;

    if (!completion_table_is_of_jobs(outcome->ending, &of) || of != kind)
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
correct(Completion *outcome, Jobs *jobs, JobKind kind)
{
    for (guint i = 0; i < outcome->targets->len; i++) {
        Target *target = g_ptr_array_index(outcome->targets, i);
        if (jobs_is_under_way(jobs, kind, target->id))
            set_ended(target, FALSE, NULL);
        else if (!target->has_ended && completion_table_is_any(outcome->ending))
            target->has_ended = TRUE;
        else if (!target->has_ended && !outcome->error)
            outcome->error =
                g_strdup_printf("%s was accepted, but no job '%s' has been seen", outcome->command, target->id);
    }
    if (outcome->error)
        outcome->verdict = COMPLETION_BAD;
}

static gboolean
wants_limit(Completion *outcome)
{
    return completion_table_get_first_question(outcome->ending) && !outcome->has_limit;
}

const char *
completion_get_question(Completion *outcome)
{
    return wants_limit(outcome) ? completion_table_get_first_question(outcome->ending)
                                : completion_table_get_question(outcome->ending);
}

gboolean
completion_note_answer(Completion *outcome, Jobs *jobs, JsonNode *answer)
{
    JobKind kind;

    if (outcome->verdict != COMPLETION_OPEN)
        return FALSE;
    if (wants_limit(outcome)) {
        outcome->has_limit = TRUE;
        outcome->limit = answer ? json_node_ref(answer) : NULL;
        return TRUE;
    }
    if (completion_table_is_of_jobs(outcome->ending, &kind))
        correct(outcome, jobs, kind);
    else if (answer)
        outcome->verdict = completion_table_judge_answer(outcome->ending, completion_get_id(outcome),
                                                         outcome->arguments, outcome->limit, answer, &outcome->error);
    outcome->is_unsettled = answer && completion_table_is_unsettled(outcome->ending, answer);
    return FALSE;
}

gboolean
completion_note_command(Completion *outcome, const char *command)
{
    if (outcome->verdict != COMPLETION_OPEN || !completion_table_is_superseded(outcome->ending, command))
        return FALSE;
    outcome->verdict = COMPLETION_BAD;
    outcome->error = g_strdup_printf("Another %s has come after this one", command);
    return TRUE;
}

gboolean
completion_has_ended(Completion *outcome)
{
    if (outcome->verdict != COMPLETION_OPEN)
        return TRUE;
    for (guint i = 0; i < outcome->targets->len; i++)
        if (!((Target *)g_ptr_array_index(outcome->targets, i))->has_ended)
            return FALSE;
    return completion_table_is_of_jobs(outcome->ending, /* ret_kind= */ NULL);
}

gboolean
completion_is_unsettled(Completion *outcome)
{
    return outcome->is_unsettled && outcome->verdict == COMPLETION_OPEN;
}

/* In a group the jobs that QEMU cancels because another one has failed say no more than this. */
static gboolean
is_cause(const char *error)
{
    return !g_str_equal(error, "Operation canceled");
}

/* The first cause, wherever its job is listed. */
const char *
completion_get_error(Completion *outcome)
{
    const char *error = NULL;

    if (outcome->verdict == COMPLETION_BAD)
        return outcome->error;
    for (guint i = 0; i < outcome->targets->len && !completion_table_is_any(outcome->ending); i++) {
        Target *target = g_ptr_array_index(outcome->targets, i);
        if (target->error && (!error || (!is_cause(error) && is_cause(target->error))))
            error = target->error;
    }
    return error;
}
