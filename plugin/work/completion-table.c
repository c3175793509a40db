/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asked by completion.c and execute-and-wait.c; owns nothing but constants. A command that is in no row has done all when
 * it returns, or begins work whose end nobody can see (announce-self, send-key): tests/test-endings-table.py holds the
 * decision for every command of QEMU 7.2, 10.0 and 11.1.
 *
 * A call waits for ever, while QEMU lives, only for the guest or for the user who runs the job. An error of QEMU's to the
 * row's question ends the call with that error. Why each command ends:
 *
 *   stop, cont            QEMU signals STOP and RESUME before it returns: the first run state that it tells decides, also
 *                         where it is another one by then
 *   system_reset          QEMU's main loop does it, also while the guest is paused; QEMU signals SHUTDOWN where a reset is
 *                         to end it
 *   system_wakeup         QEMU's main loop does it; QEMU refuses it where the guest is awake
 *   quit                  the connection ends
 *   calc-dirty-rate       QEMU measures for the time it was given; no event tells of the end, so QEMU is asked
 *   job-pause, -resume    a job pauses between two of its steps; a job that is resumed, or paused, meanwhile is an error, a
 *                         job that has gone has paused. QEMU is asked again, for a job that is told both in one step
 *                         signals neither
 *   migrate-pause         the migration pauses or ends; QEMU is asked again
 *   migrate_cancel        a migration that goes out is `cancelling` at once; with one that comes in QEMU does nothing,
 *                         which is an error
 *   replay-seek           the VM stops at the instruction, or before (an error), or QEMU ends with the log
 *   x-colo-lost-heartbeat QEMU signals COLO_EXIT, and refuses the command where there is no COLO
 *   block-export-del, nbd-server-remove   QEMU lets its clients go
 *   blockdev-open-tray    a tray that opens and closes again has opened (the event says so); a device that has gone is an
 *                         error
 *   jobs, migrations and dumps   a job without an id of its own has the name that QEMU gives it while the command runs; work that
 *                         was never seen is an error (completion.c); a mirror that is ready, a job that
 *                         waits for its disk and a migration that waits to be continued are left to their user
 *   balloon               the guest's memory is the limit, if more was wanted; another balloon command is an error, and so
 *                         is a device that has gone; how fast, and whether, is for the guest
 *   device_del, system_powerdown, a tray that is locked: for the guest */
#include "completion-table.h"

#include "json-member.h"

/* The news of an event, for a row whose answer decides: the end has come, or has been undone. */
typedef enum EventTurn { TURN_NONE, TURN_THERE, TURN_BACK } EventTurn;

/* An event that tells of the end of commands about the same id. */
typedef struct Event {
    const char *name;
    /* Members of its data whose value may be the id; NULL: every command of the row hears of it. */
    const char *members[3];
    CompletionVerdict verdict;
    const char *text; /* of COMPLETION_BAD: the member that has QEMU's own; NULL: QEMU gives none */
    const char *condition; /* only if this member of the data is true, or has one of the values; NULL: always */
    const char *const *values; /* NULL: true */
    EventTurn turn;
} Event;

struct CompletionRow {
    const char *command;
    const char *condition; /* only if this argument is true; NULL: always */
    /* Arguments; the first of them that is given is the id of the device, job … that the command is about. */
    const char *ids[3];
    enum { NO_JOB, OF_JOB, OF_MIGRATION, OF_DUMP, OF_CONNECTION } of;
    gboolean is_any, leaves_jobs;
    const Event *events; /* ended by one without a name; NULL: none */
    /* Commands that ask for CompletionCase.facts, sent once, before @question. */
    const char *facts[COMPLETION_MAX_FACTS];
    const char *question; /* NULL: the run state, so that it is known */
    CompletionJudgeFunc judge; /* of the answer; NULL: it tells nothing. Of jobs: only while they are under way */
    gboolean is_polled; /* events do not tell all, so that QEMU is asked again and again */
    gboolean returns_answer; /* the caller gets the last answer, which says more than the command's own */
    gboolean is_superseded; /* by the same command of somebody else */
};

