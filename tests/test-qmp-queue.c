/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fair turns: what breaks here lets one caller starve another, or lets a caller's commands outlive the caller. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "qmp-queue.h"
#include "test-qmp-peer.h"

/* Of one caller. */
#define MAX_COMMANDS 4096
#define MAX_BYTES (16u * 1024 * 1024)

typedef struct Fixture {
    GMainContext *context; /* owned */
    QmpPeer *peer; /* owned */
    QmpClient *client; /* owned; NULL when freed */
    QmpEnding *ending; /* ref; NULL when freed */
    QmpQueue *queue; /* owned; NULL when freed */
    gboolean ready, closed;
    GString *log; /* owned; the commands that were answered, `-` before those that failed */
    guint n_answered;
    gboolean submitting; /* inside a function that must not call back */
} Fixture;

typedef struct Call {
    Fixture *fixture; /* weak */
    char name[16];
    QmpTicket *ticket; /* weak */
    struct Call *cancels; /* weak; when it is answered */
    struct Call *submits; /* weak; when it is answered */
    gboolean frees; /* client and queue, when it is answered */
} Call;

static void submit(Fixture *fixture, Call *call, const char *caller, const char *name, QmpExecuteFlags flags);

static void
on_ready(QmpClient *client, gpointer user_data)
{
    ((Fixture *)user_data)->ready = TRUE;
}

static void
on_event(QmpClient *client, const QmpEvent *event, gpointer user_data)
{
}

static void
on_closed(QmpClient *client, const GError *error, gpointer user_data)
{
    ((Fixture *)user_data)->closed = TRUE;
}

static const QmpClientFuncs funcs = { .on_ready = on_ready, .on_event = on_event, .on_closed = on_closed };

static void
free_all(Fixture *fixture)
{
    g_clear_pointer(&fixture->client, qmp_client_free);
    g_clear_pointer(&fixture->queue, qmp_queue_free);
    g_clear_pointer(&fixture->ending, qmp_ending_unref);
}

static void
on_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Call *call = user_data;
    Fixture *fixture = call->fixture;
    g_assert_false(fixture->submitting);
    fixture->n_answered++;
    g_string_append_printf(fixture->log, "%s%s ", error ? "-" : "", call->name);
    if (call->cancels)
        qmp_ticket_cancel(call->cancels->ticket);
    if (call->submits)
        submit(fixture, call->submits, "again", "again", QMP_EXECUTE_DEFAULT);
    if (call->frees)
        free_all(fixture);
}

static void
submit_command(Fixture *fixture, Call *call, const char *caller, const QmpCommand *command)
{
    g_autoptr(GError) error = NULL;
    call->fixture = fixture;
    g_strlcpy(call->name, command->name, sizeof(call->name));
    fixture->submitting = TRUE;
    call->ticket = qmp_queue_submit(fixture->queue, caller, command, on_reply, call, &error);
    fixture->submitting = FALSE;
    g_assert_no_error(error);
}

static void
submit_with_fd(Fixture *fixture, Call *call, const char *caller, const char *name, QmpExecuteFlags flags, int fd)
{
    submit_command(fixture, call, caller, &(QmpCommand){ .name = name, .flags = flags, .fd = fd });
}

static void
submit(Fixture *fixture, Call *call, const char *caller, const char *name, QmpExecuteFlags flags)
{
    submit_with_fd(fixture, call, caller, name, flags, -1);
}

static void
assert_refused(Fixture *fixture, const char *caller, const QmpCommand *command, QmpErrorCode code)
{
    g_autoptr(GError) error = NULL;
    g_assert_null(qmp_queue_submit(fixture->queue, caller, command, on_reply, NULL, &error));
    g_assert_error(error, QMP_ERROR, (int)code);
}

/* @n commands of one caller, named 0 and so on. */
static void
submit_numbered(Fixture *fixture, Call *calls, guint n)
{
    for (guint i = 0; i < n; i++)
        submit(fixture, &calls[i], "a", (char[]){ (char)('0' + i), 0 }, QMP_EXECUTE_DEFAULT);
}

