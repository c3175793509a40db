/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events of a VM that cannot be seen yet: without an end of these, a VM that floods while it is attached fills the agent's
 * memory. */
#include "early-events.h"

static void
add_event(EarlyEvents *early, const char *name, gsize length)
{
    g_autofree char *data = g_strnfill(length, ' ');

    early_events_add(early, &(QmpEvent){ .name = name, .data = { data, length } });
}

static void
assert_kept(EarlyEvents *early, guint n, const char *last)
{
    g_autoptr(GPtrArray) events = early_events_steal(early);

    g_assert_cmpuint(events->len, ==, n);
    g_assert_cmpstr(((QmpEvent *)events->pdata[0])->name, ==, "FIRST");
    g_assert_cmpstr(((QmpEvent *)events->pdata[n - 1])->name, ==, last);
    g_assert_null(early->events);
}

static void
test_many(void)
{
    EarlyEvents early = { 0 };

    add_event(&early, "FIRST", 2);
    for (guint i = 0; i < 254; i++)
        add_event(&early, "NEXT", 2);
    add_event(&early, "LAST", 2);
    for (guint i = 0; i < 1000; i++)
        add_event(&early, "TOO_LATE", 2);
    assert_kept(&early, 256, "LAST");
}

/* Large ones are fewer; one that has no room does not keep a small one out. There is room again for the next VM's. */
static void
test_large(void)
{
    EarlyEvents early = { 0 };

    for (guint i = 0; i < 2; i++) {
        add_event(&early, "FIRST", 200 * 1024);
        add_event(&early, "TOO_LARGE", 56 * 1024);
        add_event(&early, "SMALL", 2);
        assert_kept(&early, 2, "SMALL");
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/early-events/many", test_many);
    g_test_add_func("/early-events/large", test_large);
    return g_test_run();
}
