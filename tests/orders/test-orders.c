/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module through every order of what may happen around a call: a caller, a QEMU, a person who is asked, or an administrator
 * who does something at the wrong moment must not cost anybody else an answer, a monitor or the agent.
 *
 *     test-orders [--depth=N] [--seconds=S] [--random=N] [--seed=N] [--jobs=N] [--world=WORLD] [--order=WORLD:START:STEP,STEP…:END]
 *
 * All orders of N steps from each start in each world, then random ones of up to 20 steps until S seconds are over or a process has
 * run that many, by as many processes as there are jobs. An order with a fault is printed in the form that --order takes. A step that means nothing where it stands
 * ends its order. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "order-all.h"
#include "order-ends.h"

#define ORDERS_A_WORLD 100
#define MAX_JOBS 64

/* Of the sanitizer, where there is one. */
gsize __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static guint
choose_any(const Order *order, guint at, OrderMask possible, gpointer user_data)
{
    guint n = (guint)__builtin_popcountll(possible);

    if (n == 0)
        return ORDER_NO_STEP;
    for (guint skip = g_rand_int_range(user_data, 0, (gint32)n); skip > 0; skip--)
        possible &= possible - 1;
    return order_run_find_first(possible);
}

static guint
pick(GRand *random, gsize n)
{
    return (guint)g_rand_int_range(random, 0, (gint32)n);
}

static guint
pick_start(GRand *random, guint world)
{
    guint start;

    do
        start = pick(random, order_run_get_n_starts());
    while (!order_run_has_start(world, start));
    return start;
}

static void
run_random(OrderRun *run, GRand *random, guint only)
{
    /* A world costs more than an order. */
    guint world =
        run->world && run->n_orders % ORDERS_A_WORLD != 0 ? run->n_world : pick(random, order_run_get_n_worlds());
    Order order = {
        .world = only == ORDER_NO_STEP ? world : only,
        .start = pick_start(random, only == ORDER_NO_STEP ? world : only),
        .end = pick(random, g_strv_length((char **)order_ends)),
        .n_steps = 4 + pick(random, ORDER_MAX_STEPS - 4),
    };

    order_run_one(run, &order, choose_any, random);
}

/* Each of these has met a fault, or is the shortest of its kind that all orders of two steps do not reach. */
static const char *const known[] = {
    "hotplug:waiting:property,open,json,answer,job-ends:removed", /* an event on a monitor without a command */
    "hotplug:described:method,power-off,answer:served", /* a monitor is being plugged when QEMU tells that it ends */
    "hotplug-few:native:leave:left", /* the last caller leaves the common monitor */
    "hotplug-few:native:screenshot,reload,reload,wait,answer-one,answer:gone", /* a picture, and the VM goes */
    "hotplug-kept:waiting:b-method,silence,fdset,answer-one,quit:removed", /* half a plug was sent */
    "hotplug-kept:fresh:quit,start,power-off:left", /* QEMU tells that it ends when the next agent has just begun */
    "hotplug-group:waiting:open,answer-one,silence,display:quit", /* half a plug was sent */
    "hotplug-system:fresh:subscribe,yes,wait,yes,answer:served", /* an event that the schema does not know */
    "hotplug-system:fresh:wait-stop,b-method,open,refuse,subscribe,wait-stop:served", /* Subscribe() is answered at the end */
    "address-asked:fresh:subscribe,event,leave:served", /* an event that waits for the schema, and its subscriber leaves */
    "address-asked:fresh:b-add:stopped", /* AddVM() waits for polkit, and the agent ends */
    "address-asked:empty:add-for-nobody,yes:served", /* whose QEMU it is, is looked up after polkit's leave */
    "address:empty:mute,add,go:removed", /* the QEMU that a call waits for goes without a word */
    "address:empty:add,listen,add-unnamed,answer,answer,quit,start:removed", /* the VM that was added is there again */
    "address:fresh:clear,quit,start:stopped", /* the same, though its record was removed */
};

static void
run_given(OrderRun *run, const char *text)
{
    Order order = order_read(text);

    order_run_one(run, &order, order_choose_given, NULL);
}

/* A list that only grows is no leak, because its memory can be reached. These orders are run again and again on one agent, and all parts
 * of the module take part in them. */
static const char *const growing[] = {
    "hotplug:known:leave:left",
    "hotplug-asked:fresh:method,yes,open,no,list,yes,answer:removed",
    "hotplug:fresh:wait,answer,answer,answer,job-ends,answer,answer,answer,fdset,answer,screenshot,answer,answer:gone",
    "hotplug:native:native,close,display,answer,answer,subscribe,event,answer:left",
    "shared-asked:known:method,yes,execute,b-method,answer,no,yes,refuse,remove,come,answer,answer:removed",
};

/* Bytes at rest differ by some 1,000 from one time to the next. A table or a pool of libdbus's may grow once (1,800 bytes
 * were seen); what is leaked grows each time. */
#define N_WARM 20
#define N_MEASURED 60
#define MAX_GROWTH 24 /* bytes an order */

/* The bytes that are allocated after an order, on average. */
static double
measure_orders(OrderRun *run, const Order *order, guint n)
{
    double sum = 0;

    for (guint i = 0; i < n; i++) {
        Order copy = *order;
        order_run_one(run, &copy, order_choose_given, NULL);
        sum += (double)__sanitizer_get_current_allocated_bytes();
    }
    return sum / n;
}

