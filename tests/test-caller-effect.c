/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A caller's command and what is theirs in QEMU: a name or a tag that is missing from the arguments makes one caller's descriptor
 * another's; a change that is not noted stays behind when the caller leaves, and one that is noted wrongly is taken from somebody. */
#include "caller-resources.h"

#include <string.h>

#include "json-tree.h"
#include "qmp-error.h"
#include "test-vm-fixture.h"

typedef struct Fixture {
    VmFixture base;
    CallerResources *resources; /* owned */
    Fdsets *fdsets; /* weak */
    FdNames *names; /* owned */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    vm_fixture_set_up(&fixture->base, 11, 1, /* isolation_required= */ FALSE);
    fixture->resources = caller_resources_new(fixture->base.vm);
    fixture->fdsets = caller_resources_get_fdsets(fixture->resources);
    fixture->names = fd_names_new();
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    fd_names_free(fixture->names);
    caller_resources_free(fixture->resources);
    vm_fixture_settle(&fixture->base);
    vm_fixture_tear_down(&fixture->base);
}

static char *
prepare(Fixture *fixture, const char *command, const char *arguments, CallerEffect *ret_effect)
{
    g_autoptr(JsonNode) node = arguments ? json_tree_parse(arguments, strlen(arguments), NULL) : NULL;

    return caller_resources_prepare(fixture->resources, fixture->names, command, node, ret_effect);
}

/* What is at @at as a number. Owned. */
static char *
dup_number(const char *text, const char *at)
{
    const char *found = text ? strstr(text, at) : NULL;

    return g_strdup_printf("%" G_GINT64_FORMAT, found ? g_ascii_strtoll(found + strlen(at), NULL, 10) : 0);
}

/* @expected: with the names as the caller knows them, TAG for the agent's tag, and NUMBER for a number of its choice. */
static void
assert_prepared(Fixture *fixture, const char *command, const char *arguments, const char *expected, guint n_used)
{
    CallerEffect effect;
    g_autofree char *text = prepare(fixture, command, arguments, &effect);
    g_autofree char *own = text ? fd_names_translate_back(fixture->names, text) : NULL;
    g_autoptr(GString) wanted = g_string_new(expected);

    g_autofree char *number = dup_number(text, "\"fdset-id\":");

    g_string_replace(wanted, "NUMBER", number, 0);
    g_string_replace(wanted, "TAG", fdsets_get_tag(fixture->fdsets), 0);
    g_assert_cmpstr(own ? own : text, ==, expected ? wanted->str : NULL);
    g_assert_true((own != NULL) == (n_used > 0 || (text && g_str_equal(command, "getfd"))));
    g_assert_cmpuint(effect.used_names ? effect.used_names->len : 0, ==, n_used);
    caller_effect_clear(&effect);
}

/* A caller whose command takes nothing: QEMU is sent no arguments, which costs it less. */
static void
test_no_arguments(Fixture *fixture, gconstpointer unused)
{
    assert_prepared(fixture, "stop", NULL, NULL, 0);
    assert_prepared(fixture, "stop", "{}", NULL, 0);
    assert_prepared(fixture, "getfd", NULL, NULL, 0);
}

/* A caller with descriptors: names are the caller's in QEMU, and sets bear the agent's tag, also without arguments. */
static void
test_own(Fixture *fixture, gconstpointer unused)
{
    fd_names_add(fixture->names, "tap");
    assert_prepared(fixture, "netdev_add", "{\"fd\":\"tap\"}", "{\"fd\":\"tap\"}", 1);
    assert_prepared(fixture, "getfd", "{\"fdname\":\"tap\"}", "{\"fdname\":\"tap\"}", 0);
    assert_prepared(fixture, "add-fd", NULL, "{\"fdset-id\":NUMBER,\"opaque\":\"TAG\"}", 0);
    assert_prepared(fixture, "add-fd", "{\"fdset-id\":1,\"opaque\":\"a\"}", "{\"fdset-id\":1,\"opaque\":\"TAG a\"}",
                    0);
}