static void
start(Fixture *fixture)
{
    int fd;
    free_all(fixture);
    g_clear_pointer(&fixture->peer, qmp_peer_free);
    fixture->ready = FALSE;
    fixture->peer = qmp_peer_new(fixture->context, &fd);
    fixture->client = qmp_client_new(fixture->context, fd, &(QmpClientLimits){ 0 }, &funcs, fixture);
    qmp_peer_negotiate(fixture->peer, TRUE);
    qmp_peer_wait_until(fixture->context, fixture->ready);
    fixture->ending = qmp_ending_new(fixture->context);
    fixture->queue = qmp_queue_new(fixture->client, fixture->ending, /* barrier= */ NULL);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->context = g_main_context_new();
    fixture->log = g_string_new(NULL);
    start(fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    free_all(fixture);
    qmp_peer_free_with_context(fixture->peer, fixture->context);
    g_string_free(fixture->log, TRUE);
}

static void
assert_log(Fixture *fixture, const char *expected)
{
    g_assert_cmpstr(fixture->log->str, ==, expected);
    g_string_truncate(fixture->log, 0);
}

static void
wait_answered(Fixture *fixture, guint n)
{
    qmp_peer_wait_until(fixture->context, fixture->n_answered >= n);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_answered, ==, n);
}

/* A thousand of one caller's cost another no more than its turn: 7 are in QEMU already, one more may be ahead. */
static void
test_fair(Fixture *fixture, gconstpointer unused)
{
    g_autofree Call *calls = g_new0(Call, 1001);
    for (guint i = 0; i < 1000; i++)
        submit(fixture, &calls[i], "flood", "f", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[1000], "one", "ONE", QMP_EXECUTE_DEFAULT);
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->client), ==, 7);
    qmp_peer_echo(fixture->peer);
    wait_answered(fixture, 1001);
    g_assert_cmpint(strstr(fixture->log->str, "ONE") - fixture->log->str, <=, 2 * 8);
}

/* Each caller's own commands stay in their order. */
static void
test_round_robin(Fixture *fixture, gconstpointer unused)
{
    Call calls[16] = { 0 };
    for (guint i = 0; i < 7; i++)
        submit(fixture, &calls[i], "x", "x", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[7], "a", "a1", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[8], "a", "a2", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[9], "a", "a3", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[10], "b", "b1", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[11], "b", "b2", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[12], "c", "c1", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[13], "x", "x8", QMP_EXECUTE_DEFAULT);
    qmp_peer_echo(fixture->peer);
    wait_answered(fixture, 14);
    assert_log(fixture, "x x x x x x x a1 b1 c1 x8 a2 b2 a3 ");
}

/* Out-of-band is for when the rest is stuck. */
static void
test_oob(Fixture *fixture, gconstpointer unused)
{
    Call calls[9] = { 0 };
    GString *expected = g_string_new(NULL);
    for (guint i = 0; i < 8; i++) {
        submit(fixture, &calls[i], "a", "x", QMP_EXECUTE_DEFAULT);
        if (i < 7)
            g_string_append_printf(expected, i > 0 ? "{\"execute\":\"x\",\"id\":%u}" : "{\"execute\":\"x\"}", i);
    }
    submit(fixture, &calls[8], "a", "yank", QMP_EXECUTE_OOB);
    g_string_append(expected, "{\"exec-oob\":\"yank\",\"id\":7}");
    qmp_peer_expect(fixture->peer, expected->str);
    qmp_peer_send(fixture->peer, "{\"return\": {}, \"id\": 7}");
    wait_answered(fixture, 1);
    assert_log(fixture, "yank ");
    g_string_free(expected, TRUE);
    for (guint i = 0; i < 8; i++)
        qmp_ticket_cancel(calls[i].ticket);
}

