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
    JsonNode *facts[COMPLETION_MAX_FACTS]; /* refs; NULL: QEMU had none of use, or has not been asked */
    guint n_facts; /* that QEMU has been asked for */
    gboolean has_turned; /* by its events, the end has come */
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
    for (guint i = 0; i < outcome->n_facts; i++)
        g_clear_pointer(&outcome->facts[i], json_node_unref);
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
        outcome->verdict = completion_table_judge_event(outcome->ending, completion_get_id(outcome), event, object,
                                                        &outcome->has_turned, &outcome->error);
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

const char *
completion_get_question(Completion *outcome)
{
    const char *fact = completion_table_get_fact(outcome->ending, outcome->n_facts);

    return fact ? fact : completion_table_get_question(outcome->ending);
}

static void
judge(Completion *outcome, JsonNode *answer)
{
    g_autoptr(JsonObject) none = json_object_new();
    CompletionCase item = {
        .arguments = outcome->arguments ? json_node_get_object(outcome->arguments) : none,
        .id = completion_get_id(outcome),
        .has_turned = outcome->has_turned,
    };

    for (guint i = 0; i < outcome->n_facts; i++)
        item.facts[i] = outcome->facts[i];
    outcome->verdict = completion_table_judge_answer(outcome->ending, &item, answer, &outcome->error);
}

/* Nothing else may ever tell of the end. */
static void
fail_without_answer(Completion *outcome, const char *error)
{
    outcome->verdict = COMPLETION_BAD;
    outcome->error = g_strdup_printf("%s was accepted, but not %s: %s", outcome->command,
                                     completion_table_get_question(outcome->ending), error);
}

gboolean
completion_note_answer(Completion *outcome, Jobs *jobs, JsonNode *answer, const char *error)
{
    JobKind kind;

    if (outcome->verdict != COMPLETION_OPEN)
        return FALSE;
    if (completion_table_get_fact(outcome->ending, outcome->n_facts)) {
        outcome->facts[outcome->n_facts++] = answer ? json_node_ref(answer) : NULL;
        return TRUE;
    }
    if (completion_table_is_of_jobs(outcome->ending, &kind))
        correct(outcome, jobs, kind);
    if (completion_table_is_judged(outcome->ending) && !completion_has_ended(outcome)) {
        if (answer)
            judge(outcome, answer);
        else
            fail_without_answer(outcome, error);
    }
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