/* A caller with values that are easily lost: they arrive as they were. */
static void
test_exact(Fixture *fixture, gconstpointer unused)
{
    static const char text[] = "{\"n\":18446744073709551615,\"s\":\"\\u0000é\",\"d\":0.1,\"z\":null,\"a\":[{},[]]}";

    assert_prepared(fixture, "x", text, text, 0);
}

/* A caller who gives up a command: one that changes nothing of theirs is forgotten, any other is waited for. */
static void
test_none(Fixture *fixture, gconstpointer unused)
{
    static const struct {
        const char *command, *arguments;
        gboolean is_none;
    } rows[] = {
        { "stop", NULL, TRUE },
        { "netdev_add", "{\"fd\":\"other\"}", TRUE },
        { "netdev_add", "{\"fd\":\"tap\"}", FALSE },
        { "getfd", "{\"fdname\":\"a\"}", FALSE },
        { "add-fd", NULL, FALSE },
        { "chardev-add", "{\"id\":\"a\"}", FALSE },
    };

    fd_names_add(fixture->names, "tap");
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        CallerEffect effect;
        g_free(prepare(fixture, rows[i].command, rows[i].arguments, &effect));
        g_assert_cmpint(caller_effect_is_none(&effect), ==, rows[i].is_none);
        caller_effect_clear(&effect);
    }
}

/* @value: what QEMU returned; NULL: an error. */
static void
note(Fixture *fixture, const char *command, const char *arguments, const char *value)
{
    QmpText reply = { value, value ? strlen(value) : 0 };
    CallerEffect effect;

    g_free(prepare(fixture, command, arguments, &effect));
    caller_resources_note_reply(fixture->resources, ":1.1", fixture->names, &effect, value ? &reply : NULL);
    caller_effect_clear(&effect);
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
    note(fixture, "getfd", "{\"fdname\":\"a\"}", NULL);
    g_assert_false(has_name(fixture, "a"));
    note(fixture, "getfd", "{\"fdname\":\"a\"}", "{}");
    g_assert_true(has_name(fixture, "a"));
    note(fixture, "stop", "{\"fdname\":\"b\"}", "{}");
    g_assert_false(has_name(fixture, "b"));
}

/* A caller whose closefd fails because QEMU has taken the descriptor before: a name that is kept would hold their monitor
 * for ever. */
static void
test_closefd(Fixture *fixture, gconstpointer unused)
{
    fd_names_add(fixture->names, "a");
    fd_names_add(fixture->names, "b");
    note(fixture, "closefd", "{\"fdname\":\"a\"}", "{}");
    note(fixture, "closefd", "{\"fdname\":\"b\"}", NULL);
    g_assert_true(fd_names_is_empty(fixture->names));
}

/* A caller whose arguments are missing or of the wrong type: QEMU refuses them, and nothing of anybody is forgotten. */
static void
test_bad_arguments(Fixture *fixture, gconstpointer unused)
{
    fd_names_add(fixture->names, "a");
    note(fixture, "closefd", NULL, NULL);
    note(fixture, "closefd", "{\"fdname\":7}", NULL);
    note(fixture, "remove-fd", NULL, "{}");
    note(fixture, "add-fd", NULL, "7");
    g_assert_true(has_name(fixture, "a"));
}

/* A caller who gives a descriptor to a network card: QEMU forgets the name with the success, and keeps it otherwise. */
static void
test_used(Fixture *fixture, gconstpointer unused)
{
    fd_names_add(fixture->names, "a");
    note(fixture, "netdev_add", "{\"fd\":\"a\"}", NULL);
    g_assert_true(has_name(fixture, "a"));
    note(fixture, "netdev_add", "{\"fd\":\"a\"}", "{}");
    g_assert_false(has_name(fixture, "a"));
}

/* Two callers: the fdset that one has made is foreign to the other, and QEMU is asked whether one that was removed has gone. */
static void
test_fdsets(Fixture *fixture, gconstpointer unused)
{
    vm_fixture_settle(&fixture->base);
    note(fixture, "add-fd", NULL, NULL);
    g_assert_false(fdsets_is_foreign(fixture->fdsets, 3, ":1.2"));
    note(fixture, "add-fd", NULL, "{\"fdset-id\": 3, \"fd\": 10}");
    g_assert_true(fdsets_is_foreign(fixture->fdsets, 3, ":1.2"));
    g_assert_false(fdsets_is_foreign(fixture->fdsets, 3, ":1.1"));
    test_qemu_set_answer(fixture->base.qemu, "query-fdsets", "\"return\": []");
    note(fixture, "remove-fd", "{\"fdset-id\": 3}", "{}");
    qmp_peer_wait_until(fixture->base.context, !fdsets_is_foreign(fixture->fdsets, 3, ":1.2"));
}

