/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What one VM has under way, and who waits for it: jobs.c and execute-and-wait-list.c, who tell each other what they hear. */
#pragma once

#include "vm-context.h"

typedef struct Work Work;

/* @has_audience: whether somebody beside those who wait wants to hear of progress. Borrows @vm_context, which must outlive it. */
typedef gboolean (*WorkAudienceFunc)(VmContext *vm_context);
Work *work_new(VmContext *vm_context, WorkAudienceFunc has_audience);

/* The VM is going: the objects of its jobs disappear. */
void work_unpublish(Work *work);

/* After work_unpublish(), and when every SchemaWait and SessionTicket of the VM has been told: those that wait still are
 * answered. */
void work_free(Work *work);

/* A call of ExecuteAndWait, of whose arguments the XML has made sure; consumed. */
void work_execute_and_wait(Work *work, BusCall *call);

/* QEMU said something. */
void work_event(Work *work, const QmpEvent *event);

/* Somebody has begun to listen. */
void work_look(Work *work);

/* The caller has left; what they have begun goes on. */
void work_drop_caller(Work *work, const char *unique_name);
