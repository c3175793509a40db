/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by jobs.c; owns nothing. */
#include "job-info.h"

#include "json-member.h"
#include "json-tree.h"

static void
set_progress(JobInfo *info, JsonObject *object, const char *current, const char *total)
{
    info->has_progress = TRUE;
    info->current = json_member_get_uint(object, current);
    info->total = json_member_get_uint(object, total);
}

static gboolean
read_job(JobInfo *info, JsonObject *listed)
{
    info->id = json_member_get_string(listed, "id");
    info->type = json_member_get_string(listed, "type");
    info->status = json_member_get_string(listed, "status");
    info->has_outcome = g_strcmp0(info->status, "concluded") == 0;
    info->error = json_member_get_string(listed, "error");
    set_progress(info, listed, "current-progress", "total-progress");
    return info->id && info->type && info->status;
}

/* Progress is counted in memory, which takes the time: pages that the guest has written to since they were sent count
 * as left. */
static void
read_ram(JobInfo *info, JsonObject *ram)
{
    guint64 left = json_member_get_uint(ram, "remaining");

    info->has_progress = TRUE;
    info->total = json_member_get_uint(ram, "total");
    info->current = left < info->total ? info->total - left : 0;
}

static void
set_migration_end(JobInfo *info, JsonObject *answer)
{
    const char *error = json_member_get_string(answer, "error-desc");

    info->has_ended = info->has_outcome = TRUE;
    if (g_str_equal(info->status, "cancelled"))
        info->error = "The migration was cancelled";
    else if (!g_str_equal(info->status, "completed"))
        info->error = error ? error : "The migration has failed";
}

/* Words that QEMU may have in the future tell of something under way. */
static gboolean
is_end_status(const char *status)
{
    static const char *const states[] = { "completed", "failed", "cancelled", NULL };

    return g_strv_contains(states, status);
}

/* The answer has no status where there was never a migration, and in 7.2 also while QEMU listens for one: it tells of
 * no beginning and of no end. */
static gboolean
read_migration(JobInfo *info, JsonObject *answer)
{
    JsonObject *ram = json_member_get_object(answer, "ram");

    info->id = info->type = JOB_ID_MIGRATION;
    info->status = json_member_get_string(answer, "status");
    if (!info->status || g_str_equal(info->status, "none"))
        return FALSE;
    if (ram)
        read_ram(info, ram);
    if (is_end_status(info->status))
        set_migration_end(info, answer);
    return TRUE;
}

/* @outer: has the error, if any. */
static gboolean
read_dump(JobInfo *info, JsonObject *answer, JsonObject *outer)
{
    const char *error = json_member_get_string(outer, "error");

    info->id = info->type = JOB_ID_DUMP;
    info->status = json_member_get_string(answer, "status");
    set_progress(info, answer, "completed", "total");
    if (!info->status || g_str_equal(info->status, "none"))
        return FALSE;
    info->has_ended = info->has_outcome = is_end_status(info->status);
    if (info->has_outcome && !g_str_equal(info->status, "completed"))
        info->error = error ? error : "The dump has failed";
    return TRUE;
}

gboolean
job_info_read_answer(JobInfo *info, JobKind kind, JsonObject *answer)
{
    *info = (JobInfo){ .kind = kind };
    switch (kind) {
    case JOB_QMP:
        return read_job(info, answer);
    case JOB_MIGRATION:
        return read_migration(info, answer);
    case JOB_DUMP:
        return read_dump(info, answer, answer);
    case N_JOB_KINDS:
        break;
    }
    g_return_val_if_reached(FALSE);
}

static gboolean
read_status_change(JobInfo *info, JsonObject *data)
{
    info->id = json_member_get_string(data, "id");
    info->status = json_member_get_string(data, "status");
    return info->id && info->status;
}

static gboolean
read_block_job(JobInfo *info, JsonObject *data)
{
    info->id = json_member_get_string(data, "device");
    info->type = json_member_get_string(data, "type");
    set_progress(info, data, "offset", "len");
    return info->id && info->type;
}

