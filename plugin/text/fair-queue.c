/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owns the lines, and no entry. A line with an entry that waits is in `turns`; a line that has had a turn goes to its end. */
#include "fair-queue.h"

#include <string.h>

#include "lazy-table.h"

void
fair_queue_init(FairQueue *queue, gsize line_size)
{
    g_queue_init(&queue->turns);
    queue->only = NULL;
    queue->lines = NULL;
    queue->line_size = line_size;
}

void
fair_queue_clear(FairQueue *queue)
{
    g_queue_init(&queue->turns);
    g_clear_pointer(&queue->only, g_free);
    g_clear_pointer(&queue->lines, g_hash_table_unref);
}

gpointer
fair_queue_find_line(FairQueue *queue, const char *key)
{
    if (queue->only && g_str_equal(queue->only->key, key))
        return queue->only;
    return lazy_table_lookup(queue->lines, key);
}

static void
keep_fair_line(FairQueue *queue, FairLine *line)
{
    if (!queue->only) {
        queue->only = line;
        return;
    }
    if (!queue->lines)
        queue->lines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    g_hash_table_insert(queue->lines, (char *)line->key, line);
}

/* The key is in the line's own memory: a line comes and goes with every command of a caller that sends one at a time. */
static FairLine *
add_fair_line(FairQueue *queue, const char *key)
{
    gsize key_size = strlen(key) + 1;
    FairLine *line = g_malloc0(queue->line_size + key_size);

    line->queue = queue;
    line->key = memcpy((char *)line + queue->line_size, key, key_size);
    line->turn.data = line;
    keep_fair_line(queue, line);
    return line;
}

gpointer
fair_queue_get_line(FairQueue *queue, const char *key)
{
    FairLine *line = fair_queue_find_line(queue, key);

    return line ? line : add_fair_line(queue, key);
}

gboolean
fair_queue_has_lines(const FairQueue *queue)
{
    return queue->only || lazy_table_size(queue->lines) > 0;
}

GList *
fair_queue_list_lines(const FairQueue *queue)
{
    GList *lines = queue->lines ? g_hash_table_get_values(queue->lines) : NULL;

    return queue->only ? g_list_prepend(lines, queue->only) : lines;
}

void
fair_line_drop(FairLine *line)
{
    FairQueue *queue = line->queue;

    if (line == queue->only)
        g_clear_pointer(&queue->only, g_free);
    else
        g_hash_table_remove(queue->lines, line->key);
}

static void
ensure_turn(FairLine *line)
{
    if (line->waiting.length == 0)
        g_queue_push_tail_link(&line->queue->turns, &line->turn);
}

void
fair_line_push(FairLine *line, GList *link)
{
    ensure_turn(line);
    g_queue_push_tail_link(&line->waiting, link);
}

void
fair_line_push_first(FairLine *line, GList *link)
{
    ensure_turn(line);
    g_queue_push_head_link(&line->waiting, link);
}

void
fair_line_remove(FairLine *line, GList *link)
{
    g_queue_unlink(&line->waiting, link);
    if (line->waiting.length == 0)
        g_queue_unlink(&line->queue->turns, &line->turn);
}

gpointer
fair_queue_find_turn(FairQueue *queue, FairLineFunc may_go, gpointer user_data)
{
    for (GList *turn = queue->turns.head; turn; turn = turn->next)
        if (!may_go || may_go(turn->data, user_data))
            return turn->data;
    return NULL;
}

void
fair_line_end_turn(FairLine *line)
{
    g_queue_unlink(&line->queue->turns, &line->turn);
    g_queue_push_tail_link(&line->queue->turns, &line->turn);
}

gpointer
fair_queue_take_turn(FairQueue *queue, FairLineFunc may_go, gpointer user_data)
{
    FairLine *line = fair_queue_find_turn(queue, may_go, user_data);

    if (line)
        fair_line_end_turn(line);
    return line;
}
