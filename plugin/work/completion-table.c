/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asked by wait.c; owns nothing but constants. A command that is in no row has done all when it returns, or begins what
 * nobody can see the end of (announce-self, send-key, replay-seek): tests/test-endings-table.py holds the decision for every
 * command of QEMU 7.2, 10.0 and 11.1.
 *
 * No row waits for ever while QEMU lives, but for what the guest, or whoever runs the job, decides. Why each one ends:
 *
 *   stop, cont            QEMU signals STOP and RESUME before it returns: the first run state asked for is the outcome, also
 *                         where it is another one by then
 *   system_reset          is done by QEMU's main loop, also while the guest is paused; SHUTDOWN where a reset is one
 *   quit                  the connection ends
 *   calc-dirty-rate       QEMU measures for the time it was given; nothing tells of the end, so it is asked
 *   job-pause, -resume    a job does so between two of its steps; one that has gone will do as well
 *   block-export-del, nbd-server-remove   QEMU lets its clients go
 *   blockdev-open-tray    a tray that opens and closes again has opened (the event says so); a device that has gone is an error
 *   jobs, migrations and dumps   those of which nothing was ever seen are an error (completion.c); a mirror that is ready, a
 *                         job that waits for its disk, a migration that waits to be continued: for whoever runs them
 *   device_del, system_powerdown, system_wakeup, balloon, a tray that is locked: for the guest */
#include "completion-table.h"

#include <string.h>

#include "json-member.h"
#include "json-tree.h"

/* An event that tells of an end, to those whose id it has. */
typedef struct Event {
    const char *name;
    const char *members[3]; /* whose value may be the id; NULL: it is nobody's in particular */
    CompletionVerdict verdict;
    const char *text; /* of COMPLETION_BAD: the member that has QEMU's own; NULL: QEMU gives none */
    const char *condition; /* only if this member is true; NULL: always */
} Event;

/* What an answer is judged by. */
typedef struct Question {
    JsonObject *arguments; /* of the command; without members where there are none */
    const char *id; /* the first thing that it is about; NULL: none */
    JsonNode *limit; /* QEMU's answer to the first question; NULL: there was none */
} Question;

/* @ret_error: of COMPLETION_BAD, owned by the caller. */
typedef CompletionVerdict (*JudgeFunc)(const Question *question, JsonNode *answer, char **ret_error);

struct CompletionRow {
    const char *command;
    const char *condition; /* only if this argument is true; NULL: always */
    const char *ids[3]; /* arguments, the first of which that is there says what it is about */
    enum { NO_JOB, OF_JOB, OF_MIGRATION, OF_DUMP, OF_CONNECTION } of;
    gboolean is_any, leaves_jobs;
    const Event *events; /* ended by one without a name; NULL: none */
    const char *first_question; /* asked once; what the answer limits; NULL: nothing */
    const char *question; /* NULL: the run state, so that it is known */
    JudgeFunc judge; /* of the answer; NULL: it tells nothing */
    gboolean is_polled; /* no event tells: QEMU is asked again and again */
    gboolean returns_answer; /* the caller gets the last answer, which says more than the command's own */
    gboolean is_superseded; /* by the same command of somebody else */
};

/* A path is as good a name of a device as its id. */
static const Event device_events[] = {
    { "DEVICE_DELETED", { "device", "path" }, .verdict = COMPLETION_GOOD },
    { "MEM_UNPLUG_ERROR", { "device" }, .verdict = COMPLETION_BAD, .text = "msg" },
    { "DEVICE_UNPLUG_GUEST_ERROR", { "device", "path" }, .verdict = COMPLETION_BAD },
    { 0 },
};
static const Event export_events[] = { { "BLOCK_EXPORT_DELETED", { "id" }, .verdict = COMPLETION_GOOD }, { 0 } };
static const Event tray_events[] = {
    { "DEVICE_TRAY_MOVED", { "id", "device" }, .verdict = COMPLETION_GOOD, .condition = "tray-open" },
    { 0 },
};
static const Event job_events[] = { { "JOB_STATUS_CHANGE", { "id" }, .verdict = COMPLETION_OPEN }, { 0 } };
static const Event balloon_events[] = { { "BALLOON_CHANGE", .verdict = COMPLETION_OPEN }, { 0 } };
static const Event off_events[] = { { "SHUTDOWN", .verdict = COMPLETION_GOOD }, { 0 } };
static const Event wakeup_events[] = { { "WAKEUP", .verdict = COMPLETION_GOOD }, { 0 } };

