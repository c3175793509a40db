/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session from the server's side, with a scripted client at its other end. What QEMU says to what is compared with real
 * QEMUs in test-open-monitor.py; here is what those cannot show. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "qmp-error.h"
#include "json-print.h"
#include "qmp-server.h"

#define GREETING "{\"QMP\": {\"version\": {\"qemu\": {}}, \"capabilities\": [\"oob\"]}}\r\n"
#define NEGOTIATE "{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}"

typedef struct Fixture {
    QmpServer *server; /* owned */
    int client; /* owned; -1: closed */
    GString *heard; /* owned; by the client */
    GQueue commands; /* of QmpServerCommand, weak: not answered */
    GError *error; /* owned; the end */
    gboolean answers; /* at once, from inside */
    guint n_answered; /* so */
} Fixture;

static void
on_command(QmpServerCommand *command, gpointer user_data)
{
    Fixture *fixture = user_data;

    if (!fixture->answers) {
        g_queue_push_tail(&fixture->commands, command);
        return;
    }
    fixture->n_answered++;
    qmp_server_fail(fixture->server, command, "GenericError", "no");
}

static void
on_closed(const GError *error, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_assert_null(fixture->error);
    fixture->error = g_error_copy(error);
    g_queue_clear(&fixture->commands);
    g_clear_pointer(&fixture->server, qmp_server_free);
}

static void
connect_client(Fixture *fixture, gboolean is_pretty)
{
    static const QmpServerFuncs funcs = { on_command, on_closed };
    static const QmpServerLimits limits = { 4000, 100000 };
    char version[] = "{\"qemu\": {}}";
    QmpGreeting greeting = { .major = 10, .oob = TRUE, .version = version };
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    fixture->client = pair[1];
    fixture->server = qmp_server_new(NULL, pair[0], &greeting, is_pretty, &limits, &funcs, fixture);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->heard = g_string_new(NULL);
    connect_client(fixture, /* is_pretty= */ FALSE);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->server, qmp_server_free);
    if (fixture->client >= 0)
        close(fixture->client);
    g_string_free(fixture->heard, TRUE);
    g_clear_error(&fixture->error);
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void
say(Fixture *fixture, const char *text)
{
    g_assert_cmpint(send(fixture->client, text, strlen(text), MSG_NOSIGNAL), ==, (gssize)strlen(text));
}

/* What the client hears next, up to and with @last. */
static void
expect(Fixture *fixture, const char *last)
{
    char buffer[4096];

    while (!g_str_has_suffix(fixture->heard->str, last)) {
        g_main_context_iteration(NULL, FALSE);
        gssize n = recv(fixture->client, buffer, sizeof buffer, MSG_DONTWAIT);
        if (n > 0)
            g_string_append_len(fixture->heard, buffer, n);
    }
    g_string_truncate(fixture->heard, 0);
}

static QmpServerCommand *
await_command(Fixture *fixture)
{
    while (fixture->commands.length == 0)
        g_main_context_iteration(NULL, TRUE);
    return g_queue_pop_head(&fixture->commands);
}

static void
succeed(Fixture *fixture, QmpServerCommand *command)
{
    qmp_server_return(fixture->server, command, &(QmpReply){ .value = { "{\"a\":1}", 7 }, .is_rewritten = TRUE });
}

static void
test_in_order(Fixture *fixture, gconstpointer unused)
{
    QmpServerCommand *first, *urgent;

    say(fixture, NEGOTIATE "{'execute':'a','id':1}{'execute':'b'}}{'exec-oob':'c','id':[2]}");
    first = await_command(fixture);
    urgent = await_command(fixture);
    g_assert_cmpstr(first->name, ==, "a");
    g_assert_cmpstr(urgent->name, ==, "c");
    g_assert_true(urgent->is_oob);
    succeed(fixture, urgent);
    expect(fixture, GREETING "{\"return\": {}}\r\n{\"return\": {\"a\": 1}, \"id\": [2]}\r\n");
    g_assert_cmpuint(fixture->commands.length, ==, 0);
    qmp_server_fail(fixture->server, first, "DeviceNotFound", "no \xc3\xa9");
    succeed(fixture, await_command(fixture));
    expect(fixture, "{\"id\": 1, \"error\": {\"class\": \"DeviceNotFound\", \"desc\": \"no \\u00E9\"}}\r\n"
                    "{\"return\": {\"a\": 1}}\r\n"
                    "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error, a value was expected at byte 0\"}}\r\n");
}

