/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which entries wait for which others to leave, because those have their name or their monitor. Part of VmRegistry; knows
 * nothing of an entry but its place in the order. */
#pragma once

#include <glib.h>

typedef struct VmRivals VmRivals;

/* @entry is due: the one that it has waited for has left or has changed, and it may try again. From the main loop, once for each entry that waited; one
 * entry a turn, because each try looks at all others. */
typedef void (*VmRivalsFunc)(gpointer entry, gpointer user_data);

/* @compare: which of two entries that have waited for the same one comes first. */
VmRivals *vm_rivals_new(GMainContext *context, GCompareFunc compare, VmRivalsFunc func, gpointer user_data);
void vm_rivals_free(VmRivals *rivals);

/* @entry waits for @rival alone. */
void vm_rivals_wait(VmRivals *rivals, gpointer entry, gpointer rival);

/* @entry waits for nobody any more. */
void vm_rivals_stop_waiting(VmRivals *rivals, gpointer entry);

/* @entry has got a name: those who wait for it are due, to say by what they are refused. */
void vm_rivals_renamed(VmRivals *rivals, gpointer entry);

/* @entry is about to be freed: it waits for nobody, and those who wait for it are due. */
void vm_rivals_left(VmRivals *rivals, gpointer entry);
