/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-all.h"

#include <sys/mman.h>

#include "order-ends.h"

/* All orders, one after the other: the steps up to n_fixed are those of the order before, with the last of them the next that was
 * possible there; behind them the first that is possible each time. */
typedef struct Enumeration {
    guint n_fixed;
    OrderMask possible[ORDER_MAX_STEPS]; /* not tried yet, at each place */
} Enumeration;

static OrderMask
get_mask_for_all(void)
{
    OrderMask mask = 0;

    for (guint i = 0; order_steps[i].name; i++)
        if (order_steps[i].is_for_all)
            mask |= (OrderMask)1 << i;
    return mask;
}

/* A step that has moved nobody leaves all as it was: orders that go on behind it are those that go on before it. */
static guint
choose_next(const Order *order, guint at, OrderMask possible, gpointer user_data)
{
    Enumeration *enumeration = user_data;

    if (at >= enumeration->n_fixed)
        enumeration->possible[at] = order->has_moved ? possible & get_mask_for_all() : 0;
    return order_run_find_first(enumeration->possible[at]);
}

/* FALSE: there is none. */
static gboolean
go_on(Enumeration *enumeration, guint n_steps)
{
    for (guint at = n_steps; at-- > 0;) {
        enumeration->possible[at] &= enumeration->possible[at] - 1;
        if (enumeration->possible[at] == 0)
            continue;
        enumeration->n_fixed = at + 1;
        return TRUE;
    }
    return FALSE;
}

static guint64
run_start(OrderRun *run, guint world, guint start, guint depth)
{
    guint n_ends = g_strv_length((char **)order_ends);
    Enumeration enumeration = { 0 };
    Order order = { .world = world, .start = start };
    guint64 n = 0;

    do {
        order.n_steps = depth;
        order.end = (guint)((n + start) % n_ends);
        order_run_one(run, &order, choose_next, &enumeration);
        n++;
    } while (go_on(&enumeration, order.n_steps));
    return n;
}

/* 0: none of its orders. */
static guint
get_depth(guint world, guint depth, guint only)
{
    if (only != ORDER_NO_STEP)
        return world == only ? depth : 0;
    return order_run_is_world_varied(world) && depth > 1 ? depth - 1 : depth;
}

void
order_all_run(OrderRun *run, OrderTally *tally, guint depth, guint only)
{
    guint n_starts = order_run_get_n_starts(), n = n_starts * order_run_get_n_worlds(), i;

    while ((i = (guint)g_atomic_int_add(&tally->n_taken, 1)) < n) {
        guint world = i / n_starts;
        guint world_depth = get_depth(world, depth, only);
        gboolean is_wanted = world_depth > 0 && order_run_has_start(world, i % n_starts);
        guint64 n_orders = is_wanted ? run_start(run, world, i % n_starts, world_depth) : 0;
        tally->depths[world] = world_depth;
        __atomic_add_fetch(&tally->n_orders[world], n_orders, __ATOMIC_RELAXED);
    }
    order_run_check_leaks();
}

guint64
order_tally_print(const OrderTally *tally)
{
    guint64 sum = 0;

    for (guint i = 0; i < order_run_get_n_worlds(); i++) {
        if (tally->depths[i] > 0)
            g_print("# %s: all %" G_GUINT64_FORMAT " orders of %u steps\n", order_run_get_world_name(i),
                    tally->n_orders[i], tally->depths[i]);
        sum += tally->n_orders[i];
    }
    return sum;
}

OrderTally *
order_tally_new(void)
{
    void *memory = mmap(NULL, sizeof(OrderTally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, /* fd= */ -1,
                        /* offset= */ 0);

    g_assert_true(memory != MAP_FAILED);
    g_assert_cmpuint(order_run_get_n_worlds(), <=, ORDER_MAX_WORLDS);
    return memory;
}

void
order_tally_free(OrderTally *tally)
{
    munmap(tally, sizeof *tally);
}
