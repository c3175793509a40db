/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asks one QEMU about its slow work, by the control monitor: one query for all jobs, one for the migration, one for
 * the dump, each under way once at most. */
#pragma once

#include <json-glib/json-glib.h>

#include "job-kind.h"
#include "qemu-connection.h"

typedef struct JobQueries JobQueries;

/* QEMU has answered query-jobs (@answer: an array), query-migrate or query-dump (an object). @is_latest: the query
 * was sent after the last job_queries_ask() and job_queries_doubt(). Never from inside those. */
typedef void (*JobAnswerFunc)(JobKind kind, JsonNode *answer, gboolean is_latest, gpointer user_data);

/* QEMU has answered query-block-jobs (an array), which says why jobs do not go on. */
typedef void (*JobHindranceFunc)(JsonNode *answer, gpointer user_data);

/* Borrows @qemu, which is up and must outlive it. */
JobQueries *job_queries_new(QemuConnection *qemu, JobAnswerFunc func, JobHindranceFunc hindrance_func,
                            gpointer user_data);
void job_queries_free(JobQueries *queries);

/* Asks about @kind; where that query is under way already, once more after it. An error of QEMU's brings no answer. */
void job_queries_ask(JobQueries *queries, JobKind kind);

/* Asks about the work that may be under way when the agent comes; of a storage daemon's about its jobs alone. */
void job_queries_ask_first(JobQueries *queries);

/* Asks why jobs do not go on, in the same way as job_queries_ask(). */
void job_queries_ask_why(JobQueries *queries);

/* QEMU has told of something: the answer to a query that is under way may be older, and the query is sent once more. */
void job_queries_doubt(JobQueries *queries, JobKind kind);

/* Has QEMU tell of migrations by events, which it does not by itself. Whether it has agreed to. */
void job_queries_ask_for_events(JobQueries *queries);
gboolean job_queries_has_events(JobQueries *queries);
