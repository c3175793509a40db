/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A native session's commands, each of which goes a caller's way in its opener's name: one that goes in another name passes
 * somebody else's policy, one that is answered twice or never leaves a client out of step, and a client that hears more than
 * the end of the connection when QEMU has gone takes that for QEMU's word. */
#include "native-session.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "caller-command.h"
#include "json-print.h"
#include "qmp-error.h"
#include "test-vm-fixture.h"

#define EMPTY "{\"return\": {}}\r\n"
#define NO(id) "{\"id\": " id ", \"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}\r\n"

typedef struct Fixture {
    VmFixture base;
    ManagementHost host;
    Context context;
    VmContext vm_context;
    BusPeer peer;
    NativeSession *session; /* owned */
    int client; /* owned; -1: closed */
    GString *heard; /* owned; by the client, and not expected yet */
    GQueue under_way; /* of CallerCommand, weak; started, and neither answered nor cancelled */
    gboolean refuses; /* whatever is started */
    gboolean refuses_absent; /* what an opener who has left is asked about */
    guint n_recalled;
    GError *end; /* owned; of the session */
} Fixture;

/* The functions of caller-command.c have no other way to the test, which stands for that file. */
static Fixture *current;

static CallerCommandStart
refuse(GError **error)
{
    g_set_error(error, QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED, "no");
    return CALLER_COMMAND_FAILED;
}

CallerCommandStart
caller_command_start(CallerCommand *command, GError **error)
{
    if (current->refuses)
        return refuse(error);
    g_queue_push_tail(&current->under_way, command);
    return CALLER_COMMAND_UNDER_WAY;
}

CallerCommandStart
caller_command_note_left(CallerCommand *command, GError **error)
{
    return current->refuses_absent ? refuse(error) : CALLER_COMMAND_UNDER_WAY;
}

void
caller_command_recall(CallerCommand *command)
{
    current->n_recalled++;
}

void
caller_command_cancel(CallerCommand *command)
{
    g_queue_remove(&current->under_way, command);
    g_clear_pointer(&command->arguments, json_node_unref);
}

static void
on_session_end(const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_assert_null(fixture->end);
    fixture->end = g_error_copy(error);
}

/* What the client hears next is @text and no more. */
static void
expect(Fixture *fixture, const char *text)
{
    char buffer[4096];

    while (fixture->heard->len < strlen(text)) {
        g_main_context_iteration(fixture->base.context, FALSE);
        gssize n = recv(fixture->client, buffer, sizeof buffer, MSG_DONTWAIT);
        if (n > 0)
            g_string_append_len(fixture->heard, buffer, n);
    }
    g_assert_cmpstr(fixture->heard->str, ==, text);
    g_string_truncate(fixture->heard, 0);
}

static void
say(Fixture *fixture, const char *text)
{
    g_assert_cmpint(send(fixture->client, text, strlen(text), MSG_NOSIGNAL), ==, (gssize)strlen(text));
}

/* The next command that is under way. */
static CallerCommand *
await_command(Fixture *fixture)
{
    qmp_peer_wait_until(fixture->base.context, fixture->under_way.length > 0);
    return g_queue_peek_head(&fixture->under_way);
}

static void
answer(Fixture *fixture, const QmpReply *reply, const GError *error)
{
    CallerCommand *command = g_queue_pop_head(&fixture->under_way);

    command->func(reply, error, command->user_data);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    int pair[2];
    NativeOpener opener = { .peer = &fixture->peer, .is_interactive = TRUE, .key = "key" };

    current = fixture;
    vm_fixture_set_up(&fixture->base, 11, 1, /* isolation_required= */ FALSE);
    fixture->host.context = fixture->base.context;
    fixture->context.host = &fixture->host;
    fixture->vm_context.context = &fixture->context;
    fixture->vm_context.vm = fixture->base.vm;
    fixture->peer.uid = 1000;
    fixture->heard = g_string_new(NULL);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    fixture->client = pair[1];
    fixture->session =
        native_session_new(&fixture->vm_context, pair[0], &opener, /* is_pretty= */ FALSE, on_session_end, fixture);
    say(fixture, "{'execute':'qmp_capabilities'}");
    while (!g_str_has_suffix(fixture->heard->str, EMPTY)) {
        char letter;
        g_main_context_iteration(fixture->base.context, FALSE);
        if (recv(fixture->client, &letter, 1, MSG_DONTWAIT) == 1)
            g_string_append_c(fixture->heard, letter);
    }
    g_assert_true(g_str_has_prefix(fixture->heard->str, "{\"QMP\": {\"version\": "));
    g_string_truncate(fixture->heard, 0);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->session, native_session_free);
    g_assert_cmpuint(fixture->under_way.length, ==, 0);
    if (fixture->client >= 0)
        close(fixture->client);
    g_string_free(fixture->heard, TRUE);
    g_clear_error(&fixture->end);
    vm_fixture_tear_down(&fixture->base);
}

/* A program that speaks QMP: its command goes as it was written, in the opener's name, and the answer has its id. The next one
 * in band waits for that. */
