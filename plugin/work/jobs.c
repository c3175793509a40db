/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a job, from QEMU's words to an object. Called by objects/vm-object.c; owns the objects and the queries.
 *
 *   jobs_new()          QEMU is asked which work is under way already (job_queries_ask_first())
 *   jobs_event()        a job has come, changed or ended: after the first event of a job QEMU is asked for its type
 *   on_query_answer()   QEMU lists its jobs: a job that is not listed any more has gone
 *   on_poll_due()       QEMU is asked for numbers of work that is under way, while a caller may be looking
 *   show_status()       a job is paused: QEMU is asked whether a disk has stopped it
 *
 * A job of QEMU's is published when its type is known, a round trip after its first event, and callers' replies wait for
 * that. A job that ends sooner is published then, so that each is seen to come, finish and go. A job goes when QEMU itself
 * or a caller dismisses it; the migration and the dump go as they end. */
#include "jobs.h"

#include <string.h>

#include "job-info.h"
#include "job-object.h"
#include "job-poll.h"
#include "job-queries.h"
#include "json-member.h"
#include "json-tree.h"
#include "vm.h"

/* Bytes. QEMU's identifiers have no limit. */
#define MAX_ID 255

/* Bytes. Events about jobs are some 300, with the text of an error in them. */
#define MAX_EVENT 16384

struct Jobs {
    VmContext *vm_context; /* weak */
    JobsFuncs funcs;
    gpointer user_data;
    JobQueries *queries; /* owned */
    JobPoll *poll; /* owned */
    GQueue jobs; /* of Job, owned, by their links */
    gboolean has_begun[N_JOB_KINDS]; /* a caller has begun one, and nothing has been heard of it */
};

typedef struct Job {
    Jobs *jobs; /* weak */
    JobObject *object; /* owned */
    gboolean is_aborting; /* QEMU has begun to undo it */
    gboolean has_outcome; /* QEMU has told how it ends: */
    char *error; /* owned; NULL: well */
    gboolean is_listed; /* while an answer is read */
    GList link; /* in jobs->jobs */
} Job;

static Job *
find_known_job(Jobs *jobs, JobKind kind, const char *id)
{
    for (GList *i = jobs->jobs.head; i; i = i->next) {
        Job *job = i->data;
        if (job_object_get_kind(job->object) == kind && g_str_equal(job_object_get_id(job->object), id))
            return job;
    }
    return NULL;
}

static void
on_job_read(gpointer user_data)
{
    Jobs *jobs = user_data;

    job_poll_note_read(jobs->poll);
}

/* NULL: the id makes no object. */
static Job *
find_or_add_job(Jobs *jobs, JobKind kind, const char *id)
{
    Job *job = find_known_job(jobs, kind, id);

    if (job || !*id || strlen(id) > MAX_ID || (kind == JOB_QMP && jobs->jobs.length >= JOBS_MAX))
        return job;
    job = g_new0(Job, 1);
    job->jobs = jobs;
    job->object = job_object_new(jobs->vm_context, kind, id, on_job_read, jobs);
    job->link.data = job;
    g_queue_push_tail_link(&jobs->jobs, &job->link);
    job_poll_consider(jobs->poll);
    return job;
}

static void
remove_job(Job *job)
{
    g_queue_unlink(&job->jobs->jobs, &job->link);
    job_object_free(job->object);
    g_free(job->error);
    g_free(job);
}

static void
set_job_outcome(Job *job, const char *error)
{
    if (job->has_outcome)
        return;
    job->has_outcome = TRUE;
    job->error = g_strdup(error);
}

/* If QEMU has not told how the job ended, its last status tells. */
static void
finish_job_object(Job *job)
{
    if (job_object_has_finished(job->object))
        return;
    set_job_outcome(job, job->is_aborting ? "It has failed, and was dismissed before QEMU could be asked why" : NULL);
    job_object_finish(job->object, job->error);
    job->jobs->funcs.on_finished(job_object_get_kind(job->object), job_object_get_id(job->object), job->error,
                                 job->jobs->user_data);
}

