/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fair turns: every key (a caller, as a rule) has a line of its own, and the lines are served round robin, an entry a turn. A
 * key with a thousand entries costs another no more than its turn. */
#pragma once

#include <glib.h>

typedef struct FairQueue FairQueue;

/* The first member of a line of the user's, whose other members are zero at first. */
typedef struct FairLine {
    FairQueue *queue; /* weak */
    const char *key; /* owned, behind the line */
    GQueue waiting; /* of the user's entries, by links of theirs whose data is set */
    GList turn; /* in the queue's turns, while anything waits */
} FairLine;

struct FairQueue {
    FairLine *only; /* owned; a line that was added while this was NULL: mostly there is no other */
    GHashTable *lines; /* owned: key → FairLine; the others; NULL: there was none yet */
    GQueue turns; /* of FairLine, weak, by their links */
    gsize line_size;
};

/* @line_size: bytes of a line of the user's. */
void fair_queue_init(FairQueue *queue, gsize line_size);

/* Frees the lines that are left; their entries are the user's. */
void fair_queue_clear(FairQueue *queue);

/* The line of @key, made where there is none; or NULL. */
gpointer fair_queue_get_line(FairQueue *queue, const char *key);
gpointer fair_queue_find_line(FairQueue *queue, const char *key);

gboolean fair_queue_has_lines(const FairQueue *queue);

/* All of them, in no order. The list is the caller's. */
GList *fair_queue_list_lines(const FairQueue *queue);

/* Nothing of @line waits, and the user has no use for it any more. */
void fair_line_drop(FairLine *line);

/* An entry gets in line, at its end or before the others; and leaves. */
void fair_line_push(FairLine *line, GList *link);
void fair_line_push_first(FairLine *line, GList *link);
void fair_line_remove(FairLine *line, GList *link);

/* The line that has the next turn, among those that @may_go (NULL: all). NULL: none. The entry at its head is the user's to
 * serve. */
typedef gboolean (*FairLineFunc)(gpointer line, gpointer user_data);
gpointer fair_queue_find_turn(FairQueue *queue, FairLineFunc may_go, gpointer user_data);

/* The others go first from now on. */
void fair_line_end_turn(FairLine *line);

/* Both. */
gpointer fair_queue_take_turn(FairQueue *queue, FairLineFunc may_go, gpointer user_data);
