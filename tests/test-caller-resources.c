/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What callers leave in a QEMU: what breaks here lets descriptors stay open in QEMU for ever, or removes those of somebody who
 * is still there. */
#include "caller-resources.h"

#include <string.h>

#include "json-tree.h"
#include "test-vm-fixture.h"

typedef struct Fixture {
    VmFixture base;
    CallerResources *resources; /* owned; NULL when freed */
} Fixture;

static void
on_changed(gpointer user_data)
{
    Fixture *fixture = user_data;

    if (fixture->resources)
        caller_resources_status_changed(fixture->resources);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    vm_fixture_set_up(&fixture->base, 11, 1, /* isolation_required= */ FALSE);
    fixture->base.on_changed = on_changed;
    fixture->base.user_data = fixture;
    fixture->resources = caller_resources_new(fixture->base.vm);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->resources, caller_resources_free);
    if (!fixture->base.is_down)
        vm_fixture_settle(&fixture->base);
    vm_fixture_tear_down(&fixture->base);
}

/* query-fdsets is answered so from now on; in @list, `TAG` is what our callers' descriptors have. */
static void
set_fdsets(Fixture *fixture, const char *list)
{
    g_autoptr(GString) answer = g_string_new("\"return\": ");

    g_string_append(answer, list);
    g_string_replace(answer, "TAG", fdsets_get_tag(caller_resources_get_fdsets(fixture->resources)), 0);
    test_qemu_set_answer(fixture->base.qemu, "query-fdsets", answer->str);
}

static void
add_fd(Fixture *fixture, const char *reply, const char *caller)
{
    fdsets_note_added(caller_resources_get_fdsets(fixture->resources), &(QmpText){ reply, strlen(reply) }, caller);
}

static guint
count(Fixture *fixture, const char *line)
{
    return test_qemu_count(fixture->base.qemu, line);
}

/* An agent that was killed: what its callers had put into fdsets is removed by the next, and nothing of others is. */
static void
test_left_over(Fixture *fixture, gconstpointer unused)
{
    set_fdsets(fixture, "[{\"fdset-id\": 1, \"fds\": [{\"fd\": 10, \"opaque\": \"TAG mine\"}, {\"fd\": 11}]},"
                        " {\"fdset-id\": 2, \"fds\": [{\"fd\": 12, \"opaque\": \"TAG\"}]},"
                        " {\"fdset-id\": 3, \"fds\": [{\"fd\": 13, \"opaque\": \"other\"}]}]");
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 remove-fd {\"fdset-id\":1,\"fd\":10}"), ==, 1);
    g_assert_cmpuint(count(fixture, "0 remove-fd {\"fdset-id\":2}"), ==, 1);
    g_assert_cmpuint(count(fixture, "0 remove-fd"), ==, 2);
}

/* A QEMU with fdsets of its own: no caller is kept from them. */
static void
test_common(Fixture *fixture, gconstpointer unused)
{
    Fdsets *fdsets = caller_resources_get_fdsets(fixture->resources);

    set_fdsets(fixture, "[{\"fdset-id\": 3, \"fds\": [{\"fd\": 13}]}]");
    caller_resources_begin(fixture->resources);
    caller_resources_begin(fixture->resources);
    vm_fixture_settle(&fixture->base);
    g_assert_false(fdsets_is_foreign(fdsets, 3, ":1.1"));
    add_fd(fixture, "{\"fdset-id\": 3, \"fd\": 14}", ":1.1");
    g_assert_false(fdsets_is_foreign(fdsets, 3, ":1.2"));
}

