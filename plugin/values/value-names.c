/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by value-to-dbus.c. QEMU's objects have some ten members: comparing them costs less than anything else. A large reply
 * may have a million of them in one object, and then every name has to be found, added and let go of without a hold:
 *
 * - No hash table: GLib's have no secret, so that a QEMU can choose names that are all in one place there; and they grow in one go.
 * - No tree with a node for each name: to free a million nodes takes 40 ms.
 *
 * So the names are sorted, in blocks which are sorted themselves. To add one moves at most a block and the list of blocks. */
#include "value-names.h"

#include <string.h>

/* So many are compared one by one. */
#define FEW 64

/* Names of a block, 8 kB. A million names take 4,000 blocks. */
#define BLOCK 512

#define BLOCK_SIZE (BLOCK * sizeof(JsonCursorText))

struct ValueNameBlocks {
    GPtrArray *all; /* owned, of GArray, owned, of JsonCursorText, borrowed text */
    GStringChunk *plain; /* owned; the names that are written with escapes, without them; NULL: there are none */
    gsize plain_size; /* bytes */
};

static gboolean
is_same(JsonCursorText a, JsonCursorText b)
{
    if (a.length == b.length && memcmp(a.text, b.text, a.length) == 0)
        return TRUE;
    if (memchr(a.text, '\\', a.length) || memchr(b.text, '\\', b.length)) {
        gsize length, other_length;
        g_autofree char *one = json_cursor_text_dup(a, &length);
        g_autofree char *other = json_cursor_text_dup(b, &other_length);
        return length == other_length && memcmp(one, other, length) == 0;
    }
    return FALSE;
}

void
value_name_stack_init(ValueNameStack *stack)
{
    stack->all = stack->room;
    stack->n = 0;
    stack->more = 0;
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

/* Any order will do. */
static int
compare_plain_names(JsonCursorText a, JsonCursorText b)
{
    int order = memcmp(a.text, b.text, MIN(a.length, b.length));

    return order != 0 || a.length == b.length ? order : a.length < b.length ? -1 : 1;
}

static JsonCursorText
get_block_name(const GArray *block, guint i)
{
    return g_array_index(block, JsonCursorText, i);
}

/* The last block that begins with @name or before it, or the first one. */
static guint
find_block(const GPtrArray *blocks, JsonCursorText name)
{
    guint first = 0, end = blocks->len;

    while (end - first > 1) {
        guint middle = first + (end - first) / 2;
        if (compare_plain_names(get_block_name(blocks->pdata[middle], 0), name) <= 0)
            first = middle;
        else
            end = middle;
    }
    return first;
}

/* TRUE: *@ret_i is where the name is, FALSE: where it belongs. */
static gboolean
find_in_block(const GArray *block, JsonCursorText name, guint *ret_i)
{
    guint first = 0, end = block->len;

    while (first < end) {
        guint middle = first + (end - first) / 2;
        int order = compare_plain_names(get_block_name(block, middle), name);
        *ret_i = middle;
        if (order == 0)
            return TRUE;
        if (order < 0)
            first = middle + 1;
        else
            end = middle;
    }
    *ret_i = first;
    return FALSE;
}

static GArray *
new_block(GPtrArray *blocks, guint at)
{
    GArray *block = g_array_sized_new(/* zero_terminated= */ FALSE, /* clear= */ FALSE, sizeof(JsonCursorText), BLOCK);

    g_ptr_array_insert(blocks, (int)at, block);
    return block;
}

static void
split_block(GPtrArray *blocks, guint at)
{
    GArray *block = blocks->pdata[at], *other = new_block(blocks, at + 1);

    g_array_append_vals(other, &g_array_index(block, JsonCursorText, BLOCK / 2), BLOCK - BLOCK / 2);
    g_array_set_size(block, BLOCK / 2);
}

static JsonCursorText
make_plain(ValueNameBlocks *blocks, JsonCursorText name)
{
    g_autofree char *plain = NULL;
    gsize length;

    if (!memchr(name.text, '\\', name.length))
        return name;
    if (!blocks->plain)
        blocks->plain = g_string_chunk_new(16384);
    plain = json_cursor_text_dup(name, &length);
    blocks->plain_size += length + 1;
    return (JsonCursorText){ g_string_chunk_insert_len(blocks->plain, plain, (gssize)length), length };
}

static gboolean
insert_name(ValueNameBlocks *blocks, JsonCursorText name)
{
    JsonCursorText plain = make_plain(blocks, name);
    guint at = find_block(blocks->all, plain), i;
    GArray *block = blocks->all->pdata[at];

    if (find_in_block(block, plain, &i))
        return FALSE;
    g_array_insert_val(block, i, plain);
    if (block->len == BLOCK)
        split_block(blocks->all, at);
    return TRUE;
}

static ValueNameBlocks *
new_blocks(const ValueNames *names)
{
    ValueNameBlocks *blocks = g_new0(ValueNameBlocks, 1);

    blocks->all = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
    new_block(blocks->all, 0);
    for (guint i = names->first; i < names->stack->n; i++)
        insert_name(blocks, names->stack->all[i]);
    return blocks;
}

static gsize
measure_blocks(const ValueNameBlocks *blocks)
{
    return blocks ? blocks->all->len * BLOCK_SIZE + blocks->plain_size : 0;
}

static gboolean
add_to_blocks(ValueNames *names, JsonCursorText name)
{
    gsize before = measure_blocks(names->blocks);
    gboolean is_new;

    if (!names->blocks)
        names->blocks = new_blocks(names);
    is_new = insert_name(names->blocks, name);
    names->stack->more += measure_blocks(names->blocks) - before;
    return is_new;
}

gboolean
value_names_add(ValueNames *names, JsonCursorText name)
{
    if (names->stack->n - names->first >= FEW)
        return add_to_blocks(names, name);
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

static void
free_blocks(ValueNameBlocks *blocks)
{
    g_ptr_array_unref(blocks->all);
    g_clear_pointer(&blocks->plain, g_string_chunk_free);
    g_free(blocks);
}

void
value_names_end(ValueNames *names)
{
    names->stack->n = names->first;
    names->stack->more -= measure_blocks(names->blocks);
    g_clear_pointer(&names->blocks, free_blocks);
}