/* What one caller may have waiting: 4096 commands, of 16 MiB together. Another caller's line has its own room. */
static void
test_limits(Fixture *fixture, gconstpointer unused)
{
    g_autofree Call *calls = g_new0(Call, MAX_COMMANDS + 1);
    g_autofree char *half = g_strnfill(MAX_BYTES / 2 - 1, ' ');

    submit_numbered(fixture, calls, 7);
    for (guint i = 7; i < 9; i++) {
        QmpCommand command = { .name = "b", .arguments = half };
        calls[i].ticket = qmp_queue_submit(fixture->queue, "a", &command, on_reply, &calls[i], NULL);
        g_assert_nonnull(calls[i].ticket);
    }
    assert_refused(fixture, "a", &(QmpCommand){ .name = "x" }, QMP_ERROR_LIMIT);
    submit(fixture, &calls[MAX_COMMANDS], "b", "x", QMP_EXECUTE_DEFAULT);
    qmp_ticket_cancel(calls[7].ticket);
    qmp_ticket_cancel(calls[8].ticket);
    for (guint i = 7; i < MAX_COMMANDS; i++)
        submit(fixture, &calls[i], "a", "x", QMP_EXECUTE_DEFAULT);
    assert_refused(fixture, "a", &(QmpCommand){ .name = "x" }, QMP_ERROR_LIMIT);
    assert_refused(fixture, "a", &(QmpCommand){ .name = "yank", .flags = QMP_EXECUTE_OOB }, QMP_ERROR_LIMIT);
    qmp_peer_echo(fixture->peer);
    wait_answered(fixture, MAX_COMMANDS + 1);
    g_assert_false(qmp_queue_is_busy(fixture->queue));
}

/* What waits for a monitor that cannot be had comes on top of what waits already. The line is then too full, and takes no more. */
static void
test_hand_over_limits(Fixture *fixture, gconstpointer unused)
{
    QmpQueue *other = qmp_queue_new(/* client= */ NULL, fixture->ending, /* barrier= */ NULL);
    g_autofree char *most = g_strnfill(MAX_BYTES - 1, ' ');
    QmpCommand command = { .name = "x", .arguments = most };
    Call calls[9] = { 0 };

    submit_numbered(fixture, calls, 7);
    for (guint i = 7; i < 9; i++) {
        calls[i] = (Call){ .fixture = fixture, .name = "x" };
        calls[i].ticket = qmp_queue_submit(i == 7 ? fixture->queue : other, "a", &command, on_reply, &calls[i], NULL);
        g_assert_nonnull(calls[i].ticket);
    }
    qmp_queue_hand_over(other, fixture->queue);
    qmp_queue_free(other);
    assert_refused(fixture, "a", &(QmpCommand){ .name = "x" }, QMP_ERROR_LIMIT);
    qmp_ticket_cancel(calls[7].ticket);
    assert_refused(fixture, "a", &(QmpCommand){ .name = "x" }, QMP_ERROR_LIMIT);
    qmp_ticket_cancel(calls[8].ticket);
    qmp_peer_echo(fixture->peer);
    wait_answered(fixture, 7);
}

/* Two callers on one monitor, whose barrier is shut: a caller's reply waits, and the agent's own does not. What frees the queue
 * meanwhile gives every reply that has come. */
static void
test_barrier(Fixture *fixture, gconstpointer unused)
{
    ReplyBarrier *barrier = reply_barrier_new();
    Call calls[4] = { 0 };

    qmp_queue_free(fixture->queue);
    fixture->queue = qmp_queue_new(fixture->client, fixture->ending, barrier);
    qmp_queue_shut(fixture->queue, 1);
    submit(fixture, &calls[0], "a", "held", QMP_EXECUTE_BEHIND_BARRIER);
    submit(fixture, &calls[1], "a", "gone", QMP_EXECUTE_BEHIND_BARRIER);
    submit(fixture, &calls[2], "", "own", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[3], "b", "last", QMP_EXECUTE_BEHIND_BARRIER);
    qmp_peer_echo(fixture->peer);
    qmp_peer_wait_until(fixture->context, !qmp_queue_is_busy(fixture->queue));
    assert_log(fixture, "own ");
    g_assert_false(qmp_ticket_is_waiting(calls[1].ticket));
    qmp_ticket_cancel(calls[1].ticket);
    calls[0].frees = TRUE;
    reply_barrier_open(barrier, 1);
    assert_log(fixture, "held last ");
    g_assert_null(fixture->queue);
    reply_barrier_unref(barrier);
}