static void
test_command(Fixture *fixture, gconstpointer unused)
{
    CallerCommand *command;
    g_autoptr(GString) arguments = g_string_new(NULL);

    say(fixture, "{'execute':'eject','arguments':{'id':'cd','force':true},'id':[1,'x']}{'execute':'stop'}");
    command = await_command(fixture);
    json_print_node(arguments, command->arguments, JSON_PRINT_COMPACT);
    g_assert_cmpstr(command->name, ==, "eject");
    g_assert_cmpstr(arguments->str, ==, "{\"id\":\"cd\",\"force\":true}");
    g_assert_true(command->peer == &fixture->peer);
    g_assert_cmpstr(command->session, ==, "key");
    g_assert_true(command->is_interactive && !command->has_left && !command->is_method);
    g_assert_cmpint(command->flags, ==, 0);
    qmp_peer_settle(fixture->base.context);
    g_assert_cmpuint(fixture->under_way.length, ==, 1);

    answer(fixture, &(QmpReply){ .value = { "{\"a\": 1}", 8 } }, NULL);
    g_assert_cmpstr(await_command(fixture)->name, ==, "stop");
    answer(fixture, &(QmpReply){ .error_class = "DeviceNotFound", .error_text = "gone" }, NULL);
    expect(fixture, "{\"return\": {\"a\": 1}, \"id\": [1, \"x\"]}\r\n"
                    "{\"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"gone\"}}\r\n");
}

/* A command that the policy refuses, or refuses later: the client is told, and goes on. A name that can be none does not even go
 * that way. */
static void
test_refused(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED, "no");

    fixture->refuses = TRUE;
    say(fixture, "{'execute':'stop','id':1}{'execute':'a b','id':2}");
    expect(fixture, NO("1") "{\"id\": 2, \"error\": {\"class\": \"CommandNotFound\", "
                            "\"desc\": \"The command a b has not been found\"}}\r\n");
    fixture->refuses = FALSE;
    say(fixture, "{'execute':'stop','id':3}");
    await_command(fixture);
    answer(fixture, NULL, error);
    expect(fixture, NO("3"));
    g_assert_null(fixture->end);
}

/* An opener who leaves while polkit asks about a command of theirs: the command is refused, and the next one is asked about as an
 * absent caller's. */
static void
test_opener_left(Fixture *fixture, gconstpointer unused)
{
    say(fixture, "{'execute':'stop','id':1}");
    await_command(fixture);
    fixture->refuses_absent = TRUE;
    native_session_opener_left(fixture->session);
    expect(fixture, NO("1"));
    say(fixture, "{'execute':'cont'}");
    g_assert_true(await_command(fixture)->has_left);
}

/* QEMU dies with a command under way: the client hears nothing more, and the session ends a turn later, not from inside. */
static void
test_qemu_lost(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "QEMU has gone");

    say(fixture, "{'execute':'stop'}{'execute':'cont'}");
    await_command(fixture);
    answer(fixture, NULL, error);
    g_assert_null(fixture->end);
    qmp_peer_wait_until(fixture->base.context, fixture->end);
    g_assert_error(fixture->end, QMP_ERROR, QMP_ERROR_DISCONNECTED);
    g_assert_cmpuint(fixture->under_way.length, ==, 0);
    g_clear_pointer(&fixture->session, native_session_free);
    g_assert_cmpint(recv(fixture->client, &(char){ 0 }, 1, MSG_DONTWAIT), ==, 0);
}

/* A VM that is removed: QEMU's last answer still reaches the client, and no new command is begun. */
static void
test_stopped(Fixture *fixture, gconstpointer unused)
{
    say(fixture, "{'execute':'stop'}");
    await_command(fixture);
    native_session_stop(fixture->session);
    g_assert_cmpuint(fixture->n_recalled, ==, 1);
    say(fixture, "{'execute':'cont'}");
    answer(fixture, &(QmpReply){ .value = { "{}", 2 } }, NULL);
    expect(fixture, EMPTY);
    qmp_peer_settle(fixture->base.context);
    g_assert_cmpuint(fixture->under_way.length, ==, 0);
}

static void
test_event(Fixture *fixture, gconstpointer unused)
{
    native_session_event(fixture->session, &(QmpEvent){ .name = "STOP", .timestamp = 7000001 });
    expect(fixture, "{\"timestamp\": {\"seconds\": 7, \"microseconds\": 1}, \"event\": \"STOP\"}\r\n");
}

/* A client that goes with a command under way: whoever opened the session is told, and QEMU's answer finds nobody. */
static void
test_client_gone(Fixture *fixture, gconstpointer unused)
{
    say(fixture, "{'execute':'stop'}");
    await_command(fixture);
    close(fixture->client);
    fixture->client = -1;
    qmp_peer_wait_until(fixture->base.context, fixture->end);
    g_clear_pointer(&fixture->session, native_session_free);
    g_assert_cmpuint(fixture->under_way.length, ==, 0);
}

/* A client that does not read while its VM floods: some of what it missed waits for it, then it goes. */
static void
test_client_that_does_not_read(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *data = g_strnfill(1024 * 1024, ' ');
    guint n = 0;

    for (; !fixture->end; n++) {
        native_session_event(fixture->session, &(QmpEvent){ .name = "X", .data = { data, 1024 * 1024 } });
        qmp_peer_settle(fixture->base.context);
        g_assert_cmpuint(n, <, 20);
    }
    g_assert_cmpuint(n, >, 8);
    g_assert_error(fixture->end, QMP_ERROR, QMP_ERROR_LIMIT);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)
    ADD("/native-session/command", test_command);
    ADD("/native-session/refused", test_refused);
    ADD("/native-session/opener-left", test_opener_left);
    ADD("/native-session/qemu-lost", test_qemu_lost);
    ADD("/native-session/stopped", test_stopped);
    ADD("/native-session/event", test_event);
    ADD("/native-session/client-gone", test_client_gone);
    ADD("/native-session/client-that-does-not-read", test_client_that_does_not_read);
#undef ADD
    return g_test_run();
}
