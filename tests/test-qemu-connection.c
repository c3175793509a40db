/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connected QEMU, up to the end of the connection: what breaks here shows a VM wrongly, too early, or after it has
 * gone. */
#include "qemu-connection.h"

#include <string.h>

#include "test-qemu.h"

#define TIMESTAMP "\"timestamp\": {\"seconds\": 1, \"microseconds\": 1}"
#define STOP "{\"event\": \"STOP\", " TIMESTAMP "}\r\n"

typedef struct Fixture {
    GMainContext *context; /* owned */
    TestQemu *qemu; /* owned */
    QemuConnection *connection; /* owned; NULL when freed */
    GString *log; /* owned; what was called, a blank after each */
    GError *down; /* owned */
    const char *free_on; /* what the connection is freed on */
} Fixture;

static void
note(Fixture *fixture, const char *what)
{
    g_string_append_printf(fixture->log, "%s ", what);
    if (g_strcmp0(what, fixture->free_on) == 0)
        g_clear_pointer(&fixture->connection, qemu_connection_free);
}

static void
on_up(QemuConnection *connection, gpointer user_data)
{
    note(user_data, "up");
}

static void
on_changed(QemuConnection *connection, gpointer user_data)
{
    note(user_data, "changed");
}

static void
on_event(QemuConnection *connection, const QmpEvent *event, gpointer user_data)
{
    note(user_data, event->name);
}

static void
on_stuck(QemuConnection *connection, const GError *error, gpointer user_data)
{
    note(user_data, "stuck");
}

static void
on_ending(QemuConnection *connection, gpointer user_data)
{
    note(user_data, "ending");
}

static void
on_down(QemuConnection *connection, const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->down = g_error_copy(error);
    note(fixture, "down");
}

static void
start(Fixture *fixture, guint64 timeout)
{
    static const QemuConnectionFuncs funcs = { on_up, on_changed, on_event, on_stuck, on_ending, on_down };
    QemuConnectionLimits limits = { .max_reply = 1024 * 1024, .timeout = timeout };
    int fd;

    fixture->qemu = test_qemu_new(fixture->context, 11, 1, &fd);
    fixture->connection = qemu_connection_new(fixture->context, fd, &limits, &funcs, fixture);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->context = g_main_context_new();
    fixture->log = g_string_new(NULL);
    start(fixture, G_MAXUINT64);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->connection, qemu_connection_free);
    test_qemu_free(fixture->qemu);
    qmp_peer_settle(fixture->context);
    g_main_context_unref(fixture->context);
    g_string_free(fixture->log, TRUE);
    g_clear_error(&fixture->down);
}

static void
wait_for(Fixture *fixture, const char *log)
{
    qmp_peer_wait_until(fixture->context, strlen(fixture->log->str) >= strlen(log));
    qmp_peer_settle(fixture->context);
    g_assert_cmpstr(fixture->log->str, ==, log);
    g_string_truncate(fixture->log, 0);
}

static void
on_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    note(user_data, reply ? "reply" : "failed");
}

/* Somebody who lists VMs: all properties are there from the first moment on. */
static void
test_up(Fixture *fixture, gconstpointer unused)
{
    guint64 before = (guint64)g_get_real_time();

    test_qemu_set_answer(fixture->qemu, "query-commands", "\"return\": [{\"name\": \"monitor-add\"}]");
    wait_for(fixture, "up ");
    g_assert_cmpuint(qemu_connection_get_since(fixture->connection), >=, before);
    g_assert_cmpuint(qemu_connection_get_since(fixture->connection), <=, (guint64)g_get_real_time());
    g_assert_cmpuint(qemu_connection_get_pid(fixture->connection), ==, 0); /* it is a pair of sockets */
    g_assert_cmpstr(qemu_connection_get_name(fixture->connection), ==, "web");
    g_assert_cmpstr(qemu_connection_get_uuid(fixture->connection), ==, "12345678-1234-1234-1234-123456789abc");
    g_assert_cmpstr(qemu_connection_get_target(fixture->connection), ==, "x86_64");
    g_assert_cmpstr(qemu_connection_get_version(fixture->connection), ==, "11.1.2");
    g_assert_cmpstr(qemu_connection_get_package(fixture->connection), ==, "test");
    g_assert_cmpstr(qemu_connection_get_status(fixture->connection), ==, "running");
    g_assert_true(qemu_connection_is_running(fixture->connection));
    g_assert_true(qemu_connection_has_monitor_add(fixture->connection));
    g_assert_false(qemu_connection_is_storage_daemon(fixture->connection));
    g_assert_true(qemu_connection_is_at_least(fixture->connection, 11, 1));
    g_assert_true(qemu_connection_is_at_least(fixture->connection, 10, 9));
    g_assert_false(qemu_connection_is_at_least(fixture->connection, 11, 2));
    g_assert_false(qemu_connection_is_at_least(fixture->connection, 12, 0));
}

