/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much callers hold of something that is limited: things (calls, sessions, questions) and their bytes. A caller is a
 * connection to the bus; a user may have many of them, and so takes no more than is left for all others, which is half where
 * nobody else has any. */
#pragma once

#include <glib.h>

/* 0: no limit. */
typedef struct QuotaAmount {
    guint n;
    gsize bytes;
} QuotaAmount;

typedef struct QuotaLimits {
    QuotaAmount of_caller;
    QuotaAmount of_user; /* 0: no more than is left for all others */
    QuotaAmount of_all;
} QuotaLimits;

typedef struct Quota {
    GHashTable *by_caller, *by_user; /* owned, of QuotaHolder; NULL: nobody holds anything */
    QuotaAmount held;
} Quota;

/* One thing that is held, in memory of its holder's; zero: nothing. */
typedef struct QuotaShare {
    Quota *quota; /* weak */
    struct QuotaHolder *caller, *user; /* weak */
    gsize bytes;
} QuotaShare;

/* A zeroed Quota is empty; it must be empty when it goes. FALSE: one of @limits is in the way, and @share holds nothing.
 * @caller: copied. */
gboolean quota_take(Quota *quota, const QuotaLimits *limits, const char *caller, guint32 uid, gsize bytes,
                    QuotaShare *share);

/* @bytes more of the thing that @share holds. FALSE: one of @limits is in the way, and @share holds what it held. */
gboolean quota_share_grow(QuotaShare *share, const QuotaLimits *limits, gsize bytes);

/* Also where @share holds nothing. */
void quota_share_return(QuotaShare *share);

QuotaAmount quota_get_of_caller(Quota *quota, const char *caller);
QuotaAmount quota_get_of_user(Quota *quota, guint32 uid);
