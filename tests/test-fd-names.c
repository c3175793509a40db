/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A caller's names for descriptors: a name that is not translated opens another caller's descriptor, or none. */
#include <string.h>

#include "fd-names.h"
#include "json-print.h"
#include "json-tree.h"

typedef struct Fixture {
    FdNames *names; /* owned */
    char *prefix; /* owned; of the names in QEMU */
} Fixture;

/* @used: the names that the command takes, a blank between; NULL: none. */
static char *
translate(FdNames *names, const char *command, const char *arguments, char **ret_used)
{
    g_autoptr(JsonNode) given = json_tree_parse(arguments, strlen(arguments), NULL);
    g_autoptr(GPtrArray) used = NULL;
    g_autoptr(JsonNode) translated = fd_names_translate(names, command, given, &used);
    GString *text = g_string_new(NULL);

    json_print_node(text, translated, JSON_PRINT_COMPACT);
    if (used)
        g_ptr_array_add(used, NULL);
    *ret_used = used ? g_strjoinv(" ", (char **)used->pdata) : NULL;
    return g_string_free(text, FALSE);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *used = NULL, *text = NULL;

    fixture->names = fd_names_new();
    text = translate(fixture->names, "getfd", "{\"fdname\":\"|\"}", &used);
    *strchr(text, '|') = '\0';
    fixture->prefix = g_strdup(text + strlen("{\"fdname\":\""));
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    fd_names_free(fixture->names);
    g_free(fixture->prefix);
}

/* In @expected, `~` stands for the prefix. */
static void
assert_translated(Fixture *fixture, const char *command, const char *arguments, const char *expected,
                  const char *expected_used)
{
    g_autofree char *used = NULL;
    g_autofree char *text = translate(fixture->names, command, arguments, &used);
    g_autoptr(GString) shown = g_string_new(text);

    g_string_replace(shown, fixture->prefix, "~", 0);
    g_assert_cmpstr(shown->str, ==, expected);
    g_assert_cmpstr(used, ==, expected_used);
}

/* A caller who adds a disk or a network card by a descriptor of theirs: QEMU must be told its own name for it, wherever a
 * command takes one. */
static void
test_every_place(Fixture *fixture, gconstpointer unused)
{
    fd_names_add(fixture->names, "a");
    fd_names_add(fixture->names, "b");
    assert_translated(fixture, "netdev_add", "{\"type\":\"tap\",\"fd\":\"a\",\"vhostfd\":\"b\"}",
                      "{\"type\":\"tap\",\"fd\":\"~a\",\"vhostfd\":\"~b\"}", "a b");
    assert_translated(fixture, "netdev_add", "{\"fds\":\"a:3:b:other\",\"vhostfds\":\"b:a\"}",
                      "{\"fds\":\"~a:3:~b:other\",\"vhostfds\":\"~b:~a\"}", "a b b a");
    assert_translated(fixture, "chardev-add", "{\"backend\":{\"addr\":[{\"type\":\"fd\",\"str\":\"a\"}]}}",
                      "{\"backend\":{\"addr\":[{\"type\":\"fd\",\"str\":\"~a\"}]}}", "a");
    assert_translated(fixture, "migrate", "{\"uri\":\"fd:b\"}", "{\"uri\":\"fd:~b\"}", "b");
    assert_translated(fixture, "dump-guest-memory", "{\"paging\":false,\"protocol\":\"fd:a\"}",
                      "{\"paging\":false,\"protocol\":\"fd:~a\"}", "a");
    assert_translated(fixture, "netdev_add", "{\"type\":\"af-xdp\",\"sock-fds\":\"a:b\"}",
                      "{\"type\":\"af-xdp\",\"sock-fds\":\"~a:~b\"}", "a b");
    assert_translated(fixture, "device_add", "{\"driver\":\"virtio-net-pci\",\"ebpf-rss-fds\":[\"a\",\"3\",\"b\"]}",
                      "{\"driver\":\"virtio-net-pci\",\"ebpf-rss-fds\":[\"~a\",\"3\",\"~b\"]}", "a b");
    assert_translated(fixture, "add_client", "{\"protocol\":\"vnc\",\"fdname\":\"a\"}",
                      "{\"protocol\":\"vnc\",\"fdname\":\"~a\"}", "a");
}