/* Where QEMU was told to end at a reset (`-action reboot=shutdown`), that is what a reset is. */
static const Event reset_events[] = {
    { "RESET", .verdict = COMPLETION_GOOD },
    { "SHUTDOWN", .verdict = COMPLETION_GOOD },
    { 0 },
};

static JsonObject *
get_object(JsonNode *answer)
{
    return JSON_NODE_HOLDS_OBJECT(answer) ? json_node_get_object(answer) : NULL;
}

/* Of an answer to query-status. */
static const char *
get_status(JsonNode *answer)
{
    const char *status = get_object(answer) ? json_member_get_string(get_object(answer), "status") : NULL;

    return status ? status : "";
}

/* QEMU has signalled RESUME before it returned, if the VM did run: a disk that failed again, a guest that sleeps or somebody's
 * stop may have been faster than the question. */
static CompletionVerdict
judge_running(const Question *question, JsonNode *answer, char **ret_error)
{
    if (get_object(answer) && json_member_get_boolean(get_object(answer), "running"))
        return COMPLETION_GOOD;
    *ret_error = g_strdup_printf("cont was accepted, but the VM does not run: it is %s", get_status(answer));
    return COMPLETION_BAD;
}

static CompletionVerdict
judge_stopped(const Question *question, JsonNode *answer, char **ret_error)
{
    if (get_object(answer) && !json_member_get_boolean(get_object(answer), "running"))
        return COMPLETION_GOOD;
    *ret_error = g_strdup_printf("stop was accepted, but the VM has been resumed: it is %s", get_status(answer));
    return COMPLETION_BAD;
}

/* A guest that is off already says nothing of it any more. */
static CompletionVerdict
judge_off(const Question *question, JsonNode *answer, char **ret_error)
{
    return g_str_equal(get_status(answer), "shutdown") ? COMPLETION_GOOD : COMPLETION_OPEN;
}

/* QEMU cuts a target above the guest's memory to that, in silence. The guest gives and takes pages of 4 KiB. */
static CompletionVerdict
judge_balloon(const Question *question, JsonNode *answer, char **ret_error)
{
    JsonObject *sizes = question->limit ? get_object(question->limit) : NULL;
    guint64 memory = json_member_get_uint(sizes, "base-memory") + json_member_get_uint(sizes, "plugged-memory"),
            wanted = json_member_get_uint(question->arguments, "value"),
            actual = json_member_get_uint(get_object(answer), "actual");

    if (memory > 0)
        wanted = MIN(wanted, memory);
    return actual >= wanted && actual - wanted < 4096 ? COMPLETION_GOOD : COMPLETION_OPEN;
}

/* 11.1 says `unstarted` until the thread that measures has begun; each version forgets an older result before it returns. */
static CompletionVerdict
judge_dirty_rate(const Question *question, JsonNode *answer, char **ret_error)
{
    if (g_str_equal(get_status(answer), "measured"))
        return COMPLETION_GOOD;
    if (g_str_equal(get_status(answer), "measuring") || g_str_equal(get_status(answer), "unstarted"))
        return COMPLETION_OPEN;
    *ret_error = g_strdup_printf("The measurement has come to nothing: it is %s", get_status(answer));
    return COMPLETION_BAD;
}

