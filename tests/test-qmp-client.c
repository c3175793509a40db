/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One QMP session against a peer that greets, answers, dies, lies, floods and falls silent. What breaks here gives a
 * caller another's answer, none, or two. */
#include <string.h>

#include "qmp-client.h"
#include "test-qmp-peer.h"

typedef struct Fixture {
    GMainContext *context; /* owned */
    QmpPeer *peer;         /* owned */
    QmpClient *client;     /* owned; NULL when freed */
    GString *log;          /* owned; what was called, in order, a `;` after each */
    guint n_closed;
    GError *closed; /* owned */
    guint64 timestamp;
    const char *free_on; /* the log entry at which the client is freed */
    gboolean starting;   /* inside a function that must not call back */
} Fixture;

typedef struct Call {
    Fixture *fixture;     /* weak */
    const char *name;     /* weak */
    QmpSlot *slot;        /* weak */
    struct Call *cancels; /* weak; when it is answered */
} Call;

static void note(Fixture *fixture, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void
note(Fixture *fixture, const char *format, ...)
{
    va_list arguments;
    g_assert_false(fixture->starting);
    va_start(arguments, format);
    g_autofree char *entry = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_string_append_printf(fixture->log, "%s;", entry);
    if (fixture->free_on && g_str_equal(entry, fixture->free_on)) {
        fixture->free_on = NULL;
        g_clear_pointer(&fixture->client, qmp_client_free);
    }
}

static void
on_ready(QmpClient *client, gpointer user_data)
{
    g_assert_true(qmp_client_is_ready(client));
    note(user_data, "ready");
}

static void
on_event(QmpClient *client, const QmpEvent *event, gpointer user_data)
{
    Fixture *fixture = user_data;
    fixture->timestamp = event->timestamp;
    note(fixture, "event %s %.*s", event->name, (int)event->data.length, event->data.text ? event->data.text : "");
}

static void
on_closed(QmpClient *client, const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;
    g_assert_false(qmp_client_is_ready(client));
    g_assert_cmpuint(qmp_client_get_in_flight(client), ==, 0);
    fixture->n_closed++;
    fixture->closed = g_error_copy(error);
    note(fixture, "closed");
}

static const QmpClientFuncs funcs = { .on_ready = on_ready, .on_event = on_event, .on_closed = on_closed };

static void
on_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Call *call = user_data;
    if (call->cancels)
        qmp_slot_cancel(call->cancels->slot);
    if (error)
        note(call->fixture, "%s failed %d", call->name, error->code);
    else if (reply->error_class)
        note(call->fixture, "%s %s: %s", call->name, reply->error_class, reply->error_text);
    else
        note(call->fixture, "%s %.*s", call->name, (int)reply->value.length, reply->value.text);
}

static void
start(Fixture *fixture, const QmpClientLimits *limits)
{
    int fd;
    g_clear_pointer(&fixture->client, qmp_client_free);
    g_clear_pointer(&fixture->peer, qmp_peer_free);
    fixture->peer = qmp_peer_new(fixture->context, &fd);
    fixture->starting = TRUE;
    fixture->client = qmp_client_new(fixture->context, fd, limits, &funcs, fixture);
    fixture->starting = FALSE;
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->context = g_main_context_new();
    fixture->log = g_string_new(NULL);
    start(fixture, &(QmpClientLimits){ .timeout = G_MAXUINT64 });
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->client, qmp_client_free);
    qmp_peer_free(fixture->peer);
    /* Nothing of the client may be left in the context. */
    qmp_peer_settle(fixture->context);
    g_main_context_unref(fixture->context);
    g_string_free(fixture->log, TRUE);
    g_clear_error(&fixture->closed);
}

static void
assert_log(Fixture *fixture, const char *expected)
{
    g_assert_cmpstr(fixture->log->str, ==, expected);
    g_string_truncate(fixture->log, 0);
}

/* All steps of the script are done, and what they led to has happened. */
static void
run_script(Fixture *fixture)
{
    qmp_peer_wait_until(fixture->context, qmp_peer_is_done(fixture->peer));
    qmp_peer_settle(fixture->context);
}

