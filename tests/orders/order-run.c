/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-run.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "order-checks.h"
#include "order-ends.h"

/* A check takes as long as some 50 orders. */
#define ORDERS_A_LEAK_CHECK 1000

enum {
    START_FRESH,
    START_DESCRIBED,
    START_KNOWN,
    START_NATIVE,
    START_WAITING,
    START_ADDED,
    START_EMPTY,
};

/* Steps before the order begins, answered at once by everybody. */
static const struct {
    const char *name;
    const char *steps;
    OrderStage stage;
    /* Where VMs are added by a path, orders are about that; where they are not, there is a VM. */
    gboolean is_with_paths, is_without;
} starts[] = {
    [START_FRESH] = { "fresh", "", ORDER_STAGE_ADDED, TRUE, TRUE },
    [START_DESCRIBED] = { "described", "introspect", ORDER_STAGE_ADDED, FALSE, TRUE },
    [START_KNOWN] = { "known", "method", ORDER_STAGE_ADDED, FALSE, TRUE },
    [START_NATIVE] = { "native", "open,native", ORDER_STAGE_ADDED, FALSE, TRUE },
    [START_WAITING] = { "waiting", "wait", ORDER_STAGE_ADDED, FALSE, TRUE },
    /* QEMU has not answered anything yet. */
    [START_ADDED] = { "added", "", ORDER_STAGE_ADDING, TRUE, TRUE },
    [START_EMPTY] = { "empty", "", ORDER_STAGE_NOTHING, TRUE, FALSE },
};

static const OrderWorldKind worlds[] = {
    { "hotplug", ORDER_QEMU_OBJECTS, ORDER_WAY_FD, { 0 }, FALSE },
    { "hotplug-asked", ORDER_QEMU_OBJECTS, ORDER_WAY_FD, { .asks_owner = TRUE }, FALSE },
    { "hotplug-few", ORDER_QEMU_OBJECTS, ORDER_WAY_FD, { .max_monitors = 1 }, TRUE },
    { "hotplug-isolated", ORDER_QEMU_OBJECTS, ORDER_WAY_FD, { .requires_isolation = TRUE, .max_monitors = 1 }, TRUE },
    { "hotplug-system", ORDER_QEMU_OBJECTS, ORDER_WAY_FD, { .asks_owner = TRUE, .is_system = TRUE }, FALSE },
    { "hotplug-group", ORDER_QEMU_OBJECTS, ORDER_WAY_GROUP, { 0 }, FALSE },
    { "hotplug-kept", ORDER_QEMU_OBJECTS, ORDER_WAY_FD, { .has_store = TRUE }, FALSE },
    { "monitor-add", ORDER_QEMU_MONITOR_ADD, ORDER_WAY_FD, { 0 }, FALSE },
    { "spare", ORDER_QEMU_SHARED, ORDER_WAY_SPARES, { 0 }, FALSE },
    { "spare-isolated", ORDER_QEMU_SHARED, ORDER_WAY_SPARES, { .requires_isolation = TRUE }, TRUE },
    { "shared", ORDER_QEMU_SHARED, ORDER_WAY_FD, { 0 }, FALSE },
    { "shared-asked", ORDER_QEMU_SHARED, ORDER_WAY_FD, { .asks_owner = TRUE }, TRUE },
    { "shared-group", ORDER_QEMU_SHARED, ORDER_WAY_GROUP, { .asks_owner = TRUE }, TRUE },
    { "address", ORDER_QEMU_OBJECTS, ORDER_WAY_ADDRESS, { .has_store = TRUE }, FALSE },
    { "address-asked", ORDER_QEMU_SHARED, ORDER_WAY_ADDRESS, { .is_system = TRUE, .is_foreign = TRUE }, FALSE },
};

/* A crash prints it. */
static char current_order[1024];

static void
print_current_order(void)
{
    static const char begin[] = "\nThe order was: --order=", end[] = "\n";

    if (write(STDERR_FILENO, begin, strlen(begin)) < 0 ||
        write(STDERR_FILENO, current_order, strlen(current_order)) < 0 || write(STDERR_FILENO, end, 1) < 0)
        _exit(1);
}

static void
on_crash(int number)
{
    print_current_order();
    signal(number, SIG_DFL);
    raise(number);
}

/* Of the sanitizer, where there is one. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
int __lsan_do_recoverable_leak_check(void) __attribute__((weak));
void __ubsan_on_report(void);

/* The other sanitizer calls it. */
__attribute__((visibility("default"))) void
__ubsan_on_report(void)
{
    print_current_order();
}

static void
note_order(const Order *order, guint n_steps)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text, "%s:%s:", worlds[order->world].name, starts[order->start].name);
    for (guint i = 0; i < n_steps; i++)
        g_string_append_printf(text, "%s%s", i > 0 ? "," : "", order_steps[order->steps[i]].name);
    g_string_append_printf(text, ":%s", order_ends[order->end]);
    g_strlcpy(current_order, text->str, sizeof current_order);
}

static OrderMask
find_possible(OrderWorld *world)
{
    OrderMask possible = 0;

    for (guint i = 0; order_steps[i].name; i++)
        if (order_steps[i].is_possible(world))
            possible |= (OrderMask)1 << i;
    return possible;
}

