/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module through every order of what may happen around a call: a caller, a QEMU, a person who is asked, or an administrator
 * who does something at the wrong moment must not cost anybody else an answer, a monitor or the agent.
 *
 *     test-orders [--depth=N] [--seconds=S] [--seed=N] [--order=WORLD:START:STEP,STEP…:END]
 *
 * All orders of N steps from each start in each world, then random ones of up to 20 steps until S seconds are over. An order with a
 * fault is printed in the form that --order takes. A step that means nothing where it stands ends its order. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "order-checks.h"
#include "order-steps.h"

#define MAX_STEPS 20
#define NO_STEP G_MAXUINT

/* A check takes as long as some 50 orders. */
#define ORDERS_A_LEAK_CHECK 1000

#define ORDERS_A_WORLD 100

/* Steps that an order may have to choose from: a bit each. */
typedef guint64 StepMask;

enum {
    START_FRESH,
    START_DESCRIBED,
    START_KNOWN,
    START_NATIVE,
    START_WAITING,
    START_ADDED,
};

/* Steps before the order begins, answered at once by everybody. */
static const struct {
    const char *name;
    const char *steps;
} starts[] = {
    [START_FRESH] = { "fresh", "" },
    [START_DESCRIBED] = { "described", "introspect" },
    [START_KNOWN] = { "known", "method" },
    [START_NATIVE] = { "native", "open,native" },
    [START_WAITING] = { "waiting", "wait" },
    /* QEMU has not answered anything yet. */
    [START_ADDED] = { "added", "" },
};

static const OrderWorldKind worlds[] = {
    { "hotplug", ORDER_QEMU_OBJECTS, { 0 } },
    { "hotplug-asked", ORDER_QEMU_OBJECTS, { .asks_owner = TRUE } },
    { "hotplug-few", ORDER_QEMU_OBJECTS, { .max_monitors = 1 } },
    { "hotplug-isolated", ORDER_QEMU_OBJECTS, { .requires_isolation = TRUE, .max_monitors = 1 } },
    { "monitor-add", ORDER_QEMU_MONITOR_ADD, { 0 } },
    { "shared", ORDER_QEMU_SHARED, { 0 } },
    { "shared-asked", ORDER_QEMU_SHARED, { .asks_owner = TRUE } },
};

typedef struct Order {
    guint world, start, end;
    guint n_steps; /* wanted, and then taken */
    guint steps[MAX_STEPS]; /* indices */
    StepMask possible[MAX_STEPS]; /* what could have been taken there */
} Order;

/* Chooses the step at @at, of those in @possible. */
typedef guint (*ChooseFunc)(const Order *order, guint at, StepMask possible, gpointer user_data);

typedef struct Run {
    OrderWorld *world; /* owned; NULL: none yet */
    guint n_world; /* its index */
    guint64 n_orders;
} Run;

/* What a crash prints. */
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

static StepMask
find_possible(OrderWorld *world)
{
    StepMask possible = 0;

    for (guint i = 0; order_steps[i].name; i++)
        if (order_steps[i].is_possible(world))
            possible |= (StepMask)1 << i;
    return possible;
}

static StepMask
get_mask_for_all(void)
{
    StepMask mask = 0;

    for (guint i = 0; order_steps[i].name; i++)
        if (order_steps[i].is_for_all)
            mask |= (StepMask)1 << i;
    return mask;
}

static void
begin_start(OrderWorld *world, guint start)
{
    g_auto(GStrv) names = g_strsplit(starts[start].steps, ",", -1);

    order_world_begin(world, start == START_ADDED);
    for (char **name = names; *name && **name; name++)
        order_step_take(order_steps_find(*name), world);
    order_world_hold(world);
}

static void
exit_at_fault(Run *run)
{
    if (run->world->fault->len == 0)
        return;
    g_printerr("%s\n", run->world->fault->str);
    print_current_order();
    exit(1);
}

