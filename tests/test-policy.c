/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may do what, decided with a polkit of the test's own on a real bus: what breaks here lets a stranger at a VM, or keeps
 * its owner away from it, or leaves the log without the decision. */
#include "policy.h"

#include <string.h>

#include "test-bus-fixture.h"
#include "test-polkit.h"

#define OWNER 1000
#define FRIEND 1001
#define STRANGER 1002

typedef struct Fixture {
    BusFixture base; /* order: every decision, a line each */
    TestPolkit *polkit; /* owned */
    Policy *policy; /* owned */
    BusPeer peer;
    PolicyRequest request;
    PolicyTicket *ticket; /* weak */
    GError *error; /* owned; of the refusal */
    guint answers;
} Fixture;

static void
note_decision(const PolicyDecision *decision, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_string_append_printf(fixture->base.order, "%s %s %s: %s\n", decision->is_allowed ? "allowed" : "refused",
                           decision->request->command, decision->actions, decision->reason);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    bus_fixture_set_up(&fixture->base, NULL);
    fixture->polkit = test_polkit_new(fixture->base.daemon);
    fixture->policy = policy_new(g_main_context_default(), fixture->base.bus, NULL, note_decision, fixture);
    fixture->peer = (BusPeer){ .name = (char *)":1.42", .uid = STRANGER, .pid = BUS_PEER_NO_ID };
    fixture->request = (PolicyRequest){
        .peer = &fixture->peer,
        .classes = POLICY_CLASSES(POLICY_CLASS_CONTROL),
        .command = "stop",
        .vm = "web",
        .bus = "system",
        .owner_uid = OWNER,
        .qemu_uid = BUS_PEER_NO_ID,
        .friend_uid = FRIEND,
    };
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    policy_free(fixture->policy);
    test_polkit_free(fixture->polkit);
    g_clear_error(&fixture->error);
    bus_fixture_tear_down(&fixture->base, NULL);
}

static void
on_policy_answer(const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->answers++;
    g_clear_error(&fixture->error);
    fixture->error = error ? g_error_copy(error) : NULL;
}

static PolicyAnswer
ask(Fixture *fixture)
{
    g_clear_error(&fixture->error);
    return policy_ask(fixture->policy, &fixture->request, on_policy_answer, fixture, &fixture->ticket,
                      &fixture->error);
}

static void
assert_refused(Fixture *fixture, BusErrorCode code, const char *text)
{
    g_assert_error(fixture->error, BUS_ERROR, (int)code);
    g_assert_cmpstr(fixture->error->message, ==, text);
}

static void
assert_log(Fixture *fixture, const char *expected)
{
    g_assert_cmpstr(fixture->base.order->str, ==, expected);
}

/* Who runs the QEMU, or has added it, needs no polkit, also for a session that has outlived its connection. */
static void
test_own(Fixture *fixture, gconstpointer unused)
{
    fixture->request.classes = POLICY_CLASSES(POLICY_CLASS_HOST) | POLICY_CLASSES(POLICY_CLASS_DESTROY);
    fixture->peer.uid = OWNER;
    g_assert_cmpint(ask(fixture), ==, POLICY_ALLOWED);
    fixture->request.has_left = TRUE;
    fixture->peer.uid = FRIEND;
    g_assert_cmpint(ask(fixture), ==, POLICY_ALLOWED);
    settle(NULL);
    g_assert_cmpuint(fixture->polkit->texts->len, ==, 0);
    assert_log(fixture, "allowed stop org.qemu.monitor1.host,org.qemu.monitor1.destroy: owner\n"
                        "allowed stop org.qemu.monitor1.host,org.qemu.monitor1.destroy: trusted\n");
}

/* Where the bus does not vouch for a user, the number that stands for "nobody" must not be that of an owner who is not known
 * either. */
static void
test_unknown_user(Fixture *fixture, gconstpointer unused)
{
    fixture->peer.uid = BUS_PEER_NO_ID;
    fixture->request.owner_uid = fixture->request.friend_uid = BUS_PEER_NO_ID;
    g_assert_cmpint(ask(fixture), ==, POLICY_REFUSED);
    assert_refused(fixture, BUS_ERROR_ACCESS_DENIED,
                   ":1.42 may not call stop on the VM \"web\": the bus does not tell whose it is");
    assert_log(fixture, "refused stop org.qemu.monitor1.control: the bus does not tell whose it is\n");
}

/* Two users for whom the kernel has no number, as a container's agent sees all who are not in it, have one and the same: neither
 * owns what the other does. */
static void
test_user_without_a_number(Fixture *fixture, gconstpointer unused)
{
    fixture->peer.uid = fixture->request.owner_uid = fixture->request.friend_uid = BUS_PEER_OVERFLOW_ID;
    g_assert_cmpint(ask(fixture), ==, POLICY_ASKED);
    policy_ticket_cancel(fixture->ticket);
    fixture->request.has_left = TRUE;
    g_assert_cmpint(ask(fixture), ==, POLICY_REFUSED);
}

/* A command that no table has classed is nobody's, not even its owner's. */
static void
test_no_class(Fixture *fixture, gconstpointer unused)
{
    fixture->peer.uid = OWNER;
    fixture->request.classes = 0;
    g_assert_cmpint(ask(fixture), ==, POLICY_REFUSED);
    assert_refused(fixture, BUS_ERROR_ACCESS_DENIED,
                   "User 1000 may not call stop on the VM \"web\": nothing says what that takes");
}