static void
on_hindrance(JsonNode *answer, gpointer user_data)
{
    JsonArray *list = json_node_get_array(answer);

    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *block_job = json_member_get_object_at(list, i);
        const char *id = block_job ? json_member_get_string(block_job, "device") : NULL;
        Job *job = id ? find_known_job(user_data, JOB_QMP, id) : NULL;
        if (job && job_info_is_paused(job_object_get_status(job->object)))
            job_object_set_hindrance(job->object, job_info_get_hindrance(block_job));
    }
}

/* QEMU does not tell by the status whether a user has paused a job or a disk has stopped it. */
static void
show_status(Job *job, const char *status)
{
    gboolean is_new = !g_str_equal(status, job_object_get_status(job->object));

    job_object_set_status(job->object, status);
    if (is_new && job_info_is_paused(status))
        job_queries_ask_why(job->jobs->queries);
    else if (is_new)
        job_object_set_hindrance(job->object, NULL);
}

/* Brings the object up to date. */
static void
show_job(Job *job, const JobInfo *info)
{
    if (info->type)
        job_object_set_job_type(job->object, info->type);
    if (info->status)
        show_status(job, info->status);
    if (info->waits)
        job_queries_ask_why(job->jobs->queries);
    if (info->has_progress)
        job_object_set_progress(job->object, info->current, info->total);
    if (info->has_outcome)
        set_job_outcome(job, info->error);
    if (*job_object_get_job_type(job->object) && (!job->has_outcome || job_object_has_finished(job->object)))
        job_object_publish(job->object);
}

/* Callers' replies wait until the type of a job that an event has told of is known. */
static Job *
add_from_event(Jobs *jobs, const char *id)
{
    Job *job = find_or_add_job(jobs, JOB_QMP, id);

    if (!job)
        return NULL;
    job_queries_ask(jobs->queries, JOB_QMP);
    qemu_connection_settle(vm_get_qemu(jobs->vm_context->vm));
    return job;
}

/* BLOCK_JOB_COMPLETED comes before the status `concluded`. Of other jobs than block jobs QEMU is asked how they have
 * ended. */
static void
hear_of_job(Jobs *jobs, const JobInfo *info)
{
    Job *job = find_known_job(jobs, JOB_QMP, info->id);
    const char *status = info->status ? info->status : "";
    gboolean is_gone = g_str_equal(status, "null");

    job_queries_doubt(jobs->queries, JOB_QMP);
    if (!job && *status && !is_gone)
        job = add_from_event(jobs, info->id);
    if (!job)
        return;
    if (is_gone) {
        finish_job_object(job);
        remove_job(job);
        return;
    }
    show_job(job, info);
    job->is_aborting |= g_str_equal(status, "aborting");
    if (g_str_equal(status, "concluded") && job->has_outcome)
        finish_job_object(job);
    else if (g_str_equal(status, "concluded"))
        job_queries_ask(jobs->queries, JOB_QMP);
}

/* The migration or the dump has ended, whether it had an object or not. */
static void
finish_only(Jobs *jobs, const JobInfo *info)
{
    Job *job = find_known_job(jobs, info->kind, info->id);

    jobs->has_begun[info->kind] = FALSE;
    job_queries_doubt(jobs->queries, info->kind);
    if (!job) {
        jobs->funcs.on_finished(info->kind, info->id, info->error, jobs->user_data);
        return;
    }
    show_job(job, info);
    finish_job_object(job);
    remove_job(job);
}

/* The migration or the dump. */
static void
hear_of_only(Jobs *jobs, const JobInfo *info)
{
    Job *job = info->has_ended ? NULL : find_or_add_job(jobs, info->kind, info->id);

    if (job) {
        show_job(job, info);
    } else if (info->has_outcome) {
        finish_only(jobs, info);
    } else if (info->has_ended) {
        jobs->has_begun[info->kind] = TRUE;
        job_queries_ask(jobs->queries, info->kind);
    }
}