static void
test_cancel(Fixture *fixture, gconstpointer unused)
{
    Call calls[10] = { 0 };
    for (guint i = 0; i < 7; i++)
        submit(fixture, &calls[i], "a", "a", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[7], "b", "b1", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[8], "b", "b2", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[9], "c", "c", QMP_EXECUTE_DEFAULT);
    qmp_ticket_cancel(calls[7].ticket); /* waits: is never sent */
    qmp_ticket_cancel(calls[0].ticket); /* under way: its room is taken until QEMU answers */
    qmp_ticket_cancel(calls[9].ticket);
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->client), ==, 7);
    qmp_peer_echo(fixture->peer);
    wait_answered(fixture, 7);
    assert_log(fixture, "a a a a a a b2 ");
    g_assert_cmpuint(qmp_peer_get_n_echoed(fixture->peer), ==, 8);
}

/* From inside a callback: cancel what waits, what is under way, oneself; submit again. */
static void
test_inside(Fixture *fixture, gconstpointer unused)
{
    Call calls[10] = { 0 }, again = { 0 };
    submit_numbered(fixture, calls, 9);
    calls[0].cancels = &calls[8];
    calls[1].cancels = &calls[1];
    calls[2].cancels = &calls[3];
    calls[4].submits = &again;
    qmp_peer_echo(fixture->peer);
    wait_answered(fixture, 8);
    assert_log(fixture, "0 1 2 4 5 6 7 again ");
}

/* Every command is answered once, whoever goes first. */
static void
test_end(Fixture *fixture, gconstpointer unused)
{
    Call calls[10] = { 0 };
    submit_numbered(fixture, calls, 9);
    calls[7].cancels = &calls[8];
    qmp_peer_close(fixture->peer);
    qmp_peer_wait_until(fixture->context, fixture->closed);
    assert_log(fixture, "-0 -1 -2 -3 -4 -5 -6 ");
    assert_refused(fixture, "a", &(QmpCommand){ .name = "x" }, QMP_ERROR_DISCONNECTED);
    g_clear_pointer(&fixture->queue, qmp_queue_free);
    assert_log(fixture, "-7 ");

    start(fixture);
    memset(calls, 0, sizeof(calls));
    submit_numbered(fixture, calls, 9);
    qmp_ticket_cancel(calls[1].ticket);
    g_clear_pointer(&fixture->queue, qmp_queue_free);
    assert_log(fixture, "-7 -8 ");
    qmp_ticket_cancel(calls[2].ticket);
    g_clear_pointer(&fixture->client, qmp_client_free);
    assert_log(fixture, "-0 -3 -4 -5 -6 ");
}

static void
test_free_inside(Fixture *fixture, gconstpointer unused)
{
    Call calls[10] = { 0 };
    submit_numbered(fixture, calls, 9);
    calls[1].frees = TRUE;
    qmp_peer_echo(fixture->peer);
    qmp_peer_wait_until(fixture->context, !fixture->queue);
    qmp_peer_settle(fixture->context);
    assert_log(fixture, "0 1 -2 -3 -4 -5 -6 -7 -8 ");
}

/* A descriptor of the test's own to be given away: the end of a pipe, whose other end tells when it was closed. */
static int
new_fd(int *ret_watch)
{
    int ends[2];
    g_assert_cmpint(pipe2(ends, O_CLOEXEC | O_NONBLOCK), ==, 0);
    *ret_watch = ends[0];
    return ends[1];
}

static void
assert_closed(int watch)
{
    char byte;
    g_assert_cmpint(read(watch, &byte, 1), ==, 0);
    close(watch);
}

/* QEMU takes one command's descriptor for another's where two are under way. Others go on meanwhile. */
static void
test_one_fd_at_a_time(Fixture *fixture, gconstpointer unused)
{
    Call calls[5] = { 0 };
    int watches[3];
    submit_with_fd(fixture, &calls[0], "a", "fd1", QMP_EXECUTE_FD, new_fd(&watches[0]));
    submit_with_fd(fixture, &calls[1], "b", "fd2", QMP_EXECUTE_FD, new_fd(&watches[1]));
    submit(fixture, &calls[2], "b", "after", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[3], "c", "other", QMP_EXECUTE_DEFAULT);
    submit_with_fd(fixture, &calls[4], "c", "fd3", QMP_EXECUTE_FD, new_fd(&watches[2]));
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->client), ==, 2);
    qmp_ticket_cancel(calls[4].ticket);
    assert_closed(watches[2]);
    qmp_peer_echo(fixture->peer);
    wait_answered(fixture, 4);
    assert_log(fixture, "fd1 other fd2 after ");
    assert_closed(watches[0]);
    assert_closed(watches[1]);
}

