/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who waits for whose name: what breaks here keeps a VM away for good, or lets a later one overtake it. */
#include "vm-rivals.h"

typedef struct Fixture {
    GMainContext *context; /* owned */
    VmRivals *rivals; /* owned */
    GString *due; /* owned; the entries that were told, in order */
    const char *takes_over; /* who, once told, is what the next one waits for; NULL: nobody */
} Fixture;

static int
compare(gconstpointer a, gconstpointer b)
{
    return g_strcmp0(a, b);
}

static void
on_due(gpointer entry, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_string_append(fixture->due, entry);
    if (fixture->takes_over && fixture->takes_over != entry)
        vm_rivals_wait(fixture->rivals, entry, (gpointer)fixture->takes_over);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->context = g_main_context_new();
    fixture->rivals = vm_rivals_new(fixture->context, compare, on_due, fixture);
    fixture->due = g_string_new(NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    vm_rivals_free(fixture->rivals);
    g_string_free(fixture->due, TRUE);
    g_main_context_unref(fixture->context);
}

/* Turns the loop until nobody is due any more. */
static void
settle(Fixture *fixture)
{
    gsize before;

    do {
        gint64 end = g_get_monotonic_time() + 20 * G_TIME_SPAN_MILLISECOND;
        before = fixture->due->len;
        while (g_get_monotonic_time() < end)
            g_main_context_iteration(fixture->context, FALSE);
    } while (fixture->due->len > before);
}

static char a[] = "a", b[] = "b", c[] = "c", holder[] = "holder", other[] = "other";

static void
test_order(Fixture *fixture, gconstpointer unused)
{
    vm_rivals_wait(fixture->rivals, c, holder);
    vm_rivals_wait(fixture->rivals, a, holder);
    vm_rivals_wait(fixture->rivals, b, other);
    vm_rivals_left(fixture->rivals, holder);
    g_assert_cmpstr(fixture->due->str, ==, ""); /* not from inside */
    settle(fixture);
    g_assert_cmpstr(fixture->due->str, ==, "ac");
    vm_rivals_left(fixture->rivals, other);
    settle(fixture);
    g_assert_cmpstr(fixture->due->str, ==, "acb");
}

static void
test_the_first_is_the_next_ones_rival(Fixture *fixture, gconstpointer unused)
{
    fixture->takes_over = a;
    vm_rivals_wait(fixture->rivals, b, holder);
    vm_rivals_wait(fixture->rivals, a, holder);
    vm_rivals_left(fixture->rivals, holder);
    settle(fixture);
    g_assert_cmpstr(fixture->due->str, ==, "ab");
    vm_rivals_left(fixture->rivals, a);
    settle(fixture);
    g_assert_cmpstr(fixture->due->str, ==, "abb");
}

static void
test_who_leaves_is_told_nothing(Fixture *fixture, gconstpointer unused)
{
    vm_rivals_wait(fixture->rivals, a, holder);
    vm_rivals_wait(fixture->rivals, b, holder);
    vm_rivals_wait(fixture->rivals, c, holder);
    vm_rivals_left(fixture->rivals, holder);
    vm_rivals_left(fixture->rivals, a);
    vm_rivals_stop_waiting(fixture->rivals, b);
    settle(fixture);
    g_assert_cmpstr(fixture->due->str, ==, "c");
}

static void
test_renamed(Fixture *fixture, gconstpointer unused)
{
    fixture->takes_over = holder;
    vm_rivals_wait(fixture->rivals, a, holder);
    vm_rivals_renamed(fixture->rivals, holder);
    settle(fixture);
    vm_rivals_left(fixture->rivals, holder);
    settle(fixture);
    g_assert_cmpstr(fixture->due->str, ==, "aa");
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/vm-rivals/order", test_order);
    ADD("/vm-rivals/first-is-next-ones-rival", test_the_first_is_the_next_ones_rival);
    ADD("/vm-rivals/leaves", test_who_leaves_is_told_nothing);
    ADD("/vm-rivals/renamed", test_renamed);
    return g_test_run();
}
