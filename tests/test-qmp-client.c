/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One QMP session against a peer that greets, answers, dies, lies, floods and falls silent. What breaks here gives a
 * caller another's answer, none, or two. */
#include "test-qmp-client-fixture.h"

static void
test_session(Fixture *fixture, gconstpointer unused)
{
    Call status = { 0 }, add = { 0 };
    g_assert_null(qmp_client_get_greeting(fixture->client));
    get_ready(fixture, FALSE);
    const QmpGreeting *greeting = qmp_client_get_greeting(fixture->client);
    g_assert_cmpuint(greeting->major, ==, 11);
    g_assert_cmpuint(greeting->minor, ==, 1);
    g_assert_cmpuint(greeting->micro, ==, 2);
    g_assert_cmpstr(greeting->package, ==, "test");
    g_assert_false(qmp_client_has_oob(fixture->client));
    execute(fixture, &status, "query-status", NULL, QMP_EXECUTE_DEFAULT);
    execute(fixture, &add, "device_add", "{\"driver\":\"x\"}", QMP_EXECUTE_OOB);
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->client), ==, 2);
    qmp_peer_expect(fixture->peer, "{\"execute\":\"query-status\"}"
                                   "{\"execute\":\"device_add\",\"id\":1,\"arguments\":{\"driver\":\"x\"}}");
    qmp_peer_send(fixture->peer,
                  "{\"return\": {\"status\": \"running\"}}\r\n"
                  "{\"id\": 1, \"error\": {\"class\": \"GenericError\", \"desc\": \"no \\\"x\\\"\"}}\r\n");
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "query-status {\"status\": \"running\"};device_add GenericError: no \"x\";");
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->client), ==, 0);
}

/* Out of order is what ids are for; the smallest free one, because QEMU pays for every digit. */
static void
test_ids(Fixture *fixture, gconstpointer unused)
{
    Call a = { .name = "a" }, b = { .name = "b" }, c = { .name = "c" }, d = { .name = "d" };
    get_ready(fixture, TRUE);
    execute(fixture, &a, "x", NULL, QMP_EXECUTE_DEFAULT);
    execute(fixture, &b, "x", NULL, QMP_EXECUTE_OOB);
    execute(fixture, &c, "x", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_expect(fixture->peer, "{\"execute\":\"x\"}{\"exec-oob\":\"x\",\"id\":1}{\"execute\":\"x\",\"id\":2}");
    qmp_peer_send(fixture->peer, "{\"return\": 1, \"id\": 1}");
    qmp_peer_run(fixture->peer);
    execute(fixture, &d, "x", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_expect(fixture->peer, "{\"execute\":\"x\",\"id\":1}");
    qmp_peer_send(fixture->peer, "{\"return\": 2, \"id\": 2}{\"return\": 0}{\"return\": 3, \"id\": 1}");
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "b 1;c 2;a 0;d 3;");
}

/* The typical bug of QMP clients: an event around the handshake is taken for the reply. */
static void
test_events_anywhere(Fixture *fixture, gconstpointer unused)
{
    Call call = { 0 };
    const char *event =
        "{\"timestamp\": {\"seconds\": 1700000000, \"microseconds\": 7}, \"event\": \"E\", \"data\": {\"n\": 1}}";
    qmp_peer_send(fixture->peer, event);
    qmp_peer_send(fixture->peer, QMP_PEER_GREETING_OOB);
    qmp_peer_send(fixture->peer, event);
    qmp_peer_agree(fixture->peer, event);
    qmp_peer_run(fixture->peer);
    g_assert_cmpuint(fixture->timestamp, ==, G_GUINT64_CONSTANT(1700000000000007));
    execute(fixture, &call, "stop", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_expect(fixture->peer, "{\"execute\":\"stop\"}");
    qmp_peer_send(fixture->peer, "{\"timestamp\": {\"seconds\": -1, \"microseconds\": -1}, \"event\": \"STOP\"}");
    qmp_peer_send(fixture->peer, "{\"return\": {}, \"id\": 0}");
    gint64 before = g_get_real_time();
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "event E {\"n\": 1};event E {\"n\": 1};event E {\"n\": 1};ready;event STOP ;stop {};");
    g_assert_cmpuint(fixture->timestamp, >=, (guint64)before);
}

/* What QEMU was doing for who was connected before, it answers to whoever comes next (7.2 to 11.1). */
static void
test_somebody_elses_replies(Fixture *fixture, gconstpointer unused)
{
    Call call = { 0 };
    qmp_peer_send(fixture->peer, "{\"return\": 5}{\"return\": 6, \"id\": 0}" QMP_PEER_GREETING_OOB);
    qmp_peer_agree(fixture->peer, "{\"return\": 1}{\"return\": 2, \"id\": 0}{\"return\": 3, \"id\": 1}"
                                  "{\"error\": {\"class\": \"E\", \"desc\": \"\"}}");
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "ready;");
    execute(fixture, &call, "x", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_send(fixture->peer, "{\"return\": 4}");
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "x 4;");
}

