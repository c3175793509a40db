/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Questions to polkit on a real bus: a subject that is another process's, or an answer that is none and counts as yes, gives
 * a VM to somebody who may not have it. */
#include "authority.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "test-bus-fixture.h"
#include "test-polkit.h"

#define ACTION "org.qemu.monitor1.observe"

static const char *const details[] = { "vm", "web", NULL };

typedef struct Fixture {
    BusFixture base;
    TestPolkit *polkit; /* owned; NULL: there is none */
    Authority *authority; /* owned */
    BusPeer peer; /* this process, as a caller */
    guint answers;
    AuthorityAnswer answer;
    GError *error; /* owned; of the last answer */
} Fixture;

/* @data: "system": the callers are on polkit's bus; "other": they are not. */
static void
set_up(Fixture *fixture, gconstpointer data)
{
    bus_fixture_set_up(&fixture->base, NULL);
    fixture->polkit = test_polkit_new(fixture->base.daemon);
    fixture->authority = g_str_equal(data, "system") ? authority_new(g_main_context_default(), fixture->base.bus, NULL)
                                                     : authority_new(g_main_context_default(), NULL,
                                                                     test_daemon_get_address(fixture->base.daemon));
    fixture->peer = (BusPeer){ .name = (char *)":1.42", .uid = getuid(), .pid = (guint32)getpid() };
    g_assert_true(bus_peer_read_start_time(fixture->peer.pid, &fixture->peer.start_time));
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    authority_free(fixture->authority);
    g_clear_pointer(&fixture->polkit, test_polkit_free);
    g_clear_error(&fixture->error);
    bus_fixture_tear_down(&fixture->base, NULL);
}

static void
on_answer_noted(AuthorityAnswer answer, const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->answers++;
    fixture->answer = answer;
    g_clear_error(&fixture->error);
    fixture->error = error ? g_error_copy(error) : NULL;
}

static AuthorityCheck *
ask(Fixture *fixture, gboolean is_interactive, GError **error)
{
    AuthorityQuestion question = {
        .peer = &fixture->peer, .action = ACTION, .details = details, .is_interactive = is_interactive
    };

    return authority_check(fixture->authority, &question, on_answer_noted, fixture, error);
}

static void
assert_answer(Fixture *fixture, guint n, AuthorityAnswer answer)
{
    test_until(fixture->answers >= n);
    g_assert_cmpuint(fixture->answers, ==, n);
    g_assert_no_error(fixture->error);
    g_assert_cmpint(fixture->answer, ==, answer);
}