/* QEMU tells of a dump's end alone, but the guest is stopped for it (`save-vm`), also where another program has begun it. Before its machine
 * is there, and while a migration is under way, QEMU does not agree to events. Called at each STOP as well: the guest may be stopped for the
 * next dump before QEMU was asked about its run state since the last one, and then the run state has not changed. */
void
jobs_status_changed(Jobs *jobs)
{
    if (!job_queries_has_events(jobs->queries))
        job_queries_ask_for_events(jobs->queries);
    if (g_str_equal(qemu_connection_get_status(vm_get_qemu(jobs->vm_context->vm)), "save-vm"))
        job_queries_ask(jobs->queries, JOB_DUMP);
}

void
jobs_event(Jobs *jobs, const QmpEvent *event)
{
    g_autoptr(JsonNode) data = NULL;
    JobInfo info;

    if (g_str_equal(event->name, "STOP"))
        jobs_status_changed(jobs);
    if (g_str_equal(event->name, "MIGRATION_PASS") && !find_known_job(jobs, JOB_MIGRATION, JOB_ID_MIGRATION))
        job_queries_ask(jobs->queries, JOB_MIGRATION);
    if (!job_info_has_event(event->name) || !event->data.text || event->data.length > MAX_EVENT)
        return;
    data = json_tree_parse(event->data.text, event->data.length, NULL);
    if (!data || !JSON_NODE_HOLDS_OBJECT(data) || !job_info_read_event(&info, event->name, json_node_get_object(data)))
        return;
    if (info.kind == JOB_QMP)
        hear_of_job(jobs, &info);
    else
        hear_of_only(jobs, &info);
}

static void
read_listed_job(Jobs *jobs, JsonObject *listed, gboolean is_latest)
{
    JobInfo info;
    gboolean is_new;
    Job *job;

    if (!job_info_read_answer(&info, JOB_QMP, listed))
        return;
    job = find_known_job(jobs, JOB_QMP, info.id);
    is_new = !job;
    if (is_new && is_latest)
        job = find_or_add_job(jobs, JOB_QMP, info.id);
    if (!job)
        return;
    job->is_listed = TRUE;
    if (!is_latest)
        job_info_withdraw_news(&info);
    if (is_new && info.has_outcome)
        job_object_set_finished(job->object, info.error);
    show_job(job, &info);
    if (job->has_outcome && info.has_outcome)
        finish_job_object(job);
}

/* QEMU lists every job that an event has told of: a job that is not listed has gone. */
static void
remove_unlisted(Jobs *jobs)
{
    for (GList *i = jobs->jobs.head, *next; i; i = next) {
        Job *job = i->data;
        next = i->next;
        if (job_object_get_kind(job->object) != JOB_QMP || job->is_listed)
            continue;
        set_job_outcome(job, "It has gone, and QEMU has not told how");
        finish_job_object(job);
        remove_job(job);
    }
}

static void
read_job_list(Jobs *jobs, JsonArray *list, gboolean is_latest)
{
    for (GList *i = jobs->jobs.head; i; i = i->next)
        ((Job *)i->data)->is_listed = FALSE;
    for (guint i = 0; i < json_array_get_length(list); i++) {
        JsonObject *listed = json_member_get_object_at(list, i);
        if (listed)
            read_listed_job(jobs, listed, is_latest);
    }
    if (is_latest)
        remove_unlisted(jobs);
}

/* Work that ended before the agent asked for it is of no interest. */
static void
read_only(Jobs *jobs, const JobInfo *info, gboolean is_latest)
{
    gboolean is_known = find_known_job(jobs, info->kind, info->id) != NULL;
    gboolean is_awaited = jobs->has_begun[info->kind] && is_latest;

    if (is_known || (is_latest && !info->has_ended) || is_awaited)
        hear_of_only(jobs, info);
    if (is_latest)
        jobs->has_begun[info->kind] = FALSE;
}

