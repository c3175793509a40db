/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by value-to-dbus.c. QEMU's objects have some ten members: comparing them costs less than a tree. */
#include "value-names.h"

#include <string.h>

/* So many are compared one by one. */
#define FEW 64

static gboolean
is_same(JsonCursorText a, JsonCursorText b)
{
    if (a.length == b.length && memcmp(a.text, b.text, a.length) == 0)
        return TRUE;
    if (memchr(a.text, '\\', a.length) || memchr(b.text, '\\', b.length)) {
        g_autofree char *one = json_cursor_text_dup(a, /* ret_length= */ NULL);
        g_autofree char *other = json_cursor_text_dup(b, /* ret_length= */ NULL);
        return g_str_equal(one, other);
    }
    return FALSE;
}

void
value_name_stack_init(ValueNameStack *stack)
{
    stack->all = stack->room;
    stack->n = 0;
    stack->size = G_N_ELEMENTS(stack->room);
}

void
value_name_stack_clear(ValueNameStack *stack)
{
    if (stack->all != stack->room)
        g_free(stack->all);
}

static void
push_name(ValueNameStack *stack, JsonCursorText name)
{
    if (stack->n == stack->size) {
        gboolean is_room = stack->all == stack->room;
        stack->size *= 2;
        stack->all = g_renew(JsonCursorText, is_room ? NULL : stack->all, stack->size);
        if (is_room)
            memcpy(stack->all, stack->room, sizeof stack->room);
    }
    stack->all[stack->n++] = name;
}

static int
compare_member_names(gconstpointer a, gconstpointer b, gpointer unused_data)
{
    return strcmp(a, b);
}

static gboolean
insert_name(GTree *tree, JsonCursorText name)
{
    int n = g_tree_nnodes(tree);

    g_tree_insert(tree, json_cursor_text_dup(name, /* ret_length= */ NULL), /* value= */ NULL);
    return g_tree_nnodes(tree) > n;
}

/* No hash table: GLib's have no secret, so that a QEMU can choose names that are all in one place there. */
static gboolean
add_to_tree(ValueNames *names, JsonCursorText name)
{
    if (!names->tree) {
        names->tree = g_tree_new_full(compare_member_names, /* key_compare_data= */ NULL, g_free,
                                      /* value_destroy_func= */ NULL);
        for (guint i = names->first; i < names->stack->n; i++)
            insert_name(names->tree, names->stack->all[i]);
    }
    return insert_name(names->tree, name);
}

gboolean
value_names_add(ValueNames *names, JsonCursorText name)
{
    if (names->stack->n - names->first >= FEW)
        return add_to_tree(names, name);
    for (guint i = names->first; i < names->stack->n; i++)
        if (is_same(names->stack->all[i], name))
            return FALSE;
    push_name(names->stack, name);
    return TRUE;
}

void
value_names_begin(ValueNames *names, ValueNameStack *stack)
{
    *names = (ValueNames){ .stack = stack, .first = stack->n };
}

void
value_names_end(ValueNames *names)
{
    names->stack->n = names->first;
    g_clear_pointer(&names->tree, g_tree_unref);
}
