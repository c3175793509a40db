/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Made and asked by execute-and-wait.c, one for a call; owns its notes. */
#include "completion.h"

#include "json-member.h"

/* A device, job … that the command is about. */
typedef struct Target {
    char *id; /* owned */
    gboolean is_of_device; /* QEMU may have called the job by another name */
    gboolean has_ended;
    char *error; /* owned; NULL: well */
} Target;

struct Completion {
    const CompletionRow *row; /* weak: a constant */
    char *command; /* owned */
    JsonNode *arguments; /* ref; may be NULL */
    GPtrArray *targets; /* owned, of Target */
    GPtrArray *begun; /* owned, of Target: jobs that have begun while the command ran; NULL: no name is looked for */
    gboolean has_uncounted; /* more have begun than are kept */
    CompletionVerdict verdict; /* of events, or an answer */
    char *error; /* owned; of COMPLETION_BAD */
    JsonNode *facts[COMPLETION_MAX_FACTS]; /* refs; NULL: QEMU had none of use, or has not been asked */
    guint n_facts; /* facts that QEMU has been asked for */
    gboolean has_turned; /* by its events, the end has come */
    gboolean is_unsettled; /* by the last answer */
};

static Target *
new_target(const char *id)
{
    Target *target = g_new0(Target, 1);

    target->id = g_strdup(id);
    return target;
}

static void
free_target(gpointer data)
{
    Target *target = data;

    g_free(target->id);
    g_free(target->error);
    g_free(target);
}

/* The jobs beyond those that are followed would end, and nobody would hear of it. */
static gboolean
check_ids(const char *command, GPtrArray *ids, GError **error)
{
    if (ids->len <= JOBS_MAX)
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED,
                "This %s begins %u jobs, and %u of one VM can be waited for; Execute() begins them without waiting", command,
                ids->len, JOBS_MAX);
    return FALSE;
}

Completion *
completion_new(const char *command, JsonNode *arguments, GError **error)
{
    const CompletionRow *row = completion_table_find(command, arguments);
    g_autoptr(GPtrArray) ids = row ? completion_table_dup_ids(row, arguments) : NULL;
    Completion *completion;

    if (!row || !check_ids(command, ids, error))
        return NULL;
    completion = g_new0(Completion, 1);
    completion->row = row;
    completion->command = g_strdup(command);
    completion->arguments = arguments ? json_node_ref(arguments) : NULL;
    completion->targets = g_ptr_array_new_with_free_func(free_target);
    for (guint i = 0; i < ids->len; i++) {
        CompletionId *id = g_ptr_array_index(ids, i);
        Target *target = new_target(id->id);
        target->is_of_device = id->is_of_device;
        g_ptr_array_add(completion->targets, target);
        if (id->is_of_device && !completion->begun)
            completion->begun = g_ptr_array_new_with_free_func(free_target);
    }
    return completion;
}

void
completion_free(Completion *completion)
{
    g_ptr_array_unref(completion->targets);
    g_clear_pointer(&completion->begun, g_ptr_array_unref);
    g_clear_pointer(&completion->arguments, json_node_unref);
    for (guint i = 0; i < completion->n_facts; i++)
        g_clear_pointer(&completion->facts[i], json_node_unref);
    g_free(completion->command);
    g_free(completion->error);
    g_free(completion);
}

const CompletionRow *
completion_get_row(Completion *completion)
{
    return completion->row;
}

const char *
completion_get_id(Completion *completion)
{
    return completion->targets->len > 0 ? ((Target *)g_ptr_array_index(completion->targets, 0))->id : NULL;
}

static Target *
find_job_target(GPtrArray *targets, const char *id)
{
    for (guint i = 0; i < targets->len; i++) {
        Target *target = g_ptr_array_index(targets, i);
        if (g_str_equal(target->id, id))
            return target;
    }
    return NULL;
}