static void
get_ready(Fixture *fixture, gboolean oob)
{
    qmp_peer_negotiate(fixture->peer, oob);
    run_script(fixture);
    assert_log(fixture, "ready;");
}

static void
execute(Fixture *fixture, Call *call, const char *command, const char *arguments, QmpExecuteFlags flags)
{
    call->fixture = fixture;
    call->name = call->name ? call->name : command;
    fixture->starting = TRUE;
    call->slot = qmp_client_execute(fixture->client, command, arguments, flags, on_reply, call);
    fixture->starting = FALSE;
}

/* Sends @text and expects the session to end with @code and a message that says @says. */
static void
expect_end(Fixture *fixture, const char *text, QmpErrorCode code, const char *says)
{
    qmp_peer_send(fixture->peer, text);
    qmp_peer_wait_until(fixture->context, fixture->n_closed > 0);
    qmp_peer_settle(fixture->context);
    g_assert_cmpuint(fixture->n_closed, ==, 1);
    g_assert_error(fixture->closed, QMP_ERROR, (gint)code);
    if (!strstr(fixture->closed->message, says))
        g_error("\"%s\" does not say \"%s\"", fixture->closed->message, says);
    g_clear_error(&fixture->closed);
    fixture->n_closed = 0;
}

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
    qmp_peer_expect(fixture->peer, "{\"execute\":\"query-status\",\"id\":0}"
                                   "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"x\"},\"id\":1}");
    qmp_peer_send(fixture->peer,
                  "{\"return\": {\"status\": \"running\"}, \"id\": 0}\r\n"
                  "{\"id\": 1, \"error\": {\"class\": \"GenericError\", \"desc\": \"no \\\"x\\\"\"}}\r\n");
    run_script(fixture);
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
    qmp_peer_expect(fixture->peer,
                    "{\"execute\":\"x\",\"id\":0}{\"exec-oob\":\"x\",\"id\":1}{\"execute\":\"x\",\"id\":2}");
    qmp_peer_send(fixture->peer, "{\"return\": 1, \"id\": 1}");
    run_script(fixture);
    execute(fixture, &d, "x", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_expect(fixture->peer, "{\"execute\":\"x\",\"id\":1}");
    qmp_peer_send(fixture->peer, "{\"return\": 2, \"id\": 2}{\"return\": 0, \"id\": 0}{\"return\": 3, \"id\": 1}");
    run_script(fixture);
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
    qmp_peer_expect(fixture->peer, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]},\"id\":0}");
    qmp_peer_send(fixture->peer, event);
    qmp_peer_send(fixture->peer, "{\"return\": {}, \"id\": 0}");
    run_script(fixture);
    g_assert_cmpuint(fixture->timestamp, ==, G_GUINT64_CONSTANT(1700000000000007));
    execute(fixture, &call, "stop", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_expect(fixture->peer, "{\"execute\":\"stop\",\"id\":0}");
    qmp_peer_send(fixture->peer, "{\"timestamp\": {\"seconds\": -1, \"microseconds\": -1}, \"event\": \"STOP\"}");
    qmp_peer_send(fixture->peer, "{\"return\": {}, \"id\": 0}");
    gint64 before = g_get_real_time();
    run_script(fixture);
    assert_log(fixture, "event E {\"n\": 1};event E {\"n\": 1};event E {\"n\": 1};ready;event STOP ;stop {};");
    g_assert_cmpuint(fixture->timestamp, >=, (guint64)before);
}

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
        { "220 mail.example ESMTP\r\n", "value that is no object" },
        { "hello\x01\xff world", "says \"hello\\001" },
        { "{\"parameters\":{}}", "no greeting, reply or event" },
        { "[]", "no object" },
        { "{\"QMP\": {}}", "greeting without a version" },
        { "{\"QMP\": 1}", "no QMP greeting" },
        { "{\"QMP\": {\"version\": {\"qemu\": {\"major\": \"1\"}}}}", "greeting without a version" },
        { "{\"return\": {}, \"id\": 0}", "the id of no command" },
        { QMP_PEER_GREETING QMP_PEER_GREETING, "second greeting" },
        { QMP_PEER_GREETING "{\"id\": 0, \"error\": {\"class\": \"E\", \"desc\": \"no\"}}",
          "negotiation was refused: no" },
        { QMP_PEER_GREETING "{\"id\": 0, \"return\": inf}", "cannot be read" },
        { QMP_PEER_GREETING "}", "not JSON" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(peers); i++) {
        start(fixture, &(QmpClientLimits){ .timeout = G_MAXUINT64 });
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

/* A stopped QEMU must not hang whoever connects to it; which half fell silent tells what to look for. */
static void
test_timeout(Fixture *fixture, gconstpointer unused)
{
    start(fixture, &(QmpClientLimits){ .timeout = 1 });
    expect_end(fixture, "", QMP_ERROR_TIMED_OUT, "no QMP greeting came");
    start(fixture, &(QmpClientLimits){ .timeout = 1000 });
    expect_end(fixture, "{\"QMP\": {", QMP_ERROR_TIMED_OUT, "no QMP greeting came");
    start(fixture, &(QmpClientLimits){ .timeout = 300000 });
    expect_end(fixture, QMP_PEER_GREETING, QMP_ERROR_TIMED_OUT, "did not answer qmp_capabilities");
    assert_log(fixture, "closed;closed;closed;");
    start(fixture, &(QmpClientLimits){ .timeout = 60 * G_USEC_PER_SEC });
    get_ready(fixture, FALSE);
    g_assert_false(g_main_context_pending(fixture->context));
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
    run_script(fixture);
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
    run_script(fixture);
    assert_log(fixture, "b GenericError: JSON parse error;c {};");
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->client), ==, 1);
    expect_end(fixture, "{\"return\": {}}", QMP_ERROR_PROTOCOL, "without an id");
    assert_log(fixture, "a failed 2;closed;");
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
        start(fixture, &(QmpClientLimits){ 0 });
        get_ready(fixture, FALSE);
        execute(fixture, &call, "x", NULL, QMP_EXECUTE_DEFAULT);
        expect_end(fixture, lies[i], QMP_ERROR_PROTOCOL, "the peer");
        assert_log(fixture, "x failed 2;closed;");
    }
    Call call = { 0 };
    start(fixture, &(QmpClientLimits){ 0 });
    get_ready(fixture, FALSE);
    execute(fixture, &call, "x", NULL, QMP_EXECUTE_DEFAULT);
    expect_end(fixture, "{\"return\": 1, \"id\": 0}{\"return\": 2, \"id\": 0}", QMP_ERROR_PROTOCOL,
               "the id of no command");
    assert_log(fixture, "x 1;closed;");
}

