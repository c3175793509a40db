/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which fdset is whose: what breaks here lets one caller open another's files, or keeps descriptors in QEMU of somebody who has
 * left. */
#include "fdsets.h"

#include <string.h>

#include "json-tree.h"

typedef struct Fixture {
    Fdsets *fdsets; /* owned */
    GString *removed; /* owned; what was to be removed, a blank after each */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->fdsets = fdsets_new("TAG");
    fixture->removed = g_string_new(NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    fdsets_free(fixture->fdsets);
    g_string_free(fixture->removed, TRUE);
}

static void
on_remove(gint64 fdset, gint64 fd, gpointer user_data)
{
    g_string_append_printf(user_data, "%" G_GINT64_FORMAT "/%" G_GINT64_FORMAT " ", fdset, fd);
}

static void
assert_removed(Fixture *fixture, guint max, const char *expected)
{
    g_string_truncate(fixture->removed, 0);
    fdsets_remove_left(fixture->fdsets, max, on_remove, fixture->removed);
    g_assert_cmpstr(fixture->removed->str, ==, expected);
}

static void
add(Fixture *fixture, guint fdset, guint fd, const char *caller)
{
    g_autofree char *reply = g_strdup_printf("{\"fdset-id\": %u, \"fd\": %u}", fdset, fd);

    fdsets_note_added(fixture->fdsets, &(QmpText){ reply, strlen(reply) }, caller);
}

static void
note_all(Fixture *fixture, const char *list)
{
    fdsets_note_all(fixture->fdsets, &(QmpText){ list, strlen(list) }, fdsets_get_serial(fixture->fdsets));
}

/* Two callers: who makes a set owns it; one that was there before is everybody's, whoever adds to it. */
static void
test_owners(Fixture *fixture, gconstpointer unused)
{
    static const char common[] = "[{\"fdset-id\": 1, \"fds\": [{\"fd\": 9}]}]";

    fdsets_note_common(fixture->fdsets, &(QmpText){ common, strlen(common) });
    add(fixture, 1, 10, ":1");
    add(fixture, 2, 11, ":1");
    add(fixture, 2, 12, ":2");
    g_assert_false(fdsets_is_foreign(fixture->fdsets, 1, ":2"));
    g_assert_true(fdsets_is_foreign(fixture->fdsets, 2, ":2"));
    g_assert_false(fdsets_is_foreign(fixture->fdsets, 2, ":1"));
    g_assert_false(fdsets_is_foreign(fixture->fdsets, 3, ":1"));
}

/* A caller who leaves: their own set goes whole, of others only what is theirs; until it is gone nobody gets it. */
static void
test_leave(Fixture *fixture, gconstpointer unused)
{
    static const char common[] = "[{\"fdset-id\": 1, \"fds\": [{\"fd\": 9}]}]";

    fdsets_note_common(fixture->fdsets, &(QmpText){ common, strlen(common) });
    add(fixture, 1, 10, ":1");
    add(fixture, 2, 11, ":1");
    add(fixture, 2, 12, ":1");
    assert_removed(fixture, 10, "");
    fdsets_leave(fixture->fdsets, ":1");
    g_assert_true(fdsets_is_foreign(fixture->fdsets, 2, ":1"));
    assert_removed(fixture, 1, "1/10 ");
    assert_removed(fixture, 10, "2/-1 ");
    assert_removed(fixture, 10, "");
    /* QEMU was paused, and has not removed them. */
    fdsets_retry(fixture->fdsets);
    assert_removed(fixture, 10, "1/10 2/-1 ");
    note_all(fixture, "[]");
    fdsets_retry(fixture->fdsets);
    assert_removed(fixture, 10, "");
    g_assert_false(fdsets_is_foreign(fixture->fdsets, 2, ":1"));
}

/* A caller whose add-fd is answered while an older list is on its way: the new descriptor is not forgotten by that. */
static void
test_serial(Fixture *fixture, gconstpointer unused)
{
    guint64 serial;

    add(fixture, 2, 11, ":1");
    serial = fdsets_get_serial(fixture->fdsets);
    add(fixture, 3, 12, ":1");
    fdsets_note_all(fixture->fdsets, &(QmpText){ "[]", 2 }, serial);
    g_assert_false(fdsets_is_foreign(fixture->fdsets, 2, ":2"));
    g_assert_true(fdsets_is_foreign(fixture->fdsets, 3, ":2"));
}

/* A caller who gets the number of a set that another has just given up: it is theirs. */
static void
test_number_again(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(JsonNode) arguments = json_tree_parse("{\"fdset-id\":2}", 14, NULL);

    add(fixture, 2, 11, ":1");
    fdsets_note_removed(fixture->fdsets, arguments);
    add(fixture, 2, 12, ":2");
    g_assert_true(fdsets_is_foreign(fixture->fdsets, 2, ":1"));
    g_assert_false(fdsets_is_foreign(fixture->fdsets, 2, ":2"));
}

/* A caller who adds a descriptor while the set of one who has left is removed again and again: the set gets another number, or the
 * next try would remove it. */
static void
test_take_number(Fixture *fixture, gconstpointer unused)
{
    gint64 first = fdsets_take_number(fixture->fdsets);

    add(fixture, (int)first, 11, ":1");
    fdsets_leave(fixture->fdsets, ":1");
    for (guint i = 0; i < 100; i++) {
        gint64 number = fdsets_take_number(fixture->fdsets);
        g_assert_cmpint(number, >=, 1000000);
        g_assert_cmpint(number, <=, G_MAXINT32);
        g_assert_cmpint(number, !=, first);
    }
}

/* A caller who names the set that the next caller will get: nobody can tell its number from the last one's. */
static void
test_next_number(Fixture *fixture, gconstpointer unused)
{
    gint64 first = fdsets_take_number(fixture->fdsets), second = fdsets_take_number(fixture->fdsets);

    g_assert_cmpint(ABS(second - first), >, 1);
    g_assert_cmpint(fdsets_take_number(fixture->fdsets) - second, !=, second - first);
}

/* Two callers, of whom one leaves right after giving up a set whose number the other has got: the set stays. */
static void
test_number_again_and_left(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(JsonNode) arguments = json_tree_parse("{\"fdset-id\":2}", 14, NULL);

    add(fixture, 2, 11, ":1");
    fdsets_note_removed(fixture->fdsets, arguments);
    add(fixture, 2, 12, ":2");
    fdsets_leave(fixture->fdsets, ":1");
    assert_removed(fixture, 10, "2/11 ");
    g_assert_false(fdsets_is_foreign(fixture->fdsets, 2, ":2"));
}

/* An agent that was killed: what has its tag is removed, as a set only where all in it has. */
static void
test_left_over(Fixture *fixture, gconstpointer unused)
{
    static const char list[] = "[{\"fdset-id\": 1, \"fds\": [{\"fd\": 10, \"opaque\": \"TAG a\"}, {\"fd\": 11}]},"
                               "{\"fdset-id\": 2, \"fds\": [{\"fd\": 12, \"opaque\": \"TAG\"}]},"
                               "{\"fdset-id\": 3, \"fds\": [{\"fd\": 13, \"opaque\": \"TAGS\"}]},"
                               "{\"fdset-id\": 4, \"fds\": []}]";

    fdsets_note_common(fixture->fdsets, &(QmpText){ list, strlen(list) });
    assert_removed(fixture, 10, "1/10 2/-1 ");
    g_assert_false(fdsets_is_foreign(fixture->fdsets, 1, ":1"));
    g_assert_true(fdsets_is_foreign(fixture->fdsets, 2, ":1"));
    g_assert_false(fdsets_is_foreign(fixture->fdsets, 4, ":1"));
}

/* A QEMU that answers nonsense: nothing is forgotten, and nothing made up. */
static void
test_lies(Fixture *fixture, gconstpointer unused)
{
    static const char *const lies[] = { "", "7", "{}", "[7]", "[{}]", "[{\"fdset-id\": \"2\"}]", "[" };

    add(fixture, 2, 11, ":1");
    for (guint i = 0; i < G_N_ELEMENTS(lies); i++) {
        QmpText text = { lies[i], strlen(lies[i]) };
        fdsets_note_added(fixture->fdsets, &text, ":2");
        fdsets_note_common(fixture->fdsets, &text);
    }
    note_all(fixture, "{}");
    note_all(fixture, "");
    g_assert_true(fdsets_is_foreign(fixture->fdsets, 2, ":2"));
}

/* A caller who adds without end: full at 1024, and nobody else is. */
static void
test_full(Fixture *fixture, gconstpointer unused)
{
    for (guint i = 0; i < 1024; i++) {
        g_assert_false(fdsets_is_full(fixture->fdsets, ":1"));
        add(fixture, 1, i, ":1");
    }
    g_assert_true(fdsets_is_full(fixture->fdsets, ":1"));
    g_assert_false(fdsets_is_full(fixture->fdsets, ":2"));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/fdsets/owners", test_owners);
    ADD("/fdsets/leave", test_leave);
    ADD("/fdsets/serial", test_serial);
    ADD("/fdsets/number-again", test_number_again);
    ADD("/fdsets/number-again-and-left", test_number_again_and_left);
    ADD("/fdsets/take-number", test_take_number);
    ADD("/fdsets/next-number", test_next_number);
    ADD("/fdsets/left-over", test_left_over);
    ADD("/fdsets/lies", test_lies);
    ADD("/fdsets/full", test_full);
    return g_test_run();
}
