/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hooks of a Bus, which any of them may detach or attach while they are run: each is run once a turn of the loop. */
#include "bus-hook.h"

#include "bus-state.h"

#define MAX_HOOKS 4

typedef struct Fixture {
    GMainContext *context;
    Bus bus; /* of which the hooks need these two fields */
    BusHook *hooks[MAX_HOOKS];
    guint runs[MAX_HOOKS];
    int detaches, attaches; /* which hook does it, when it is run; -1: none */
    int what; /* which is detached or attached */
} Fixture;

typedef struct Which {
    Fixture *fixture;
    int number;
} Which;

static gboolean
always(gpointer unused_data)
{
    return TRUE;
}

static void attach(Fixture *fixture, int number);

static void
detach(Fixture *fixture, int number)
{
    g_clear_pointer(&fixture->hooks[number], bus_hook_detach);
}

static void
run(gpointer user_data)
{
    Which *which = user_data;
    Fixture *fixture = which->fixture;

    fixture->runs[which->number]++;
    if (which->number == fixture->detaches)
        detach(fixture, fixture->what);
    if (which->number == fixture->attaches)
        attach(fixture, fixture->what);
}

static void
attach(Fixture *fixture, int number)
{
    static Which all[MAX_HOOKS];

    all[number] = (Which){ fixture, number };
    fixture->hooks[number] = bus_hook_attach(&fixture->bus, always, run, &all[number]);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->context = fixture->bus.context = g_main_context_new();
    bus_hooks_open(&fixture->bus);
    for (int i = 0; i < MAX_HOOKS - 1; i++)
        attach(fixture, i);
    fixture->detaches = fixture->attaches = -1;
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    for (int i = 0; i < MAX_HOOKS; i++)
        detach(fixture, i);
    bus_hooks_close(&fixture->bus);
    g_main_context_unref(fixture->context);
}

static void
assert_turn(Fixture *fixture, guint first, guint second, guint third, guint fourth)
{
    for (int i = 0; i < MAX_HOOKS; i++)
        fixture->runs[i] = 0;
    g_main_context_iteration(fixture->context, FALSE);
    g_assert_cmpuint(fixture->runs[0], ==, first);
    g_assert_cmpuint(fixture->runs[1], ==, second);
    g_assert_cmpuint(fixture->runs[2], ==, third);
    g_assert_cmpuint(fixture->runs[3], ==, fourth);
}

static void
test_each_once(Fixture *fixture, gconstpointer unused)
{
    assert_turn(fixture, 1, 1, 1, 0);
    assert_turn(fixture, 1, 1, 1, 0);
}

/* One that has been run, itself, the next one, and the last one. */
static void
test_detached(Fixture *fixture, gconstpointer unused)
{
    fixture->detaches = 1;
    fixture->what = 0;
    assert_turn(fixture, 1, 1, 1, 0);
    assert_turn(fixture, 0, 1, 1, 0);
    fixture->what = 2;
    assert_turn(fixture, 0, 1, 0, 0);
    fixture->what = 1;
    assert_turn(fixture, 0, 1, 0, 0);
    assert_turn(fixture, 0, 0, 0, 0);
}

/* Another is attached where one has gone: it waits for the next turn. */
static void
test_attached(Fixture *fixture, gconstpointer unused)
{
    fixture->attaches = 0;
    fixture->what = 3;
    assert_turn(fixture, 1, 1, 1, 0);
    fixture->attaches = -1;
    assert_turn(fixture, 1, 1, 1, 1);
    detach(fixture, 1);
    detach(fixture, 3);
    fixture->detaches = fixture->attaches = 0;
    fixture->what = 2;
    /* Detached and attached again before its turn came. */
    assert_turn(fixture, 1, 0, 0, 0);
    fixture->detaches = fixture->attaches = -1;
    assert_turn(fixture, 1, 0, 1, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/bus-hook/each-once", Fixture, NULL, set_up, test_each_once, tear_down);
    g_test_add("/bus-hook/detached", Fixture, NULL, set_up, test_detached, tear_down);
    g_test_add("/bus-hook/attached", Fixture, NULL, set_up, test_attached, tear_down);
    return g_test_run();
}