static void
check_growth(OrderRun *run, const char *text)
{
    Order order = order_read(text);
    double means[3], growth;

    measure_orders(run, &order, N_WARM);
    for (guint i = 0; i < G_N_ELEMENTS(means); i++)
        means[i] = measure_orders(run, &order, N_MEASURED);
    growth = MIN(means[1] - means[0], means[2] - means[1]) / N_MEASURED;
    g_print("# %s: %+.1f bytes an order\n", text, growth);
    if (growth <= MAX_GROWTH)
        return;
    order_run_fail("The agent grows with each order");
}

static void
check_all_growth(OrderRun *run)
{
    for (guint i = 0; i < G_N_ELEMENTS(growing); i++)
        check_growth(run, growing[i]);
    g_print("ok - nothing grows\n");
}

typedef struct Options {
    gint depth, seconds, random, seed, jobs; /* random: 0 for no limit */
    char *world; /* owned; NULL: all */
    char *order; /* owned */
} Options;

static void
run_known(OrderRun *run)
{
    for (guint i = 0; i < G_N_ELEMENTS(known); i++)
        run_given(run, known[i]);
    g_print("ok - %zu known orders\n", G_N_ELEMENTS(known));
}

/* One of the processes. The first looks at old faults and at growth, too. */
static void
run_job(OrderRun *run, const Options *options, OrderTally *tally, guint job)
{
    g_autoptr(GRand) random = g_rand_new_with_seed((guint32)options->seed + job);
    gint64 end = g_get_real_time() + options->seconds * G_TIME_SPAN_SECOND;
    guint only = options->world ? order_run_find_world(options->world) : ORDER_NO_STEP;
    guint64 n_before;

    if (job == 0) {
        run_known(run);
        if (__sanitizer_get_current_allocated_bytes)
            check_all_growth(run);
    }
    order_all_run(run, tally, (guint)options->depth, only);
    n_before = run->n_orders;
    while (g_get_real_time() < end && (!options->random || run->n_orders - n_before < (guint64)options->random))
        run_random(run, random, only);
    order_run_check_leaks();
    __atomic_add_fetch(&tally->n_random, run->n_orders - n_before, __ATOMIC_RELAXED);
}

static void
start_job(const Options *options, OrderTally *tally, guint job)
{
    OrderRun run;

    if (fork() != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    order_run_init(&run);
    run_job(&run, options, tally, job);
    order_run_clear(&run);
    exit(0);
}

/* The first that fails ends all: the kernel kills the others with this process. */
static void
wait_for_jobs(guint n)
{
    int status;

    for (; n > 0; n--)
        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
            exit(1);
}

static void
run_many(const Options *options)
{
    OrderTally *tally = order_tally_new();
    guint64 n_all;

    g_print("# seed %d\n", options->seed);
    for (guint i = 0; i < (guint)options->jobs; i++)
        start_job(options, tally, i);
    wait_for_jobs((guint)options->jobs);
    n_all = order_tally_print(tally);
    g_print("ok - all %" G_GUINT64_FORMAT " orders of %d steps\n", n_all, options->depth);
    g_print("ok - %" G_GUINT64_FORMAT " random orders\n", tally->n_random);
    g_print("1..%d\n", __sanitizer_get_current_allocated_bytes ? 4 : 3);
    order_tally_free(tally);
}

static void
run_given_alone(const char *text)
{
    OrderRun run;

    order_run_init(&run);
    run_given(&run, text);
    order_run_clear(&run);
}

static void
read_options(int argc, char **argv, Options *options)
{
    const GOptionEntry entries[] = {
        { "depth", 0, 0, G_OPTION_ARG_INT, &options->depth, "All orders of N steps", "N" },
        { "seconds", 0, 0, G_OPTION_ARG_INT, &options->seconds, "Random orders until S seconds are over", "S" },
        { "random", 0, 0, G_OPTION_ARG_INT, &options->random, "Random orders of a process, N at most", "N" },
        { "seed", 0, 0, G_OPTION_ARG_INT, &options->seed, "Of the random orders", "N" },
        { "jobs", 0, 0, G_OPTION_ARG_INT, &options->jobs, "Processes", "N" },
        { "world", 0, 0, G_OPTION_ARG_STRING, &options->world, "In this world alone", "WORLD" },
        { "order", 0, 0, G_OPTION_ARG_STRING, &options->order, "One order", "WORLD:START:STEP,STEP:END" },
        G_OPTION_ENTRY_NULL,
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        g_error("%s", error->message);
    options->depth = CLAMP(options->depth, 1, ORDER_MAX_STEPS);
    if (options->world && order_run_find_world(options->world) == ORDER_NO_STEP)
        g_error("no such world: %s", options->world);
    options->jobs = CLAMP(options->jobs, 1, MAX_JOBS);
}

int
main(int argc, char **argv)
{
    Options options = { .depth = 2, .jobs = 1, .seed = (gint)(g_get_real_time() % G_MAXINT) };

    read_options(argc, argv, &options);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (options.order)
        run_given_alone(options.order);
    else
        run_many(&options);
    g_free(options.world);
    g_free(options.order);
    return 0;
}