/* A QEMU that ends dies of the negotiation too: it waits, also for longer than QEMU may take for it; and the session may end meanwhile. */
static void
test_negotiation_with_an_ending(Fixture *fixture, gconstpointer unused)
{
    QmpEnding *ending = qmp_ending_new(fixture->context);
    const QmpClientLimits limits = { .timeout = G_USEC_PER_SEC / 2, .ending = ending };
    gint64 begin = g_get_monotonic_time();
    qmp_ending_begin_quit(ending);
    fixture_start(fixture, &limits);
    qmp_peer_send(fixture->peer, QMP_PEER_GREETING_OOB);
    qmp_peer_agree(fixture->peer, "");
    qmp_peer_wait_until(fixture->context, g_get_monotonic_time() > begin + G_USEC_PER_SEC);
    g_assert_nonnull(qmp_client_get_greeting(fixture->client));
    assert_log(fixture, "");
    qmp_ending_end_quit(ending, /* reply= */ NULL, /* is_connected= */ TRUE);
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "ready;");
    qmp_ending_begin_quit(ending);
    fixture_start(fixture, &limits);
    qmp_peer_send(fixture->peer, QMP_PEER_GREETING_OOB);
    qmp_peer_close(fixture->peer);
    qmp_peer_wait_until(fixture->context, fixture->n_closed > 0);
    assert_log(fixture, "closed;");
    qmp_ending_end_quit(ending, /* reply= */ NULL, /* is_connected= */ TRUE);
    qmp_ending_unref(ending);
}

