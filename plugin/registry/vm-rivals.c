/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by VmRegistry alone. Owns no entry. */
#include "vm-rivals.h"

#include "timer.h"

struct VmRivals {
    GMainContext *context; /* ref */
    GCompareFunc compare;
    VmRivalsFunc func;
    gpointer user_data;
    GHashTable *waiting; /* owned; entry (weak) → its rival (weak) */
    GHashTable *due; /* owned, set of entries (weak) whose rivals have left */
    GSource *timer; /* owned; while some are due */
};

static gpointer
steal_first_due(VmRivals *rivals)
{
    GHashTableIter due;
    gpointer entry, first = NULL;

    g_hash_table_iter_init(&due, rivals->due);
    while (g_hash_table_iter_next(&due, &entry, NULL))
        if (!first || rivals->compare(entry, first) < 0)
            first = entry;
    g_hash_table_remove(rivals->due, first);
    return first;
}

static gboolean on_rivals_timer(gpointer user_data);

static void
arm_rivals_timer(VmRivals *rivals)
{
    if (g_hash_table_size(rivals->due) > 0 && !rivals->timer)
        rivals->timer = timer_start(rivals->context, /* delay= */ 0, on_rivals_timer, rivals);
}

static gboolean
on_rivals_timer(gpointer user_data)
{
    VmRivals *rivals = user_data;

    timer_stop(&rivals->timer);
    if (g_hash_table_size(rivals->due) > 0)
        rivals->func(steal_first_due(rivals), rivals->user_data);
    arm_rivals_timer(rivals);
    return G_SOURCE_REMOVE;
}

VmRivals *
vm_rivals_new(GMainContext *context, GCompareFunc compare, VmRivalsFunc func, gpointer user_data)
{
    VmRivals *rivals = g_new0(VmRivals, 1);

    rivals->context = g_main_context_ref(context);
    rivals->compare = compare;
    rivals->func = func;
    rivals->user_data = user_data;
    rivals->waiting = g_hash_table_new(NULL, NULL);
    rivals->due = g_hash_table_new(NULL, NULL);
    return rivals;
}

void
vm_rivals_free(VmRivals *rivals)
{
    timer_stop(&rivals->timer);
    g_hash_table_unref(rivals->waiting);
    g_hash_table_unref(rivals->due);
    g_main_context_unref(rivals->context);
    g_free(rivals);
}

void
vm_rivals_wait(VmRivals *rivals, gpointer entry, gpointer rival)
{
    g_hash_table_remove(rivals->due, entry);
    g_hash_table_insert(rivals->waiting, entry, rival);
}

void
vm_rivals_stop_waiting(VmRivals *rivals, gpointer entry)
{
    g_hash_table_remove(rivals->waiting, entry);
    g_hash_table_remove(rivals->due, entry);
}

void
vm_rivals_renamed(VmRivals *rivals, gpointer entry)
{
    GHashTableIter waiting;
    gpointer waiter, rival;

    g_hash_table_iter_init(&waiting, rivals->waiting);
    while (g_hash_table_iter_next(&waiting, &waiter, &rival)) {
        if (rival != entry)
            continue;
        g_hash_table_iter_remove(&waiting);
        g_hash_table_add(rivals->due, waiter);
    }
    arm_rivals_timer(rivals);
}

void
vm_rivals_left(VmRivals *rivals, gpointer entry)
{
    vm_rivals_stop_waiting(rivals, entry);
    vm_rivals_renamed(rivals, entry);
}