/* Three commands of the caller: after the first of them alone nobody would undo what it has done. */
static void
submit_three(Fixture *fixture, Call *calls, const char *caller)
{
    submit_command(fixture, &calls[0], caller, &(QmpCommand){ .name = "1", .n_followers = 2 });
    submit_command(fixture, &calls[1], caller, &(QmpCommand){ .name = "2", .n_followers = 1 });
    submit_command(fixture, &calls[2], caller, &(QmpCommand){ .name = "3" });
}

/* A sequence of commands is sent whole or not at all. No caller who floods keeps its room from it. */
static void
test_followers(Fixture *fixture, gconstpointer unused)
{
    Call calls[20] = { 0 };

    submit_numbered(fixture, calls, 5);
    submit_three(fixture, &calls[5], "plug");
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->client), ==, 5);
    for (guint i = 8; i < 16; i++)
        submit(fixture, &calls[i], "flood", "f", QMP_EXECUTE_DEFAULT);
    submit_three(fixture, &calls[16], "plug");
    submit(fixture, &calls[19], "plug", "end", QMP_EXECUTE_DEFAULT);
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->client), ==, 5);
    qmp_peer_echo(fixture->peer);
    wait_answered(fixture, 20);
    assert_log(fixture, "0 1 2 3 4 1 2 3 f 1 2 3 f end f f f f f f ");
}

/* Neither does a sequence begin for whose end the caller's line has no room. */
static void
test_no_room_for_followers(Fixture *fixture, gconstpointer unused)
{
    g_autofree Call *calls = g_new0(Call, MAX_COMMANDS - 2);

    for (guint i = 0; i < MAX_COMMANDS - 2; i++)
        submit(fixture, &calls[i], "a", "x", QMP_EXECUTE_DEFAULT);
    assert_refused(fixture, "a", &(QmpCommand){ .name = "1", .n_followers = 2 }, QMP_ERROR_LIMIT);
    free_all(fixture);
}

/* QEMU gives a command that comes without a descriptor the one of a command behind it. */
static void
test_nobody_takes_the_fd_of_another(Fixture *fixture, gconstpointer unused)
{
    Call calls[6] = { 0 };
    int watches[2];
    submit(fixture, &calls[0], "a", "add-fd", QMP_EXECUTE_DEFAULT);
    submit_with_fd(fixture, &calls[1], "b", "fd1", QMP_EXECUTE_FD, new_fd(&watches[0]));
    submit(fixture, &calls[2], "a", "getfd", QMP_EXECUTE_DEFAULT);
    submit_with_fd(fixture, &calls[3], "b", "fd2", QMP_EXECUTE_FD, new_fd(&watches[1]));
    submit(fixture, &calls[4], "c", "other", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[5], "c", "getfd", QMP_EXECUTE_OOB);
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->client), ==, 3);
    g_assert_true(qmp_ticket_is_waiting(calls[1].ticket));
    g_assert_true(qmp_ticket_is_waiting(calls[2].ticket));
    qmp_peer_echo(fixture->peer);
    wait_answered(fixture, 6);
    for (guint i = 0; i < G_N_ELEMENTS(watches); i++)
        assert_closed(watches[i]);
}

/* Nobody else closes what was given away. */
static void
test_fd_of_a_command_that_is_not_sent(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *much = g_strnfill(MAX_BYTES, ' ');
    Call calls[2] = { 0 };
    int watches[3];
    submit_with_fd(fixture, &calls[0], "a", "fd1", QMP_EXECUTE_FD, new_fd(&watches[0]));
    submit_with_fd(fixture, &calls[1], "a", "fd2", QMP_EXECUTE_FD, new_fd(&watches[1]));
    free_all(fixture);
    assert_log(fixture, "-fd1 -fd2 ");
    start(fixture);
    assert_refused(
        fixture, "a",
        &(QmpCommand){ .name = "fd3", .arguments = much, .flags = QMP_EXECUTE_FD, .fd = new_fd(&watches[2]) },
        QMP_ERROR_LIMIT);
    for (guint i = 0; i < G_N_ELEMENTS(watches); i++)
        assert_closed(watches[i]);
}

