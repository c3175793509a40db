/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls of ExecuteAndWait() that wait at one VM. */
#pragma once

#include "wait.h"

typedef struct Waits Waits;

/* Borrows both, which must outlive it. */
Waits *waits_new(VmContext *vm_context, Jobs *jobs);

/* The VM has gone, and every SchemaWait and SessionTicket of it has been told: those that wait still are answered. */
void waits_free(Waits *waits);

/* As wait_start(); fails the call where too many wait already. */
void waits_execute(Waits *waits, BusCall *call, const char *command, JsonNode *arguments, gsize size,
                   const WaitOptions *options);

/* QEMU said something, which jobs_event() has been told. */
void waits_event(Waits *waits, const QmpEvent *event);

/* As JobsFuncs.on_finished. */
void waits_job_finished(Waits *waits, JobKind kind, const char *id, const char *error);

/* As SessionsDoneFunc. */
void waits_command_done(Waits *waits, const char *command);

/* Whether anybody waits. */
gboolean waits_is_busy(Waits *waits);

/* The caller has left; what they have begun goes on. */
void waits_drop_caller(Waits *waits, const char *unique_name);
