/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls of ExecuteAndWait() that wait at one VM: how many there may be, and who tells them of events, jobs and
 * commands. */
#pragma once

#include "execute-and-wait.h"
#include "qmp-message.h"

typedef struct ExecuteAndWaitList ExecuteAndWaitList;

/* Borrows both, which must outlive it. */
ExecuteAndWaitList *execute_and_wait_list_new(VmContext *vm_context, Jobs *jobs);

/* The VM has gone, and every SchemaWait and SessionTicket of it has been told: the calls that still wait are
 * answered. */
void execute_and_wait_list_free(ExecuteAndWaitList *list);

/* Reads the `options` of ExecuteAndWait(). */
gboolean execute_and_wait_list_read_options(DBusMessageIter *iter, ExecuteAndWaitOptions *options, GError **error);

/* As execute_and_wait_start(); fails the call where too many wait already. */
void execute_and_wait_list_start(ExecuteAndWaitList *list, BusCall *call, const char *command, JsonNode *arguments,
                                 gsize size, const ExecuteAndWaitOptions *options);

/* QEMU said something, which jobs_event() has been told. */
void execute_and_wait_list_note_event(ExecuteAndWaitList *list, const QmpEvent *event);

/* As JobsFuncs.on_finished. */
void execute_and_wait_list_note_job(ExecuteAndWaitList *list, JobKind kind, const char *id, const char *error);

/* As SessionsDoneFunc. */
void execute_and_wait_list_note_command(ExecuteAndWaitList *list, const char *command);

/* Whether no call waits. */
gboolean execute_and_wait_list_is_empty(ExecuteAndWaitList *list);

/* The caller has left; the work that their commands began goes on. */
void execute_and_wait_list_drop_caller(ExecuteAndWaitList *list, const char *unique_name);
