/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A hash table that its owner makes with the first entry; NULL: there was none yet. An empty GHashTable takes 208 bytes, and each
 * VM has several in which mostly nothing is ever put. */
#pragma once

#include <glib.h>

/* As the g_hash_table_ functions; @table may be NULL. */
gpointer lazy_table_lookup(GHashTable *table, gconstpointer key);
gboolean lazy_table_contains(GHashTable *table, gconstpointer key);
guint lazy_table_size(GHashTable *table);
GList *lazy_table_list_keys(GHashTable *table);
void lazy_table_remove_if(GHashTable *table, GHRFunc func, gpointer user_data);