static void
check_leaks(Run *run)
{
    if (__lsan_do_recoverable_leak_check && __lsan_do_recoverable_leak_check() != 0) {
        g_printerr("Something has leaked in one of the last %u orders\n", ORDERS_A_LEAK_CHECK);
        exit(1);
    }
}

/* Takes the steps that @choose gives, until n_steps are taken or none is possible. */
static void
run_in_world(Run *run, Order *order, ChooseFunc choose, gpointer user_data)
{
    OrderWorld *world = run->world;
    guint n;

    note_order(order, 0);
    begin_start(world, order->start);
    for (n = 0; n < order->n_steps && world->fault->len == 0; n++) {
        guint step = choose(order, n, find_possible(world), user_data);
        if (step == NO_STEP)
            break;
        order->steps[n] = step;
        note_order(order, n + 1);
        order_step_take(&order_steps[step], world);
        order_checks_after_step(world);
    }
    order->n_steps = n;
    exit_at_fault(run);
    order_checks_end(world, order_ends[order->end]);
    exit_at_fault(run);
    if (++run->n_orders % ORDERS_A_LEAK_CHECK == 0)
        check_leaks(run);
}

static guint
choose_given(const Order *order, guint at, StepMask possible, gpointer user_data)
{
    guint step = order->steps[at];

    return possible & (StepMask)1 << step ? step : NO_STEP;
}

static void
read_steps(Order *order, const char *text)
{
    g_auto(GStrv) names = g_strsplit(text, ",", MAX_STEPS);

    for (char **name = names; *name && **name; name++) {
        const OrderStep *step = order_steps_find(*name);
        if (!step)
            g_error("no such step: %s", *name);
        order->steps[order->n_steps++] = (guint)(step - order_steps);
    }
}

/* The first order in a world shows what an agent that has asked polkit, and has nothing to do, has open. */
static void
run_first(Run *run, guint world)
{
    Order first = { .world = world, .start = START_KNOWN };

    read_steps(&first, "reload,method");
    run_in_world(run, &first, choose_given, /* user_data= */ NULL);
}

static void
run_order(Run *run, Order *order, ChooseFunc choose, gpointer user_data)
{
    if (!run->world || run->n_world != order->world) {
        g_clear_pointer(&run->world, order_world_free);
        run->n_world = order->world;
        run->world = order_world_new(&worlds[order->world]);
        run_first(run, order->world);
    }
    run_in_world(run, order, choose, user_data);
}

/* All orders, one after the other: the steps up to n_fixed are those of the order before, with the last of them the next that was
 * possible there; behind them the first that is possible each time. */
typedef struct Enumeration {
    guint n_fixed;
    StepMask possible[MAX_STEPS]; /* not tried yet, at each place */
} Enumeration;

static guint
find_first(StepMask mask)
{
    return mask ? (guint)__builtin_ctzll(mask) : NO_STEP;
}

