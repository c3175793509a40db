/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All orders of so many steps, from each start in each world. Several processes share the work: each takes one start of one world after
 * the other. */
#pragma once

#include "order-run.h"

#define ORDER_MAX_WORLDS 32

/* In memory that the processes share. */
typedef struct OrderTally {
    gint n_taken; /* starts, of one world after the other */
    guint64 n_orders[ORDER_MAX_WORLDS]; /* all of them */
    guint depths[ORDER_MAX_WORLDS];
    guint64 n_random;
} OrderTally;

OrderTally *order_tally_new(void);
void order_tally_free(OrderTally *tally);

/* Takes starts until none is left. @depth: steps; one less in a world that differs little from another. @only: the one world, which has
 * all of them; ORDER_NO_STEP: all worlds. */
void order_all_run(OrderRun *run, OrderTally *tally, guint depth, guint only);

/* Lines for people. The number of all. */
guint64 order_tally_print(const OrderTally *tally);