/* State first, then the commands in the order in which they were sent, then on_closed. */
static void
test_disconnect_order(Fixture *fixture, gconstpointer unused)
{
    Call a = { .name = "a" }, b = { .name = "b" }, c = { .name = "c" };
    get_ready(fixture, TRUE);
    execute(fixture, &a, "x", NULL, QMP_EXECUTE_DEFAULT);
    execute(fixture, &b, "x", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_send(fixture->peer, "{\"return\": 1, \"id\": 0}");
    qmp_peer_run(fixture->peer);
    execute(fixture, &c, "x", NULL, QMP_EXECUTE_OOB);
    qmp_peer_close(fixture->peer);
    qmp_peer_wait_until(fixture->context, fixture->n_closed > 0);
    assert_log(fixture, "a 1;b failed 0;c failed 0;closed;");
}

/* The one command whose success is that nobody answers any more. */
static void
test_quit(Fixture *fixture, gconstpointer unused)
{
    Call status = { .name = "status" }, quit = { 0 };
    get_ready(fixture, FALSE);
    execute(fixture, &status, "query-status", NULL, QMP_EXECUTE_DEFAULT);
    execute(fixture, &quit, "quit", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_close(fixture->peer);
    qmp_peer_wait_until(fixture->context, fixture->n_closed > 0);
    assert_log(fixture, "status failed 0;quit {};closed;");
    /* With what it does not read, QEMU leaves ECONNRESET behind instead of an end of file; seen above. Not a success:
     */
    fixture_start(fixture, &(QmpClientLimits){ 0 });
    get_ready(fixture, FALSE);
    execute(fixture, &quit, "quit", NULL, QMP_EXECUTE_DEFAULT);
    g_clear_pointer(&fixture->client, qmp_client_free);
    assert_log(fixture, "quit failed 0;");
}

static void
test_cancel(Fixture *fixture, gconstpointer unused)
{
    Call a = { .name = "a" }, b = { .name = "b" }, c = { .name = "c" };
    get_ready(fixture, FALSE);
    execute(fixture, &a, "x", NULL, QMP_EXECUTE_DEFAULT);
    qmp_client_cancel(fixture->client, a.id);
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->client), ==, 1);
    execute(fixture, &b, "x", NULL, QMP_EXECUTE_DEFAULT);
    /* The id of the cancelled one is not given again before it is answered. */
    qmp_peer_expect(fixture->peer, "{\"execute\":\"x\"}{\"execute\":\"x\",\"id\":1}");
    qmp_peer_send(fixture->peer, "{\"return\": 0, \"id\": 0}{\"return\": 1, \"id\": 1}");
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "b 1;");
    /* From inside a callback, another one and itself, also while all of them are being failed. */
    execute(fixture, &a, "x", NULL, QMP_EXECUTE_DEFAULT);
    execute(fixture, &b, "x", NULL, QMP_EXECUTE_DEFAULT);
    execute(fixture, &c, "x", NULL, QMP_EXECUTE_DEFAULT);
    a.cancels = &b;
    c.cancels = &c;
    qmp_peer_expect(fixture->peer, "{\"execute\":\"x\"}{\"execute\":\"x\",\"id\":1}{\"execute\":\"x\",\"id\":2}");
    qmp_peer_close(fixture->peer);
    qmp_peer_wait_until(fixture->context, fixture->n_closed > 0);
    assert_log(fixture, "a failed 0;c failed 0;closed;");
}

/* The owner may give up at any of its callbacks; each command is still answered once, and nothing comes after. */
static void
test_free_inside(Fixture *fixture, gconstpointer unused)
{
    static const struct {
        const char *at;
        const char *log;
    } cases[] = {
        { "event EARLY ", "event EARLY ;" },
        { "ready", "event EARLY ;ready;" },
        { "event LATE ", "event EARLY ;ready;event LATE ;a failed 0;b failed 0;c failed 0;" },
        { "a 1", "event EARLY ;ready;event LATE ;a 1;b failed 0;c failed 0;" },
        { "b failed 0", "event EARLY ;ready;event LATE ;a 1;b failed 0;c failed 0;" },
        { "c failed 0", "event EARLY ;ready;event LATE ;a 1;b failed 0;c failed 0;" },
        { "closed", "event EARLY ;ready;event LATE ;a 1;b failed 0;c failed 0;closed;" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        Call a = { .name = "a" }, b = { .name = "b" }, c = { .name = "c" };
        fixture_start(fixture, &(QmpClientLimits){ 0 });
        fixture->free_on = cases[i].at;
        qmp_peer_send(fixture->peer, "{\"event\": \"EARLY\"}" QMP_PEER_GREETING);
        qmp_peer_agree(fixture->peer, "");
        qmp_peer_run(fixture->peer);
        if (fixture->client) {
            execute(fixture, &a, "x", NULL, QMP_EXECUTE_DEFAULT);
            execute(fixture, &b, "x", NULL, QMP_EXECUTE_DEFAULT);
            execute(fixture, &c, "x", NULL, QMP_EXECUTE_DEFAULT);
            qmp_peer_send(fixture->peer, "{\"event\": \"LATE\"}{\"return\": 1, \"id\": 0}{\"ret");
            qmp_peer_close(fixture->peer);
            qmp_peer_wait_until(fixture->context, !fixture->client);
            qmp_peer_settle(fixture->context);
        }
        g_assert_null(fixture->free_on);
        assert_log(fixture, cases[i].log);
        g_clear_error(&fixture->closed);
    }
}

static void
test_free_in_timeout(Fixture *fixture, gconstpointer unused)
{
    fixture_start(fixture, &(QmpClientLimits){ .timeout = 1 });
    fixture->free_on = "closed";
    qmp_peer_wait_until(fixture->context, !fixture->client);
    assert_log(fixture, "closed;");
}

/* Where events cannot be passed on, QEMU is not read. */
static void
test_pause(Fixture *fixture, gconstpointer unused)
{
    Call call = { 0 };
    get_ready(fixture, FALSE);
    execute(fixture, &call, "x", NULL, QMP_EXECUTE_DEFAULT);
    qmp_client_pause(fixture->client);
    qmp_peer_send(fixture->peer, "{\"event\": \"E\"}{\"return\": {}, \"id\": 0}");
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "");
    qmp_client_resume(fixture->client);
    qmp_peer_settle(fixture->context);
    assert_log(fixture, "event E ;x {};");
}

