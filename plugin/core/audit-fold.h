/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many records of the audit a user can cause. The first record of a kind is written at once; its repeats within ten
 * seconds are counted, and the count is told once. A user who causes too many different ones has the rest counted together.
 * Each user's records are counted apart, and the allowed ones apart from the refused ones, so that nobody hides a
 * record of another's, nor leave that was used behind refusals. */
#pragma once

#include <glib.h>

typedef struct AuditFold AuditFold;

/* @record was counted @count times and not written. @is_crowd: it stands for different ones, and has not been written before
 * either. Called when the ten seconds are over, or from inside audit_fold_free(). */
typedef void (*AuditCountedFunc)(gpointer record, guint64 count, gboolean is_crowd, gpointer user_data);

AuditFold *audit_fold_new(GMainContext *context, AuditCountedFunc func, GDestroyNotify record_free,
                          gpointer user_data);
void audit_fold_free(AuditFold *fold);

typedef struct AuditKey {
    guint32 uid;
    gboolean is_allowed;
    const char *record; /* all that makes one record different from another */
    const char *crowd; /* the same, of which there are only a few different ones */
} AuditKey;

/* NULL: it has been counted. Otherwise there is no such record yet: one is to be made, and put here (owned). The
 * record is to be written at once, too, unless *@ret_is_crowd. */
gpointer *audit_fold_take(AuditFold *fold, const AuditKey *key, gboolean *ret_is_crowd);
