/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The slow work of one VM: its jobs, its migration and its dump, each an object on the bus for as long as QEMU has
 * it. */
#pragma once

#include "job-kind.h"
#include "qmp-message.h"
#include "vm-context.h"

/* Jobs of one VM that are followed. A backup of every disk of a large VM is some tens. */
#define JOBS_MAX 256u

typedef struct Jobs Jobs;

typedef struct JobsFuncs {
    /* A job, the migration or the dump has ended: well (@error is NULL), or not. Also work without an object, past
     * the cap. */
    void (*on_finished)(JobKind kind, const char *id, const char *error, gpointer user_data);
    /* Whether callers want to hear of progress, beside callers who read it. */
    gboolean (*is_watched)(gpointer user_data);
} JobsFuncs;

/* Finds the work that QEMU has already. Borrows @vm_context, which must outlive it. */
Jobs *jobs_new(VmContext *vm_context, const JobsFuncs *funcs, gpointer user_data);

/* The objects disappear. */
void jobs_unpublish(Jobs *jobs);
void jobs_free(Jobs *jobs);

/* QEMU said something. */
void jobs_event(Jobs *jobs, const QmpEvent *event);

/* The VM's run state has changed. */
void jobs_status_changed(Jobs *jobs);

/* A caller's command has succeeded: it may have begun work that no event tells of. */
void jobs_command_done(Jobs *jobs, const char *command);

/* A caller has begun to watch. */
void jobs_look(Jobs *jobs);

/* Whether there is such a piece of work that has not ended, as far as QEMU's words have been heard. */
gboolean jobs_is_under_way(Jobs *jobs, JobKind kind, const char *id);