/* Callers may name a device by its path as well as by its id. */
static const Event device_events[] = {
    { "DEVICE_DELETED", { "device", "path" }, .verdict = COMPLETION_GOOD },
    { "MEM_UNPLUG_ERROR", { "device" }, .verdict = COMPLETION_BAD, .text = "msg" },
    { "DEVICE_UNPLUG_GUEST_ERROR", { "device", "path" }, .verdict = COMPLETION_BAD },
    { 0 },
};
static const Event export_events[] = { { "BLOCK_EXPORT_DELETED", { "id" }, .verdict = COMPLETION_GOOD }, { 0 } };
static const Event tray_events[] = {
    { "DEVICE_TRAY_MOVED", { "id", "device" }, .verdict = COMPLETION_GOOD, .condition = "tray-open" },
    { "DEVICE_DELETED", .verdict = COMPLETION_OPEN },
    { 0 },
};
/* Where the device has gone, the question has an error for its answer. */
static const Event balloon_events[] = {
    { "BALLOON_CHANGE", .verdict = COMPLETION_OPEN },
    { "DEVICE_DELETED", .verdict = COMPLETION_OPEN },
    { 0 },
};
static const Event off_events[] = { { "SHUTDOWN", .verdict = COMPLETION_GOOD }, { 0 } };
static const Event wakeup_events[] = { { "WAKEUP", .verdict = COMPLETION_GOOD }, { 0 } };
static const Event colo_events[] = { { "COLO_EXIT", .verdict = COMPLETION_GOOD }, { 0 } };
static const Event replay_events[] = { { "STOP", .turn = TURN_THERE }, { "RESUME", .turn = TURN_BACK }, { 0 } };

/* A job that is about to end does nothing more, and is not paused any more either. */
static const char *const resting[] = {
    "paused", "standby", "waiting", "pending", "aborting", "concluded", "null", NULL
};
static const char *const resumed[] = {
    "running", "ready", "waiting", "pending", "aborting", "concluded", "null", NULL
};
static const Event pause_events[] = {
    { "JOB_STATUS_CHANGE", { "id" }, .condition = "status", .values = resting, .turn = TURN_THERE },
    { 0 },
};
static const Event resume_events[] = {
    { "JOB_STATUS_CHANGE", { "id" }, .condition = "status", .values = resumed, .turn = TURN_THERE },
    { 0 },
};

/* Where QEMU was told to end at a reset (`-action reboot=shutdown`), that is what a reset is. */
static const Event reset_events[] = {
    { "RESET", .verdict = COMPLETION_GOOD },
    { "SHUTDOWN", .verdict = COMPLETION_GOOD },
    { 0 },
};

