/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions on their way to polkit: a caller's one after another, one dialog at a time for a caller and an action. */
#pragma once

#include "authority.h"
#include "policy-request.h"

typedef struct PolicyQueue PolicyQueue;
typedef struct PolicyEntry PolicyEntry; /* a question that has not been answered */

/* Borrows @authority. */
PolicyQueue *policy_queue_new(GMainContext *context, Authority *authority);

/* All questions must have been answered or left. */
void policy_queue_free(PolicyQueue *queue);

/* Exactly once unless left; from the main context, never from inside policy_queue_join() or policy_entry_leave(). @why:
 * NULL: all is allowed; otherwise what stands against it, and @code says of what kind that is. The place is gone when
 * this returns. */
typedef void (*PolicyQueueFunc)(BusErrorCode code, const char *why, gpointer user_data);

/* Stands in line with @request, which is borrowed until it is answered or left. Fails with BUS_ERROR_LIMITS_EXCEEDED where
 * too much waits already. */
PolicyEntry *policy_queue_join(PolicyQueue *queue, const PolicyRequest *request, PolicyQueueFunc func,
                               gpointer user_data, GError **error);

void policy_entry_leave(PolicyEntry *place);