/* Polkit decides about who is on the bus; the refusal says what to do instead. */
static void
test_left(Fixture *fixture, gconstpointer unused)
{
    fixture->request.has_left = TRUE;
    g_assert_cmpint(ask(fixture), ==, POLICY_REFUSED);
    g_assert_error(fixture->error, BUS_ERROR, BUS_ERROR_ACCESS_DENIED);
    g_assert_nonnull(strstr(fixture->error->message, "has left the bus"));
    g_assert_nonnull(strstr(fixture->error->message, "open a session from a connection that stays"));
}

/* A stranger: polkit's yes is one, its no is one, and a challenge is a refusal that tells a program to come back with leave
 * to ask. */
static void
test_stranger(Fixture *fixture, gconstpointer unused)
{
    g_assert_cmpint(ask(fixture), ==, POLICY_ASKED);
    g_assert_nonnull(strstr(test_polkit_wait(fixture->polkit, 1), "'vm': 'web'"));
    test_polkit_answer(fixture->polkit, TRUE, FALSE);
    test_until(fixture->answers == 1);
    g_assert_no_error(fixture->error);

    g_assert_cmpint(ask(fixture), ==, POLICY_ASKED);
    test_polkit_wait(fixture->polkit, 2);
    test_polkit_answer(fixture->polkit, FALSE, FALSE);
    test_until(fixture->answers == 2);
    assert_refused(fixture, BUS_ERROR_ACCESS_DENIED, "User 1002 may not call stop on the VM \"web\": not authorized");

    g_assert_cmpint(ask(fixture), ==, POLICY_ASKED);
    test_polkit_wait(fixture->polkit, 3);
    test_polkit_answer(fixture->polkit, FALSE, TRUE);
    test_until(fixture->answers == 3);
    g_assert_error(fixture->error, BUS_ERROR, BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED);
    g_assert_true(g_str_has_prefix(fixture->base.order->str, "allowed stop org.qemu.monitor1.control: polkit\n"
                                                             "refused stop org.qemu.monitor1.control: not authorized\n"
                                                             "refused stop org.qemu.monitor1.control: "));
}

/* Two classes need two yeses, and are one decision. */
static void
test_two_classes(Fixture *fixture, gconstpointer unused)
{
    fixture->request.classes = POLICY_CLASSES(POLICY_CLASS_CONFIGURE) | POLICY_CLASSES(POLICY_CLASS_READ_GUEST);
    g_assert_cmpint(ask(fixture), ==, POLICY_ASKED);
    g_assert_nonnull(strstr(test_polkit_wait(fixture->polkit, 1), ".configure'"));
    test_polkit_answer(fixture->polkit, TRUE, FALSE);
    g_assert_nonnull(strstr(test_polkit_wait(fixture->polkit, 2), ".read-guest'"));
    g_assert_cmpuint(fixture->answers, ==, 0);
    test_polkit_answer(fixture->polkit, FALSE, FALSE);
    test_until(fixture->answers == 1);
    g_assert_error(fixture->error, BUS_ERROR, BUS_ERROR_ACCESS_DENIED);
    assert_log(fixture, "refused stop org.qemu.monitor1.configure,org.qemu.monitor1.read-guest: not authorized\n");
}

/* A VM's name with an end of line would forge a line of the log, or of the dialog. */
static void
test_names(Fixture *fixture, gconstpointer unused)
{
    fixture->request.vm = "web\nroot may do all";
    fixture->request.id = "\xe2\x80\xaeksid";
    g_assert_cmpint(ask(fixture), ==, POLICY_ASKED);
    g_assert_null(strstr(test_polkit_wait(fixture->polkit, 1), "'vm'"));
    g_assert_null(strstr(test_polkit_wait(fixture->polkit, 1), "'id'"));
    test_polkit_answer(fixture->polkit, FALSE, FALSE);
    test_until(fixture->answers == 1);
    assert_refused(fixture, BUS_ERROR_ACCESS_DENIED, "User 1002 may not call stop: not authorized");
}

/* The caller's own strings may go while polkit thinks; a question that is cancelled is never answered. */
static void
test_kept_and_cancelled(Fixture *fixture, gconstpointer unused)
{
    char command[] = "stop", vm[] = "web", name[] = ":1.42";

    fixture->request.command = command;
    fixture->request.vm = vm;
    fixture->peer.name = name;
    g_assert_cmpint(ask(fixture), ==, POLICY_ASKED);
    memset(command, 'x', strlen(command));
    memset(vm, 'x', strlen(vm));
    memset(name, 'x', strlen(name));
    test_polkit_wait(fixture->polkit, 1);
    test_polkit_answer(fixture->polkit, FALSE, FALSE);
    test_until(fixture->answers == 1);
    assert_refused(fixture, BUS_ERROR_ACCESS_DENIED, "User 1002 may not call stop on the VM \"web\": not authorized");

    g_assert_cmpint(ask(fixture), ==, POLICY_ASKED);
    test_polkit_wait(fixture->polkit, 2);
    policy_ticket_cancel(fixture->ticket);
    test_polkit_answer(fixture->polkit, TRUE, FALSE);
    test_client_sync(fixture->polkit->connection);
    settle(NULL);
    g_assert_cmpuint(fixture->answers, ==, 1);
}

#define ADD_TEST(path, test) g_test_add("/policy/" path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD_TEST("own", test_own);
    ADD_TEST("unknown-user", test_unknown_user);
    ADD_TEST("user-without-a-number", test_user_without_a_number);
    ADD_TEST("no-class", test_no_class);
    ADD_TEST("left", test_left);
    ADD_TEST("stranger", test_stranger);
    ADD_TEST("two-classes", test_two_classes);
    ADD_TEST("names", test_names);
    ADD_TEST("kept-and-cancelled", test_kept_and_cancelled);
    return g_test_run();
}
