/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QmpClient against peers that are not QMP, are silent, or lie. What breaks here hangs whoever connects, or gives one
 * caller's answer to another. */
#include "test-qmp-client-fixture.h"

#include <string.h>

/* Whoever is there instead of QMP, the user must be told in words. */
static void
test_not_qmp(Fixture *fixture, gconstpointer unused)
{
    static const struct {
        const char *sends;
        const char *says;
    } peers[] = {
        { "QEMU 7.2.22 monitor - type 'help' for more information\r\n(qemu) ", "human monitor" },
        { "\xff\xfb\x01\xff\xfb\x03QEMU 7.2.22 monitor - type 'help' for more information\r\n", "human monitor" },
        { "SSH-2.0-OpenSSH_9.2p1\r\n", "SSH" },
        { "HTTP/1.1 400 Bad Request\r\n", "web server" },
        { "RFB 003.008\n", "VNC" },
        { "\xff\xfb\x01\xff\xfb\x03", "telnet server" },
        { "220 mail.example ESMTP\r\n", "value that is no object" },
        { "hello\x01\xff world", "says \"hello\\001" },
        { "{\"parameters\":{}}", "no greeting, reply or event" },
        { "[]", "no object" },
        { "{\"QMP\": {}}", "greeting without a version" },
        { "{\"QMP\": 1}", "no QMP greeting" },
        { "{\"QMP\": {\"version\": {\"qemu\": {\"major\": \"1\"}}}}", "greeting without a version" },
        { QMP_PEER_GREETING "}", "not JSON" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(peers); i++) {
        fixture_start(fixture, &(QmpClientLimits){ .timeout = G_MAXUINT64 });
        expect_end(fixture, peers[i].sends, QMP_ERROR_PROTOCOL, peers[i].says);
        assert_log(fixture, "closed;");
    }
}

static void
test_eof_before_greeting(Fixture *fixture, gconstpointer unused)
{
    qmp_peer_send(fixture->peer, "");
    qmp_peer_close(fixture->peer);
    expect_end(fixture, "", QMP_ERROR_DISCONNECTED, "before it sent a QMP greeting");
}

/* The session's only source with the client as its data. */
static GSource *
find_timeout(Fixture *fixture)
{
    return g_main_context_find_source_by_user_data(fixture->context, fixture->client);
}

/* The peer falls silent after @text. That has been read when the time is up, however slow the machine is. */
static void
expect_timeout(Fixture *fixture, const char *text, const char *says)
{
    fixture_start(fixture, &(QmpClientLimits){ .timeout = G_USEC_PER_SEC * G_GUINT64_CONSTANT(3600) });
    qmp_peer_send(fixture->peer, text);
    qmp_peer_run(fixture->peer);
    g_assert_cmpuint(fixture->n_closed, ==, 0);
    g_source_set_ready_time(find_timeout(fixture), 0);
    expect_end(fixture, "", QMP_ERROR_TIMED_OUT, says);
}

/* A stopped QEMU must not hang whoever connects to it; which half fell silent tells what to look for. */
static void
test_timeout(Fixture *fixture, gconstpointer unused)
{
    fixture_start(fixture, &(QmpClientLimits){ .timeout = 1 });
    expect_end(fixture, "", QMP_ERROR_TIMED_OUT, "no QMP greeting came");
    expect_timeout(fixture, "{\"QMP\": {", "no QMP greeting came");
    expect_timeout(fixture, QMP_PEER_GREETING, "did not answer qmp_capabilities");
    assert_log(fixture, "closed;closed;closed;");
    fixture_start(fixture, &(QmpClientLimits){ .timeout = 60 * G_USEC_PER_SEC });
    get_ready(fixture, FALSE);
    g_assert_false(g_main_context_pending(fixture->context));
    g_assert_null(find_timeout(fixture));
}

/* One bad reply costs its own command. */
static void
test_bad_reply(Fixture *fixture, gconstpointer unused)
{
    Call a = { .name = "a" }, b = { .name = "b" }, c = { .name = "c" }, d = { .name = "d" };
    get_ready(fixture, FALSE);
    execute(fixture, &a, "x", NULL, QMP_EXECUTE_DEFAULT);
    execute(fixture, &b, "x", NULL, QMP_EXECUTE_DEFAULT);
    execute(fixture, &c, "x", NULL, QMP_EXECUTE_DEFAULT);
    execute(fixture, &d, "x", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_send(fixture->peer, "{\"return\": {\"x\": inf}, \"id\": 1}{\"id\": 2, \"return\": [nan]}"
                                 "{\"id\": 0, \"error\": \"text\"}{\"return\": {}, \"error\": {}, \"id\": 3}");
    qmp_peer_send(fixture->peer,
                  "{\"event\": 5}{\"event\": \"E\", \"data\": []}{\"event\": \"E\", \"data\": {\"x\": inf}}");
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "b failed 2;c failed 2;a failed 2;d failed 2;");
    g_assert_true(qmp_client_is_ready(fixture->client));
}

/* QEMU answers what it cannot read without an id, and in its turn. */
static void
test_error_without_id(Fixture *fixture, gconstpointer unused)
{
    const char *error = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}";
    Call a = { .name = "a" }, b = { .name = "b" }, c = { .name = "c" };
    get_ready(fixture, TRUE);
    execute(fixture, &a, "x", NULL, QMP_EXECUTE_OOB);
    execute(fixture, &b, "x", NULL, QMP_EXECUTE_DEFAULT);
    execute(fixture, &c, "x", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_send(fixture->peer, error);
    qmp_peer_send(fixture->peer, "{\"return\": {}, \"id\": 2}");
    qmp_peer_send(fixture->peer, error);
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "b GenericError: JSON parse error;c {};");
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->client), ==, 1);
    expect_end(fixture, "{\"return\": {}}", QMP_ERROR_PROTOCOL, "without an id");
    assert_log(fixture, "a failed 2;closed;");
}