/* A caller whose arguments hold the same word for something else: an id, a path, or the like must stay theirs. */
static void
test_other_words(Fixture *fixture, gconstpointer unused)
{
    fd_names_add(fixture->names, "a");
    assert_translated(fixture, "netdev_add", "{\"id\":\"a\",\"fd\":\"b\",\"n\":1,\"s\":{\"ifname\":\"a\"}}",
                      "{\"id\":\"a\",\"fd\":\"b\",\"n\":1,\"s\":{\"ifname\":\"a\"}}", NULL);
    assert_translated(fixture, "migrate", "{\"uri\":\"tcp:a\"}", "{\"uri\":\"tcp:a\"}", NULL);
    assert_translated(fixture, "x", "{\"fd\":18446744073709551615,\"fds\":null,\"uri\":{}}",
                      "{\"fd\":18446744073709551615,\"fds\":null,\"uri\":{}}", NULL);
}

/* A caller who guesses another's name: getfd and closefd always reach the caller's own, known or not; a number stays
 * QEMU's to refuse. */
static void
test_own(Fixture *fixture, gconstpointer unused)
{
    assert_translated(fixture, "getfd", "{\"fdname\":\"new\"}", "{\"fdname\":\"~new\"}", NULL);
    assert_translated(fixture, "closefd", "{\"fdname\":\"never-given\"}", "{\"fdname\":\"~never-given\"}", NULL);
    assert_translated(fixture, "getfd", "{\"fdname\":\"7\"}", "{\"fdname\":\"7\"}", NULL);
    assert_translated(fixture, "getfd", "{\"fdname\":\"\",\"x\":[1]}", "{\"fdname\":\"~\",\"x\":[1]}", NULL);
    assert_translated(fixture, "getfd", "{\"fdname\":7}", "{\"fdname\":7}", NULL);
    assert_translated(fixture, "getfd", "{}", "{}", NULL);
}

/* Two callers one after the other on the same monitor: nobody can guess the other's name in QEMU. */
static void
test_prefixes_differ(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < 100; i++) {
        FdNames *names = fd_names_new();
        g_autofree char *used = NULL;
        char *text = translate(names, "getfd", "{\"fdname\":\"a\"}", &used);
        g_assert_false(g_ascii_isdigit(text[strlen("{\"fdname\":\"")]));
        g_assert_true(g_hash_table_add(seen, text));
        fd_names_free(names);
    }
}

/* A caller who has seen another's name in a list of QEMU's: it is known for what it is, wherever it stands. */
static void
test_seen(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *name = g_strconcat(fixture->prefix, "a", NULL);
    g_autofree char *uri = g_strconcat("x.fd:", name, NULL);

    g_assert_true(fd_names_are_in(name));
    g_assert_true(fd_names_are_in(uri));
    g_assert_true(fd_names_are_in(fixture->prefix));
    g_assert_false(fd_names_are_in(name + 1));
    g_assert_false(fd_names_are_in("c0123456789abcde.a"));
    g_assert_false(fd_names_are_in("c0123456789abcdef0.a"));
    g_assert_false(fd_names_are_in("a..b."));
    g_assert_false(fd_names_are_in(""));
}

/* An error of QEMU's that names a descriptor: the caller must find the name that they gave. */
static void
test_back(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *qemu = g_strdup_printf("'%sa' and '%sb' not found", fixture->prefix, fixture->prefix);
    g_autofree char *own = fd_names_translate_back(fixture->names, qemu);

    g_assert_cmpstr(own, ==, "'a' and 'b' not found");
    g_assert_null(fd_names_translate_back(fixture->names, "'a' not found"));
}

/* A caller who names descriptors without end: there is a cap, and a name that is given back makes room. */
static void
test_full(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GPtrArray) all = NULL;

    g_assert_true(fd_names_is_empty(fixture->names));
    for (guint i = 0; !fd_names_is_full(fixture->names); i++) {
        g_autofree char *name = g_strdup_printf("n%u", i);
        g_assert_cmpuint(i, <, 1024);
        fd_names_add(fixture->names, name);
        fd_names_add(fixture->names, name);
    }
    all = fd_names_dup(fixture->names);
    g_assert_cmpuint(all->len, ==, 1024);
    fd_names_remove(fixture->names, "n7");
    fd_names_remove(fixture->names, "never");
    g_assert_false(fd_names_is_full(fixture->names));
    fd_names_clear(fixture->names);
    g_assert_true(fd_names_is_empty(fixture->names));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/fd-names/every-place", test_every_place);
    ADD("/fd-names/other-words", test_other_words);
    ADD("/fd-names/own", test_own);
    ADD("/fd-names/prefixes-differ", test_prefixes_differ);
    ADD("/fd-names/seen", test_seen);
    ADD("/fd-names/back", test_back);
    ADD("/fd-names/full", test_full);
    return g_test_run();
}