/* A QEMU that is old, or lies: it is shown all the same, with nothing where it told nothing of use. */
static void
test_lies(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *long_name = g_strnfill(513, 'n');
    g_autofree char *name = g_strdup_printf("\"return\": {\"name\": \"%s\"}", long_name);

    test_qemu_set_answer(fixture->qemu, "query-name", name);
    test_qemu_set_answer(fixture->qemu, "query-uuid", "\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no\"}");
    test_qemu_set_answer(fixture->qemu, "query-target", "\"return\": [{\"arch\": 7}]");
    test_qemu_set_answer(fixture->qemu, "query-status", "\"return\": {\"status\": {}, \"running\": \"yes\"}");
    test_qemu_set_answer(fixture->qemu, "query-commands", "\"error\": {\"class\": \"X\", \"desc\": \"monitor-add\"}");
    wait_for(fixture, "up ");
    g_assert_cmpstr(qemu_connection_get_name(fixture->connection), ==, "");
    g_assert_cmpstr(qemu_connection_get_uuid(fixture->connection), ==, "");
    g_assert_cmpstr(qemu_connection_get_target(fixture->connection), ==, "");
    g_assert_cmpstr(qemu_connection_get_status(fixture->connection), ==, "");
    g_assert_false(qemu_connection_is_running(fixture->connection));
    g_assert_false(qemu_connection_has_monitor_add(fixture->connection));
}

/* A VM that stops as it is being connected: the event comes after the VM itself, and the run state is the later one. */
static void
test_early_event(Fixture *fixture, gconstpointer unused)
{
    test_qemu_withhold(fixture->qemu, "query-name");
    qmp_peer_wait_until(fixture->context, test_qemu_count(fixture->qemu, "0 query-status") == 1);
    test_qemu_send(fixture->qemu, 0, STOP);
    qmp_peer_settle(fixture->context);
    g_assert_cmpstr(fixture->log->str, ==, "");
    test_qemu_set_answer(fixture->qemu, "query-status", "\"return\": {\"status\": \"paused\", \"running\": false}");
    test_qemu_release(fixture->qemu, "query-name");
    wait_for(fixture, "up STOP changed ");
    g_assert_cmpstr(qemu_connection_get_status(fixture->connection), ==, "paused");
}

/* A QEMU that floods events before anybody can see it: no more are kept than 256. */
static void
test_early_flood(Fixture *fixture, gconstpointer unused)
{
    test_qemu_withhold(fixture->qemu, "query-name");
    qmp_peer_wait_until(fixture->context, test_qemu_count(fixture->qemu, "0 query-status") == 1);
    for (guint i = 0; i < 300; i++) {
        test_qemu_send(fixture->qemu, 0, "{\"event\": \"E\", " TIMESTAMP "}\r\n");
        qmp_peer_settle(fixture->context);
    }
    test_qemu_release(fixture->qemu, "query-name");
    qmp_peer_wait_until(fixture->context, fixture->log->len > 0);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->log->len, ==, strlen("up ") + 256 * strlen("E "));
}

/* Somebody who watches the run state: one change for one event, and none where the state is what it was. */
static void
test_changed(Fixture *fixture, gconstpointer unused)
{
    wait_for(fixture, "up ");
    test_qemu_set_answer(fixture->qemu, "query-status", "\"return\": {\"status\": \"paused\", \"running\": false}");
    test_qemu_send(fixture->qemu, 0, STOP);
    wait_for(fixture, "STOP changed ");
    g_assert_cmpstr(qemu_connection_get_status(fixture->connection), ==, "paused");
    test_qemu_send(fixture->qemu, 0, STOP);
    wait_for(fixture, "STOP ");
    test_qemu_send(fixture->qemu, 0, "{\"event\": \"RTC_CHANGE\", " TIMESTAMP "}\r\n");
    wait_for(fixture, "RTC_CHANGE ");
    g_assert_cmpuint(test_qemu_count(fixture->qemu, "0 query-status"), ==, 3);
}

static void
submit_stop(Fixture *fixture)
{
    QmpCommand stop = { .name = "stop", .flags = QMP_EXECUTE_BEHIND_BARRIER };

    g_assert_nonnull(qmp_queue_submit(qemu_connection_get_control(fixture->connection), ":1.1", &stop, on_reply,
                                      fixture, NULL));
}

/* Two changes one after the other: an answer that was under way as the second came is old, and a caller's reply after it
 * waits for the next. */
static void
test_stale(Fixture *fixture, gconstpointer unused)
{
    wait_for(fixture, "up ");
    test_qemu_withhold(fixture->qemu, "query-status");
    test_qemu_send(fixture->qemu, 0, STOP);
    qmp_peer_wait_until(fixture->context, test_qemu_count(fixture->qemu, "0 query-status") == 2);
    test_qemu_send(fixture->qemu, 0, STOP);
    submit_stop(fixture);
    wait_for(fixture, "STOP STOP ");
    test_qemu_release(fixture->qemu, "query-status");
    test_qemu_withhold(fixture->qemu, "query-status");
    qmp_peer_wait_until(fixture->context, test_qemu_count(fixture->qemu, "0 query-status") == 3);
    qmp_peer_settle(fixture->context);
    g_assert_cmpstr(fixture->log->str, ==, "");
    test_qemu_set_answer(fixture->qemu, "query-status", "\"return\": {\"status\": \"paused\", \"running\": false}");
    test_qemu_release(fixture->qemu, "query-status");
    wait_for(fixture, "changed reply ");
}

