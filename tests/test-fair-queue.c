/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fair turns: what breaks here lets one caller starve all others, of QEMU, polkit and schemas alike. */
#include "fair-queue.h"

typedef struct TestLine {
    FairLine line;
    guint n_served;
    gboolean is_busy;
} TestLine;

typedef struct Entry {
    GList link;
    char name;
} Entry;

typedef struct Fixture {
    FairQueue queue;
    Entry entries[16];
    guint n;
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fair_queue_init(&fixture->queue, sizeof(TestLine));
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    fair_queue_clear(&fixture->queue);
}

static Entry *
add(Fixture *fixture, const char *key, char name)
{
    Entry *entry = &fixture->entries[fixture->n++];

    entry->name = name;
    entry->link.data = entry;
    fair_line_push(fair_queue_get_line(&fixture->queue, key), &entry->link);
    return entry;
}

static gboolean
is_free(gpointer line, gpointer unused)
{
    return !((TestLine *)line)->is_busy;
}

/* The names of the entries in the order in which they are served. */
static void
assert_served(Fixture *fixture, const char *expected)
{
    g_autoptr(GString) served = g_string_new(NULL);
    TestLine *line;

    while ((line = fair_queue_take_turn(&fixture->queue, is_free, NULL))) {
        Entry *entry = line->line.waiting.head->data;
        g_string_append_c(served, entry->name);
        line->n_served++;
        fair_line_remove(&line->line, &entry->link);
    }
    g_assert_cmpstr(served->str, ==, expected);
}

/* A caller with many entries, and others with one or two: each of theirs waits for one of the first caller's at most. */
static void
test_fair(Fixture *fixture, gconstpointer unused)
{
    for (const char *name = "abcd"; *name; name++)
        add(fixture, ":1.1", *name);
    add(fixture, ":1.2", 'A');
    add(fixture, ":1.2", 'B');
    add(fixture, ":1.3", '1');
    assert_served(fixture, "aA1bBcd");
    g_assert_cmpuint(((TestLine *)fair_queue_find_line(&fixture->queue, ":1.1"))->n_served, ==, 4);
}

/* A caller who comes while another has had many turns is next, and one that cannot go now keeps its place. */
static void
test_may_go(Fixture *fixture, gconstpointer unused)
{
    TestLine *line;

    add(fixture, ":1.1", 'a');
    add(fixture, ":1.2", 'A');
    add(fixture, ":1.2", 'B');
    line = fair_queue_find_line(&fixture->queue, ":1.1");
    line->is_busy = TRUE;
    assert_served(fixture, "AB");
    add(fixture, ":1.2", 'C');
    line->is_busy = FALSE;
    assert_served(fixture, "aC");
}

/* A caller who gives up what waited leaves nothing behind, and one that puts an entry first is served that. */
static void
test_remove(Fixture *fixture, gconstpointer unused)
{
    Entry *first = add(fixture, ":1.1", 'a'), *second = add(fixture, ":1.1", 'b'), *other = add(fixture, ":1.2", 'A');
    FairLine *line = fair_queue_find_line(&fixture->queue, ":1.1");

    fair_line_remove(line, &second->link);
    fair_line_push_first(line, &second->link);
    fair_line_remove(fair_queue_find_line(&fixture->queue, ":1.2"), &other->link);
    g_assert_cmpuint(fixture->queue.turns.length, ==, 1);
    assert_served(fixture, "ba");
    g_assert_null(line->waiting.head);
    fair_line_push(line, &first->link);
    assert_served(fixture, "a");
    fair_line_drop(line);
    g_assert_null(fair_queue_find_line(&fixture->queue, ":1.1"));
    g_assert_cmpuint(g_hash_table_size(fixture->queue.lines), ==, 1);
}

/* Who asks whether anybody waits does so before the first caller has come, too. */
static void
test_has_lines(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(fair_queue_has_lines(&fixture->queue));
    add(fixture, ":1.1", 'a');
    g_assert_true(fair_queue_has_lines(&fixture->queue));
    assert_served(fixture, "a");
    fair_line_drop(fair_queue_find_line(&fixture->queue, ":1.1"));
    g_assert_false(fair_queue_has_lines(&fixture->queue));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

/* The first line is kept by itself, and others in a table: each is found, and goes, whichever way it was kept. */
static void
test_lines_come_and_go(Fixture *fixture, gconstpointer unused)
{
    static const char *const keys[] = { "a", "b", "c" };

    for (guint round = 0; round < 3; round++) {
        TestLine *lines[G_N_ELEMENTS(keys)];
        g_assert_false(fair_queue_has_lines(&fixture->queue));
        for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
            lines[i] = fair_queue_get_line(&fixture->queue, keys[i]);
        for (guint i = 0; i < G_N_ELEMENTS(keys); i++)
            g_assert_true(fair_queue_find_line(&fixture->queue, keys[i]) == lines[i]);
        g_autoptr(GList) listed = fair_queue_list_lines(&fixture->queue);
        g_assert_cmpuint(g_list_length(listed), ==, G_N_ELEMENTS(keys));
        fair_line_drop(&lines[round]->line);
        g_assert_null(fair_queue_find_line(&fixture->queue, keys[round]));
        g_assert_true(fair_queue_get_line(&fixture->queue, keys[(round + 1) % 3]) == lines[(round + 1) % 3]);
        for (guint i = 1; i < G_N_ELEMENTS(keys); i++) {
            g_assert_true(fair_queue_has_lines(&fixture->queue));
            fair_line_drop(&lines[(round + i) % 3]->line);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/fair-queue/lines-come-and-go", test_lines_come_and_go);
    ADD("/fair-queue/fair", test_fair);
    ADD("/fair-queue/may-go", test_may_go);
    ADD("/fair-queue/remove", test_remove);
    ADD("/fair-queue/has-lines", test_has_lines);
    return g_test_run();
}