/* The command of who was connected before may have come to its end in this session: then it is negotiated. */
static void
test_refused_negotiation(Fixture *fixture, gconstpointer unused)
{
    Call call = { 0 };
    qmp_peer_send(fixture->peer, QMP_PEER_GREETING_OOB);
    qmp_peer_refuse(fixture->peer, "\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"already complete\"}");
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "ready;");
    g_assert_false(qmp_client_has_oob(fixture->client));
    execute(fixture, &call, "x", NULL, QMP_EXECUTE_OOB);
    qmp_peer_expect(fixture->peer, "{\"execute\":\"x\"}");
    qmp_peer_send(fixture->peer, "{\"return\": 1}");
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "x 1;");

    fixture_start(fixture, &(QmpClientLimits){ 0 });
    qmp_peer_send(fixture->peer, QMP_PEER_GREETING);
    qmp_peer_refuse(fixture->peer, "\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}");
    expect_end(fixture, "", QMP_ERROR_PROTOCOL, "the negotiation was refused: no");
    assert_log(fixture, "closed;");
}

/* QEMU may greet twice while it starts, but not a client that has negotiated: it would want to negotiate again. */
static void
test_greeted_twice(Fixture *fixture, gconstpointer unused)
{
    qmp_peer_send(fixture->peer, QMP_PEER_GREETING_OOB);
    qmp_peer_agree(fixture->peer, QMP_PEER_GREETING_OOB);
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "ready;");
    g_assert_true(qmp_client_has_oob(fixture->client));
    expect_end(fixture, QMP_PEER_GREETING_OOB, QMP_ERROR_PROTOCOL, "second greeting");
    assert_log(fixture, "closed;");
}

