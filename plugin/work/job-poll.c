/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by jobs.c; owns its timer. */
#include "job-poll.h"

#include "timer.h"

#define POLL_INTERVAL ((gint64)G_TIME_SPAN_SECOND)

/* A caller who has read a property is taken to be looking for so long: a program that draws a bar reads more often. */
#define READER_PATIENCE (10 * G_TIME_SPAN_SECOND)

struct JobPoll {
    GMainContext *context; /* weak */
    JobPollFuncs funcs;
    gpointer user_data;
    GSource *timer; /* owned; while polling */
    gint64 read_at, polled_at; /* monotonic us; 0: never */
};

static gboolean
is_poll_wanted(JobPoll *poll, JobKind kind)
{
    gboolean is_read = poll->read_at && g_get_monotonic_time() - poll->read_at < READER_PATIENCE;

    return poll->funcs.is_wanted(kind, is_read, poll->user_data);
}

static gboolean
on_poll_time(gpointer user_data)
{
    JobPoll *poll = user_data;

    timer_stop(&poll->timer);
    poll->polled_at = g_get_monotonic_time();
    for (guint i = 0; i < N_JOB_KINDS; i++)
        if (is_poll_wanted(poll, (JobKind)i))
            poll->funcs.ask((JobKind)i, poll->user_data);
    job_poll_consider(poll);
    return G_SOURCE_REMOVE;
}

void
job_poll_consider(JobPoll *poll)
{
    gboolean is_needed = FALSE;
    gint64 due = poll->polled_at + POLL_INTERVAL - g_get_monotonic_time();

    for (guint i = 0; i < N_JOB_KINDS; i++)
        is_needed |= is_poll_wanted(poll, (JobKind)i);
    if (is_needed && !poll->timer)
        poll->timer = timer_start(poll->context, poll->polled_at && due > 0 ? (guint64)due : 0, on_poll_time, poll);
}

void
job_poll_note_read(JobPoll *poll)
{
    poll->read_at = g_get_monotonic_time();
    job_poll_consider(poll);
}

JobPoll *
job_poll_new(GMainContext *context, const JobPollFuncs *funcs, gpointer user_data)
{
    JobPoll *poll = g_new0(JobPoll, 1);

    poll->context = context;
    poll->funcs = *funcs;
    poll->user_data = user_data;
    return poll;
}

void
job_poll_free(JobPoll *poll)
{
    timer_stop(&poll->timer);
    g_free(poll);
}
