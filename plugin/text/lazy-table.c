/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lazy-table.h"

gpointer
lazy_table_lookup(GHashTable *table, gconstpointer key)
{
    return table ? g_hash_table_lookup(table, key) : NULL;
}

gboolean
lazy_table_contains(GHashTable *table, gconstpointer key)
{
    return table && g_hash_table_contains(table, key);
}

guint
lazy_table_size(GHashTable *table)
{
    return table ? g_hash_table_size(table) : 0;
}

GList *
lazy_table_list_keys(GHashTable *table)
{
    return table ? g_hash_table_get_keys(table) : NULL;
}

void
lazy_table_remove_if(GHashTable *table, GHRFunc func, gpointer user_data)
{
    if (table)
        g_hash_table_foreach_remove(table, func, user_data);
}