/* Of an answer to query-jobs. NULL: there is no such job. */
static const char *
find_job_status(const Question *question, JsonNode *answer)
{
    JsonArray *jobs = JSON_NODE_HOLDS_ARRAY(answer) ? json_node_get_array(answer) : NULL;

    for (guint i = 0; jobs && i < json_array_get_length(jobs); i++) {
        JsonObject *job = json_member_get_object_at(jobs, i);
        if (job && g_strcmp0(json_member_get_string(job, "id"), question->id) == 0)
            return json_member_get_string(job, "status");
    }
    return NULL;
}

/* A job that is ready for its end is `standby` when it pauses. */
static gboolean
is_paused(const char *status)
{
    return g_str_equal(status, "paused") || g_str_equal(status, "standby");
}

/* A job that has gone, or is about to, does nothing more either. */
static CompletionVerdict
judge_paused(const Question *question, JsonNode *answer, char **ret_error)
{
    static const char *const busy[] = { "created", "running", "ready", NULL };
    const char *status = find_job_status(question, answer);

    return status && g_strv_contains(busy, status) ? COMPLETION_OPEN : COMPLETION_GOOD;
}

static CompletionVerdict
judge_resumed(const Question *question, JsonNode *answer, char **ret_error)
{
    const char *status = find_job_status(question, answer);

    return status && is_paused(status) ? COMPLETION_OPEN : COMPLETION_GOOD;
}

static gboolean
is_same(JsonObject *object, const char *name, JsonObject *other, const char *other_name)
{
    const char *value = json_member_get_string(object, name);

    return value && g_strcmp0(value, json_member_get_string(other, other_name)) == 0;
}

/* query-block has a device by its id, or else by its path; a caller may name either. */
static gboolean
is_device(const Question *question, JsonObject *device)
{
    const char *id = json_member_get_string(question->arguments, "id"),
               *known = json_member_get_string(device, "qdev");
    const char *base = id ? strrchr(id, '/') : NULL;

    return is_same(question->arguments, "id", device, "qdev") ||
           is_same(question->arguments, "device", device, "device") || (base && g_strcmp0(base + 1, known) == 0);
}

/* Where there is no tray, there is nothing to wait for. */
static CompletionVerdict
judge_tray(const Question *question, JsonNode *answer, char **ret_error)
{
    JsonArray *devices = JSON_NODE_HOLDS_ARRAY(answer) ? json_node_get_array(answer) : NULL;

    for (guint i = 0; devices && i < json_array_get_length(devices); i++) {
        JsonObject *device = json_member_get_object_at(devices, i);
        if (!device || !is_device(question, device))
            continue;
        return !json_object_has_member(device, "tray_open") || json_member_get_boolean(device, "tray_open")
                   ? COMPLETION_GOOD
                   : COMPLETION_OPEN;
    }
    if (!devices)
        return COMPLETION_OPEN;
    *ret_error = g_strdup_printf("The tray of '%s' was to be opened, but that device has gone", question->id);
    return COMPLETION_BAD;
}