/* A peer that answers what was not asked is out of step: its next answer could be anybody's. */
static void
test_lies(Fixture *fixture, gconstpointer unused)
{
    static const char *const lies[] = {
        "{\"return\": {}, \"id\": 1}",
        "{\"return\": {}, \"id\": 4000000000}",
        "{\"return\": {}, \"id\": -1}",
        "{\"return\": {}, \"id\": \"0\"}",
        "{\"return\": {}, \"id\": 0.0}",
        "{\"return\": {}}",
        "{\"return\": inf}",
        "{\"error\": {}}",
        "{\"x\": 1}",
        "[]",
        "1 ",
        "{\"return\": {}, \"return\": {}}",
    };
    for (guint i = 0; i < G_N_ELEMENTS(lies); i++) {
        Call call = { 0 };
        fixture_start(fixture, &(QmpClientLimits){ 0 });
        get_ready(fixture, FALSE);
        execute(fixture, &call, "x", "{}", QMP_EXECUTE_DEFAULT);
        expect_end(fixture, lies[i], QMP_ERROR_PROTOCOL, "the peer");
        assert_log(fixture, "x failed 2;closed;");
    }
    Call call = { 0 }, bare = { 0 };
    /* An id that this client never sent: the reply is not the one to the oldest command. */
    fixture_start(fixture, &(QmpClientLimits){ 0 });
    get_ready(fixture, FALSE);
    execute(fixture, &bare, "x", NULL, QMP_EXECUTE_DEFAULT);
    expect_end(fixture, "{\"return\": {}, \"id\": \"0\"}", QMP_ERROR_PROTOCOL, "the peer");
    assert_log(fixture, "x failed 2;closed;");
    fixture_start(fixture, &(QmpClientLimits){ 0 });
    get_ready(fixture, FALSE);
    execute(fixture, &call, "x", NULL, QMP_EXECUTE_DEFAULT);
    expect_end(fixture, "{\"return\": 1, \"id\": 0}{\"return\": 2, \"id\": 0}", QMP_ERROR_PROTOCOL,
               "the id of no command");
    assert_log(fixture, "x 1;closed;");
}

/* More than a socket takes. */
static char *
new_long_arguments(void)
{
    g_autofree char *text = g_strnfill(8 * 1024 * 1024, 'x');
    return g_strdup_printf("{\"x\":\"%s\"}", text);
}

/* A peer that answers what has not been sent to it: its answer, good or bad, is none, and no room is made for the next command. */
static void
test_early_replies(Fixture *fixture, gconstpointer unused)
{
    static const char *const early[] = {
        "{\"return\": {}, \"id\": 0}", /* of which it has a part */
        "{\"return\": {}, \"id\": 1}", /* of which it has nothing */
        "{\"return\": inf, \"id\": 1}",
        "{\"error\": {\"class\": \"E\", \"desc\": \"\"}, \"id\": 1}",
        "{\"id\": 2, \"return\": {}}", /* out of band */
    };
    g_autofree char *arguments = new_long_arguments();
    for (guint i = 0; i < G_N_ELEMENTS(early); i++) {
        Call a = { .name = "a" }, b = { .name = "b" }, c = { .name = "c" };
        fixture_start(fixture, &(QmpClientLimits){ 0 });
        get_ready(fixture, TRUE);
        execute(fixture, &a, "x", arguments, QMP_EXECUTE_DEFAULT);
        execute(fixture, &b, "x", NULL, QMP_EXECUTE_DEFAULT);
        execute(fixture, &c, "x", NULL, QMP_EXECUTE_OOB);
        expect_end(fixture, early[i], QMP_ERROR_PROTOCOL, "to a command that had not been sent");
        assert_log(fixture, "a failed 2;b failed 2;c failed 2;closed;");
    }
}