/* The caller's bus name is the subject; polkit's three answers are told apart. */
static void
test_answers(Fixture *fixture, gconstpointer data)
{
    static const struct {
        gboolean is_authorized, is_challenge;
        AuthorityAnswer answer;
    } cases[] = {
        { TRUE, FALSE, AUTHORITY_YES },
        { FALSE, FALSE, AUTHORITY_NO },
        { FALSE, TRUE, AUTHORITY_CHALLENGE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_assert_nonnull(ask(fixture, /* is_interactive= */ FALSE, NULL));
        g_assert_cmpstr(test_polkit_wait(fixture->polkit, i + 1), ==,
                        "(('system-bus-name', {'name': <':1.42'>}), '" ACTION "', {'vm': 'web'}, 0, '')");
        test_polkit_answer(fixture->polkit, cases[i].is_authorized, cases[i].is_challenge);
        assert_answer(fixture, i + 1, cases[i].answer);
    }
}

/* On another bus polkit cannot look a name up, so the process is the subject. Details of an agent that is not root would
 * make polkit refuse the question. */
static void
test_process(Fixture *fixture, gconstpointer data)
{
    g_autofree char *expected = g_strdup_printf(
        "(('unix-process', {'pid': <uint32 %u>, 'start-time': <uint64 %" G_GUINT64_FORMAT ">, 'uid': <%u>}), '" ACTION
        "', %s, 0, '')",
        fixture->peer.pid, fixture->peer.start_time, fixture->peer.uid, geteuid() == 0 ? "{'vm': 'web'}" : "{}");

    g_assert_nonnull(ask(fixture, /* is_interactive= */ FALSE, NULL));
    g_assert_cmpstr(test_polkit_wait(fixture->polkit, 1), ==, expected);
    test_polkit_answer(fixture->polkit, TRUE, FALSE);
    assert_answer(fixture, 1, AUTHORITY_YES);
}

/* A caller whose process has ended, and whose number another process may have by now. */
static void
test_another_process(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    fixture->peer.start_time--;
    g_assert_null(ask(fixture, /* is_interactive= */ FALSE, &error));
    g_assert_error(error, BUS_ERROR, BUS_ERROR_ACCESS_DENIED);
    settle(NULL);
    g_assert_cmpuint(fixture->polkit->texts->len, ==, 0);
}

/* An answer of another shape allows nothing, whatever its first value is. */
static void
test_no_answer(Fixture *fixture, gconstpointer data)
{
    g_assert_nonnull(ask(fixture, /* is_interactive= */ FALSE, NULL));
    test_polkit_wait(fixture->polkit, 1);
    test_polkit_answer_with(fixture->polkit, g_variant_new("(bba{ss})", TRUE, FALSE, NULL));
    test_until(fixture->answers == 1);
    g_assert_cmpint(fixture->answer, ==, AUTHORITY_NO);
    g_assert_error(fixture->error, BUS_ERROR, BUS_ERROR_FAILED);
    g_assert_nonnull(strstr(fixture->error->message, "bba{ss}"));
}

/* Without a polkit everybody but the owner is refused, and nobody waits. */
static void
test_no_polkit(Fixture *fixture, gconstpointer data)
{
    g_clear_pointer(&fixture->polkit, test_polkit_free);
    g_assert_nonnull(ask(fixture, /* is_interactive= */ TRUE, NULL));
    test_until(fixture->answers == 1);
    g_assert_cmpint(fixture->answer, ==, AUTHORITY_NO);
    g_assert_nonnull(fixture->error);
}

/* A caller who leaves takes the dialog along: it must not stay on the screen for a command that nobody waits for. */
static void
test_cancel(Fixture *fixture, gconstpointer data)
{
    AuthorityCheck *first = ask(fixture, /* is_interactive= */ TRUE, NULL);
    const char *text;

    g_assert_nonnull(ask(fixture, /* is_interactive= */ TRUE, NULL));
    text = test_polkit_wait(fixture->polkit, 2);
    g_assert_true(g_str_has_suffix(text, ", 1, 'org.qemu.Monitor1-2')"));
    authority_check_cancel(first);
    test_until(fixture->polkit->cancelled->len == 1);
    g_assert_cmpstr(fixture->polkit->cancelled->pdata[0], ==, "org.qemu.Monitor1-1");
    test_polkit_answer(fixture->polkit, TRUE, FALSE);
    test_polkit_answer(fixture->polkit, FALSE, FALSE);
    assert_answer(fixture, 1, AUTHORITY_NO);
}

/* The system bus goes while polkit is asked: refused, and not asked for ever. */
static void
test_bus_goes(Fixture *fixture, gconstpointer data)
{
    g_assert_nonnull(ask(fixture, /* is_interactive= */ TRUE, NULL));
    test_polkit_wait(fixture->polkit, 1);
    g_dbus_connection_set_exit_on_close(fixture->polkit->connection, FALSE);
    g_dbus_connection_set_exit_on_close(fixture->base.client, FALSE);
    test_daemon_signal(fixture->base.daemon, SIGKILL);
    test_until(fixture->answers == 1);
    g_assert_cmpint(fixture->answer, ==, AUTHORITY_NO);
    g_assert_error(fixture->error, BUS_ERROR, BUS_ERROR_DISCONNECTED);
}

#define ADD_ON(bus, path, test) g_test_add("/authority/" path, Fixture, bus, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_ON("system", "answers", test_answers);
    ADD_ON("other", "process", test_process);
    ADD_ON("other", "another-process", test_another_process);
    ADD_ON("system", "no-answer", test_no_answer);
    ADD_ON("system", "no-polkit", test_no_polkit);
    ADD_ON("system", "cancel", test_cancel);
    ADD_ON("other", "cancel-on-another-bus", test_cancel);
    ADD_ON("other", "bus-goes", test_bus_goes);
    return g_test_run();
}