static const CompletionRow rows[] = {
    { "balloon", .events = balloon_events, .first_question = "query-memory-size-summary", .question = "query-balloon",
      .judge = judge_balloon, .returns_answer = TRUE, .is_superseded = TRUE },
    { "block-commit", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "block-export-del", .ids = { "id" }, .events = export_events },
    { "block-job-cancel", .ids = { "device" }, .of = OF_JOB, .is_any = TRUE },
    { "block-job-complete", .ids = { "device" }, .of = OF_JOB },
    { "block-job-finalize", .ids = { "id" }, .of = OF_JOB },
    { "block-job-pause", .ids = { "device" }, .events = job_events, .question = "query-jobs", .judge = judge_paused },
    { "block-job-resume", .ids = { "device" }, .events = job_events, .question = "query-jobs",
      .judge = judge_resumed },
    { "block-stream", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "blockdev-backup", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "blockdev-create", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
    { "blockdev-mirror", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "blockdev-open-tray", .ids = { "id", "device" }, .events = tray_events, .question = "query-block",
      .judge = judge_tray },
    { "calc-dirty-rate", .question = "query-dirty-rate", .judge = judge_dirty_rate, .is_polled = TRUE,
      .returns_answer = TRUE },
    { "cont", .judge = judge_running },
    { "device_del", .ids = { "id" }, .events = device_events },
    { "drive-backup", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "drive-mirror", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "dump-guest-memory", .condition = "detach", .of = OF_DUMP },
    { "job-cancel", .ids = { "id" }, .of = OF_JOB, .is_any = TRUE },
    { "job-complete", .ids = { "id" }, .of = OF_JOB },
    { "job-finalize", .ids = { "id" }, .of = OF_JOB },
    { "job-pause", .ids = { "id" }, .events = job_events, .question = "query-jobs", .judge = judge_paused },
    { "job-resume", .ids = { "id" }, .events = job_events, .question = "query-jobs", .judge = judge_resumed },
    { "migrate", .of = OF_MIGRATION },
    { "migrate-continue", .of = OF_MIGRATION },
    { "migrate-incoming", .of = OF_MIGRATION },
    { "migrate-recover", .of = OF_MIGRATION },
    { "migrate-start-postcopy", .of = OF_MIGRATION },
    { "migrate_cancel", .of = OF_MIGRATION, .is_any = TRUE },
    { "nbd-server-remove", .ids = { "name" }, .events = export_events },
    { "quit", .of = OF_CONNECTION },
    { "snapshot-delete", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
    { "snapshot-load", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
    { "snapshot-save", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
    { "stop", .judge = judge_stopped },
    { "system_powerdown", .events = off_events, .judge = judge_off },
    { "system_reset", .events = reset_events },
    { "system_wakeup", .events = wakeup_events },
    { "transaction", .ids = { "actions" }, .of = OF_JOB },
    { "x-blockdev-amend", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
};

const CompletionRow *
completion_table_find(const char *command, JsonNode *arguments)
{
    JsonObject *object = arguments ? json_node_get_object(arguments) : NULL;

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const CompletionRow *row = &rows[i];
        if (!g_str_equal(row->command, command))
            continue;
        return !row->condition || (object && json_member_get_boolean(object, row->condition)) ? row : NULL;
    }
    return NULL;
}

static void
add_id(GPtrArray *ids, const CompletionRow *ending, JsonObject *arguments)
{
    for (guint i = 0; i < G_N_ELEMENTS(ending->ids) && ending->ids[i]; i++) {
        const char *id = json_member_get_string(arguments, ending->ids[i]);
        if (!id)
            continue;
        g_ptr_array_add(ids, g_strdup(id));
        return;
    }
}

/* Those of its members that begin a job. */
static void
add_ids_of_actions(GPtrArray *ids, JsonArray *actions)
{
    for (guint i = 0; actions && i < json_array_get_length(actions); i++) {
        JsonObject *action = json_member_get_object_at(actions, i);
        const char *type = action ? json_member_get_string(action, "type") : NULL;
        JsonNode *data = action ? json_object_get_member(action, "data") : NULL;
        const CompletionRow *ending = type ? completion_table_find(type, NULL) : NULL;
        if (ending && ending->of == OF_JOB && data && JSON_NODE_HOLDS_OBJECT(data))
            add_id(ids, ending, json_node_get_object(data));
    }
}

GPtrArray *
completion_table_dup_ids(const CompletionRow *ending, JsonNode *arguments)
{
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    JsonObject *object = arguments ? json_node_get_object(arguments) : NULL;

    if (ending->of == OF_MIGRATION)
        g_ptr_array_add(ids, g_strdup(JOB_ID_MIGRATION));
    else if (ending->of == OF_DUMP)
        g_ptr_array_add(ids, g_strdup(JOB_ID_DUMP));
    else if (object && g_strcmp0(ending->ids[0], "actions") == 0)
        add_ids_of_actions(ids, json_member_get_array(object, "actions"));
    else if (object)
        add_id(ids, ending, object);
    return ids;
}

gboolean
completion_table_is_of_jobs(const CompletionRow *ending, JobKind *ret_kind)
{
    if (ret_kind)
        *ret_kind = ending->of == OF_MIGRATION ? JOB_MIGRATION : ending->of == OF_DUMP ? JOB_DUMP : JOB_QMP;
    return ending->of == OF_JOB || ending->of == OF_MIGRATION || ending->of == OF_DUMP;
}

gboolean
completion_table_is_any(const CompletionRow *ending)
{
    return ending->is_any;
}

gboolean
completion_table_leaves_jobs(const CompletionRow *ending)
{
    return ending->leaves_jobs;
}

gboolean
completion_table_is_of_connection(const CompletionRow *ending)
{
    return ending->of == OF_CONNECTION;
}

static const Event *
find_event(const CompletionRow *ending, const char *name)
{
    for (const Event *event = ending->events; event && event->name; event++)
        if (g_str_equal(event->name, name))
            return event;
    return NULL;
}

gboolean
completion_table_hears(const CompletionRow *ending, const char *event)
{
    return find_event(ending, event) != NULL;
}

static gboolean
is_about(const Event *event, const char *id, JsonObject *data)
{
    if (!event->members[0])
        return TRUE;
    for (guint i = 0; data && id && i < G_N_ELEMENTS(event->members) && event->members[i]; i++)
        if (g_strcmp0(json_member_get_string(data, event->members[i]), id) == 0)
            return TRUE;
    return FALSE;
}

CompletionVerdict
completion_table_judge_event(const CompletionRow *ending, const char *id, const char *name, JsonObject *data,
                             char **ret_error)
{
    const Event *event = find_event(ending, name);
    const char *text;

    if (!event || !is_about(event, id, data) || (event->condition && !json_member_get_boolean(data, event->condition)))
        return COMPLETION_OPEN;
    if (event->verdict != COMPLETION_BAD)
        return event->verdict;
    text = event->text ? json_member_get_string(data, event->text) : NULL;
    *ret_error = text ? g_strdup(text) : g_strdup_printf("The guest has refused to give up '%s' (%s)", id, name);
    return COMPLETION_BAD;
}

const char *
completion_table_get_question(const CompletionRow *ending)
{
    return ending->question ? ending->question : "query-status";
}

const char *
completion_table_get_first_question(const CompletionRow *ending)
{
    return ending->first_question;
}

gboolean
completion_table_is_polled(const CompletionRow *ending)
{
    return ending->is_polled;
}

gboolean
completion_table_returns_answer(const CompletionRow *ending)
{
    return ending->returns_answer;
}

gboolean
completion_table_is_superseded(const CompletionRow *ending, const char *command)
{
    return ending->is_superseded && g_str_equal(ending->command, command);
}

/* From 10.0 on a migration is `completed` some milliseconds before it is done with: meanwhile cont is refused, or
 * (11.1) accepted and lost. */
gboolean
completion_table_is_unsettled(const CompletionRow *ending, JsonNode *answer)
{
    return ending->of == OF_MIGRATION && g_str_equal(get_status(answer), "finish-migrate");
}

CompletionVerdict
completion_table_judge_answer(const CompletionRow *ending, const char *id, JsonNode *arguments, JsonNode *limit,
                              JsonNode *answer, char **ret_error)
{
    g_autoptr(JsonObject) none = json_object_new();
    Question question = { arguments ? json_node_get_object(arguments) : none, id, limit };

    return ending->judge ? ending->judge(&question, answer, ret_error) : COMPLETION_OPEN;
}