static void
on_monitors_known(gpointer is_told)
{
    *(gboolean *)is_told = TRUE;
}

/* A caller whose object, or device, has the name of a monitor that QEMU was started with and that has gone: it is the caller's,
 * who may remove it again. One that QEMU refused to add is none. */
static void
test_names_of_monitors(Fixture *fixture, gconstpointer unused)
{
    QemuConnection *qemu = vm_get_qemu(fixture->base.vm);
    StartedMonitors *monitors = qemu_connection_get_started_monitors(qemu);
    gboolean is_told = FALSE;

    test_qemu_set_answer(fixture->base.qemu, "qom-list",
                         "\"return\": [{\"name\": \"mon\", \"type\": \"child<monitor-qmp>\"}]");
    test_qemu_set_answer(fixture->base.qemu, "qom-get", "\"return\": \"dev\"");
    started_monitors_ask(monitors, qemu_connection_get_control(qemu), on_monitors_known, &is_told);
    qmp_peer_wait_until(fixture->base.context, is_told);
    note(fixture, "object-add", "{\"qom-type\":\"iothread\",\"id\":\"mon\"}", NULL);
    note(fixture, "chardev-add", "{\"id\":\"dev\"}", NULL);
    g_assert_true(started_monitors_has_object(monitors, "mon") && started_monitors_has_chardev(monitors, "dev"));
    note(fixture, "object-add", "{\"qom-type\":\"iothread\",\"id\":\"mon\"}", "{}");
    g_assert_false(started_monitors_has_object(monitors, "mon"));
    note(fixture, "chardev-add", "{\"id\":\"dev\"}", "{}");
    g_assert_false(started_monitors_has_chardev(monitors, "dev"));
}

/* A caller who passes descriptors without end: both kinds are refused at their cap, and nothing else is. */
static void
test_room(Fixture *fixture, gconstpointer unused)
{
    static const struct {
        const char *caller, *command;
        gboolean has_room;
    } rows[] = {
        { ":1.1", "getfd", FALSE },    { ":1.1", "add-fd", FALSE }, { ":1.1", "closefd", TRUE },
        { ":1.1", "remove-fd", TRUE }, { ":1.2", "add-fd", TRUE },
    };

    for (guint i = 0; !fd_names_is_full(fixture->names); i++) {
        g_autofree char *name = g_strdup_printf("n%u", i);
        fd_names_add(fixture->names, name);
    }
    for (guint i = 0; !fdsets_is_full(fixture->fdsets, ":1.1"); i++) {
        g_autofree char *value = g_strdup_printf("{\"fdset-id\": 3, \"fd\": %u}", i);
        g_assert_cmpuint(i, <, 65536);
        note(fixture, "add-fd", NULL, value);
    }
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_cmpint(
            caller_resources_check_room(fixture->resources, rows[i].caller, fixture->names, rows[i].command, &error),
            ==, rows[i].has_room);
        g_assert_true(rows[i].has_room || g_error_matches(error, QMP_ERROR, QMP_ERROR_LIMIT));
    }
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/caller-effect/no-arguments", test_no_arguments);
    ADD("/caller-effect/own", test_own);
    ADD("/caller-effect/exact", test_exact);
    ADD("/caller-effect/none", test_none);
    ADD("/caller-effect/getfd", test_getfd);
    ADD("/caller-effect/closefd", test_closefd);
    ADD("/caller-effect/bad-arguments", test_bad_arguments);
    ADD("/caller-effect/used", test_used);
    ADD("/caller-effect/fdsets", test_fdsets);
    ADD("/caller-effect/names-of-monitors", test_names_of_monitors);
    ADD("/caller-effect/room", test_room);
    return g_test_run();
}
