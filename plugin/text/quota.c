/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owns a record of each caller and of each user for as long as they hold anything. */
#include "quota.h"

#include <string.h>

typedef struct QuotaHolder {
    QuotaAmount held;
    guint32 uid; /* of a user */
    char caller[]; /* of a caller */
} QuotaHolder;

static QuotaHolder *
get_caller_holder(Quota *quota, const char *caller)
{
    QuotaHolder *holder = g_hash_table_lookup(quota->by_caller, caller);
    gsize size = strlen(caller) + 1;

    if (holder)
        return holder;
    holder = g_malloc0(sizeof(QuotaHolder) + size);
    memcpy(holder->caller, caller, size);
    g_hash_table_insert(quota->by_caller, holder->caller, holder);
    return holder;
}

static QuotaHolder *
get_user_holder(Quota *quota, guint32 uid)
{
    QuotaHolder *holder = g_hash_table_lookup(quota->by_user, GUINT_TO_POINTER(uid));

    if (holder)
        return holder;
    holder = g_new0(QuotaHolder, 1);
    holder->uid = uid;
    g_hash_table_insert(quota->by_user, GUINT_TO_POINTER(uid), holder);
    return holder;
}

static void
drop_if_empty(Quota *quota, QuotaHolder *caller, QuotaHolder *user)
{
    if (caller->held.n == 0)
        g_hash_table_remove(quota->by_caller, caller->caller);
    if (user->held.n == 0)
        g_hash_table_remove(quota->by_user, GUINT_TO_POINTER(user->uid));
    if (quota->held.n > 0)
        return;
    g_clear_pointer(&quota->by_caller, g_hash_table_unref);
    g_clear_pointer(&quota->by_user, g_hash_table_unref);
}

static void
ensure_tables(Quota *quota)
{
    if (quota->by_caller)
        return;
    quota->by_caller = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    quota->by_user = g_hash_table_new_full(NULL, NULL, NULL, g_free);
}

static void
add_amount(QuotaAmount *held, int n, gssize bytes)
{
    held->n += (guint)n;
    held->bytes += (gsize)bytes;
}

static gboolean
is_within(const QuotaAmount *limit, QuotaAmount held, QuotaAmount more)
{
    return (!limit->n || held.n + more.n <= limit->n) && (!limit->bytes || held.bytes + more.bytes <= limit->bytes);
}

static gboolean
has_quota(Quota *quota, const QuotaLimits *limits, const QuotaAmount *caller, const QuotaAmount *user, QuotaAmount more)
{
    QuotaAmount *all = &quota->held;
    QuotaAmount left = {
        .n = limits->of_user.n ? 0 : limits->of_all.n,
        .bytes = limits->of_user.bytes ? 0 : limits->of_all.bytes,
    };

    return is_within(&limits->of_caller, *caller, more) && is_within(&limits->of_user, *user, more) &&
           is_within(&limits->of_all, *all, more) &&
           is_within(&left, (QuotaAmount){ user->n + all->n, user->bytes + all->bytes }, more);
}

gboolean
quota_take(Quota *quota, const QuotaLimits *limits, const char *caller, guint32 uid, gsize bytes, QuotaShare *share)
{
    QuotaHolder *caller_holder, *user_holder;

    ensure_tables(quota);
    caller_holder = get_caller_holder(quota, caller);
    user_holder = get_user_holder(quota, uid);
    if (!has_quota(quota, limits, &caller_holder->held, &user_holder->held, (QuotaAmount){ 1, bytes })) {
        drop_if_empty(quota, caller_holder, user_holder);
        return FALSE;
    }
    add_amount(&caller_holder->held, 1, (gssize)bytes);
    add_amount(&user_holder->held, 1, (gssize)bytes);
    add_amount(&quota->held, 1, (gssize)bytes);
    *share = (QuotaShare){ .quota = quota, .caller = caller_holder, .user = user_holder, .bytes = bytes };
    return TRUE;
}

gboolean
quota_share_grow(QuotaShare *share, const QuotaLimits *limits, gsize bytes)
{
    Quota *quota = share->quota;

    if (!has_quota(quota, limits, &share->caller->held, &share->user->held, (QuotaAmount){ 0, bytes }))
        return FALSE;
    add_amount(&share->caller->held, 0, (gssize)bytes);
    add_amount(&share->user->held, 0, (gssize)bytes);
    add_amount(&quota->held, 0, (gssize)bytes);
    share->bytes += bytes;
    return TRUE;
}

void
quota_share_return(QuotaShare *share)
{
    Quota *quota = share->quota;

    if (!quota)
        return;
    add_amount(&share->caller->held, -1, -(gssize)share->bytes);
    add_amount(&share->user->held, -1, -(gssize)share->bytes);
    add_amount(&quota->held, -1, -(gssize)share->bytes);
    drop_if_empty(quota, share->caller, share->user);
    *share = (QuotaShare){ 0 };
}

QuotaAmount
quota_get_of_caller(Quota *quota, const char *caller)
{
    QuotaHolder *holder = quota->by_caller ? g_hash_table_lookup(quota->by_caller, caller) : NULL;

    return holder ? holder->held : (QuotaAmount){ 0 };
}

QuotaAmount
quota_get_of_user(Quota *quota, guint32 uid)
{
    QuotaHolder *holder = quota->by_user ? g_hash_table_lookup(quota->by_user, GUINT_TO_POINTER(uid)) : NULL;

    return holder ? holder->held : (QuotaAmount){ 0 };
}
