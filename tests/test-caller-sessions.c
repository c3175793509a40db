/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The callers of one VM, kept apart: what breaks here shows one caller what is another's, loses a reply, or leaves in QEMU
 * what belonged to somebody who has left. */
#include "caller-sessions.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "json-tree.h"
#include "test-vm-fixture.h"

typedef struct Fixture {
    VmFixture base;
    CallerSessions *sessions; /* owned; NULL when freed */
    GString *log; /* owned; what callers were told, a blank after each */
    guint n_left;
    const char *fdset_owner; /* of the commands from now on */
    gboolean has_no_fd; /* likewise: also where a command takes one */
    gboolean is_oob; /* likewise */
} Fixture;

typedef struct Call {
    Fixture *fixture; /* weak */
    const char *name;
    CallerSessionTicket *ticket; /* weak */
    struct Call *cancels; /* weak; when this one is answered */
} Call;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    MonitorPoolLimits limits = { .idle_timeout = G_MAXINT64, .max_monitors = 4 };

    vm_fixture_set_up(&fixture->base, 11, 1, /* isolation_required= */ FALSE);
    fixture->log = g_string_new(NULL);
    fixture->sessions = caller_sessions_new(fixture->base.context, fixture->base.vm, &limits, NULL, NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->sessions, caller_sessions_free);
    if (!fixture->base.is_down)
        vm_fixture_settle(&fixture->base);
    vm_fixture_tear_down(&fixture->base);
    g_string_free(fixture->log, TRUE);
}

static void
on_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Call *call = user_data;
    GString *log = call->fixture->log;

    if (error)
        g_string_append_printf(log, "%s!%d ", call->name, error->code);
    else if (reply->error_class)
        g_string_append_printf(log, "%s(%s) ", call->name, reply->error_text);
    else
        g_string_append_printf(log, "%s=%.*s ", call->name, (int)reply->value.length, reply->value.text);
    if (call->cancels)
        caller_session_ticket_cancel(call->cancels->ticket);
}

