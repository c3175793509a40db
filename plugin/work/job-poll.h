/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When the numbers of slow work are asked for: once a second at most, while somebody may be looking. */
#pragma once

#include "job-kind.h"

#include <glib.h>

typedef struct JobPoll JobPoll;

typedef struct JobPollFuncs {
    /* Whether work of that kind is under way whose numbers somebody wants; @is_read: somebody has read some of late. */
    gboolean (*is_wanted)(JobKind kind, gboolean is_read, gpointer user_data);
    /* It is time to ask. From the main context. */
    void (*ask)(JobKind kind, gpointer user_data);
} JobPollFuncs;

JobPoll *job_poll_new(GMainContext *context, const JobPollFuncs *funcs, gpointer user_data);
void job_poll_free(JobPoll *poll);

/* Something has changed of what is wanted. */
void job_poll_consider(JobPoll *poll);

/* Somebody has read a number. */
void job_poll_note_read(JobPoll *poll);
