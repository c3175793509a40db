/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One order: a world, a start in it, steps, and an end. A fault, or a crash, ends the program, which prints the order as
 *
 *     WORLD:START:STEP,STEP...:END */
#pragma once

#include "order-steps.h"

#define ORDER_MAX_STEPS 20
#define ORDER_NO_STEP G_MAXUINT

/* Steps that an order may have to choose from: a bit each. */
typedef guint64 OrderMask;

typedef struct Order {
    guint world, start, end;
    guint n_steps; /* wanted, and then taken */
    guint steps[ORDER_MAX_STEPS]; /* indices */
    gboolean has_moved; /* the last step has moved somebody, or has let time pass for which something waited */
} Order;

/* Chooses the step at @at, of those in @possible. */
typedef guint (*OrderChooseFunc)(const Order *order, guint at, OrderMask possible, gpointer user_data);

/* The world is kept for the next order. */
typedef struct OrderRun {
    OrderWorld *world; /* owned; NULL: none yet */
    guint n_world; /* its index */
    guint64 n_orders;
} OrderRun;

void order_run_init(OrderRun *run);
void order_run_clear(OrderRun *run);

/* Takes the steps that @choose gives, until n_steps are taken or it gives ORDER_NO_STEP. */
void order_run_one(OrderRun *run, Order *order, OrderChooseFunc choose, gpointer user_data);

/* An order as it is printed; one whose steps are taken as long as they are possible. */
Order order_read(const char *text);
guint order_choose_given(const Order *order, guint at, OrderMask possible, gpointer user_data);

guint order_run_find_first(OrderMask mask); /* ORDER_NO_STEP: there is none */

guint order_run_get_n_worlds(void);
guint order_run_find_world(const char *name); /* ORDER_NO_STEP: there is none */
const char *order_run_get_world_name(guint world);
gboolean order_run_is_world_varied(guint world); /* it differs little from another */
guint order_run_get_n_starts(void);
gboolean order_run_has_start(guint world, guint start);

/* Something is wrong with the order that was run last. */
void order_run_fail(const char *text) G_GNUC_NORETURN;
void order_run_check_leaks(void);