static guint
choose_next(const Order *order, guint at, StepMask possible, gpointer user_data)
{
    Enumeration *enumeration = user_data;

    if (at >= enumeration->n_fixed)
        enumeration->possible[at] = possible & get_mask_for_all();
    return find_first(enumeration->possible[at]);
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

static void
run_all(Run *run, guint world, guint start, guint depth)
{
    Enumeration enumeration = { 0 };
    Order order = { .world = world, .start = start };

    do {
        order.n_steps = depth;
        order.end = run->n_orders % g_strv_length((char **)order_ends);
        run_order(run, &order, choose_next, &enumeration);
    } while (go_on(&enumeration, order.n_steps));
}

static guint
choose_any(const Order *order, guint at, StepMask possible, gpointer user_data)
{
    guint n = (guint)__builtin_popcountll(possible);

    if (n == 0)
        return NO_STEP;
    for (guint skip = g_rand_int_range(user_data, 0, (gint32)n); skip > 0; skip--)
        possible &= possible - 1;
    return find_first(possible);
}

static guint
pick(GRand *random, gsize n)
{
    return (guint)g_rand_int_range(random, 0, (gint32)n);
}

static void
run_random(Run *run, GRand *random)
{
    /* A world costs more than an order. */
    guint world =
        run->world && run->n_orders % ORDERS_A_WORLD != 0 ? run->n_world : pick(random, G_N_ELEMENTS(worlds));
    Order order = {
        .world = world,
        .start = pick(random, G_N_ELEMENTS(starts)),
        .end = pick(random, g_strv_length((char **)order_ends)),
        .n_steps = 4 + pick(random, MAX_STEPS - 4),
    };

    run_order(run, &order, choose_any, random);
}

static void
run_given(Run *run, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 4);
    Order order = { .world = NO_STEP, .start = NO_STEP, .end = NO_STEP };

    g_assert_cmpuint(g_strv_length(parts), ==, 4);
    for (guint i = 0; i < G_N_ELEMENTS(worlds); i++)
        if (g_str_equal(worlds[i].name, parts[0]))
            order.world = i;
    for (guint i = 0; i < G_N_ELEMENTS(starts); i++)
        if (g_str_equal(starts[i].name, parts[1]))
            order.start = i;
    read_steps(&order, parts[2]);
    for (guint i = 0; order_ends[i]; i++)
        if (g_str_equal(order_ends[i], parts[3]))
            order.end = i;
    if (order.world == NO_STEP || order.start == NO_STEP || order.end == NO_STEP)
        g_error("%s: no such world, start or end", text);
    run_order(run, &order, choose_given, NULL);
}

typedef struct Options {
    gint depth, seconds, seed;
    char *order; /* owned */
} Options;

static void
run_many(Run *run, const Options *options)
{
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)options->seed);
    gint64 end = g_get_real_time() + options->seconds * G_TIME_SPAN_SECOND;
    guint64 n_all;

    g_print("1..2\n");
    for (guint world = 0; world < G_N_ELEMENTS(worlds); world++)
        for (guint start = 0; start < G_N_ELEMENTS(starts); start++)
            run_all(run, world, start, (guint)options->depth);
    check_leaks(run);
    n_all = run->n_orders;
    g_print("ok 1 all %" G_GUINT64_FORMAT " orders of %d steps\n# seed %d\n", n_all, options->depth, options->seed);
    while (g_get_real_time() < end)
        run_random(run, random);
    check_leaks(run);
    g_print("ok 2 %" G_GUINT64_FORMAT " random orders\n", run->n_orders - n_all);
}

static void
read_options(int argc, char **argv, Options *options)
{
    const GOptionEntry entries[] = {
        { "depth", 0, 0, G_OPTION_ARG_INT, &options->depth, "All orders of N steps", "N" },
        { "seconds", 0, 0, G_OPTION_ARG_INT, &options->seconds, "Random orders until S seconds are over", "S" },
        { "seed", 0, 0, G_OPTION_ARG_INT, &options->seed, "Of the random orders", "N" },
        { "order", 0, 0, G_OPTION_ARG_STRING, &options->order, "One order", "WORLD:START:STEP,STEP:END" },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        g_error("%s", error->message);
    options->depth = CLAMP(options->depth, 1, MAX_STEPS);
}

int
main(int argc, char **argv)
{
    Options options = { .depth = 2, .seed = (gint)(g_get_real_time() % G_MAXINT) };
    Run run = { 0 };

    read_options(argc, argv, &options);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (__sanitizer_set_death_callback)
        __sanitizer_set_death_callback(print_current_order);
    else
        signal(SIGSEGV, on_crash);
    signal(SIGABRT, on_crash);
    signal(SIGTRAP, on_crash);
    g_log_set_always_fatal(G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING);
    if (options.order)
        run_given(&run, options.order);
    else
        run_many(&run, &options);
    g_clear_pointer(&run.world, order_world_free);
    g_free(options.order);
    return 0;
}
