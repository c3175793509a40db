/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owns the lines, and no entry. A line with an entry that waits is in `turns`; a line that has had a turn goes to its end. */
#include "fair-queue.h"

#include <string.h>

void
fair_queue_init(FairQueue *queue, gsize line_size)
{
    g_queue_init(&queue->turns);
    queue->lines = NULL;
    queue->line_size = line_size;
}

void
fair_queue_clear(FairQueue *queue)
{
    g_queue_init(&queue->turns);
    g_clear_pointer(&queue->lines, g_hash_table_unref);
}

gpointer
fair_queue_find_line(FairQueue *queue, const char *key)
{
    return queue->lines ? g_hash_table_lookup(queue->lines, key) : NULL;
}

/* The key is in the line's own memory: a line comes and goes with every command of a caller that sends one at a time. */
static FairLine *
add_fair_line(FairQueue *queue, const char *key)
{
    gsize key_size = strlen(key) + 1;
    FairLine *line = g_malloc0(queue->line_size + key_size);

    if (!queue->lines)
        queue->lines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    line->queue = queue;
    line->key = memcpy((char *)line + queue->line_size, key, key_size);
    line->turn.data = line;
    g_hash_table_insert(queue->lines, (char *)line->key, line);
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
    return queue->lines && g_hash_table_size(queue->lines) > 0;
}

void
fair_line_drop(FairLine *line)
{
    g_hash_table_remove(line->queue->lines, line->key);
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
fair_queue_take_turn(FairQueue *queue, FairLineFunc may_go, gpointer user_data)
{
    for (GList *turn = queue->turns.head; turn; turn = turn->next) {
        if (may_go && !may_go(turn->data, user_data))
            continue;
        g_queue_unlink(&queue->turns, turn);
        g_queue_push_tail_link(&queue->turns, turn);
        return turn->data;
    }
    return NULL;
}
