/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by completion-table.c; owns nothing. */
#include "completion-judge.h"

#include <string.h>

#include "job-info.h"
#include "json-member.h"

/* Bytes: guests give and take whole pages. */
#define BALLOON_PAGE 4096

static JsonObject *
get_answer_object(JsonNode *answer)
{
    return answer && JSON_NODE_HOLDS_OBJECT(answer) ? json_node_get_object(answer) : NULL;
}

static JsonArray *
get_answer_array(JsonNode *answer)
{
    return answer && JSON_NODE_HOLDS_ARRAY(answer) ? json_node_get_array(answer) : NULL;
}

static guint
count_elements(JsonNode *answer)
{
    return get_answer_array(answer) ? json_array_get_length(get_answer_array(answer)) : 0;
}

static gboolean
is_member_true(JsonNode *answer, const char *member)
{
    return get_answer_object(answer) && json_member_get_boolean(get_answer_object(answer), member);
}

static const char *
get_status_word(JsonNode *answer)
{
    const char *status =
        get_answer_object(answer) ? json_member_get_string(get_answer_object(answer), "status") : NULL;

    return status ? status : "";
}

static gboolean
is_status_one_of(const char *const *words, JsonNode *answer)
{
    return g_strv_contains(words, get_status_word(answer));
}

/* QEMU has signalled RESUME before it returned, if the VM did run. A disk that failed again, a guest that sleeps or another
 * caller's stop may have been faster than the question. */
CompletionVerdict
completion_judge_running(const CompletionCase *item, JsonNode *answer, char **ret_error)
{
    if (is_member_true(answer, "running"))
        return COMPLETION_GOOD;
    *ret_error = g_strdup_printf("cont was accepted, but the VM does not run: it is %s", get_status_word(answer));
    return COMPLETION_BAD;
}

CompletionVerdict
completion_judge_stopped(const CompletionCase *item, JsonNode *answer, char **ret_error)
{
    if (get_answer_object(answer) && !is_member_true(answer, "running"))
        return COMPLETION_GOOD;
    *ret_error = g_strdup_printf("stop was accepted, but the VM has been resumed: it is %s", get_status_word(answer));
    return COMPLETION_BAD;
}

/* A guest that is off already says nothing of it any more. */
CompletionVerdict
completion_judge_off(const CompletionCase *item, JsonNode *answer, char **ret_error)
{
    return g_str_equal(get_status_word(answer), "shutdown") ? COMPLETION_GOOD : COMPLETION_OPEN;
}

/* QEMU counts the memory that the VM was started with, and memory modules; no NVDIMM, and no virtio-mem (which
 * "plugged-memory" includes). 0: QEMU has not told. */
static guint64
compute_memory(const CompletionCase *item)
{
    guint64 memory = json_member_get_uint(get_answer_object(item->facts[0]), "base-memory");

    for (guint i = 0; memory > 0 && i < count_elements(item->facts[1]); i++) {
        JsonObject *device = json_member_get_object_at(get_answer_array(item->facts[1]), i);
        if (device && g_strcmp0(json_member_get_string(device, "type"), "dimm") == 0)
            memory += json_member_get_uint(json_member_get_object(device, "data"), "size");
    }
    return memory;
}

/* QEMU cuts a target above the guest's memory to that, in silence. */
CompletionVerdict
completion_judge_balloon(const CompletionCase *item, JsonNode *answer, char **ret_error)
{
    guint64 memory = compute_memory(item), wanted = json_member_get_uint(item->arguments, "value"),
            actual = json_member_get_uint(get_answer_object(answer), "actual");

    if (memory > 0)
        wanted = MIN(wanted, memory);
    return actual >= wanted && actual - wanted < BALLOON_PAGE ? COMPLETION_GOOD : COMPLETION_OPEN;
}

/* QEMU 11.1 says `unstarted` until the thread that measures has begun; each version forgets an older result before it
 * returns. */
CompletionVerdict
completion_judge_dirty_rate(const CompletionCase *item, JsonNode *answer, char **ret_error)
{
    static const char *const under_way[] = { "unstarted", "measuring", NULL };

    if (g_str_equal(get_status_word(answer), "measured"))
        return COMPLETION_GOOD;
    if (is_status_one_of(under_way, answer))
        return COMPLETION_OPEN;
    *ret_error = g_strdup_printf("The measurement has come to nothing: it is %s", get_status_word(answer));
    return COMPLETION_BAD;
}

/* NULL: the job is no block job, or has gone. */
static JsonObject *
find_block_job(const CompletionCase *item, JsonNode *answer)
{
    for (guint i = 0; i < count_elements(answer); i++) {
        JsonObject *job = json_member_get_object_at(get_answer_array(answer), i);
        if (job && g_strcmp0(json_member_get_string(job, "device"), item->id) == 0)
            return job;
    }
    return NULL;
}

/* `paused` says whether the job was last told to pause, and `status` what it does. Jobs that are no block jobs are judged by
 * their events. */
