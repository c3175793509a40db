/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which fdset is whose, by the lists of a QEMU that may lie: what it lists is bounded before it becomes work. */
#include "fdsets.h"

#include <string.h>

static void
count_removal(gint64 fdset, gint64 fd, gpointer user_data)
{
    (*(guint *)user_data)++;
}

static guint
remove_left(Fdsets *fdsets)
{
    guint n = 0;

    fdsets_remove_left(fdsets, G_MAXUINT, count_removal, &n);
    return n;
}

/* @n_sets sets of @n_fds descriptors with our tag. */
static char *
make_list(guint n_sets, guint n_fds)
{
    g_autoptr(GString) list = g_string_new("[");

    for (guint i = 0; i < n_sets; i++) {
        g_string_append_printf(list, "%s{\"fdset-id\":%u,\"fds\":[", i > 0 ? "," : "", i);
        for (guint j = 0; j < n_fds; j++)
            g_string_append_printf(list, "%s{\"fd\":%u,\"opaque\":\"TAG\"}", j > 0 ? "," : "", j);
        g_string_append(list, "]}");
    }
    g_string_append_c(list, ']');
    return g_string_free(g_steal_pointer(&list), FALSE);
}

/* What an agent that was killed has left is removed, if it is no more than QEMU can have; of more, as much. */
static void
test_bounds(void)
{
    static const struct {
        guint n_sets, n_fds, n_removals;
    } rows[] = {
        { 0, 0, 0 },       { 1, 1, 1 },       { 3, 2, 3 },       { 1000, 1, 1000 }, { 1, 1024, 1 },  { 1, 1025, 1024 },
        { 1100, 1, 1024 }, { 1, 5000, 1024 }, { 2000, 1, 1024 }, { 1, 30000, 0 },   { 15000, 1, 0 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *list = make_list(rows[i].n_sets, rows[i].n_fds);
        Fdsets *fdsets = fdsets_new("TAG");
        QmpText reply = { list, strlen(list) };

        fdsets_note_common(fdsets, &reply);
        g_assert_cmpuint(remove_left(fdsets), ==, rows[i].n_removals);
        g_assert_cmpuint(remove_left(fdsets), ==, 0);
        /* It is listed again, and again: it is known. */
        fdsets_note_common(fdsets, &reply);
        fdsets_note_all(fdsets, &reply, fdsets_get_serial(fdsets));
        g_assert_cmpuint(remove_left(fdsets), ==, 0);
        fdsets_free(fdsets);
    }
}

/* A reply to add-fd that is longer than QEMU's is not read: a QEMU that lies would have megabytes parsed at each. */
static void
test_long_reply(void)
{
    g_autofree char *blanks = g_strnfill(1024, ' ');
    Fdsets *fdsets = fdsets_new("TAG");

    for (guint n = 0; n < 1024; n++) {
        g_autofree char *added = g_strdup_printf("{\"fdset-id\": 1, \"fd\": %u%s}", n, blanks);
        fdsets_note_added(fdsets, &(QmpText){ added, strlen(added) }, ":1.1");
    }
    g_assert_false(fdsets_is_full(fdsets, ":1.1"));
    fdsets_free(fdsets);
}

/* A caller who adds without end is refused at the cap; another has room. */
static void
test_full(void)
{
    Fdsets *fdsets = fdsets_new("TAG");
    guint n = 0;

    for (; n < 2000 && !fdsets_is_full(fdsets, ":1.1"); n++) {
        g_autofree char *added = g_strdup_printf("{\"fdset-id\": 1, \"fd\": %u}", n);
        fdsets_note_added(fdsets, &(QmpText){ added, strlen(added) }, ":1.1");
    }
    g_assert_cmpuint(n, ==, 1024);
    g_assert_false(fdsets_is_full(fdsets, ":1.2"));
    fdsets_free(fdsets);
}

/* A QEMU that says that it removes and does not: a few times, and no more. */
static void
test_tries(void)
{
    g_autofree char *list = make_list(2, 2);
    Fdsets *fdsets = fdsets_new("TAG");
    QmpText reply = { list, strlen(list) };
    guint n = 0;

    fdsets_note_common(fdsets, &reply);
    for (guint i = 0; i < 100; i++) {
        n += remove_left(fdsets);
        fdsets_note_all(fdsets, &reply, fdsets_get_serial(fdsets));
        fdsets_retry(fdsets);
    }
    g_assert_cmpuint(n, ==, 2 * 8);
    /* Once they are not listed any more, their numbers are anybody's. */
    fdsets_note_all(fdsets, &(QmpText){ "[]", 2 }, fdsets_get_serial(fdsets));
    g_assert_false(fdsets_is_foreign(fdsets, 0, ":1.1"));
    fdsets_free(fdsets);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fdsets-bounds/lists", test_bounds);
    g_test_add_func("/fdsets-bounds/full", test_full);
    g_test_add_func("/fdsets-bounds/long-reply", test_long_reply);
    g_test_add_func("/fdsets-bounds/tries", test_tries);
    return g_test_run();
}
