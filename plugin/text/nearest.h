/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The right name that a wrong one was probably meant to be, for errors. Names that differ only in capitals and
 * separators are the same here (`QueryStatus`, `query-status`, `QUERY_STATUS`). Wrong names come from callers, so that the
 * work is capped, whatever their length and however many right ones there are. */
#pragma once

#include <glib.h>

/* Bytes of a name, without separators. None of QEMU's is longer than 50; what is longer is nobody's typing error. */
#define NEAREST_MAX_LENGTH 64

/* Names in an answer. */
#define NEAREST_MAX_NAMES 3

/* A search; on the stack. All of it is private. */
typedef struct Nearest {
    char wrong[NEAREST_MAX_LENGTH];
    guint length; /* 0: nothing is near it */
    guint limit; /* the most that may be different */
    guint work; /* cells of the table of distances that may still be filled */
    const char *names[NEAREST_MAX_NAMES]; /* borrowed; the nearest first */
    guint distances[NEAREST_MAX_NAMES];
    guint n_names;
} Nearest;

void nearest_init(Nearest *nearest, const char *wrong);

/* A right name, which must live until the answer is taken; NULL: nothing happens. A name that is offered twice counts once. */
void nearest_offer(Nearest *nearest, const char *name);

/* All of them; @names ends with NULL, and may be NULL. */
void nearest_offer_all(Nearest *nearest, const char *const *names);

/* "; did you mean query-stats or query-status?", or "" where nothing is near: what an error's text ends with. To be freed. */
char *nearest_dup_question(const Nearest *nearest);

/* The nearest; NULL: there is none. Borrowed from the one who offered it. */
const char *nearest_get(const Nearest *nearest);
