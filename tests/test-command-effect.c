/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a caller's command has changed of theirs in QEMU: what is not noted stays behind when the caller leaves, and what is
 * noted wrongly is taken from somebody. */
#include "command-effect.h"

#include <string.h>

#include "json-tree.h"
#include "qmp-error.h"

typedef struct Fixture {
    FdNames *names; /* owned */
    Fdsets *fdsets; /* owned */
    StartedMonitors *monitors; /* owned */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->names = fd_names_new();
    fixture->fdsets = fdsets_new("TAG");
    fixture->monitors = started_monitors_new(/* fd= */ -1);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    fd_names_free(fixture->names);
    fdsets_free(fixture->fdsets);
    started_monitors_free(fixture->monitors);
}

/* @value: what QEMU returned; NULL: an error. @used: a name that the command takes; NULL: none. */
static void
note(Fixture *fixture, const char *command, const char *arguments, const char *used, const char *value)
{
    g_autoptr(JsonNode) node = arguments ? json_tree_parse(arguments, strlen(arguments), NULL) : NULL;
    GPtrArray *names = used ? g_ptr_array_new_with_free_func(g_free) : NULL;
    QmpText text = { value, value ? strlen(value) : 0 };
    CommandEffect effect;

    if (used)
        g_ptr_array_add(names, g_strdup(used));
    command_effect_init(&effect, command, node, names);
    command_effect_note(&effect, value ? &text : NULL, ":1.1", fixture->names, fixture->fdsets,
                        fixture->monitors);
    command_effect_clear(&effect);
}

static gboolean
has_name(Fixture *fixture, const char *name)
{
    g_autoptr(GPtrArray) all = fd_names_dup(fixture->names);

    return g_ptr_array_find_with_equal_func(all, name, g_str_equal, NULL);
}

/* A caller who passes a descriptor: the name is theirs from the success on, and nobody's after an error. */
static void
test_getfd(Fixture *fixture, gconstpointer unused)
{
    note(fixture, "getfd", "{\"fdname\":\"a\"}", NULL, NULL);
    g_assert_false(has_name(fixture, "a"));
    note(fixture, "getfd", "{\"fdname\":\"a\"}", NULL, "{}");
    g_assert_true(has_name(fixture, "a"));
    note(fixture, "stop", "{\"fdname\":\"b\"}", NULL, "{}");
    g_assert_false(has_name(fixture, "b"));
}

/* A caller whose closefd fails because QEMU has taken the descriptor before: a name that is kept would hold their monitor
 * for ever. */
static void
test_closefd(Fixture *fixture, gconstpointer unused)
{
    fd_names_add(fixture->names, "a");
    fd_names_add(fixture->names, "b");
    note(fixture, "closefd", "{\"fdname\":\"a\"}", NULL, "{}");
    note(fixture, "closefd", "{\"fdname\":\"b\"}", NULL, NULL);
    g_assert_true(fd_names_is_empty(fixture->names));
}

/* A caller whose arguments are missing or of the wrong type: QEMU refuses them, and nothing of anybody is forgotten. */
static void
test_without_arguments(Fixture *fixture, gconstpointer unused)
{
    fd_names_add(fixture->names, "a");
    note(fixture, "closefd", NULL, NULL, NULL);
    note(fixture, "closefd", "{\"fdname\":7}", NULL, NULL);
    note(fixture, "remove-fd", NULL, NULL, "{}");
    note(fixture, "add-fd", NULL, NULL, "7");
    g_assert_true(has_name(fixture, "a"));
}

/* A caller who gives a descriptor to a network card: QEMU forgets the name with the success, and keeps it otherwise. */
static void
test_used(Fixture *fixture, gconstpointer unused)
{
    fd_names_add(fixture->names, "a");
    note(fixture, "netdev_add", "{\"fd\":\"a\"}", "a", NULL);
    g_assert_true(has_name(fixture, "a"));
    note(fixture, "netdev_add", "{\"fd\":\"a\"}", "a", "{}");
    g_assert_false(has_name(fixture, "a"));
}

/* Two callers: the fdset that one has made is foreign to the other, until it has been removed. */
static void
test_fdsets(Fixture *fixture, gconstpointer unused)
{
    note(fixture, "add-fd", NULL, NULL, NULL);
    g_assert_false(fdsets_is_foreign(fixture->fdsets, 3, ":1.2"));
    note(fixture, "add-fd", NULL, NULL, "{\"fdset-id\": 3, \"fd\": 10}");
    g_assert_true(fdsets_is_foreign(fixture->fdsets, 3, ":1.2"));
    g_assert_false(fdsets_is_foreign(fixture->fdsets, 3, ":1.1"));
}

/* A caller who passes descriptors without end: both kinds are refused at their cap, and nothing else is. */
static void
test_room(Fixture *fixture, gconstpointer unused)
{
    static const char *const commands[] = { "getfd", "add-fd" };

    for (guint i = 0; !fd_names_is_full(fixture->names); i++) {
        g_autofree char *name = g_strdup_printf("n%u", i);
        fd_names_add(fixture->names, name);
    }
    for (guint i = 0; !fdsets_is_full(fixture->fdsets, ":1.1"); i++) {
        g_autofree char *value = g_strdup_printf("{\"fdset-id\": 3, \"fd\": %u}", i);
        g_assert_cmpuint(i, <, 65536);
        note(fixture, "add-fd", NULL, NULL, value);
    }
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(command_effect_check_room(commands[i], ":1.1", fixture->names, fixture->fdsets, &error));
        g_assert_error(error, QMP_ERROR, QMP_ERROR_LIMIT);
    }
    g_assert_true(command_effect_check_room("closefd", ":1.1", fixture->names, fixture->fdsets, NULL));
    g_assert_true(command_effect_check_room("remove-fd", ":1.1", fixture->names, fixture->fdsets, NULL));
    g_assert_true(command_effect_check_room("add-fd", ":1.2", fixture->names, fixture->fdsets, NULL));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/command-effect/getfd", test_getfd);
    ADD("/command-effect/closefd", test_closefd);
    ADD("/command-effect/without-arguments", test_without_arguments);
    ADD("/command-effect/used", test_used);
    ADD("/command-effect/fdsets", test_fdsets);
    ADD("/command-effect/room", test_room);
    return g_test_run();
}