static gboolean
try_submit(Fixture *fixture, Call *call, const char *caller, const char *command, const char *arguments,
           GError **error)
{
    g_autoptr(JsonNode) node = arguments ? json_tree_parse(arguments, strlen(arguments), NULL) : NULL;
    CallerSessionCommand request = { .name = command, .arguments = node, .fdset_owner = fixture->fdset_owner };

    request.flags = fixture->is_oob ? QMP_EXECUTE_OOB : QMP_EXECUTE_DEFAULT;
    if (!fixture->has_no_fd && (g_str_equal(command, "getfd") || g_str_equal(command, "add-fd"))) {
        request.flags |= QMP_EXECUTE_FD;
        request.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    *call = (Call){ .fixture = fixture, .name = command };
    call->ticket =
        caller_session_submit(caller_sessions_get(fixture->sessions, caller, 1000, NULL), &request, on_reply, call, error);
    return call->ticket != NULL;
}

static void
submit(Fixture *fixture, Call *call, const char *caller, const char *command, const char *arguments)
{
    g_autoptr(GError) error = NULL;

    try_submit(fixture, call, caller, command, arguments, &error);
    g_assert_no_error(error);
}

/* What callers were told since the last time, when there is nothing more to tell. */
static void
assert_told(Fixture *fixture, const char *log)
{
    qmp_peer_wait_until(fixture->base.context, fixture->log->len >= strlen(log));
    vm_fixture_settle(&fixture->base);
    g_assert_cmpstr(fixture->log->str, ==, log);
    g_string_truncate(fixture->log, 0);
}

static guint
count(Fixture *fixture, const char *line)
{
    return test_qemu_count(fixture->base.qemu, line);
}

static void
wait_for(Fixture *fixture, const char *line)
{
    qmp_peer_wait_until(fixture->base.context, count(fixture, line) > 0);
}

/* Two callers: each has a monitor of their own, and no command of theirs goes by another. */
static void
test_own_monitors(Fixture *fixture, gconstpointer unused)
{
    Call first, second, again;

    submit(fixture, &first, ":1.1", "stop", NULL);
    submit(fixture, &again, ":1.1", "cont", NULL);
    assert_told(fixture, "stop={} cont={} ");
    submit(fixture, &second, ":1.2", "quit", NULL);
    assert_told(fixture, "quit={} ");
    g_assert_cmpuint(count(fixture, "1 stop") + count(fixture, "1 cont") + count(fixture, "2 quit"), ==, 3);
    g_assert_cmpuint(test_qemu_get_n_plugged(fixture->base.qemu), ==, 2);
}

/* A caller who has left: their monitor goes, and those who are there keep theirs. */
static void
test_drop(Fixture *fixture, gconstpointer unused)
{
    Call first, second;

    submit(fixture, &first, ":1.1", "stop", NULL);
    submit(fixture, &second, ":1.2", "stop", NULL);
    assert_told(fixture, "stop={} stop={} ");
    caller_sessions_drop_caller(fixture->sessions, ":1.1");
    caller_sessions_drop_caller(fixture->sessions, ":1.1");
    caller_sessions_drop_caller(fixture->sessions, ":1.99");
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 chardev-remove") == 1);
    vm_fixture_settle(&fixture->base);
    submit(fixture, &second, ":1.2", "cont", NULL);
    assert_told(fixture, "cont={} ");
    g_assert_cmpuint(count(fixture, "2 cont"), ==, 1);
}

/* A caller who has named a descriptor: QEMU gets a name that nobody else can have, errors tell of the caller's, and the
 * descriptor is closed when the caller leaves. */
static void
test_fd_names(Fixture *fixture, gconstpointer unused)
{
    Call call;
    g_auto(GStrv) parts = NULL;
    g_autofree char *error = NULL;
    g_autofree char *closing = NULL;

    submit(fixture, &call, ":1.1", "getfd", "{\"fdname\":\"tap\"}");
    assert_told(fixture, "getfd={} ");
    g_assert_cmpuint(count(fixture, "1 getfd {\"fdname\":\"tap\"}"), ==, 0);
    parts = g_strsplit(strstr(test_qemu_get_log(fixture->base.qemu), "1 getfd {\"fdname\":\""), "\"", 5);
    error = g_strdup_printf("\"error\": {\"class\": \"GenericError\", \"desc\": \"no %s\"}", parts[3]);
    test_qemu_set_answer(fixture->base.qemu, "netdev_add", error);
    submit(fixture, &call, ":1.1", "netdev_add", "{\"fd\":\"tap\"}");
    assert_told(fixture, "netdev_add(no tap) ");
    caller_sessions_drop_caller(fixture->sessions, ":1.1");
    closing = g_strdup_printf("1 closefd {\"fdname\":\"%s\"}", parts[3]);
    wait_for(fixture, closing);
    vm_fixture_settle(&fixture->base);
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 chardev-remove") == 1);
}

/* A caller who names a descriptor keeps the monitor that has it, however many come after. */
static void
test_names_hold_the_monitor(Fixture *fixture, gconstpointer unused)
{
    static const char *const others[] = { ":1.2", ":1.3", ":1.4", ":1.5" };
    Call call;

    submit(fixture, &call, ":1.1", "getfd", "{\"fdname\":\"tap\"}");
    assert_told(fixture, "getfd={} ");
    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        submit(fixture, &call, others[i], "stop", NULL);
        assert_told(fixture, "stop={} ");
    }
    submit(fixture, &call, ":1.1", "netdev_add", "{\"fd\":\"tap\"}");
    assert_told(fixture, "netdev_add={} ");
    g_assert_cmpuint(count(fixture, "1 netdev_add"), ==, 1);
}

/* A caller who names descriptors without end: QEMU has no room for everybody's. */
static void
test_too_many_names(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    guint n = 0;
    Call call;

    for (;; n++) {
        g_autofree char *arguments = g_strdup_printf("{\"fdname\":\"tap%u\"}", n);
        if (!try_submit(fixture, &call, ":1.1", "getfd", arguments, &error))
            break;
        qmp_peer_wait_until(fixture->base.context, fixture->log->len > 0);
        g_string_truncate(fixture->log, 0);
        g_assert_cmpuint(n, <, 2000);
    }
    g_assert_error(error, QMP_ERROR, QMP_ERROR_LIMIT);
    g_assert_cmpuint(n, ==, 1024);
    g_clear_error(&error);
    submit(fixture, &call, ":1.1", "closefd", "{\"fdname\":\"tap7\"}");
    assert_told(fixture, "closefd={} ");
    submit(fixture, &call, ":1.1", "getfd", "{\"fdname\":\"tap\"}");
    assert_told(fixture, "getfd={} ");
}