static void
test_caps(Fixture *fixture, gconstpointer unused)
{
    start(fixture, &(QmpClientLimits){ .max_reply = 400, .max_event = 40 });
    get_ready(fixture, FALSE);
    qmp_peer_send(fixture->peer,
                  "{\"event\":\"E\",\"data\":{\"xxxxxxxxxx\":1234}}{\"event\":\"E\",\"data\":{\"xxxxxxxxxx\":12345}}");
    run_script(fixture);
    assert_log(fixture, "event E {\"xxxxxxxxxx\":1234};");
    g_autofree char *spaces = g_strnfill(400, ' ');
    g_autofree char *text = g_strdup_printf("{%s", spaces);
    expect_end(fixture, text, QMP_ERROR_LIMIT, "more than 400 bytes");
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
    run_script(fixture);
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
    start(fixture, &(QmpClientLimits){ 0 });
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
    qmp_slot_cancel(a.slot);
    g_assert_cmpuint(qmp_client_get_in_flight(fixture->client), ==, 1);
    execute(fixture, &b, "x", NULL, QMP_EXECUTE_DEFAULT);
    /* The id of the cancelled one is not given again before it is answered. */
    qmp_peer_expect(fixture->peer, "{\"execute\":\"x\",\"id\":0}{\"execute\":\"x\",\"id\":1}");
    qmp_peer_send(fixture->peer, "{\"return\": 0, \"id\": 0}{\"return\": 1, \"id\": 1}");
    run_script(fixture);
    assert_log(fixture, "b 1;");
    /* From inside a callback, another one and itself, also while all of them are being failed. */
    execute(fixture, &a, "x", NULL, QMP_EXECUTE_DEFAULT);
    execute(fixture, &b, "x", NULL, QMP_EXECUTE_DEFAULT);
    execute(fixture, &c, "x", NULL, QMP_EXECUTE_DEFAULT);
    a.cancels = &b;
    c.cancels = &c;
    qmp_peer_expect(fixture->peer,
                    "{\"execute\":\"x\",\"id\":0}{\"execute\":\"x\",\"id\":1}{\"execute\":\"x\",\"id\":2}");
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
        start(fixture, &(QmpClientLimits){ 0 });
        fixture->free_on = cases[i].at;
        qmp_peer_send(fixture->peer, "{\"event\": \"EARLY\"}" QMP_PEER_GREETING "{\"return\": {}, \"id\": 0}");
        run_script(fixture);
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
    start(fixture, &(QmpClientLimits){ .timeout = 1 });
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
    run_script(fixture);
    assert_log(fixture, "");
    qmp_client_resume(fixture->client);
    qmp_peer_settle(fixture->context);
    assert_log(fixture, "event E ;x {};");
}

