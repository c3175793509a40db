/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cost of values that somebody else has written, counted while they are read, so that the reading ends in time. */
#pragma once

#include <glib.h>

typedef struct JsonCost {
    gsize bytes; /* of JSON, at least */
    gsize values; /* members, elements, and the objects and arrays that hold them */
    gsize steps; /* from one member of an object to another: json-glib's table of members has no secret, so that their
                  * names can be chosen to make each be compared with all before it */
} JsonCost;

/* QEMU reads its input a byte a turn, 2.5 us each: so many bytes take it 0.65 s, in which it does nothing else for
 * anybody. */
#define JSON_COST_BYTES ((gsize)256 * 1024)

/* The most that the arguments of one command may cost. Until the policy has decided a value takes up to 0.7 us, and
 * all callers wait meanwhile; a transaction of 800 actions has so many values. A step takes 5 ns, five times; an
 * object of 500 members has so many steps. */
#define JSON_COST_OF_ARGUMENTS ((JsonCost){ .bytes = JSON_COST_BYTES, .values = 5000, .steps = 128u * 1024 })

/* The most that QEMU's text may cost; whoever reads it limits its length. So many steps take 15 ms; 25,000 members, 60
 * to an object as in query-blockstats, are fewer. */
#define JSON_COST_OF_REPLY ((JsonCost){ .bytes = G_MAXSIZE, .values = G_MAXSIZE, .steps = 1000u * 1000 })

/* The most that QEMU's answer to a question of the agent's own may cost: a thousand fdsets, character devices or jobs.
 * A value takes up to 0.7 us to parse and look at, and everybody waits meanwhile, so a QEMU that lies costs the others
 * 11 ms. */
#define JSON_COST_OF_ANSWER ((JsonCost){ .bytes = 1024u * 1024, .values = 16384, .steps = 128u * 1024 })

/* One value more; @bytes: of JSON that it makes by itself. */
void json_cost_add_value(JsonCost *cost, gsize bytes);

/* A member of an object that has @n_members already; @length: of its name. Its value counts by itself. */
void json_cost_add_member(JsonCost *cost, guint n_members, gsize length);

/* Says how @cost is beyond @max, in words for an error (owned); NULL: it is within. */
char *json_cost_find_excess(const JsonCost *cost, const JsonCost *max);