/* A getfd without a descriptor would take the one that the guard of a plugged monitor left in QEMU. */
static void
test_getfd_without_fd(Fixture *fixture, gconstpointer unused)
{
    Call call;

    submit(fixture, &call, ":1.1", "getfd", "{\"fdname\":\"tap\"}");
    assert_told(fixture, "getfd={} ");
    g_assert_cmpuint(count(fixture, "1 getfd {\"fdname\":\"0\"}"), ==, 0);
    fixture->has_no_fd = TRUE;
    submit(fixture, &call, ":1.1", "getfd", "{\"fdname\":\"tap\"}");
    assert_told(fixture, "getfd={} ");
    g_assert_cmpuint(count(fixture, "1 getfd {\"fdname\":\"0\"}"), ==, 1);
}

/* Somebody who unblocks a hung QEMU out of band has the answer, although others' wait. */
static void
test_oob_is_not_held(Fixture *fixture, gconstpointer unused)
{
    ReplyBarrier *barrier = qemu_connection_get_barrier(vm_get_qemu(fixture->base.vm));
    Call held, urgent;

    reply_barrier_hold(barrier);
    submit(fixture, &held, ":1.1", "stop", NULL);
    fixture->is_oob = TRUE;
    submit(fixture, &urgent, ":1.1", "yank", NULL);
    assert_told(fixture, "yank={} ");
    reply_barrier_release(barrier);
    assert_told(fixture, "stop={} ");
}

/* Two callers and their fdsets: the one neither sees nor touches the other's, and both are there for their owners. */
static void
test_fdsets(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    Call call;

    test_qemu_set_answer(fixture->base.qemu, "add-fd", "\"return\": {\"fdset-id\": 3, \"fd\": 14}");
    submit(fixture, &call, ":1.1", "add-fd", "{\"opaque\":\"mine\"}");
    assert_told(fixture, "add-fd={\"fdset-id\": 3, \"fd\": 14} ");
    test_qemu_set_answer(fixture->base.qemu, "query-fdsets", "\"return\": [{\"fdset-id\": 3, \"fds\": []}]");
    submit(fixture, &call, ":1.2", "query-fdsets", NULL);
    assert_told(fixture, "query-fdsets=[] ");
    submit(fixture, &call, ":1.1", "query-fdsets", NULL);
    assert_told(fixture, "query-fdsets=[{\"fdset-id\":3,\"fds\":[]}] ");
    g_assert_false(try_submit(fixture, &call, ":1.2", "remove-fd", "{\"fdset-id\":3}", &error));
    g_assert_error(error, QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED);
    g_assert_nonnull(strstr(error->message, "another caller's"));
}

/* A method that puts a file of the agent's into QEMU by its caller's monitor: the caller neither sees nor touches it, and it goes
 * when the method says so, not with the caller. */
static void
test_fdset_of_a_method(Fixture *fixture, gconstpointer unused)
{
    Call call;

    fixture->fdset_owner = "picture 1";
    test_qemu_set_answer(fixture->base.qemu, "add-fd", "\"return\": {\"fdset-id\": 3, \"fd\": 14}");
    submit(fixture, &call, ":1.1", "add-fd", NULL);
    assert_told(fixture, "add-fd={\"fdset-id\": 3, \"fd\": 14} ");
    submit(fixture, &call, ":1.1", "screendump", "{\"filename\":\"/dev/fdset/3\"}");
    assert_told(fixture, "screendump={} ");
    fixture->fdset_owner = NULL;
    g_assert_false(try_submit(fixture, &call, ":1.1", "screendump", "{\"filename\":\"/dev/fdset/3\"}", NULL));
    test_qemu_set_answer(fixture->base.qemu, "query-fdsets", "\"return\": [{\"fdset-id\": 3, \"fds\": []}]");
    submit(fixture, &call, ":1.1", "query-fdsets", NULL);
    assert_told(fixture, "query-fdsets=[] ");
    caller_sessions_drop_caller(fixture->sessions, ":1.1");
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 remove-fd"), ==, 0);
    caller_sessions_drop_fdsets(fixture->sessions, "picture 1");
    wait_for(fixture, "0 remove-fd {\"fdset-id\":3}");
}