#define ALREADY_DONE                                                                                                  \
    "\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"Capabilities negotiation is already complete\"}"

/* A client was killed while it read a message and wrote a command. The next one has its connection, and not its replies. */
static void
test_resumed(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *session = NULL;
    Call call = { 0 };

    get_ready(fixture, TRUE);
    session = qmp_client_dup_session(fixture->client);
    fixture_start(fixture, &(QmpClientLimits){ .session = session });
    qmp_peer_send(fixture->peer, "ning\", \"x\": {\"return\": {}}}}\r\n{\"return\": {}, \"id\": 1}\r\n");
    qmp_peer_send(fixture->peer, "{\"return\": [], \"id\": 0}\r\n{\"event\": \"STOP\"}\r\n{\"return\": {}}\r\n");
    qmp_peer_expect(fixture->peer, "\xff");
    qmp_peer_send(fixture->peer,
                  "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error, stray\"}}\r\n");
    qmp_peer_refuse(fixture->peer, ALREADY_DONE);
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "event STOP ;ready;");
    g_assert_true(qmp_client_has_oob(fixture->client));
    g_assert_cmpuint(qmp_client_get_greeting(fixture->client)->major, ==, 11);
    execute(fixture, &call, "query-status", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_expect(fixture->peer, "{\"execute\":\"query-status\"}");
    qmp_peer_send(fixture->peer, "{\"return\": 1}\r\n");
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "query-status 1;");
}

/* The same on a monitor with `pretty=on`, whose messages have several lines, wherever the reading stopped. */
static void
test_resumed_in_lines(Fixture *fixture, gconstpointer unused)
{
    static const char *const rests[] = { "", "ning\",\r\n        \"x\": {\r\n        }\r\n    }\r\n}\r\n", "}\r\n", "\n", "\r\n" };
    g_autofree char *session = NULL;

    get_ready(fixture, TRUE);
    session = qmp_client_dup_session(fixture->client);
    for (guint i = 0; i < G_N_ELEMENTS(rests); i++) {
        fixture_start(fixture, &(QmpClientLimits){ .session = session });
        qmp_peer_send(fixture->peer, rests[i]);
        qmp_peer_send(fixture->peer, "{\r\n    \"return\": [\r\n        {\r\n        }\r\n    ],\r\n    \"id\": 0\r\n}\r\n");
        qmp_peer_expect(fixture->peer, "\xff");
        qmp_peer_send(fixture->peer, "{\r\n    \"error\": {\r\n        \"class\": \"GenericError\",\r\n"
                                     "        \"desc\": \"JSON parse error, stray\"\r\n    }\r\n}\r\n");
        qmp_peer_refuse(fixture->peer, ALREADY_DONE);
        qmp_peer_run(fixture->peer);
        assert_log(fixture, "ready;");
    }
}