/* A client that does not keep to QMP's beginning: no command of it is run, and none in another way than the client has agreed to. */
static void
test_negotiation(Fixture *fixture, gconstpointer unused)
{
    say(fixture, "{'execute':'a'}{'exec-oob':'b'}{'execute':'qmp_capabilities'}");
    expect(fixture, GREETING "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": "
                             "\"Expecting capabilities negotiation with 'qmp_capabilities'\"}}\r\n"
                             "{\"error\": {\"class\": \"GenericError\", \"desc\": "
                             "\"QMP input member 'exec-oob' is unexpected\"}}\r\n{\"return\": {}}\r\n");
    say(fixture, NEGOTIATE "{'exec-oob':'b'}");
    expect(fixture, "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": "
                    "\"Capabilities negotiation is already complete, command ignored\"}}\r\n"
                    "{\"error\": {\"class\": \"GenericError\", \"desc\": "
                    "\"QMP input member 'exec-oob' is unexpected\"}}\r\n");
    g_assert_cmpuint(fixture->commands.length, ==, 0);
}

static void
settle(void)
{
    for (guint i = 0; i < 20; i++)
        g_main_context_iteration(NULL, FALSE);
}

/* A client that has not agreed to it, and sends a command out of band: the answer, which is a refusal, comes in its turn. */
static void
test_oob_that_was_not_agreed(Fixture *fixture, gconstpointer unused)
{
    char byte;

    say(fixture, "{'execute':'qmp_capabilities'}{'execute':'a'}{'exec-oob':'b'}");
    expect(fixture, "{\"return\": {}}\r\n");
    QmpServerCommand *first = await_command(fixture);
    settle();
    g_assert_cmpint(recv(fixture->client, &byte, 1, MSG_DONTWAIT), ==, -1);
    succeed(fixture, first);
    expect(fixture, "{\"return\": {\"a\": 1}}\r\n{\"error\": {\"class\": \"GenericError\", \"desc\": "
                    "\"QMP input member 'exec-oob' is unexpected\"}}\r\n");
}

/* A client that does not wait for answers: @n times @command behind the first, and one out of band behind those, is what is read.
 * With one more the last is not read before another is answered. */
static void
assert_most_waiting(Fixture *fixture, const char *command, guint n)
{
    g_autoptr(GString) text = g_string_new("{'execute':'first'}");

    for (guint i = 0; i < n; i++)
        g_string_append(text, command);
    say(fixture, text->str);
    say(fixture, "{'exec-oob':'last'}");
    QmpServerCommand *first = await_command(fixture);
    succeed(fixture, await_command(fixture));
    say(fixture, command);
    settle();
    say(fixture, "{'exec-oob':'last'}");
    settle();
    g_assert_cmpuint(fixture->commands.length, ==, 0);
    succeed(fixture, first);
    for (guint i = 0; i < n + 2; i++) {
        QmpServerCommand *next = await_command(fixture);
        succeed(fixture, next);
    }
}

static void
test_commands_that_wait(Fixture *fixture, gconstpointer unused)
{
    say(fixture, NEGOTIATE);
    assert_most_waiting(fixture, "{'execute':'b'}", 63);
}

static void
test_bytes_that_wait(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *blanks = g_strnfill(3000, ' ');
    g_autofree char *command = g_strdup_printf("{'execute':'b'%s}", blanks);

    say(fixture, NEGOTIATE);
    assert_most_waiting(fixture, command, 21);
}

/* Commands out of band do not wait, and are no way round that. */
static void
test_oob_under_way(Fixture *fixture, gconstpointer unused)
{
    say(fixture, NEGOTIATE);
    for (guint i = 0; i < 20; i++)
        say(fixture, "{'exec-oob':'a'}");
    settle();
    g_assert_cmpuint(fixture->commands.length, ==, 17);
    succeed(fixture, await_command(fixture));
    settle();
    g_assert_cmpuint(fixture->commands.length, ==, 17);
    for (guint i = 0; i < 19; i++)
        succeed(fixture, await_command(fixture));
}