/* The method has come to its end before QEMU has said which fdset it is: nobody else would remove it. */
static void
test_fdset_that_nobody_waits_for(Fixture *fixture, gconstpointer unused)
{
    Call call;

    fixture->fdset_owner = "picture 1";
    test_qemu_set_answer(fixture->base.qemu, "add-fd", "\"return\": {\"fdset-id\": 3, \"fd\": 14}");
    test_qemu_withhold(fixture->base.qemu, "add-fd");
    submit(fixture, &call, ":1.1", "add-fd", NULL);
    wait_for(fixture, "1 add-fd");
    g_assert_false(caller_session_ticket_is_waiting(call.ticket));
    caller_session_ticket_cancel(call.ticket);
    caller_sessions_drop_fdsets(fixture->sessions, "picture 1");
    test_qemu_release(fixture->base.qemu, "add-fd");
    wait_for(fixture, "0 remove-fd {\"fdset-id\":3}");
    assert_told(fixture, "");
}

/* A caller whose command is refused with a descriptor beside it: the descriptor is closed, else the agent runs out of
 * them. */
static void
test_refused_with_fd(Fixture *fixture, gconstpointer unused)
{
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC), after;
    Call call;

    close(next);
    g_assert_false(try_submit(fixture, &call, ":1.1", "getfd", "{\"fdname\":\"" QMP_MONITOR_PREFIX "fd\"}", NULL));
    after = open("/dev/null", O_RDONLY | O_CLOEXEC);
    g_assert_cmpint(after, ==, next);
    close(after);
}

/* A caller who gives a command up: one that waited is not sent, and the reply to one that was is told to nobody; but a name
 * that it has given is known, and closed when the caller leaves. */
static void
test_cancel(Fixture *fixture, gconstpointer unused)
{
    Call under_way, waiting, naming;

    test_qemu_withhold(fixture->base.qemu, "getfd");
    submit(fixture, &waiting, ":1.1", "stop", NULL);
    caller_session_ticket_cancel(waiting.ticket);
    test_qemu_release(fixture->base.qemu, "getfd");
    vm_fixture_settle(&fixture->base);
    test_qemu_withhold(fixture->base.qemu, "getfd");
    test_qemu_withhold(fixture->base.qemu, "cont");
    submit(fixture, &naming, ":1.1", "getfd", "{\"fdname\":\"a\"}");
    submit(fixture, &under_way, ":1.1", "cont", NULL);
    wait_for(fixture, "1 getfd");
    wait_for(fixture, "1 cont");
    caller_session_ticket_cancel(naming.ticket);
    caller_session_ticket_cancel(under_way.ticket);
    test_qemu_release(fixture->base.qemu, "getfd");
    test_qemu_release(fixture->base.qemu, "cont");
    caller_sessions_drop_caller(fixture->sessions, ":1.1");
    wait_for(fixture, "1 closefd");
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 chardev-remove") == 1);
    assert_told(fixture, "");
    g_assert_cmpuint(count(fixture, "1 stop"), ==, 0);
}

/* A QEMU that is stuck: whoever waits is told once, also where one of them gives up another's command on that; whoever has given
 * up before is told nothing. */
static void
test_fail(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = g_error_new_literal(QMP_ERROR, QMP_ERROR_TIMED_OUT, "stuck");
    Call calls[3], given_up;

    test_qemu_withhold(fixture->base.qemu, "stop");
    for (guint i = 0; i < 3; i++)
        submit(fixture, &calls[i], ":1.1", "stop", NULL);
    calls[0].cancels = &calls[1];
    wait_for(fixture, "1 stop");
    test_qemu_withhold(fixture->base.qemu, "getfd");
    submit(fixture, &given_up, ":1.1", "getfd", "{\"fdname\":\"a\"}");
    wait_for(fixture, "1 getfd");
    caller_session_ticket_cancel(given_up.ticket);
    caller_sessions_fail(fixture->sessions, error);
    g_assert_cmpstr(fixture->log->str, ==, "stop!1 stop!1 ");
    test_qemu_release(fixture->base.qemu, "stop");
    test_qemu_release(fixture->base.qemu, "getfd");
    vm_fixture_settle(&fixture->base);
    g_assert_cmpstr(fixture->log->str, ==, "stop!1 stop!1 ");
}