/* A caller who leaves: their set is removed as a whole, of a common one only what is theirs. */
static void
test_leave(Fixture *fixture, gconstpointer unused)
{
    set_fdsets(fixture, "[{\"fdset-id\": 3, \"fds\": [{\"fd\": 13}]}]");
    vm_fixture_settle(&fixture->base);
    add_fd(fixture, "{\"fdset-id\": 3, \"fd\": 14}", ":1.1");
    add_fd(fixture, "{\"fdset-id\": 4, \"fd\": 15}", ":1.1");
    add_fd(fixture, "{\"fdset-id\": 5, \"fd\": 16}", ":1.2");
    caller_resources_leave(fixture->resources, ":1.1");
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 remove-fd {\"fdset-id\":3,\"fd\":14}"), ==, 1);
    g_assert_cmpuint(count(fixture, "0 remove-fd {\"fdset-id\":4}"), ==, 1);
    g_assert_cmpuint(count(fixture, "0 remove-fd"), ==, 2);
}

static void
change_status(Fixture *fixture, gboolean is_running)
{
    const char *event = is_running ? "RESUME" : "STOP";
    g_autofree char *text =
        g_strdup_printf("{\"event\": \"%s\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 1}}\r\n", event);

    test_qemu_set_answer(fixture->base.qemu, "query-status",
                         is_running ? "\"return\": {\"status\": \"running\", \"running\": true}"
                                    : "\"return\": {\"status\": \"paused\", \"running\": false}");
    test_qemu_send_to_all(fixture->base.qemu, text);
    qmp_peer_wait_until(fixture->base.context,
                        qemu_connection_is_running(vm_get_qemu(fixture->base.vm)) == is_running);
    vm_fixture_settle(&fixture->base);
}

/* A caller who leaves a VM that is stopped: QEMU removes nothing then, so it is asked again once the guest runs, and not
 * before. */
static void
test_paused(Fixture *fixture, gconstpointer unused)
{
    vm_fixture_settle(&fixture->base);
    add_fd(fixture, "{\"fdset-id\": 4, \"fd\": 15}", ":1.1");
    set_fdsets(fixture, "[{\"fdset-id\": 4, \"fds\": [{\"fd\": 15}]}]");
    change_status(fixture, FALSE);
    caller_resources_leave(fixture->resources, ":1.1");
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 remove-fd"), ==, 1);
    g_assert_true(fdsets_is_foreign(caller_resources_get_fdsets(fixture->resources), 4, ":1.2"));
    set_fdsets(fixture, "[]");
    change_status(fixture, TRUE);
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 query-fdsets") == 3);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 remove-fd"), ==, 2);
    g_assert_false(fdsets_is_foreign(caller_resources_get_fdsets(fixture->resources), 4, ":1.2"));
}

/* A caller who leaves with a thousand descriptors: they are removed a few at a time, and all of them; which are left is asked
 * once. */
static void
test_many(Fixture *fixture, gconstpointer unused)
{
    vm_fixture_settle(&fixture->base);
    set_fdsets(fixture, "\"unreadable\"");
    for (guint i = 0; i < 100; i++) {
        g_autofree char *reply = g_strdup_printf("{\"fdset-id\": %u, \"fd\": %u}", i, i + 10);
        add_fd(fixture, reply, ":1.1");
    }
    test_qemu_withhold(fixture->base.qemu, "remove-fd");
    caller_resources_leave(fixture->resources, ":1.1");
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 remove-fd") > 0);
    qmp_peer_settle(fixture->base.context);
    g_assert_cmpuint(count(fixture, "0 remove-fd"), <=, 8);
    test_qemu_release(fixture->base.qemu, "remove-fd");
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 query-fdsets") == 2);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 remove-fd"), ==, 100);
    g_assert_cmpuint(count(fixture, "0 query-fdsets"), ==, 2);
}

/* All in one set, with our tag. */
static char *
make_list(guint n)
{
    g_autoptr(GString) list = g_string_new("[{\"fdset-id\": 1, \"fds\": [");

    for (guint i = 0; i < n; i++)
        g_string_append_printf(list, "%s{\"fd\": %u, \"opaque\": \"TAG\"}", i > 0 ? "," : "", i);
    g_string_append(list, "]}]");
    return g_string_free(g_steal_pointer(&list), FALSE);
}

/* A QEMU that lists more descriptors than one can have, and goes on listing them: it is asked twice, and told as often as it
 * may have some. */