static const CompletionRow rows[] = {
    { "balloon", .events = balloon_events, .facts = { "query-memory-size-summary", "query-memory-devices" },
      .question = "query-balloon", .judge = completion_judge_balloon, .returns_answer = TRUE, .is_superseded = TRUE },
    { "block-commit", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "block-export-del", .ids = { "id" }, .events = export_events },
    { "block-job-cancel", .ids = { "device" }, .of = OF_JOB, .is_any = TRUE },
    { "block-job-complete", .ids = { "device" }, .of = OF_JOB },
    { "block-job-finalize", .ids = { "id" }, .of = OF_JOB },
    { "block-job-pause", .ids = { "device" }, .events = pause_events, .question = "query-block-jobs",
      .judge = completion_judge_paused, .is_polled = TRUE },
    { "block-job-resume", .ids = { "device" }, .events = resume_events, .question = "query-block-jobs",
      .judge = completion_judge_resumed, .is_polled = TRUE },
    { "block-stream", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "blockdev-backup", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "blockdev-create", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
    { "blockdev-mirror", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "blockdev-open-tray", .ids = { "id", "device" }, .events = tray_events, .question = "query-block",
      .judge = completion_judge_tray },
    { "calc-dirty-rate", .question = "query-dirty-rate", .judge = completion_judge_dirty_rate, .is_polled = TRUE,
      .returns_answer = TRUE },
    { "cont", .judge = completion_judge_running },
    { "device_del", .ids = { "id" }, .events = device_events },
    { "drive-backup", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "drive-mirror", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "dump-guest-memory", .condition = "detach", .of = OF_DUMP },
    { "job-cancel", .ids = { "id" }, .of = OF_JOB, .is_any = TRUE },
    { "job-complete", .ids = { "id" }, .of = OF_JOB },
    { "job-finalize", .ids = { "id" }, .of = OF_JOB },
    { "job-pause", .ids = { "id" }, .events = pause_events, .question = "query-block-jobs",
      .judge = completion_judge_paused, .is_polled = TRUE },
    { "job-resume", .ids = { "id" }, .events = resume_events, .question = "query-block-jobs",
      .judge = completion_judge_resumed, .is_polled = TRUE },
    { "migrate", .of = OF_MIGRATION },
    { "migrate-continue", .of = OF_MIGRATION },
    { "migrate-incoming", .of = OF_MIGRATION },
    { "migrate-pause", .question = "query-migrate", .judge = completion_judge_migration_paused, .is_polled = TRUE },
    { "migrate-recover", .of = OF_MIGRATION },
    { "migrate-start-postcopy", .of = OF_MIGRATION },
    { "migrate_cancel", .of = OF_MIGRATION, .is_any = TRUE, .facts = { "query-migrate" },
      .judge = completion_judge_cancelled },
    { "nbd-server-remove", .ids = { "name" }, .events = export_events },
    { "quit", .of = OF_CONNECTION },
    { "replay-seek", .events = replay_events, .question = "query-replay", .judge = completion_judge_replay },
    { "snapshot-delete", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
    { "snapshot-load", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
    { "snapshot-save", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
    { "stop", .judge = completion_judge_stopped },
    { "system_powerdown", .events = off_events, .judge = completion_judge_off },
    { "system_reset", .events = reset_events },
    { "system_wakeup", .events = wakeup_events },
    { "transaction", .ids = { "actions" }, .of = OF_JOB },
    { "x-blockdev-amend", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
    { "x-colo-lost-heartbeat", .events = colo_events },
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
free_completion_id(gpointer data)
{
    g_free(((CompletionId *)data)->id);
    g_free(data);
}

static void
add_id(GPtrArray *ids, const char *id, gboolean is_of_device)
{
    CompletionId *added = g_new(CompletionId, 1);

    *added = (CompletionId){ g_strdup(id), is_of_device };
    g_ptr_array_add(ids, added);
}

static void
add_target_id(GPtrArray *ids, const CompletionRow *row, JsonObject *arguments)
{
    for (guint i = 0; i < G_N_ELEMENTS(row->ids) && row->ids[i]; i++) {
        const char *id = json_member_get_string(arguments, row->ids[i]);
        if (!id)
            continue;
        add_id(ids, id, /* is_of_device= */ i > 0 && g_str_equal(row->ids[0], "job-id"));
        return;
    }
}

/* Adds the id of each action that begins a job. */
static void
add_ids_of_actions(GPtrArray *ids, JsonArray *actions)
{
    for (guint i = 0; actions && i < json_array_get_length(actions); i++) {
        JsonObject *action = json_member_get_object_at(actions, i);
        const char *type = action ? json_member_get_string(action, "type") : NULL;
        JsonNode *data = action ? json_object_get_member(action, "data") : NULL;
        const CompletionRow *row = type ? completion_table_find(type, NULL) : NULL;
        if (row && row->of == OF_JOB && data && JSON_NODE_HOLDS_OBJECT(data))
            add_target_id(ids, row, json_node_get_object(data));
    }
}

GPtrArray *
completion_table_dup_ids(const CompletionRow *row, JsonNode *arguments)
{
    GPtrArray *ids = g_ptr_array_new_with_free_func(free_completion_id);
    JsonObject *object = arguments ? json_node_get_object(arguments) : NULL;

    if (row->of == OF_MIGRATION)
        add_id(ids, JOB_ID_MIGRATION, /* is_of_device= */ FALSE);
    else if (row->of == OF_DUMP)
        add_id(ids, JOB_ID_DUMP, /* is_of_device= */ FALSE);
    else if (object && g_strcmp0(row->ids[0], "actions") == 0)
        add_ids_of_actions(ids, json_member_get_array(object, "actions"));
    else if (object)
        add_target_id(ids, row, object);
    return ids;
}

gboolean
completion_table_is_of_jobs(const CompletionRow *row, JobKind *ret_kind)
{
    if (ret_kind)
        *ret_kind = row->of == OF_MIGRATION ? JOB_MIGRATION : row->of == OF_DUMP ? JOB_DUMP : JOB_QMP;
    return row->of == OF_JOB || row->of == OF_MIGRATION || row->of == OF_DUMP;
}

gboolean
completion_table_is_any(const CompletionRow *row)
{
    return row->is_any;
}

gboolean
completion_table_leaves_jobs(const CompletionRow *row)
{
    return row->leaves_jobs;
}

gboolean
completion_table_is_of_connection(const CompletionRow *row)
{
    return row->of == OF_CONNECTION;
}

gboolean
completion_table_is_judged(const CompletionRow *row)
{
    return row->judge != NULL;
}

gboolean
completion_table_hears(const CompletionRow *row, const char *event)
{
    for (const Event *i = row->events; i && i->name; i++)
        if (g_str_equal(i->name, event))
            return TRUE;
    return FALSE;
}

static gboolean
is_event_about(const Event *event, const char *id, JsonObject *data)
{
    if (!event->members[0])
        return TRUE;
    for (guint i = 0; data && id && i < G_N_ELEMENTS(event->members) && event->members[i]; i++) {
        const char *known = json_member_get_string(data, event->members[i]);
        if (known && completion_is_device(id, known))
            return TRUE;
    }
    return FALSE;
}

static gboolean
meets_condition(const Event *event, JsonObject *data)
{
    const char *value;

    if (!event->condition)
        return TRUE;
    if (!data || !event->values)
        return data && json_member_get_boolean(data, event->condition);
    value = json_member_get_string(data, event->condition);
    return value && g_strv_contains(event->values, value);
}

static const Event *
find_row_event(const CompletionRow *row, const char *id, const char *name, JsonObject *data)
{
    for (const Event *event = row->events; event && event->name; event++)
        if (g_str_equal(event->name, name) && is_event_about(event, id, data) && meets_condition(event, data))
            return event;
    return NULL;
}

CompletionVerdict
completion_table_judge_event(const CompletionRow *row, const char *id, const char *name, JsonObject *data,
                             gboolean *has_turned, char **ret_error)
{
    const Event *event = find_row_event(row, id, name, data);
    const char *text;

    if (!event)
        return COMPLETION_OPEN;
    if (event->turn != TURN_NONE)
        *has_turned = event->turn == TURN_THERE;
    if (event->verdict != COMPLETION_BAD)
        return event->verdict;
    text = event->text ? json_member_get_string(data, event->text) : NULL;
    *ret_error = text ? g_strdup(text) : g_strdup_printf("The guest has refused to give up '%s' (%s)", id, name);
    return COMPLETION_BAD;
}

const char *
completion_table_get_question(const CompletionRow *row)
{
    return row->question ? row->question : "query-status";
}

const char *
completion_table_get_fact(const CompletionRow *row, guint i)
{
    return i < G_N_ELEMENTS(row->facts) ? row->facts[i] : NULL;
}

gboolean
completion_table_is_polled(const CompletionRow *row)
{
    return row->is_polled;
}

gboolean
completion_table_returns_answer(const CompletionRow *row)
{
    return row->returns_answer;
}

gboolean
completion_table_is_superseded(const CompletionRow *row, const char *command)
{
    return row->is_superseded && g_str_equal(row->command, command);
}

/* From 10.0 on a migration is `completed` some milliseconds before it is done with: meanwhile cont is refused, or
 * (11.1) accepted and lost. */
gboolean
completion_table_is_unsettled(const CompletionRow *row, JsonNode *answer)
{
    const char *status =
        JSON_NODE_HOLDS_OBJECT(answer) ? json_member_get_string(json_node_get_object(answer), "status") : NULL;

    return row->of == OF_MIGRATION && g_strcmp0(status, "finish-migrate") == 0;
}

CompletionVerdict
completion_table_judge_answer(const CompletionRow *row, const CompletionCase *item, JsonNode *answer, char **ret_error)
{
    return row->judge ? row->judge(item, answer, ret_error) : COMPLETION_OPEN;
}