/* A reply that has come, and is held when QEMU gets stuck: the command has done its work, and its caller is told so. */
static void
test_fail_held(Fixture *fixture, gconstpointer unused)
{
    ReplyBarrier *barrier = qemu_connection_get_barrier(vm_get_qemu(fixture->base.vm));
    g_autoptr(GError) error = g_error_new_literal(QMP_ERROR, QMP_ERROR_TIMED_OUT, "stuck");
    Call calls[3];

    reply_barrier_hold(barrier);
    for (guint i = 0; i < 3; i++)
        submit(fixture, &calls[i], ":1.1", "stop", NULL);
    calls[0].cancels = &calls[1];
    wait_for(fixture, "1 stop");
    vm_fixture_settle(&fixture->base);
    assert_told(fixture, "");
    caller_sessions_fail(fixture->sessions, error);
    g_assert_cmpstr(fixture->log->str, ==, "stop={} stop={} ");
    reply_barrier_release(barrier);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpstr(fixture->log->str, ==, "stop={} stop={} ");
}

/* A QEMU that has been told to quit is asked nothing for some seconds, which need not be waited for. */
static void
end_qemu(Fixture *fixture)
{
    test_qemu_close(fixture->base.qemu, 0);
    qmp_peer_wait_until(fixture->base.context, fixture->base.is_down);
}

/* A VM that goes: the caller who has ended it is told that this worked, all others that it has gone. */
static void
test_free(Fixture *fixture, gconstpointer unused)
{
    Call quit, stop, never;

    test_qemu_withhold(fixture->base.qemu, "quit");
    test_qemu_withhold(fixture->base.qemu, "stop");
    submit(fixture, &stop, ":1.2", "stop", NULL);
    wait_for(fixture, "1 stop");
    submit(fixture, &quit, ":1.1", "quit", NULL);
    wait_for(fixture, "2 quit");
    submit(fixture, &never, ":1.3", "quit", NULL);
    g_clear_pointer(&fixture->sessions, caller_sessions_free);
    g_assert_cmpstr(fixture->log->str, ==, "stop!0 quit={} quit!0 ");
    end_qemu(fixture);
}

/* The same, before `quit` has gone out: nobody has done that. */
static void
test_free_before_quit(Fixture *fixture, gconstpointer unused)
{
    Call stop, quit;

    submit(fixture, &stop, ":1.1", "stop", NULL);
    assert_told(fixture, "stop={} ");
    submit(fixture, &quit, ":1.1", "quit", NULL);
    g_clear_pointer(&fixture->sessions, caller_sessions_free);
    g_assert_cmpstr(fixture->log->str, ==, "quit!0 ");
    end_qemu(fixture);
}

/* The same where the control monitor is everybody's. */
static void
test_free_before_quit_of_all(Fixture *fixture, gconstpointer unused)
{
    test_qemu_set_answer(fixture->base.qemu, "object-add",
                         "\"error\": {\"class\": \"GenericError\", \"desc\": \"does not accept value\"}");
    test_free_before_quit(fixture, unused);
    g_assert_cmpuint(count(fixture, "0 stop"), ==, 1);
}

static void
on_left(gpointer user_data)
{
    ((Fixture *)user_data)->n_left++;
}

/* An agent that ends while a caller's getfd is under way: the end waits for its reply and closes what it has named. */
static void
test_leave(Fixture *fixture, gconstpointer unused)
{
    Call naming, plain;

    submit(fixture, &plain, ":1.1", "stop", NULL);
    assert_told(fixture, "stop={} ");
    test_qemu_withhold(fixture->base.qemu, "getfd");
    submit(fixture, &naming, ":1.1", "getfd", "{\"fdname\":\"a\"}");
    wait_for(fixture, "1 getfd");
    caller_sessions_leave(fixture->sessions, on_left, fixture);
    assert_told(fixture, "getfd!0 ");
    qmp_peer_settle(fixture->base.context);
    g_assert_cmpuint(count(fixture, "1 closefd"), ==, 0);
    test_qemu_release(fixture->base.qemu, "getfd");
    qmp_peer_wait_until(fixture->base.context, fixture->n_left > 0 && count(fixture, "0 chardev-remove") == 1);
    g_assert_cmpuint(count(fixture, "1 closefd"), ==, 1);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(test_qemu_get_n_plugged(fixture->base.qemu), ==, 0);
}

