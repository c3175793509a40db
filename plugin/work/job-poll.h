/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decides when QEMU is asked for the numbers of slow work: once a second at most, while a caller may be looking. */
#pragma once

#include "job-kind.h"

#include <glib.h>

typedef struct JobPoll JobPoll;

typedef struct JobPollFuncs {
    /* Whether work of that kind is under way whose numbers a caller wants; @is_read: a caller has read some of late. */
    gboolean (*is_wanted)(JobKind kind, gboolean is_read, gpointer user_data);
    /* Has QEMU asked about that kind. From the main context. */
    void (*ask)(JobKind kind, gpointer user_data);
} JobPollFuncs;

JobPoll *job_poll_new(GMainContext *context, const JobPollFuncs *funcs, gpointer user_data);
void job_poll_free(JobPoll *poll);

/* The answer of is_wanted() may have changed. */
void job_poll_consider(JobPoll *poll);

/* A caller has read a number. */
void job_poll_note_read(JobPoll *poll);