CompletionVerdict
completion_judge_paused(const CompletionCase *item, JsonNode *answer, char **ret_error)
{
    static const char *const busy[] = { "created", "running", "ready", NULL };
    JsonObject *job = find_block_job(item, answer);
    const char *status = job ? json_member_get_string(job, "status") : NULL;

    if (!job)
        return item->has_turned ? COMPLETION_GOOD : COMPLETION_OPEN;
    if (!status || !g_strv_contains(busy, status))
        return COMPLETION_GOOD;
    if (json_member_get_boolean(job, "paused"))
        return COMPLETION_OPEN;
    *ret_error = g_strdup_printf("job-pause was accepted, but '%s' has been resumed", item->id);
    return COMPLETION_BAD;
}

/* A disk that has failed a job may fail it again at once. */
CompletionVerdict
completion_judge_resumed(const CompletionCase *item, JsonNode *answer, char **ret_error)
{
    JsonObject *job = find_block_job(item, answer);
    const char *status = job ? json_member_get_string(job, "status") : NULL, *hindrance;

    if (!job)
        return item->has_turned ? COMPLETION_GOOD : COMPLETION_OPEN;
    if (!status || !job_info_is_paused(status))
        return COMPLETION_GOOD;
    if (!item->has_turned || !json_member_get_boolean(job, "paused"))
        return COMPLETION_OPEN;
    hindrance = job_info_get_hindrance(job);
    *ret_error = g_strdup_printf("job-resume was accepted, but '%s' is paused again%s%s", item->id,
                                 hindrance ? ". " : "", hindrance ? hindrance : "");
    return COMPLETION_BAD;
}

/* QEMU takes a path with empty parts as one without. */
static gboolean
is_same_path(const char *a, const char *b)
{
    for (;;) {
        while (a[0] == '/' && (a[1] == '/' || !a[1]))
            a++;
        while (b[0] == '/' && (b[1] == '/' || !b[1]))
            b++;
        if (*a != *b)
            return FALSE;
        if (!*a)
            return TRUE;
        a++;
        b++;
    }
}

/* The last part of a path is the id, where a device has one. */
gboolean
completion_is_device(const char *name, const char *known)
{
    gsize length = strlen(name);
    const char *base;

    if (*known == '/')
        return is_same_path(name, known);
    while (length > 0 && name[length - 1] == '/')
        length--;
    for (base = name + length; base > name && base[-1] != '/';)
        base--;
    return strlen(known) == (gsize)(name + length - base) && strncmp(base, known, strlen(known)) == 0;
}

static JsonObject *
find_drive(const CompletionCase *item, JsonNode *answer)
{
    gboolean is_by_id = json_object_has_member(item->arguments, "id");

    for (guint i = 0; i < count_elements(answer); i++) {
        JsonObject *drive = json_member_get_object_at(get_answer_array(answer), i);
        const char *known = drive ? json_member_get_string(drive, is_by_id ? "qdev" : "device") : NULL;
        if (known && item->id && completion_is_device(item->id, known))
            return drive;
    }
    return NULL;
}

/* A drive without a tray has nothing to open. */
CompletionVerdict
completion_judge_tray(const CompletionCase *item, JsonNode *answer, char **ret_error)
{
    JsonObject *drive = find_drive(item, answer);

    if (drive && json_object_has_member(drive, "tray_open") && !json_member_get_boolean(drive, "tray_open"))
        return COMPLETION_OPEN;
    if (drive)
        return COMPLETION_GOOD;
    *ret_error = g_strdup_printf("The tray of '%s' was to be opened, but that device has gone", item->id);
    return COMPLETION_BAD;
}

CompletionVerdict
completion_judge_migration_paused(const CompletionCase *item, JsonNode *answer, char **ret_error)
{
    static const char *const ends[] = { "", "none", "completed", "failed", "cancelled", NULL };

    if (g_str_equal(get_status_word(answer), "postcopy-paused"))
        return COMPLETION_GOOD;
    if (!is_status_one_of(ends, answer))
        return COMPLETION_OPEN;
    *ret_error = g_strdup_printf("The migration has ended before it was paused: it is %s", get_status_word(answer));
    return COMPLETION_BAD;
}

/* A migration that goes out is being cancelled when QEMU returns; a migration that comes in is not, though QEMU takes
 * the command. */
CompletionVerdict
completion_judge_cancelled(const CompletionCase *item, JsonNode *answer, char **ret_error)
{
    static const char *const ending[] = { "cancelling", "cancelled", "completed", "failed", NULL };

    if (is_status_one_of(ending, item->facts[0]))
        return COMPLETION_OPEN;
    *ret_error = g_strdup("migrate_cancel was accepted, but ends no migration that comes in");
    return COMPLETION_BAD;
}

/* A stop beforehand may be somebody's, or a breakpoint that has replaced this one. */
CompletionVerdict
completion_judge_replay(const CompletionCase *item, JsonNode *answer, char **ret_error)
{
    guint64 wanted = json_member_get_uint(item->arguments, "icount"),
            reached = json_member_get_uint(get_answer_object(answer), "icount");

    if (!item->has_turned)
        return COMPLETION_OPEN;
    if (reached >= wanted)
        return COMPLETION_GOOD;
    *ret_error = g_strdup_printf("The replay was stopped at instruction %" G_GUINT64_FORMAT, reached);
    return COMPLETION_BAD;
}