/* Names go out as JSON strings whatever is in them: nobody adds members to a command. */
static void
test_injection(Fixture *fixture, gconstpointer unused)
{
    Call call = { 0 };
    get_ready(fixture, FALSE);
    execute(fixture, &call, "x\",\"arguments\":{},\"y\":\"\n", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_expect(fixture->peer, "{\"execute\":\"x\\\",\\\"arguments\\\":{},\\\"y\\\":\\\"\\n\",\"id\":0}");
    qmp_peer_send(fixture->peer, "{\"return\": {}, \"id\": 0}");
    qmp_peer_send(fixture->peer, "{\"return\": {}, \"id\": 0}");
    run_script(fixture);
}

/* Text for people may hold what no C string can. */
static void
test_nul_in_error(Fixture *fixture, gconstpointer unused)
{
    Call call = { 0 };
    get_ready(fixture, FALSE);
    execute(fixture, &call, "x", NULL, QMP_EXECUTE_DEFAULT);
    qmp_peer_send(fixture->peer, "{\"error\": {\"class\": \"E\", \"desc\": \"a\\u0000b\\u00e9\"}, \"id\": 0}");
    run_script(fixture);
    assert_log(fixture, "x E: a\xef\xbf\xbd"
                        "b\xc3\xa9;");
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    static const struct {
        const char *name;
        void (*func)(Fixture *fixture, gconstpointer data);
    } tests[] = {
        { "/qmp-client/session", test_session },
        { "/qmp-client/ids", test_ids },
        { "/qmp-client/events-anywhere", test_events_anywhere },
        { "/qmp-client/not-qmp", test_not_qmp },
        { "/qmp-client/eof-before-greeting", test_eof_before_greeting },
        { "/qmp-client/timeout", test_timeout },
        { "/qmp-client/bad-reply", test_bad_reply },
        { "/qmp-client/error-without-id", test_error_without_id },
        { "/qmp-client/lies", test_lies },
        { "/qmp-client/caps", test_caps },
        { "/qmp-client/disconnect-order", test_disconnect_order },
        { "/qmp-client/quit", test_quit },
        { "/qmp-client/cancel", test_cancel },
        { "/qmp-client/free-inside", test_free_inside },
        { "/qmp-client/free-in-timeout", test_free_in_timeout },
        { "/qmp-client/pause", test_pause },
        { "/qmp-client/injection", test_injection },
        { "/qmp-client/nul-in-error", test_nul_in_error },
    };
    for (guint i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].name, Fixture, NULL, set_up, tests[i].func, tear_down);
    return g_test_run();
}