/* Callers' replies wait for the type of a job that was new, which the next answer brings. */
static void
hold_replies_for_types(Jobs *jobs)
{
    for (GList *i = jobs->jobs.head; i; i = i->next) {
        if (*job_object_get_job_type(((Job *)i->data)->object))
            continue;
        qemu_connection_settle(vm_get_qemu(jobs->vm_context->vm));
        return;
    }
}

static void
on_query_answer(JobKind kind, JsonNode *answer, gboolean is_latest, gpointer user_data)
{
    JobInfo info;

    if (kind == JOB_QMP)
        read_job_list(user_data, json_node_get_array(answer), is_latest);
    else if (job_info_read_answer(&info, kind, json_node_get_object(answer)))
        read_only(user_data, &info, is_latest);
    if (kind == JOB_QMP && !is_latest)
        hold_replies_for_types(user_data);
}

static gboolean
is_kind_under_way(Jobs *jobs, JobKind kind)
{
    for (GList *i = jobs->jobs.head; i; i = i->next) {
        Job *job = i->data;
        if (job_object_get_kind(job->object) == kind && !job_object_has_finished(job->object))
            return TRUE;
    }
    return FALSE;
}

/* A migration that QEMU tells nothing of is asked about in any case, or nobody would know that it has ended. */
static gboolean
is_kind_polled(JobKind kind, gboolean is_read, gpointer user_data)
{
    Jobs *jobs = user_data;

    if (!is_kind_under_way(jobs, kind) && !jobs->has_begun[kind])
        return FALSE;
    return is_read || jobs->funcs.is_watched(jobs->user_data) ||
           (kind == JOB_MIGRATION && !job_queries_has_events(jobs->queries));
}

static void
on_poll_due(JobKind kind, gpointer user_data)
{
    Jobs *jobs = user_data;

    job_queries_ask(jobs->queries, kind);
}

void
jobs_look(Jobs *jobs)
{
    job_poll_consider(jobs->poll);
}

void
jobs_command_done(Jobs *jobs, const char *command)
{
    JobKind kind;

    if (job_info_find_begun(command, &kind)) {
        jobs->has_begun[kind] = TRUE;
        job_queries_ask(jobs->queries, kind);
    }
    if (g_str_equal(command, "migrate-set-capabilities"))
        job_queries_ask_for_events(jobs->queries);
}

/* Work that a caller has begun is under way, though QEMU has told nothing of it: 7.2 has no word for a migration that
 * it listens for. */
gboolean
jobs_is_under_way(Jobs *jobs, JobKind kind, const char *id)
{
    Job *job = find_known_job(jobs, kind, id);

    return job ? !job_object_has_finished(job->object) : jobs->has_begun[kind];
}

Jobs *
jobs_new(VmContext *vm_context, const JobsFuncs *funcs, gpointer user_data)
{
    static const JobPollFuncs poll_funcs = { is_kind_polled, on_poll_due };
    Jobs *jobs = g_new0(Jobs, 1);

    jobs->vm_context = vm_context;
    jobs->funcs = *funcs;
    jobs->user_data = user_data;
    jobs->poll = job_poll_new(vm_context->context->host->context, &poll_funcs, jobs);
    jobs->queries = job_queries_new(vm_get_qemu(vm_context->vm), on_query_answer, on_hindrance, jobs);
    job_queries_ask_first(jobs->queries);
    return jobs;
}

void
jobs_unpublish(Jobs *jobs)
{
    for (GList *i = jobs->jobs.head; i; i = i->next)
        job_object_unpublish(((Job *)i->data)->object);
}

void
jobs_free(Jobs *jobs)
{
    job_poll_free(jobs->poll);
    job_queries_free(jobs->queries);
    while (jobs->jobs.head)
        remove_job(jobs->jobs.head->data);
    g_free(jobs);
}