/* An event that came first, while nobody read, is whole where it has one line, and the rest of a message is none, wherever the reading
 * stopped. */
static void
test_resumed_with_event(Fixture *fixture, gconstpointer unused)
{
    static const char *const firsts[] = {
        "{\"event\": \"SHUTDOWN\", \"data\": {\"a{\": {\"{\": [{\"{}\": {}}, \"{[{\\\"{\"]}}}\r\n",
        "{\r\n    \"event\": \"SHUTDOWN\",\r\n    \"data\": {\r\n        \"a{\": [\r\n            {\r\n            }\r\n"
        "        ],\r\n        \"{\": {\r\n            \"b\": 1\r\n        }\r\n    }\r\n}\r\n",
    };
    g_autofree char *session = NULL;

    get_ready(fixture, TRUE);
    session = qmp_client_dup_session(fixture->client);
    for (guint i = 0; i < G_N_ELEMENTS(firsts); i++) {
        for (const char *rest = firsts[i]; *rest; rest++) {
            gboolean is_whole = rest == firsts[0];
            fixture_start(fixture, &(QmpClientLimits){ .session = session });
            qmp_peer_send(fixture->peer, rest);
            qmp_peer_send(fixture->peer, "{\"event\": \"RESET\"}\r\n");
            qmp_peer_expect(fixture->peer, "\xff");
            qmp_peer_send(fixture->peer,
                          "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error, stray\"}}\r\n");
            qmp_peer_refuse(fixture->peer, ALREADY_DONE);
            qmp_peer_run(fixture->peer);
            g_assert_cmpint(g_str_has_prefix(fixture->log->str, "event SHUTDOWN"), ==, is_whole);
            g_assert_true(g_str_has_suffix(fixture->log->str, "event RESET ;ready;"));
            g_string_truncate(fixture->log, 0);
        }
    }
}

/* A session without out-of-band commands stays one; what is no session is none, and QEMU may greet. */
static void
test_resumed_otherwise(Fixture *fixture, gconstpointer unused)
{
    static const char *const nonsense[] = { "", "{", "{}", "[1]", "{\"QMP\": {\"version\": {}}}" };
    g_autofree char *session = NULL;

    get_ready(fixture, FALSE);
    session = qmp_client_dup_session(fixture->client);
    fixture_start(fixture, &(QmpClientLimits){ .session = session });
    qmp_peer_expect(fixture->peer, "\xff");
    qmp_peer_send(fixture->peer,
                  "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error, stray\"}}\r\n");
    qmp_peer_refuse(fixture->peer, ALREADY_DONE);
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "ready;");
    g_assert_false(qmp_client_has_oob(fixture->client));
    for (guint i = 0; i < G_N_ELEMENTS(nonsense); i++) {
        fixture_start(fixture, &(QmpClientLimits){ .session = nonsense[i] });
        get_ready(fixture, TRUE);
    }
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    ADD("/qmp-client/session", test_session);
    ADD("/qmp-client/ids", test_ids);
    ADD("/qmp-client/events-anywhere", test_events_anywhere);
    ADD("/qmp-client/negotiation-with-an-ending", test_negotiation_with_an_ending);
    ADD("/qmp-client/somebody-elses-replies", test_somebody_elses_replies);
    ADD("/qmp-client/disconnect-order", test_disconnect_order);
    ADD("/qmp-client/quit", test_quit);
    ADD("/qmp-client/cancel", test_cancel);
    ADD("/qmp-client/free-inside", test_free_inside);
    ADD("/qmp-client/free-in-timeout", test_free_in_timeout);
    ADD("/qmp-client/pause", test_pause);
    ADD("/qmp-client/resumed", test_resumed);
    ADD("/qmp-client/resumed-in-lines", test_resumed_in_lines);
    ADD("/qmp-client/resumed-with-event", test_resumed_with_event);
    ADD("/qmp-client/resumed-otherwise", test_resumed_otherwise);
    return g_test_run();
}
