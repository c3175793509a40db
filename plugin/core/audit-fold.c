/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit-fold.h"

#include "timer.h"

#define WINDOW (10 * G_TIME_SPAN_SECOND)

/* Of one user in one window, written at once, and once more with their counts. With those that are counted together, it is
 * some 20 records a second: journald keeps 10,000 of a service in 30 seconds. */
#define MAX_ALLOWED 64
#define MAX_REFUSED 32

typedef struct Entry {
    gpointer record; /* owned */
    guint64 count; /* of those that were not written */
} Entry;

typedef struct User {
    AuditFold *fold; /* weak */
    guint32 uid;
    GHashTable *allowed, *refused; /* owned; key (owned) → Entry, owned */
    GHashTable *crowds; /* owned; likewise, without a number: there are few keys */
    GSource *timer; /* owned */
} User;

struct AuditFold {
    GMainContext *context; /* ref */
    GHashTable *users; /* owned; uid → User, owned */
    AuditCountedFunc func;
    GDestroyNotify record_free;
    gpointer user_data;
};

static void
tell_table(User *user, GHashTable *table)
{
    AuditFold *fold = user->fold;
    GHashTableIter entries;
    gpointer value;

    g_hash_table_iter_init(&entries, table);
    while (g_hash_table_iter_next(&entries, NULL, &value)) {
        Entry *entry = value;

        if (entry->count > 0)
            fold->func(entry->record, entry->count, table == user->crowds, fold->user_data);
        fold->record_free(entry->record);
    }
    g_hash_table_unref(table);
}

static void
user_free(gpointer data)
{
    User *user = data;

    timer_stop(&user->timer);
    tell_table(user, user->allowed);
    tell_table(user, user->refused);
    tell_table(user, user->crowds);
    g_free(user);
}

static gboolean
on_window_over(gpointer data)
{
    User *user = data;

    g_hash_table_remove(user->fold->users, GUINT_TO_POINTER(user->uid));
    return G_SOURCE_REMOVE;
}

static User *
get_user(AuditFold *fold, guint32 uid)
{
    User *user = g_hash_table_lookup(fold->users, GUINT_TO_POINTER(uid));

    if (user)
        return user;
    user = g_new0(User, 1);
    user->fold = fold;
    user->uid = uid;
    user->allowed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    user->refused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    user->crowds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    user->timer = timer_start(fold->context, WINDOW, on_window_over, user);
    g_hash_table_insert(fold->users, GUINT_TO_POINTER(uid), user);
    return user;
}

/* The place for its record; NULL: there is one. */
static gpointer *
take(GHashTable *table, const char *key, guint64 first_count)
{
    Entry *entry = g_hash_table_lookup(table, key);

    if (entry) {
        entry->count++;
        return NULL;
    }
    entry = g_new0(Entry, 1);
    entry->count = first_count;
    g_hash_table_insert(table, g_strdup(key), entry);
    return &entry->record;
}

gpointer *
audit_fold_take(AuditFold *fold, const AuditKey *key, gboolean *ret_is_crowd)
{
    User *user = get_user(fold, key->uid);
    GHashTable *table = key->is_allowed ? user->allowed : user->refused;
    guint most = key->is_allowed ? MAX_ALLOWED : MAX_REFUSED;

    *ret_is_crowd = g_hash_table_size(table) >= most && !g_hash_table_contains(table, key->record);
    if (*ret_is_crowd)
        return take(user->crowds, key->crowd, /* first_count= */ 1);
    return take(table, key->record, /* first_count= */ 0);
}

AuditFold *
audit_fold_new(GMainContext *context, AuditCountedFunc func, GDestroyNotify record_free, gpointer user_data)
{
    AuditFold *fold = g_new0(AuditFold, 1);

    fold->context = g_main_context_ref(context);
    fold->users = g_hash_table_new_full(NULL, NULL, NULL, user_free);
    fold->func = func;
    fold->record_free = record_free;
    fold->user_data = user_data;
    return fold;
}

void
audit_fold_free(AuditFold *fold)
{
    g_hash_table_unref(fold->users);
    g_main_context_unref(fold->context);
    g_free(fold);
}