/* QEMU complains of what it cannot read before it has read all of that, and maybe more than once: not of what it has nothing of. */
static void
test_early_complaints(Fixture *fixture, gconstpointer unused)
{
    const char *error = "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}";
    g_autofree char *arguments = new_long_arguments();
    Call a = { .name = "a" }, b = { .name = "b" };
    get_ready(fixture, FALSE);
    execute(fixture, &a, "x", arguments, QMP_EXECUTE_DEFAULT);
    execute(fixture, &b, "quit", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_send(fixture->peer, error);
    qmp_peer_send(fixture->peer, error);
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "a GenericError: JSON parse error;");
    /* A `quit` that QEMU never got is no reason for its end. */
    qmp_peer_close(fixture->peer);
    expect_end(fixture, "", QMP_ERROR_DISCONNECTED, "connection");
    assert_log(fixture, "b failed 0;closed;");
}

static void
test_caps(Fixture *fixture, gconstpointer unused)
{
    fixture_start(fixture, &(QmpClientLimits){ .max_reply = 400, .max_event = 40 });
    get_ready(fixture, FALSE);
    qmp_peer_send(fixture->peer,
                  "{\"event\":\"E\",\"data\":{\"xxxxxxxxxx\":1234}}{\"event\":\"E\",\"data\":{\"xxxxxxxxxx\":12345}}");
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "event E {\"xxxxxxxxxx\":1234};");
    g_autofree char *spaces = g_strnfill(400, ' ');
    g_autofree char *text = g_strdup_printf("{%s", spaces);
    expect_end(fixture, text, QMP_ERROR_LIMIT, "more than 400 bytes");
}

/* A guest that makes events larger than any QEMU's: each would go to everybody who watches the VM. */
static void
test_large_event(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *blanks = g_strnfill(256 * 1024, ' ');
    g_autofree char *text = g_strdup_printf("{\"event\": \"LARGE\", \"data\": {%s}}{\"event\": \"SMALL\"}", blanks);

    get_ready(fixture, FALSE);
    qmp_peer_send(fixture->peer, text);
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "event SMALL ;");
}

/* Names go out as JSON strings whatever is in them: nobody adds members to a command. */
static void
test_injection(Fixture *fixture, gconstpointer unused)
{
    Call call = { 0 };
    get_ready(fixture, FALSE);
    execute(fixture, &call, "x\",\"arguments\":{},\"y\":\"\n", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_expect(fixture->peer, "{\"execute\":\"x\\\",\\\"arguments\\\":{},\\\"y\\\":\\\"\\n\"}");
    qmp_peer_send(fixture->peer, "{\"return\": {}, \"id\": 0}");
    qmp_peer_send(fixture->peer, "{\"return\": {}, \"id\": 0}");
    qmp_peer_run(fixture->peer);
}

/* Text for people may hold what no C string can. */
static void
test_nul_in_error(Fixture *fixture, gconstpointer unused)
{
    Call call = { 0 };
    get_ready(fixture, FALSE);
    execute(fixture, &call, "x", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_send(fixture->peer, "{\"error\": {\"class\": \"E\", \"desc\": \"a\\u0000b\\u00e9\"}, \"id\": 0}");
    qmp_peer_run(fixture->peer);
    assert_log(fixture, "x E: a\xef\xbf\xbd"
                        "b\xc3\xa9;");
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    ADD("/qmp-client-peers/not-qmp", test_not_qmp);
    ADD("/qmp-client-peers/eof-before-greeting", test_eof_before_greeting);
    ADD("/qmp-client-peers/greeted-twice", test_greeted_twice);
    ADD("/qmp-client-peers/timeout", test_timeout);
    ADD("/qmp-client-peers/bad-reply", test_bad_reply);
    ADD("/qmp-client-peers/error-without-id", test_error_without_id);
    ADD("/qmp-client-peers/lies", test_lies);
    ADD("/qmp-client-peers/early-replies", test_early_replies);
    ADD("/qmp-client-peers/early-complaints", test_early_complaints);
    ADD("/qmp-client-peers/refused-negotiation", test_refused_negotiation);
    ADD("/qmp-client-peers/caps", test_caps);
    ADD("/qmp-client-peers/large-event", test_large_event);
    ADD("/qmp-client-peers/injection", test_injection);
    ADD("/qmp-client-peers/nul-in-error", test_nul_in_error);
    return g_test_run();
}