static void
note_begun_job(Completion *completion, JsonObject *data)
{
    const char *id = data ? json_member_get_string(data, "id") : NULL;
    const char *status = data ? json_member_get_string(data, "status") : NULL;

    if (!id || g_strcmp0(status, "created") != 0 || find_job_target(completion->begun, id))
        return;
    if (completion->begun->len < JOBS_MAX)
        g_ptr_array_add(completion->begun, new_target(id));
    else
        completion->has_uncounted = TRUE;
}

static gboolean
hears_of_begun(Completion *completion, const char *event)
{
    return completion->begun && g_str_equal(event, "JOB_STATUS_CHANGE");
}

gboolean
completion_hears(Completion *completion, const char *event)
{
    return completion_table_hears(completion->row, event) || hears_of_begun(completion, event);
}

void
completion_note_event(Completion *completion, const char *event, JsonNode *data)
{
    JsonObject *object = data && JSON_NODE_HOLDS_OBJECT(data) ? json_node_get_object(data) : NULL;

    if (hears_of_begun(completion, event))
        note_begun_job(completion, object);
    if (completion->verdict == COMPLETION_OPEN)
        completion->verdict = completion_table_judge_event(completion->row, completion_get_id(completion), event,
                                                           object, &completion->has_turned, &completion->error);
}

/* The jobs that have begun and that no target names, in their order. Weak. */
static GPtrArray *
list_other_begun(Completion *completion)
{
    GPtrArray *others = g_ptr_array_new();

    for (guint i = 0; i < completion->begun->len; i++) {
        Target *begun = g_ptr_array_index(completion->begun, i);
        if (!find_job_target(completion->targets, begun->id))
            g_ptr_array_add(others, begun);
    }
    return others;
}

/* The targets that a device names, of which no job has begun by that name. Weak. */
static GPtrArray *
list_unnamed(Completion *completion)
{
    GPtrArray *unnamed = g_ptr_array_new();

    for (guint i = 0; i < completion->targets->len; i++) {
        Target *target = g_ptr_array_index(completion->targets, i);
        if (target->is_of_device && !find_job_target(completion->begun, target->id))
            g_ptr_array_add(unnamed, target);
    }
    return unnamed;
}

static void
take_over_job(Target *target, Target *begun)
{
    g_free(target->id);
    g_free(target->error);
    *target = *begun;
    *begun = (Target){ 0 };
}

/* A job that the command has not named is one of those that have begun while the command ran. Where other callers' jobs have begun as
 * well, or more jobs than are kept, nothing tells which. */
void
completion_note_return(Completion *completion)
{
    if (!completion->begun)
        return;
    g_autoptr(GPtrArray) begun = list_other_begun(completion);
    g_autoptr(GPtrArray) unnamed = list_unnamed(completion);
    gboolean are_known = begun->len == unnamed->len && !completion->has_uncounted;

    for (guint i = 0; are_known && i < begun->len; i++)
        take_over_job(g_ptr_array_index(unnamed, i), g_ptr_array_index(begun, i));
    g_clear_pointer(&completion->begun, g_ptr_array_unref);
}

static void
set_target_ended(Target *target, gboolean has_ended, const char *error)
{
    target->has_ended = has_ended;
    g_free(target->error);
    target->error = g_strdup(error);
}

gboolean
completion_note_job(Completion *completion, JobKind kind, const char *id, const char *error)
{
    JobKind of;
    Target *target, *begun;

    if (!completion_table_is_of_jobs(completion->row, &of) || of != kind)
        return FALSE;
    target = find_job_target(completion->targets, id);
    begun = completion->begun ? find_job_target(completion->begun, id) : NULL;
    if (target)
        set_target_ended(target, TRUE, error);
    if (begun)
        set_target_ended(begun, TRUE, error);
    return target != NULL;
}

