/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asked by wait.c; owns nothing but constants. A command that is in no row has done all when it returns. */
#include "ending.h"

#include "qmp-entity.h"
#include "qmp-json.h"

/* An event that tells of an end, to those whose id it has. */
typedef struct Event {
    const char *name;
    const char *members[3]; /* whose value may be the id; NULL: it is nobody's in particular */
    EndingVerdict verdict;
    const char *text; /* of ENDING_BAD: the member that has QEMU's own; NULL: QEMU gives none */
} Event;

/* @arguments: an object without members where there are none. */
typedef EndingVerdict (*JudgeFunc)(JsonObject *arguments, JsonNode *answer);

struct Ending {
    const char *command;
    const char *condition; /* only if this argument is true; NULL: always */
    const char *ids[3]; /* arguments, the first of which that is there says what it is about */
    enum { NO_JOB, OF_JOB, OF_MIGRATION, OF_DUMP, OF_CONNECTION } of;
    gboolean is_any, leaves_jobs;
    const Event *events; /* ended by one without a name; NULL: none */
    const char *question; /* NULL: the run state, so that it is known */
    JudgeFunc judge; /* of the answer; NULL: it tells nothing */
};

/* A path is as good a name of a device as its id. */
static const Event device_events[] = {
    { "DEVICE_DELETED", { "device", "path" }, ENDING_GOOD, NULL },
    { "MEM_UNPLUG_ERROR", { "device" }, ENDING_BAD, "msg" },
    { "DEVICE_UNPLUG_GUEST_ERROR", { "device", "path" }, ENDING_BAD, NULL },
    { 0 },
};
static const Event export_events[] = { { "BLOCK_EXPORT_DELETED", { "id" }, ENDING_GOOD, NULL }, { 0 } };
static const Event tray_events[] = { { "DEVICE_TRAY_MOVED", { "id", "device" }, ENDING_OPEN, NULL }, { 0 } };
static const Event balloon_events[] = { { "BALLOON_CHANGE", { NULL }, ENDING_OPEN, NULL }, { 0 } };
static const Event run_events[] = {
    { "STOP", { NULL }, ENDING_OPEN, NULL },
    { "RESUME", { NULL }, ENDING_OPEN, NULL },
    { 0 },
};
static const Event off_events[] = { { "SHUTDOWN", { NULL }, ENDING_GOOD, NULL }, { 0 } };
static const Event wakeup_events[] = { { "WAKEUP", { NULL }, ENDING_GOOD, NULL }, { 0 } };

/* Where QEMU was told to end at a reset (`-action reboot=shutdown`), that is what a reset is. */
static const Event reset_events[] = {
    { "RESET", { NULL }, ENDING_GOOD, NULL },
    { "SHUTDOWN", { NULL }, ENDING_GOOD, NULL },
    { 0 },
};

static JsonObject *
get_object(JsonNode *answer)
{
    return JSON_NODE_HOLDS_OBJECT(answer) ? json_node_get_object(answer) : NULL;
}

static gboolean
is_running(JsonNode *answer)
{
    return get_object(answer) && qmp_entity_get_boolean(get_object(answer), "running");
}

static EndingVerdict
judge_running(JsonObject *arguments, JsonNode *answer)
{
    return is_running(answer) ? ENDING_GOOD : ENDING_OPEN;
}

static EndingVerdict
judge_stopped(JsonObject *arguments, JsonNode *answer)
{
    return is_running(answer) ? ENDING_OPEN : ENDING_GOOD;
}

/* A guest that is off already says nothing of it any more. */
static EndingVerdict
judge_off(JsonObject *arguments, JsonNode *answer)
{
    const char *status = get_object(answer) ? qmp_entity_get_string(get_object(answer), "status") : NULL;

    return g_strcmp0(status, "shutdown") == 0 ? ENDING_GOOD : ENDING_OPEN;
}

/* The guest gives and takes pages of 4 KiB. */
static EndingVerdict
judge_balloon(JsonObject *arguments, JsonNode *answer)
{
    guint64 wanted = qmp_entity_get_uint(arguments, "value"),
            actual = qmp_entity_get_uint(get_object(answer), "actual");

    return actual >= wanted && actual - wanted < 4096 ? ENDING_GOOD : ENDING_OPEN;
}

