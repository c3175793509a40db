/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by a VM. Owns nothing. */
#include "vm-retry.h"

#include "qmp-error.h"

#define DELAY_FIRST (100 * G_TIME_SPAN_MILLISECOND)
#define DELAY_MAX (30 * G_TIME_SPAN_SECOND)

/* A socket in the run directory is taken up at most 30 s after it can be reached: 5 s are left for the attempt itself. */
#define DELAY_MAX_IN_DIRECTORY (25 * G_TIME_SPAN_SECOND)

/* A socket in the run directory that refuses for 0.1 + 0.2 + … 6.4 s is a left-over. Until the directory changes nothing
 * looks at it any more, so that the agent sleeps. */
#define REFUSED_MAX (10 * G_TIME_SPAN_SECOND)

void
vm_retry_reset(VmRetry *retry, VmRetryKind kind)
{
    *retry = (VmRetry){ .kind = kind, .delay = DELAY_FIRST };
}

gboolean
vm_retry_next(VmRetry *retry, const GError *error, guint64 *ret_delay)
{
    gboolean in_directory = retry->kind == VM_RETRY_IN_DIRECTORY;
    gboolean refused = in_directory && g_error_matches(error, QMP_ERROR, QMP_ERROR_REFUSED);

    /* A socket that was busy for minutes, and refuses now, refuses for the first time. */
    if (refused && !retry->was_refused)
        retry->delay = DELAY_FIRST;
    retry->was_refused = refused;
    if (refused && retry->delay > REFUSED_MAX)
        return FALSE;
    *ret_delay = retry->delay;
    retry->delay = MIN(retry->delay * 2, (guint64)(in_directory ? DELAY_MAX_IN_DIRECTORY : DELAY_MAX));
    return TRUE;
}
