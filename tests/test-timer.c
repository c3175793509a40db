/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One-shot timers: one that fires early gives up a QEMU that would have answered, and one that is rounded to nothing spins. */
#include "timer.h"

typedef struct Fixture {
    GMainContext *context; /* owned */
    GSource *timer; /* owned; NULL: none */
    guint n_fired;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->context = g_main_context_new();
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    timer_stop(&fixture->timer);
    g_main_context_unref(fixture->context);
}

static gboolean
on_timer(gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->n_fired++;
    timer_stop(&fixture->timer);
    return G_SOURCE_REMOVE;
}

/* Somebody who waits: the callback comes once, not before its time, and may forget the timer from inside. */
static void
test_fires(Fixture *fixture, gconstpointer unused)
{
    gint64 begin = g_get_monotonic_time();

    fixture->timer = timer_start(fixture->context, 1500, on_timer, fixture);
    while (fixture->n_fired == 0)
        g_main_context_iteration(fixture->context, TRUE);
    g_assert_cmpint(g_get_monotonic_time() - begin, >=, 1500);
    g_assert_null(fixture->timer);
    g_assert_false(g_main_context_pending(fixture->context));
    g_assert_cmpuint(fixture->n_fired, ==, 1);
}

/* Somebody who has stopped waiting: a timer whose time had come is not heard of any more. */
static void
test_stopped(Fixture *fixture, gconstpointer unused)
{
    fixture->timer = timer_start(fixture->context, 0, on_timer, fixture);
    timer_stop(&fixture->timer);
    timer_stop(&fixture->timer);
    while (g_main_context_iteration(fixture->context, FALSE))
        ;
    g_assert_cmpuint(fixture->n_fired, ==, 0);
}

/* Somebody who sets a timeout of years: it does not wrap to one of now. */
static void
test_far(Fixture *fixture, gconstpointer unused)
{
    static const guint64 delays[] = { G_MAXUINT64, G_MAXINT64, (guint64)G_MAXUINT32 * 1000 };

    for (guint i = 0; i < G_N_ELEMENTS(delays); i++) {
        fixture->timer = timer_start(fixture->context, delays[i], on_timer, fixture);
        g_assert_cmpint(g_source_get_ready_time(fixture->timer), >, g_get_monotonic_time() + 20 * G_TIME_SPAN_DAY);
        timer_stop(&fixture->timer);
    }
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/timer/fires", test_fires);
    ADD("/timer/stopped", test_stopped);
    ADD("/timer/far", test_far);
    return g_test_run();
}