/* A job that was never seen would be waited for in vain. */
static void
correct_targets(Completion *completion, Jobs *jobs, JobKind kind)
{
    for (guint i = 0; i < completion->targets->len; i++) {
        Target *target = g_ptr_array_index(completion->targets, i);
        if (jobs_is_under_way(jobs, kind, target->id))
            set_target_ended(target, FALSE, NULL);
        else if (!target->has_ended && completion_table_is_any(completion->row))
            target->has_ended = TRUE;
        else if (!target->has_ended && !completion->error)
            completion->error =
                g_strdup_printf("%s was accepted, but no job '%s' has been seen", completion->command, target->id);
    }
    if (completion->error)
        completion->verdict = COMPLETION_BAD;
}

const char *
completion_get_question(Completion *completion)
{
    const char *fact = completion_table_get_fact(completion->row, completion->n_facts);

    return fact ? fact : completion_table_get_question(completion->row);
}

static void
judge_target(Completion *completion, JsonNode *answer)
{
    g_autoptr(JsonObject) none = json_object_new();
    CompletionCase item = {
        .arguments = completion->arguments ? json_node_get_object(completion->arguments) : none,
        .id = completion_get_id(completion),
        .has_turned = completion->has_turned,
    };

    for (guint i = 0; i < completion->n_facts; i++)
        item.facts[i] = completion->facts[i];
    completion->verdict = completion_table_judge_answer(completion->row, &item, answer, &completion->error);
}

/* Without the answer nothing may ever tell of the end. */
static void
fail_without_answer(Completion *completion, const char *error)
{
    completion->verdict = COMPLETION_BAD;
    completion->error = g_strdup_printf("%s was accepted, but not %s: %s", completion->command,
                                        completion_table_get_question(completion->row), error);
}

gboolean
completion_note_answer(Completion *completion, Jobs *jobs, JsonNode *answer, const char *error)
{
    JobKind kind;

    if (completion->verdict != COMPLETION_OPEN)
        return FALSE;
    if (completion_table_get_fact(completion->row, completion->n_facts)) {
        completion->facts[completion->n_facts++] = answer ? json_node_ref(answer) : NULL;
        return TRUE;
    }
    if (completion_table_is_of_jobs(completion->row, &kind))
        correct_targets(completion, jobs, kind);
    if (completion_table_is_judged(completion->row) && !completion_has_ended(completion)) {
        if (answer)
            judge_target(completion, answer);
        else
            fail_without_answer(completion, error);
    }
    completion->is_unsettled = answer && completion_table_is_unsettled(completion->row, answer);
    return FALSE;
}

gboolean
completion_note_command(Completion *completion, const char *command)
{
    if (completion->verdict != COMPLETION_OPEN || !completion_table_is_superseded(completion->row, command))
        return FALSE;
    completion->verdict = COMPLETION_BAD;
    completion->error = g_strdup_printf("Another %s has come after this one", command);
    return TRUE;
}

gboolean
completion_has_ended(Completion *completion)
{
    if (completion->verdict != COMPLETION_OPEN)
        return TRUE;
    for (guint i = 0; i < completion->targets->len; i++)
        if (!((Target *)g_ptr_array_index(completion->targets, i))->has_ended)
            return FALSE;
    return completion_table_is_of_jobs(completion->row, /* ret_kind= */ NULL);
}

gboolean
completion_is_unsettled(Completion *completion)
{
    return completion->is_unsettled && completion->verdict == COMPLETION_OPEN;
}

/* In a group, QEMU cancels the other jobs when one has failed; their errors say no more than this. */
static gboolean
is_cause(const char *error)
{
    return !g_str_equal(error, "Operation canceled");
}

/* The first error that is a cause, wherever its job is listed. */
const char *
completion_get_error(Completion *completion)
{
    const char *error = NULL;

    if (completion->verdict == COMPLETION_BAD)
        return completion->error;
    for (guint i = 0; i < completion->targets->len && !completion_table_is_any(completion->row); i++) {
        Target *target = g_ptr_array_index(completion->targets, i);
        if (target->error && (!error || (!is_cause(error) && is_cause(target->error))))
            error = target->error;
    }
    return error;
}