static gboolean
read_completed(JobInfo *info, JsonObject *data)
{
    info->has_outcome = TRUE;
    info->error = json_member_get_string(data, "error");
    return read_block_job(info, data);
}

/* QEMU's own text of the error, which the event leaves out. */
static gboolean
read_cancelled(JobInfo *info, JsonObject *data)
{
    info->has_outcome = TRUE;
    info->error = "Operation canceled";
    return read_block_job(info, data);
}

/* QEMU stops the job, goes on, or gives up, as the job's policy has it. */
static gboolean
read_block_job_error(JobInfo *info, JsonObject *data)
{
    info->id = json_member_get_string(data, "device");
    info->waits = g_strcmp0(json_member_get_string(data, "action"), "stop") == 0;
    return info->id != NULL;
}

/* The last event says no more than that the migration has ended; QEMU is to be asked why. */
static gboolean
read_migration_event(JobInfo *info, JsonObject *data)
{
    info->kind = JOB_MIGRATION;
    info->id = info->type = JOB_ID_MIGRATION;
    info->status = json_member_get_string(data, "status");
    info->has_ended = info->status && is_end_status(info->status);
    return info->status != NULL;
}

static gboolean
read_dump_event(JobInfo *info, JsonObject *data)
{
    JsonObject *result = json_member_get_object(data, "result");

    info->kind = JOB_DUMP;
    return result && read_dump(info, result, data);
}

typedef gboolean (*ReadFunc)(JobInfo *info, JsonObject *data);

static ReadFunc
find_event_reader(const char *event)
{
    static const struct {
        const char *name;
        ReadFunc read;
    } rows[] = {
        { "JOB_STATUS_CHANGE", read_status_change }, { "BLOCK_JOB_READY", read_block_job },
        { "BLOCK_JOB_COMPLETED", read_completed },   { "BLOCK_JOB_CANCELLED", read_cancelled },
        { "MIGRATION", read_migration_event },       { "DUMP_COMPLETED", read_dump_event },
        { "BLOCK_JOB_ERROR", read_block_job_error },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        if (g_str_equal(rows[i].name, event))
            return rows[i].read;
    return NULL;
}

const char *
job_info_get_hindrance(JsonObject *block_job)
{
    static const struct {
        const char *status, *text;
    } rows[] = {
        { "nospace", "It waits: no space is left on a disk. It goes on when it is resumed" },
        { "failed", "It waits: a disk has failed. It goes on when it is resumed" },
    };
    const char *status = json_member_get_string(block_job, "io-status");

    for (guint i = 0; status && i < G_N_ELEMENTS(rows); i++)
        if (g_str_equal(rows[i].status, status))
            return rows[i].text;
    return NULL;
}

gboolean
job_info_is_paused(const char *status)
{
    return g_str_equal(status, "paused") || g_str_equal(status, "standby");
}

gboolean
job_info_has_event(const char *event)
{
    return find_event_reader(event) != NULL;
}

gboolean
job_info_read_event(JobInfo *info, const char *event, JsonObject *data)
{
    ReadFunc read = find_event_reader(event);

    *info = (JobInfo){ .kind = JOB_QMP };
    return read && read(info, data);
}

void
job_info_withdraw_news(JobInfo *info)
{
    info->status = NULL;
    info->has_outcome = FALSE;
    info->error = NULL;
}

gboolean
job_info_find_begun(const char *command, JobKind *ret_kind)
{
    static const struct {
        const char *command;
        JobKind kind;
    } rows[] = {
        { "dump-guest-memory", JOB_DUMP },
        { "migrate", JOB_MIGRATION },
        { "migrate-incoming", JOB_MIGRATION },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (!g_str_equal(command, rows[i].command))
            continue;
        *ret_kind = rows[i].kind;
        return TRUE;
    }
    return FALSE;
}