static void
on_done(const char *command, gpointer user_data)
{
    g_string_append_printf(((Fixture *)user_data)->log, "done:%s ", command);
}

/* Somebody who waits for a device that another caller takes away: every success is told of before its caller is, and no
 * failure. */
static void
test_done(Fixture *fixture, gconstpointer unused)
{
    Call call;

    caller_sessions_set_done(fixture->sessions, on_done, fixture);
    submit(fixture, &call, ":1.1", "stop", NULL);
    assert_told(fixture, "done:stop stop={} ");
    test_qemu_set_answer(fixture->base.qemu, "stop", "\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}");
    submit(fixture, &call, ":1.1", "stop", NULL);
    assert_told(fixture, "stop(no) ");
}

static void
show(const CallerSessionInfo *info, gpointer user_data)
{
    g_string_append_printf(user_data, "%s/%u/%s/%u/%d ", info->caller, info->uid, info->mode, info->pending,
                           info->is_native);
}

/* An administrator who lists monitors: a native session stands beside its opener's calls, under the opener's name, and
 * keeps its monitor without a command. */
static void
test_open(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GString) list = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    caller_sessions_open(fixture->sessions, "session-1", ":1.1", 1000, &error);
    g_assert_no_error(error);
    vm_fixture_settle(&fixture->base);
    caller_sessions_foreach(fixture->sessions, show, list);
    g_assert_cmpstr(list->str, ==, ":1.1/1000/hotplug/0/1 ");
    caller_sessions_drop_caller(fixture->sessions, "session-1");
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 chardev-remove") == 1);
    g_string_truncate(list, 0);
    caller_sessions_foreach(fixture->sessions, show, list);
    g_assert_cmpstr(list->str, ==, "");
}

/* A caller whose monitor QEMU closes: what they had named is gone with it, and the next command has a new monitor. */
static void
test_monitor_closed(Fixture *fixture, gconstpointer unused)
{
    Call call;

    submit(fixture, &call, ":1.1", "getfd", "{\"fdname\":\"a\"}");
    assert_told(fixture, "getfd={} ");
    test_qemu_withhold(fixture->base.qemu, "stop");
    submit(fixture, &call, ":1.1", "stop", NULL);
    wait_for(fixture, "1 stop");
    test_qemu_close(fixture->base.qemu, 1);
    assert_told(fixture, "stop!0 ");
    submit(fixture, &call, ":1.1", "netdev_add", "{\"fd\":\"a\"}");
    assert_told(fixture, "netdev_add={} ");
    g_assert_cmpuint(count(fixture, "2 netdev_add {\"fd\":\"a\"}"), ==, 1);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/caller-sessions/own-monitors", test_own_monitors);
    ADD("/caller-sessions/drop", test_drop);
    ADD("/caller-sessions/fd-names", test_fd_names);
    ADD("/caller-sessions/names-hold-the-monitor", test_names_hold_the_monitor);
    ADD("/caller-sessions/too-many-names", test_too_many_names);
    ADD("/caller-sessions/getfd-without-fd", test_getfd_without_fd);
    ADD("/caller-sessions/oob-is-not-held", test_oob_is_not_held);
    ADD("/caller-sessions/fdsets", test_fdsets);
    ADD("/caller-sessions/fdset-of-a-method", test_fdset_of_a_method);
    ADD("/caller-sessions/fdset-that-nobody-waits-for", test_fdset_that_nobody_waits_for);
    ADD("/caller-sessions/refused-with-fd", test_refused_with_fd);
    ADD("/caller-sessions/cancel", test_cancel);
    ADD("/caller-sessions/fail", test_fail);
    ADD("/caller-sessions/fail-held", test_fail_held);
    ADD("/caller-sessions/free", test_free);
    ADD("/caller-sessions/free-before-quit", test_free_before_quit);
    ADD("/caller-sessions/free-before-quit-of-all", test_free_before_quit_of_all);
    ADD("/caller-sessions/leave", test_leave);
    ADD("/caller-sessions/done", test_done);
    ADD("/caller-sessions/open", test_open);
    ADD("/caller-sessions/monitor-closed", test_monitor_closed);
    return g_test_run();
}