static void
begin_start(OrderWorld *world, guint start)
{
    g_auto(GStrv) names = g_strsplit(starts[start].steps, ",", -1);

    order_world_begin(world, starts[start].stage);
    for (char **name = names; *name && **name; name++) {
        const OrderStep *step = order_steps_find(*name);
        if (step->is_possible(world))
            order_step_take(step, world);
        else
            order_world_fail(world, "the order cannot start: %s is not possible", *name);
    }
    order_world_hold(world);
}

void
order_run_fail(const char *text)
{
    g_printerr("%s\n", text);
    print_current_order();
    exit(1);
}

static void
exit_at_fault(OrderRun *run)
{
    if (run->world->fault->len > 0)
        order_run_fail(run->world->fault->str);
}

void
order_run_check_leaks(void)
{
    if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check() != 0)
        order_run_fail("One of the last orders has leaked something");
}

/* Takes the steps that @choose gives, until n_steps are taken or none is possible. */
static void
run_in_world(OrderRun *run, Order *order, OrderChooseFunc choose, gpointer user_data)
{
    OrderWorld *world = run->world;
    guint n;

    note_order(order, 0);
    order->has_moved = TRUE;
    begin_start(world, order->start);
    for (n = 0; n < order->n_steps && world->fault->len == 0; n++) {
        guint step = choose(order, n, find_possible(world), user_data);
        if (step == ORDER_NO_STEP)
            break;
        order->steps[n] = step;
        note_order(order, n + 1);
        order->has_moved = order_step_take(&order_steps[step], world);
        order_checks_after_step(world);
    }
    order->n_steps = n;
    exit_at_fault(run);
    order_ends_run(world, order_ends[order->end]);
    exit_at_fault(run);
    if (++run->n_orders % ORDERS_A_LEAK_CHECK == 0)
        order_run_check_leaks();
}

guint
order_choose_given(const Order *order, guint at, OrderMask possible, gpointer user_data)
{
    guint step = order->steps[at];

    return possible & (OrderMask)1 << step ? step : ORDER_NO_STEP;
}

static void
read_steps(Order *order, const char *text)
{
    g_auto(GStrv) names = g_strsplit(text, ",", ORDER_MAX_STEPS);

    for (char **name = names; *name && **name; name++) {
        const OrderStep *step = order_steps_find(*name);
        if (!step)
            g_error("no such step: %s", *name);
        order->steps[order->n_steps++] = (guint)(step - order_steps);
    }
}

/* The first order in a world shows what an agent that has asked polkit, and has nothing to do, has open. */
static void
run_first(OrderRun *run, guint world)
{
    Order first = { .world = world, .start = START_KNOWN };

    read_steps(&first, "reload,method");
    run_in_world(run, &first, order_choose_given, /* user_data= */ NULL);
}

void
order_run_one(OrderRun *run, Order *order, OrderChooseFunc choose, gpointer user_data)
{
    if (!run->world || run->n_world != order->world) {
        g_clear_pointer(&run->world, order_world_free);
        run->n_world = order->world;
        run->world = order_world_new(&worlds[order->world]);
        run_first(run, order->world);
    }
    run_in_world(run, order, choose, user_data);
}

Order
order_read(const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 4);
    Order order = { .start = ORDER_NO_STEP, .end = ORDER_NO_STEP };

    g_assert_cmpuint(g_strv_length(parts), ==, 4);
    order.world = order_run_find_world(parts[0]);
    for (guint i = 0; i < G_N_ELEMENTS(starts); i++)
        if (g_str_equal(starts[i].name, parts[1]))
            order.start = i;
    read_steps(&order, parts[2]);
    for (guint i = 0; order_ends[i]; i++)
        if (g_str_equal(order_ends[i], parts[3]))
            order.end = i;
    if (order.world == ORDER_NO_STEP || order.start == ORDER_NO_STEP || order.end == ORDER_NO_STEP)
        g_error("%s: no such world, start or end", text);
    return order;
}

guint
order_run_find_first(OrderMask mask)
{
    return mask ? (guint)__builtin_ctzll(mask) : ORDER_NO_STEP;
}

guint
order_run_find_world(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(worlds); i++)
        if (g_str_equal(worlds[i].name, name))
            return i;
    return ORDER_NO_STEP;
}

const char *
order_run_get_world_name(guint world)
{
    return worlds[world].name;
}

gboolean
order_run_is_world_varied(guint world)
{
    return worlds[world].is_varied;
}

guint
order_run_get_n_worlds(void)
{
    return G_N_ELEMENTS(worlds);
}

gboolean
order_run_has_start(guint world, guint start)
{
    return worlds[world].way == ORDER_WAY_ADDRESS ? starts[start].is_with_paths : starts[start].is_without;
}

guint
order_run_get_n_starts(void)
{
    return G_N_ELEMENTS(starts);
}

void
order_run_init(OrderRun *run)
{
    *run = (OrderRun){ 0 };
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(print_current_order);
    else
        signal(SIGSEGV, on_crash);
    signal(SIGABRT, on_crash);
    signal(SIGTRAP, on_crash);
    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
}

void
order_run_clear(OrderRun *run)
{
    g_clear_pointer(&run->world, order_world_free);
}
