/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QEMU's words about slow work, in one form: an entry of query-jobs, the answers to query-migrate and query-dump, and
 * the data of events. */
#pragma once

#include <json-glib/json-glib.h>

#include "job-kind.h"

/* All strings are borrowed from the JSON that was read; NULL where it does not say. */
typedef struct JobInfo {
    JobKind kind;
    const char *id;
    const char *type; /* of a job of QEMU's */
    const char *status;
    gboolean has_progress;
    guint64 current, total;
    gboolean has_ended; /* the migration or the dump is not under way, or never was */
    gboolean waits; /* a job of QEMU's: a disk has failed it, and it was stopped */
    gboolean has_outcome; /* the job ends, or has ended, with: */
    const char *error; /* NULL: well */
} JobInfo;

/* Reads an entry of query-jobs, or the answer to the question about that kind. FALSE: it makes no sense. */
gboolean job_info_read_answer(JobInfo *info, JobKind kind, JsonObject *answer);

/* Why a job does not go on that nobody has paused, by its entry in query-block-jobs; a constant. NULL: nothing hinders it. */
const char *job_info_get_hindrance(JsonObject *block_job);

/* Whether such a job does nothing at present. */
gboolean job_info_is_paused(const char *status);

/* Whether an event of that name is about slow work. */
gboolean job_info_has_event(const char *event);

/* Reads the data of such an event. FALSE: the event is about no slow work. */
gboolean job_info_read_event(JobInfo *info, const char *event, JsonObject *data);

/* QEMU makes up an answer some time before it sends it, and may tell of events meanwhile: takes out of an answer what events
 * tell sooner. */
void job_info_withdraw_news(JobInfo *info);

/* Whether a command that has succeeded may have begun work that no event tells of, and of which kind. */
gboolean job_info_find_begun(const char *command, JobKind *ret_kind);