/* An event on a monitor that nobody has used yet: a native session has one before its client says anything. */
static void
test_unused(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(qmp_queue_is_busy(fixture->queue));
}

/* QEMU 10.0 dies of SIGSEGV by a command that comes while it ends. One that only meant to end, and was refused, goes on. */
static void
test_quit(Fixture *fixture, gconstpointer unused)
{
    Call calls[5] = { 0 };

    submit(fixture, &calls[0], "a", "quit", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[1], "a", "x", QMP_EXECUTE_DEFAULT);
    submit(fixture, &calls[2], "b", "yank", QMP_EXECUTE_OOB);
    qmp_peer_expect(fixture->peer, "{\"execute\":\"quit\"}{\"exec-oob\":\"yank\",\"id\":1}");
    qmp_peer_send(fixture->peer, "{\"return\": {}, \"id\": 1}\r\n");
    qmp_peer_send(fixture->peer, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}\r\n");
    qmp_peer_expect(fixture->peer, "{\"execute\":\"x\"}");
    qmp_peer_send(fixture->peer, "{\"return\": {}}\r\n");
    wait_answered(fixture, 3);
    assert_log(fixture, "yank quit x ");

    submit(fixture, &calls[3], "a", "quit", QMP_EXECUTE_DEFAULT);
    qmp_peer_expect(fixture->peer, "{\"execute\":\"quit\"}");
    qmp_peer_send(fixture->peer, "{\"return\": {}}\r\n");
    wait_answered(fixture, 4);
    submit(fixture, &calls[4], "b", "x", QMP_EXECUTE_DEFAULT);
    qmp_peer_settle(fixture->context);
    qmp_peer_close(fixture->peer);
    qmp_peer_wait_until(fixture->context, fixture->closed);
    free_all(fixture);
    assert_log(fixture, "quit -x ");
}

/* A QEMU that breaks the rules in the moment in which the next command would go out: the caller hears that it failed, and so it is
 * not done. */
static void
test_broken_rules(Fixture *fixture, gconstpointer unused)
{
    Call calls[8] = { 0 };

    submit_numbered(fixture, calls, 8);
    qmp_peer_expect(fixture->peer, "{\"execute\":\"0\"}{\"execute\":\"1\",\"id\":1}{\"execute\":\"2\",\"id\":2}"
                                   "{\"execute\":\"3\",\"id\":3}{\"execute\":\"4\",\"id\":4}"
                                   "{\"execute\":\"5\",\"id\":5}{\"execute\":\"6\",\"id\":6}");
    qmp_peer_send(fixture->peer, "{\"return\": {}}\r\n{\"return\": {}, \"id\": 99}\r\n");
    qmp_peer_echo(fixture->peer);
    wait_answered(fixture, 8);
    assert_log(fixture, "0 -1 -2 -3 -4 -5 -6 -7 ");
    g_assert_true(fixture->closed);
    g_assert_cmpuint(qmp_peer_get_n_echoed(fixture->peer), ==, 0);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    ADD("/qmp-queue/unused", test_unused);
    ADD("/qmp-queue/fair", test_fair);
    ADD("/qmp-queue/round-robin", test_round_robin);
    ADD("/qmp-queue/followers", test_followers);
    ADD("/qmp-queue/no-room-for-followers", test_no_room_for_followers);
    ADD("/qmp-queue/oob", test_oob);
    ADD("/qmp-queue/quit", test_quit);
    ADD("/qmp-queue/broken-rules", test_broken_rules);
    ADD("/qmp-queue/limits", test_limits);
    ADD("/qmp-queue/hand-over-limits", test_hand_over_limits);
    ADD("/qmp-queue/cancel", test_cancel);
    ADD("/qmp-queue/barrier", test_barrier);
    ADD("/qmp-queue/inside", test_inside);
    ADD("/qmp-queue/end", test_end);
    ADD("/qmp-queue/free-inside", test_free_inside);
    ADD("/qmp-queue/one-fd-at-a-time", test_one_fd_at_a_time);
    ADD("/qmp-queue/nobody-takes-the-fd-of-another", test_nobody_takes_the_fd_of_another);
    ADD("/qmp-queue/fd-of-a-command-that-is-not-sent", test_fd_of_a_command_that_is_not_sent);
    return g_test_run();
}