/* A client that floods: others have their turn of the main loop. */
static void
test_messages_a_turn(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GString) text = g_string_new(NEGOTIATE);

    for (guint i = 0; i < 1000; i++)
        g_string_append(text, "{'execute':'a'}");
    fixture->answers = TRUE;
    say(fixture, text->str);
    for (guint before = 0; fixture->n_answered < 1000; before = fixture->n_answered) {
        g_main_context_iteration(NULL, TRUE);
        g_assert_cmpuint(fixture->n_answered - before, <=, 64);
    }
}

static void
test_answered_from_inside(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GString) text = g_string_new(NEGOTIATE);

    fixture->answers = TRUE;
    for (guint i = 0; i < 500; i++)
        g_string_append(text, "{'execute':'a'}");
    g_string_append(text, "{'execute':'a','id':'last'}");
    say(fixture, text->str);
    expect(fixture, "{\"id\": \"last\", \"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}\r\n");
}

/* Byte by byte, and a line that never ends is given up. */
static void
test_pieces(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *large = g_strnfill(5000, 'x');

    for (const char *c = NEGOTIATE "{'execute':\"a\\u0041\"}"; *c; c++) {
        char piece[] = { *c, '\0' };
        say(fixture, piece);
        g_main_context_iteration(NULL, FALSE);
    }
    QmpServerCommand *command = await_command(fixture);
    g_assert_cmpstr(command->name, ==, "aA");
    succeed(fixture, command);
    say(fixture, "{'execute':'");
    say(fixture, large);
    say(fixture, "\n");
    expect(fixture, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON token size limit exceeded\"}}\r\n");
    say(fixture, "{'execute':'b'}");
    g_assert_cmpstr(await_command(fixture)->name, ==, "b");
}

static void
test_events_before_negotiation(Fixture *fixture, gconstpointer unused)
{
    QmpEvent event = { .name = "X", .data = { "{\"n\": 1}", 8 }, .timestamp = 5000007 };

    qmp_server_event(fixture->server, &event);
    say(fixture, NEGOTIATE);
    expect(fixture, GREETING "{\"return\": {}}\r\n");
    qmp_server_event(fixture->server, &event);
    expect(fixture,
           "{\"timestamp\": {\"seconds\": 5, \"microseconds\": 7}, \"event\": \"X\", \"data\": {\"n\": 1}}\r\n");
}

static void
await_end(Fixture *fixture)
{
    while (!fixture->error)
        g_main_context_iteration(NULL, TRUE);
    g_assert_null(fixture->server);
}

static void
test_a_client_that_goes(Fixture *fixture, gconstpointer unused)
{
    say(fixture, NEGOTIATE "{'execute':'a'}{'execute':'b'}{'exec");
    await_command(fixture);
    close(fixture->client);
    fixture->client = -1;
    await_end(fixture);
    g_assert_error(fixture->error, QMP_ERROR, QMP_ERROR_DISCONNECTED);
}

static void
test_half_closed(Fixture *fixture, gconstpointer unused)
{
    say(fixture, NEGOTIATE "{'execute':'a'}");
    QmpServerCommand *command = await_command(fixture);
    shutdown(fixture->client, SHUT_WR);
    for (guint i = 0; i < 10; i++)
        g_main_context_iteration(NULL, FALSE);
    succeed(fixture, command);
    await_end(fixture);
    expect(fixture, "{\"return\": {\"a\": 1}}\r\n");
}

static void
test_a_client_that_does_not_read(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *data = g_strnfill(10000, ' ');
    QmpEvent event = { .name = "X", .data = { data, 10000 } };

    say(fixture, NEGOTIATE);
    expect(fixture, "{\"return\": {}}\r\n");
    while (!fixture->error) {
        qmp_server_event(fixture->server, &event);
        g_main_context_iteration(NULL, FALSE);
    }
    g_assert_error(fixture->error, QMP_ERROR, QMP_ERROR_LIMIT);
}

