/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A job on the bus: the properties and the signal of org.qemu.Monitor1.Job. */
#pragma once

#include "job-kind.h"
#include "vm-context.h"

typedef struct JobObject JobObject;

extern const BusProperty job_object_properties[];

/* A caller has read the properties. Never called from inside a function of this file. */
typedef void (*JobReadFunc)(gpointer user_data);

/* The object is not on the bus before job_object_publish(). Borrows @vm_context. */
JobObject *job_object_new(VmContext *vm_context, JobKind kind, const char *id, JobReadFunc func, gpointer user_data);
void job_object_free(JobObject *job);

/* The object appears on the bus, if it has not yet. */
void job_object_publish(JobObject *job);

/* The object disappears from the bus, for good. */
void job_object_unpublish(JobObject *job);

JobKind job_object_get_kind(JobObject *job);
const char *job_object_get_id(JobObject *job);
const char *job_object_get_job_type(JobObject *job);
const char *job_object_get_status(JobObject *job);
VmContext *job_object_get_vm(JobObject *job);

/* Words of QEMU's; words that are longer than any of QEMU's are ignored. Changes are signalled. */
void job_object_set_job_type(JobObject *job, const char *type);
void job_object_set_status(JobObject *job, const char *status);
void job_object_set_progress(JobObject *job, guint64 current, guint64 total);

/* Why the job does not go on, though nobody has paused it: a disk has failed it; NULL: nothing hinders it. Until the
 * job has ended this is the property Error. */
void job_object_set_hindrance(JobObject *job, const char *text);

/* The job has ended: well (NULL), or with an error. The object appears on the bus, if it has not yet, and signals
 * Finished. */
void job_object_finish(JobObject *job, const char *error);
gboolean job_object_has_finished(JobObject *job);

/* The job had ended before it was known, so that there is nothing to signal. */
void job_object_set_finished(JobObject *job, const char *error);