static void
test_lies(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *list = make_list(2000);

    set_fdsets(fixture, list);
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 query-fdsets") == 2);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 remove-fd"), ==, 1024);
    g_assert_cmpuint(count(fixture, "0 query-fdsets"), ==, 2);
}

/* A guest that is stopped and runs again without end, while QEMU removes nothing: that is not tried for ever. */
static void
test_fruitless(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *list = make_list(3);

    set_fdsets(fixture, list);
    vm_fixture_settle(&fixture->base);
    for (guint i = 0; i < 20; i++) {
        change_status(fixture, FALSE);
        change_status(fixture, TRUE);
    }
    g_assert_cmpuint(count(fixture, "0 remove-fd"), ==, 8);
    g_assert_cmpuint(count(fixture, "0 query-fdsets"), ==, 9);
}

static void
note_removed(Fixture *fixture, const char *arguments)
{
    CallerEffect effect = { .kind = CALLER_EFFECT_REMOVES_FD,
                            .arguments = json_tree_parse(arguments, strlen(arguments), NULL) };

    caller_resources_note_reply(fixture->resources, ":1.1", /* names= */ NULL, &effect, &(QmpText){ "{}", 2 });
    caller_effect_clear(&effect);
}

/* A caller whose add-fd QEMU has done, and whose reply is still on its way, while QEMU is asked and asked again because others
 * remove theirs: the set is not taken for one that an agent that was killed has left. */
static void
test_answered_before_the_reply(Fixture *fixture, gconstpointer unused)
{
    caller_resources_begin(fixture->resources);
    vm_fixture_settle(&fixture->base);
    add_fd(fixture, "{\"fdset-id\": 4, \"fd\": 15}", ":1.1");
    set_fdsets(fixture, "[{\"fdset-id\": 5, \"fds\": [{\"fd\": 16, \"opaque\": \"TAG\"}]}]");
    for (guint i = 0; i < 3; i++)
        note_removed(fixture, "{\"fdset-id\":4}");
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 query-fdsets"), ==, 3);
    add_fd(fixture, "{\"fdset-id\": 5, \"fd\": 16}", ":1.2");
    g_assert_true(fdsets_is_foreign(caller_resources_get_fdsets(fixture->resources), 5, ":1.1"));
    g_assert_false(fdsets_is_foreign(caller_resources_get_fdsets(fixture->resources), 5, ":1.2"));
    g_assert_cmpuint(count(fixture, "0 remove-fd"), ==, 0);
}

/* A VM that goes with questions under way: the answers find nothing any more. */
static void
test_freed(Fixture *fixture, gconstpointer unused)
{
    test_qemu_withhold(fixture->base.qemu, "query-fdsets");
    caller_resources_begin(fixture->resources);
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 query-fdsets") == 1);
    g_clear_pointer(&fixture->resources, caller_resources_free);
    test_qemu_release(fixture->base.qemu, "query-fdsets");
}

/* A QEMU that dies with a question under way: nothing more is asked of it. */
static void
test_disconnected(Fixture *fixture, gconstpointer unused)
{
    test_qemu_withhold(fixture->base.qemu, "query-fdsets");
    caller_resources_begin(fixture->resources);
    caller_resources_leave(fixture->resources, ":1.1");
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 query-fdsets") == 1);
    test_qemu_close(fixture->base.qemu, 0);
    qmp_peer_wait_until(fixture->base.context, fixture->base.is_down);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/caller-resources/left-over", test_left_over);
    ADD("/caller-resources/common", test_common);
    ADD("/caller-resources/leave", test_leave);
    ADD("/caller-resources/paused", test_paused);
    ADD("/caller-resources/many", test_many);
    ADD("/caller-resources/lies", test_lies);
    ADD("/caller-resources/fruitless", test_fruitless);
    ADD("/caller-resources/answered-before-the-reply", test_answered_before_the_reply);
    ADD("/caller-resources/freed", test_freed);
    ADD("/caller-resources/disconnected", test_disconnected);
    return g_test_run();
}