/* A caller who is told of something that the agent has asked QEMU for: the reply waits for those questions too. */
static void
test_settle(Fixture *fixture, gconstpointer unused)
{
    wait_for(fixture, "up ");
    test_qemu_withhold(fixture->qemu, "query-status");
    qemu_connection_settle(fixture->connection);
    submit_stop(fixture);
    qmp_peer_wait_until(fixture->context, test_qemu_count(fixture->qemu, "0 stop") == 1);
    qmp_peer_settle(fixture->context);
    g_assert_cmpstr(fixture->log->str, ==, "");
    test_qemu_release(fixture->qemu, "query-status");
    wait_for(fixture, "reply ");
}

/* A QEMU that dies: the end is told before the commands under way fail, and the last word comes after them. */
static void
test_down(Fixture *fixture, gconstpointer unused)
{
    wait_for(fixture, "up ");
    test_qemu_withhold(fixture->qemu, "stop");
    g_assert_nonnull(qemu_connection_ask(fixture->connection, &(QmpCommand){ .name = "stop" }, on_reply, fixture));
    qmp_peer_wait_until(fixture->context, test_qemu_count(fixture->qemu, "0 stop") == 1);
    test_qemu_close(fixture->qemu, 0);
    wait_for(fixture, "ending failed down ");
    g_assert_error(fixture->down, QMP_ERROR, QMP_ERROR_DISCONNECTED);
    g_assert_null(qemu_connection_ask(fixture->connection, &(QmpCommand){ .name = "stop" }, on_reply, fixture));
}

/* A QEMU that dies before it is known: nobody has seen it, so nobody is told that it ends. */
static void
test_down_early(Fixture *fixture, gconstpointer unused)
{
    test_qemu_withhold(fixture->qemu, "query-name");
    qmp_peer_wait_until(fixture->context, test_qemu_count(fixture->qemu, "0 query-status") == 1);
    test_qemu_close(fixture->qemu, 0);
    wait_for(fixture, "down ");
    g_assert_error(fixture->down, QMP_ERROR, QMP_ERROR_DISCONNECTED);
}

/* A QEMU that greets and answers nothing: whoever added it is told so in the end. */
static void
test_silent(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->connection, qemu_connection_free);
    test_qemu_free(fixture->qemu);
    start(fixture, /* timeout= */ 1000);
    test_qemu_withhold(fixture->qemu, "query-name");
    wait_for(fixture, "down ");
    g_assert_error(fixture->down, QMP_ERROR, QMP_ERROR_TIMED_OUT);
}

/* A VM that is forgotten from inside a callback: nothing is called after that, and a command under way is failed. */
static void
test_free_from_inside(Fixture *fixture, gconstpointer what)
{
    test_qemu_withhold(fixture->qemu, "query-name");
    qmp_peer_wait_until(fixture->context, test_qemu_count(fixture->qemu, "0 query-status") == 1);
    test_qemu_send(fixture->qemu, 0, STOP STOP);
    qmp_peer_settle(fixture->context);
    fixture->free_on = what;
    test_qemu_set_answer(fixture->qemu, "query-status", "\"return\": {\"status\": \"paused\", \"running\": false}");
    test_qemu_release(fixture->qemu, "query-name");
    if (g_str_equal(what, "down")) {
        wait_for(fixture, "up STOP STOP changed ");
        test_qemu_close(fixture->qemu, 0);
    }
    qmp_peer_wait_until(fixture->context, !fixture->connection);
    qmp_peer_settle(fixture->context);
    g_assert_true(g_str_has_suffix(g_strchomp(fixture->log->str), what));
}

#define ADD_FREEING(what)                                                                                             \
    g_test_add("/qemu-connection/free-on-" what, Fixture, what, set_up, test_free_from_inside, tear_down)
#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/qemu-connection/up", test_up);
    ADD("/qemu-connection/lies", test_lies);
    ADD("/qemu-connection/early-event", test_early_event);
    ADD("/qemu-connection/early-flood", test_early_flood);
    ADD("/qemu-connection/changed", test_changed);
    ADD("/qemu-connection/stale", test_stale);
    ADD("/qemu-connection/settle", test_settle);
    ADD("/qemu-connection/down", test_down);
    ADD("/qemu-connection/down-early", test_down_early);
    ADD("/qemu-connection/silent", test_silent);
    ADD_FREEING("up");
    ADD_FREEING("STOP");
    ADD_FREEING("changed");
    ADD_FREEING("down");
    return g_test_run();
}
