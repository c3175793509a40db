/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by value-to-dbus.c. QEMU's objects have some ten members: comparing them costs less than a table. */
#include "value-names.h"

#include <string.h>

/* So many are compared one by one. */
#define FEW 64

static gboolean
is_same(JsonCursorText a, JsonCursorText b)
{
    if (memchr(a.text, '\\', a.length) || memchr(b.text, '\\', b.length)) {
        g_autofree char *one = json_cursor_text_dup(a, /* ret_length= */ NULL);
        g_autofree char *other = json_cursor_text_dup(b, /* ret_length= */ NULL);
        return g_str_equal(one, other);
    }
    return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

static gboolean
add_to_table(ValueNames *names, JsonCursorText name)
{
    if (!names->table) {
        names->table = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        for (guint i = names->first; i < names->all->len; i++)
            g_hash_table_add(names->table, json_cursor_text_dup(g_array_index(names->all, JsonCursorText, i),
                                                                /* ret_length= */ NULL));
    }
    return g_hash_table_add(names->table, json_cursor_text_dup(name, /* ret_length= */ NULL));
}

gboolean
value_names_add(ValueNames *names, JsonCursorText name)
{
    if (names->all->len - names->first >= FEW)
        return add_to_table(names, name);
    for (guint i = names->first; i < names->all->len; i++)
        if (is_same(g_array_index(names->all, JsonCursorText, i), name))
            return FALSE;
    g_array_append_val(names->all, name);
    return TRUE;
}

void
value_names_begin(ValueNames *names, GArray *all)
{
    *names = (ValueNames){ .all = all, .first = all->len };
}

void
value_names_end(ValueNames *names)
{
    g_array_set_size(names->all, names->first);
    g_clear_pointer(&names->table, g_hash_table_unref);
}