static guint
count_fds(void)
{
    guint n = 0;

    for (int fd = 0; fd < 256; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static void
send_fd(Fixture *fixture, char *text, int fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = { .header = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
    struct iovec part = { text, strlen(text) };
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
    };

    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    g_assert_cmpint(sendmsg(fixture->client, &message, 0), ==, (gssize)strlen(text));
}

/* Those that nobody takes are closed, whenever it ends. */
static void
test_descriptors(Fixture *fixture, gconstpointer unused)
{
    guint before = count_fds();
    char blank[] = " ", getfd[] = "{'execute':'getfd'}";

    say(fixture, NEGOTIATE);
    expect(fixture, "{\"return\": {}}\r\n");
    send_fd(fixture, blank, 1);
    send_fd(fixture, blank, 1);
    send_fd(fixture, getfd, 1);
    say(fixture, "{'execute':'getfd'}");
    QmpServerCommand *command = await_command(fixture);
    g_assert_cmpint(command->fd, >=, 0);
    succeed(fixture, command);
    command = await_command(fixture);
    g_assert_cmpint(command->fd, ==, -1);
    succeed(fixture, command);
    g_assert_cmpuint(count_fds(), ==, before);
    send_fd(fixture, blank, 1);
    send_fd(fixture, getfd, 1);
    await_command(fixture);
    g_clear_pointer(&fixture->server, qmp_server_free);
    /* The server's end, and the set that polls for it, have gone with the server. */
    g_assert_cmpuint(count_fds(), ==, before - 2);
}

/* A reply that is nested deep does not become a hundred times as large, and means what it did. */
static void
test_pretty_has_an_end(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GString) text = g_string_new(NULL), pretty = g_string_new(NULL);
    g_autoptr(GString) expected = g_string_new(NULL), compact = g_string_new(NULL);

    for (guint i = 0; i < 1000; i++)
        g_string_append_c(text, '[');
    for (guint i = 0; i < 100000; i++)
        g_string_append(text, "1,");
    g_string_append_c(text, '1');
    for (guint i = 0; i < 1000; i++)
        g_string_append_c(text, ']');
    json_print_text(pretty, text->str, JSON_PRINT_QEMU_PRETTY);
    g_assert_cmpuint(pretty->len, <, 5u * 1024 * 1024);
    json_print_text(expected, text->str, JSON_PRINT_QEMU);
    json_print_text(compact, pretty->str, JSON_PRINT_QEMU);
    g_assert_true(g_string_equal(compact, expected));
}

/* A client that asked for lines: a reply of a megabyte has none, else everybody waits while they are made. */
static void
test_pretty(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *text = g_strnfill(1024 * 1024, 'x');
    g_autofree char *large = g_strdup_printf("{\"a\": \"%s\"}", text);
    g_autofree char *line = g_strdup_printf("\r\n{\"return\": %s}\r\n", large);

    qmp_server_free(fixture->server);
    close(fixture->client);
    connect_client(fixture, /* is_pretty= */ TRUE);
    say(fixture, "{'execute':'qmp_capabilities'}{'execute':'a'}{'execute':'b'}");
    succeed(fixture, await_command(fixture));
    expect(fixture, "\r\n{\r\n    \"return\": {\r\n        \"a\": 1\r\n    }\r\n}\r\n");
    qmp_server_return(fixture->server, await_command(fixture), &(QmpReply){ .value = { large, strlen(large) } });
    expect(fixture, line + strlen("\r\n"));
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*test)(Fixture *fixture, gconstpointer unused);
    } tests[] = {
        { "in-order", test_in_order },
        { "negotiation", test_negotiation },
        { "oob-that-was-not-agreed", test_oob_that_was_not_agreed },
        { "commands-that-wait", test_commands_that_wait },
        { "bytes-that-wait", test_bytes_that_wait },
        { "oob-under-way", test_oob_under_way },
        { "messages-a-turn", test_messages_a_turn },
        { "answered-from-inside", test_answered_from_inside },
        { "pieces", test_pieces },
        { "events-before-negotiation", test_events_before_negotiation },
        { "a-client-that-goes", test_a_client_that_goes },
        { "half-closed", test_half_closed },
        { "a-client-that-does-not-read", test_a_client_that_does_not_read },
        { "descriptors", test_descriptors },
        { "pretty-has-an-end", test_pretty_has_an_end },
        { "pretty", test_pretty },
    };

    g_test_init(&argc, &argv, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(tests); i++) {
        g_autofree char *path = g_strconcat("/qmp-server/", tests[i].name, NULL);
        g_test_add(path, Fixture, NULL, set_up, tests[i].test, tear_down);
    }
    return g_test_run();
}