static gboolean
is_same(JsonObject *object, const char *name, JsonObject *other, const char *other_name)
{
    const char *value = qmp_entity_get_string(object, name);

    return value && g_strcmp0(value, qmp_entity_get_string(other, other_name)) == 0;
}

/* Where there is no tray, there is nothing to wait for. */
static EndingVerdict
judge_tray(JsonObject *arguments, JsonNode *answer)
{
    JsonArray *devices = JSON_NODE_HOLDS_ARRAY(answer) ? json_node_get_array(answer) : NULL;

    for (guint i = 0; devices && i < json_array_get_length(devices); i++) {
        JsonObject *device = qmp_entity_get_object_at(devices, i);
        if (!device || !(is_same(arguments, "id", device, "qdev") || is_same(arguments, "device", device, "device")))
            continue;
        return !json_object_has_member(device, "tray_open") || qmp_entity_get_boolean(device, "tray_open")
                   ? ENDING_GOOD
                   : ENDING_OPEN;
    }
    return ENDING_OPEN;
}

static const Ending rows[] = {
    { "balloon", .events = balloon_events, .question = "query-balloon", .judge = judge_balloon },
    { "block-commit", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "block-export-del", .ids = { "id" }, .events = export_events },
    { "block-job-cancel", .ids = { "device" }, .of = OF_JOB, .is_any = TRUE },
    { "block-job-complete", .ids = { "device" }, .of = OF_JOB },
    { "block-job-finalize", .ids = { "id" }, .of = OF_JOB },
    { "block-stream", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "blockdev-backup", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "blockdev-create", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
    { "blockdev-mirror", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "blockdev-open-tray", .ids = { "id", "device" }, .events = tray_events, .question = "query-block",
      .judge = judge_tray },
    { "cont", .events = run_events, .judge = judge_running },
    { "device_del", .ids = { "id" }, .events = device_events },
    { "drive-backup", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "drive-mirror", .ids = { "job-id", "device" }, .of = OF_JOB },
    { "dump-guest-memory", .condition = "detach", .of = OF_DUMP },
    { "job-cancel", .ids = { "id" }, .of = OF_JOB, .is_any = TRUE },
    { "job-complete", .ids = { "id" }, .of = OF_JOB },
    { "job-finalize", .ids = { "id" }, .of = OF_JOB },
    { "migrate", .of = OF_MIGRATION },
    { "migrate-continue", .of = OF_MIGRATION },
    { "migrate-incoming", .of = OF_MIGRATION },
    { "migrate_cancel", .of = OF_MIGRATION, .is_any = TRUE },
    { "nbd-server-remove", .ids = { "name" }, .events = export_events },
    { "quit", .of = OF_CONNECTION },
    { "snapshot-delete", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
    { "snapshot-load", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
    { "snapshot-save", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
    { "stop", .events = run_events, .judge = judge_stopped },
    { "system_powerdown", .events = off_events, .judge = judge_off },
    { "system_reset", .events = reset_events },
    { "system_wakeup", .events = wakeup_events },
    { "transaction", .ids = { "actions" }, .of = OF_JOB },
    { "x-blockdev-amend", .ids = { "job-id" }, .of = OF_JOB, .leaves_jobs = TRUE },
};

const Ending *
ending_find(const char *command, JsonNode *arguments)
{
    JsonObject *object = arguments ? json_node_get_object(arguments) : NULL;

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const Ending *row = &rows[i];
        if (!g_str_equal(row->command, command))
            continue;
        return !row->condition || (object && qmp_entity_get_boolean(object, row->condition)) ? row : NULL;
    }
    return NULL;
}

static void
add_id(GPtrArray *ids, const Ending *ending, JsonObject *arguments)
{
    for (guint i = 0; i < G_N_ELEMENTS(ending->ids) && ending->ids[i]; i++) {
        const char *id = qmp_entity_get_string(arguments, ending->ids[i]);
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
        JsonObject *action = qmp_entity_get_object_at(actions, i);
        const char *type = action ? qmp_entity_get_string(action, "type") : NULL;
        JsonNode *data = action ? json_object_get_member(action, "data") : NULL;
        const Ending *ending = type ? ending_find(type, NULL) : NULL;
        if (ending && ending->of == OF_JOB && data && JSON_NODE_HOLDS_OBJECT(data))
            add_id(ids, ending, json_node_get_object(data));
    }
}

GPtrArray *
ending_dup_ids(const Ending *ending, JsonNode *arguments)
{
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);
    JsonObject *object = arguments ? json_node_get_object(arguments) : NULL;

    if (ending->of == OF_MIGRATION)
        g_ptr_array_add(ids, g_strdup(JOB_ID_MIGRATION));
    else if (ending->of == OF_DUMP)
        g_ptr_array_add(ids, g_strdup(JOB_ID_DUMP));
    else if (object && g_strcmp0(ending->ids[0], "actions") == 0)
        add_ids_of_actions(ids, qmp_entity_get_array(object, "actions"));
    else if (object)
        add_id(ids, ending, object);
    return ids;
}

gboolean
ending_is_of_jobs(const Ending *ending, JobKind *ret_kind)
{
    if (ret_kind)
        *ret_kind = ending->of == OF_MIGRATION ? JOB_MIGRATION : ending->of == OF_DUMP ? JOB_DUMP : JOB_QMP;
    return ending->of == OF_JOB || ending->of == OF_MIGRATION || ending->of == OF_DUMP;
}

gboolean
ending_is_any(const Ending *ending)
{
    return ending->is_any;
}

gboolean
ending_leaves_jobs(const Ending *ending)
{
    return ending->leaves_jobs;
}

gboolean
ending_is_of_connection(const Ending *ending)
{
    return ending->of == OF_CONNECTION;
}

static const Event *
find_event(const Ending *ending, const char *name)
{
    for (const Event *event = ending->events; event && event->name; event++)
        if (g_str_equal(event->name, name))
            return event;
    return NULL;
}

gboolean
ending_hears(const Ending *ending, const char *event)
{
    return find_event(ending, event) != NULL;
}

static gboolean
is_about(const Event *event, const char *id, JsonObject *data)
{
    if (!event->members[0])
        return TRUE;
    for (guint i = 0; data && id && i < G_N_ELEMENTS(event->members) && event->members[i]; i++)
        if (g_strcmp0(qmp_entity_get_string(data, event->members[i]), id) == 0)
            return TRUE;
    return FALSE;
}

EndingVerdict
ending_judge_event(const Ending *ending, const char *id, const char *name, JsonObject *data, char **ret_error)
{
    const Event *event = find_event(ending, name);
    const char *text;

    if (!event || !is_about(event, id, data))
        return ENDING_OPEN;
    if (event->verdict != ENDING_BAD)
        return event->verdict;
    text = event->text ? qmp_entity_get_string(data, event->text) : NULL;
    *ret_error = text ? g_strdup(text) : g_strdup_printf("The guest has refused to give up '%s' (%s)", id, name);
    return ENDING_BAD;
}

const char *
ending_get_question(const Ending *ending)
{
    return ending->question ? ending->question : "query-status";
}

/* From 10.0 on a migration is `completed` some milliseconds before it is done with: meanwhile cont is refused, or
 * (11.1) accepted and lost. */
gboolean
ending_is_unsettled(const Ending *ending, JsonNode *answer)
{
    const char *status = get_object(answer) ? qmp_entity_get_string(get_object(answer), "status") : NULL;

    return ending->of == OF_MIGRATION && g_strcmp0(status, "finish-migrate") == 0;
}

EndingVerdict
ending_judge_answer(const Ending *ending, JsonNode *arguments, JsonNode *answer)
{
    g_autoptr(JsonObject) none = json_object_new();

    if (!ending->judge)
        return ENDING_OPEN;
    return ending->judge(arguments ? json_node_get_object(arguments) : none, answer);
}
