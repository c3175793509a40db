/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by jobs.c; owns nothing. */
#include "job-info.h"

#include "json-member.h"
#include "json-tree.h"

static void
set_progress(JobInfo *report, JsonObject *object, const char *current, const char *total)
{
    report->has_progress = TRUE;
    report->current = json_member_get_uint(object, current);
    report->total = json_member_get_uint(object, total);
}

static gboolean
read_job(JobInfo *report, JsonObject *listed)
{
    report->id = json_member_get_string(listed, "id");
    report->type = json_member_get_string(listed, "type");
    report->status = json_member_get_string(listed, "status");
    report->has_outcome = g_strcmp0(report->status, "concluded") == 0;
    report->error = json_member_get_string(listed, "error");
    set_progress(report, listed, "current-progress", "total-progress");
    return report->id && report->type && report->status;
}

/* Memory is what takes the time: what the guest has written to since it was sent counts as left. */
static void
read_ram(JobInfo *report, JsonObject *ram)
{
    guint64 left = json_member_get_uint(ram, "remaining");

    report->has_progress = TRUE;
    report->total = json_member_get_uint(ram, "total");
    report->current = left < report->total ? report->total - left : 0;
}

static void
set_migration_end(JobInfo *report, JsonObject *answer)
{
    const char *error = json_member_get_string(answer, "error-desc");

    report->has_ended = report->has_outcome = TRUE;
    if (g_str_equal(report->status, "cancelled"))
        report->error = "The migration was cancelled";
    else if (!g_str_equal(report->status, "completed"))
        report->error = error ? error : "The migration has failed";
}

/* Words that QEMU may have in the future tell of something under way. */
static gboolean
is_end(const char *status)
{
    static const char *const states[] = { "completed", "failed", "cancelled", NULL };

    return g_strv_contains(states, status);
}

/* Where there was never a migration, and in 7.2 also while one is listened for, the answer has no status: that tells of no
 * beginning and of no end. */
static gboolean
read_migration(JobInfo *report, JsonObject *answer)
{
    JsonObject *ram = json_member_get_object(answer, "ram");

    report->id = report->type = JOB_ID_MIGRATION;
    report->status = json_member_get_string(answer, "status");
    if (!report->status || g_str_equal(report->status, "none"))
        return FALSE;
    if (ram)
        read_ram(report, ram);
    if (is_end(report->status))
        set_migration_end(report, answer);
    return TRUE;
}

/* @outer: where an error stands. */
static gboolean
read_dump(JobInfo *report, JsonObject *answer, JsonObject *outer)
{
    const char *error = json_member_get_string(outer, "error");

    report->id = report->type = JOB_ID_DUMP;
    report->status = json_member_get_string(answer, "status");
    set_progress(report, answer, "completed", "total");
    if (!report->status || g_str_equal(report->status, "none"))
        return FALSE;
    report->has_ended = report->has_outcome = is_end(report->status);
    if (report->has_outcome && !g_str_equal(report->status, "completed"))
        report->error = error ? error : "The dump has failed";
    return TRUE;
}

gboolean
job_info_read_answer(JobInfo *report, JobKind kind, JsonObject *answer)
{
    *report = (JobInfo){ .kind = kind };
    switch (kind) {
    case JOB_QMP:
        return read_job(report, answer);
    case JOB_MIGRATION:
        return read_migration(report, answer);
    case JOB_DUMP:
        return read_dump(report, answer, answer);
    case N_JOB_KINDS:
        break;
    }
    g_return_val_if_reached(FALSE);
}

static gboolean
read_status_change(JobInfo *report, JsonObject *data)
{
    report->id = json_member_get_string(data, "id");
    report->status = json_member_get_string(data, "status");
    return report->id && report->status;
}

static gboolean
read_block_job(JobInfo *report, JsonObject *data)
{
    report->id = json_member_get_string(data, "device");
    report->type = json_member_get_string(data, "type");
    set_progress(report, data, "offset", "len");
    return report->id && report->type;
}

static gboolean
read_completed(JobInfo *report, JsonObject *data)
{
    report->has_outcome = TRUE;
    report->error = json_member_get_string(data, "error");
    return read_block_job(report, data);
}

/* QEMU's own text, which the event leaves out. */
static gboolean
read_cancelled(JobInfo *report, JsonObject *data)
{
    report->has_outcome = TRUE;
    report->error = "Operation canceled";
    return read_block_job(report, data);
}

/* QEMU stops the job, goes on, or gives up, as the job's policy has it. */
static gboolean
read_block_job_error(JobInfo *report, JsonObject *data)
{
    report->id = json_member_get_string(data, "device");
    report->waits = g_strcmp0(json_member_get_string(data, "action"), "stop") == 0;
    return report->id != NULL;
}

/* The last one says no more than that it has ended; why is to be asked. */
static gboolean
read_migration_event(JobInfo *report, JsonObject *data)
{
    report->kind = JOB_MIGRATION;
    report->id = report->type = JOB_ID_MIGRATION;
    report->status = json_member_get_string(data, "status");
    report->has_ended = report->status && is_end(report->status);
    return report->status != NULL;
}

static gboolean
read_dump_event(JobInfo *report, JsonObject *data)
{
    JsonObject *result = json_member_get_object(data, "result");

    report->kind = JOB_DUMP;
    return result && read_dump(report, result, data);
}

typedef gboolean (*ReadFunc)(JobInfo *report, JsonObject *data);

static ReadFunc
find_event(const char *event)
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
    return find_event(event) != NULL;
}

gboolean
job_info_read_event(JobInfo *report, const char *event, JsonObject *data)
{
    ReadFunc read = find_event(event);

    *report = (JobInfo){ .kind = JOB_QMP };
    return read && read(report, data);
}

void
job_info_withdraw_news(JobInfo *report)
{
    report->status = NULL;
    report->has_outcome = FALSE;
    report->error = NULL;
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
