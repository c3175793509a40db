/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A native session whose client says anything, with a server behind it that answers: at once, later or never, in any order, with
 * events in between. Input: a byte of flags, one that begins the row of the server's choices, what the client says.
 * - One command is under way in band at a time.
 * - The client hears JSON alone, a greeting first, and exactly one answer of each command that was answered.
 * - The session ends once, and nothing comes afterwards. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "json-framer.h"
#include "qmp-error.h"
#include "qmp-server.h"

#define FLAG_PRETTY 1
#define FLAG_OOB 2
#define FLAG_PIECES 4
#define FLAG_NEGOTIATED 8
#define MAX_OUTGOING 4096

typedef struct Session {
    GMainContext *context; /* owned */
    QmpServer *server; /* owned; NULL: it has ended */
    int client; /* owned */
    GQueue commands; /* of QmpServerCommand, weak: not answered */
    guint n_in_band; /* of them */
    guint n_answered, n_heard; /* by the client: answers that hold the server's number */
    guint n_documents;
    guint32 choices;
    gboolean is_closed;
    JsonFramer framer; /* of what the client hears */
} Session;

static guint
choose(Session *session, guint n)
{
    session->choices = session->choices * 1103515245u + 12345u;
    return (session->choices >> 16) % n;
}

static void
answer(Session *session, QmpServerCommand *command)
{
    g_autofree char *number = g_strdup_printf("{\"answer\":%u}", session->n_answered++);
    gboolean is_oob = command->is_oob;

    session->n_in_band -= !is_oob;
    if (choose(session, 2))
        qmp_server_fail(session->server, command, "GenericError", number);
    else
        qmp_server_return(session->server, command,
                          &(QmpReply){ .value = { number, strlen(number) }, .is_rewritten = choose(session, 2) });
}

static void
on_command(QmpServerCommand *command, gpointer user_data)
{
    Session *session = user_data;

    g_assert_false(session->is_closed);
    g_assert_true(command->is_oob || session->n_in_band == 0);
    g_assert_true(g_utf8_validate(command->name, -1, NULL) || strstr(command->name, "\xc0\x80"));
    session->n_in_band += !command->is_oob;
    if (choose(session, 3) == 0)
        answer(session, command);
    else
        g_queue_push_tail(&session->commands, command);
}

static void
on_closed(const GError *error, gpointer user_data)
{
    Session *session = user_data;

    g_assert_false(session->is_closed);
    g_assert_nonnull(error);
    session->is_closed = TRUE;
    g_queue_clear(&session->commands);
    g_clear_pointer(&session->server, qmp_server_free);
}

static void
hear_document(Session *session)
{
    g_autofree char *text = g_strndup(session->framer.text, session->framer.scan.offset);

    if (session->framer.scan.error)
        fuzz_fail("%s: %s", text, session->framer.scan.error);
    g_assert_true(session->n_documents > 0 || strstr(text, "\"QMP\": {"));
    session->n_documents++;
    /* As a value, or in the text of an error. A client can say it too: only in an id. */
    session->n_heard += strstr(text, "{\"answer\": ") || strstr(text, "{\\\"answer\\\":") || strstr(text, "\"answer\": ");
}

static void
hear(Session *session)
{
    char bytes[4096];
    gssize n;

    while ((n = recv(session->client, bytes, sizeof bytes - 1, MSG_DONTWAIT)) > 0)
        for (gsize used = 0, more; used < (gsize)n; used += more) {
            JsonFramerResult result = json_framer_feed(&session->framer, bytes + used, n - used, &more);
            g_assert_true(result == JSON_FRAMER_MORE || result == JSON_FRAMER_DOCUMENT);
            if (result == JSON_FRAMER_DOCUMENT)
                hear_document(session);
        }
}

/* One thing that a server does by itself. */
static void
act(Session *session)
{
    QmpServerCommand *command;

    switch (session->server ? choose(session, 8) : 7) {
    case 0:
    case 1:
    case 2: /* an answer, to any of them */
        command = g_queue_pop_nth(&session->commands, choose(session, MAX(session->commands.length, 1)));
        if (command)
            answer(session, command);
        break;
    case 3:
        qmp_server_event(session->server, &(QmpEvent){ .name = "STOP", .data = { "{\"a\":[1,\"\\u00e9\"]}", 18 }, .timestamp = 5 });
        break;
    default:
        break;
    }
}

static void
settle(Session *session)
{
    do
        hear(session);
    while (g_main_context_iteration(session->context, FALSE));
    hear(session);
}

static void
say(Session *session, const uint8_t *data, gsize length, gsize piece)
{
    for (gsize at = 0; at < length && session->server; at += piece) {
        gsize left = MIN(piece, length - at);
        while (left > 0 && session->server) {
            gssize n = send(session->client, data + at + MIN(piece, length - at) - left, left, MSG_NOSIGNAL | MSG_DONTWAIT);
            left -= n > 0 ? n : 0;
            settle(session);
            act(session);
        }
    }
}

static void
start(Session *session, guint flags)
{
    static const QmpServerFuncs funcs = { on_command, on_closed };
    static const QmpServerLimits limits = { 1024, MAX_OUTGOING };
    char version[] = "{\"qemu\": {\"micro\": 3, \"minor\": 1, \"major\": 11}, \"package\": \"\"}";
    QmpGreeting greeting = { .major = 11, .oob = flags & FLAG_OOB, .version = version };
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    session->client = pair[1];
    session->context = g_main_context_new();
    json_framer_init(&session->framer, JSON_DIALECT_RFC8259, 1 << 20);
    session->server = qmp_server_new(session->context, pair[0], &greeting, flags & FLAG_PRETTY, &limits, &funcs, session);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char negotiate[] = "{'execute':'qmp_capabilities'}";
    static const char negotiate_oob[] = "{'execute':'qmp_capabilities','arguments':{'enable':['oob']}}";
    Session session = { 0 };

    if (size < 2)
        return 0;
    session.choices = data[1];
    start(&session, data[0]);
    if (data[0] & FLAG_NEGOTIATED) {
        const char *text = data[0] & FLAG_OOB ? negotiate_oob : negotiate;
        say(&session, (const uint8_t *)text, strlen(text), 4096);
    }
    say(&session, data + 2, size - 2, data[0] & FLAG_PIECES ? data[1] % 16 + 1 : 4096);
    /* The client says no more, and hears the rest. */
    while (session.server && session.commands.length > 0) {
        answer(&session, g_queue_pop_head(&session.commands));
        settle(&session);
    }
    shutdown(session.client, SHUT_WR);
    settle(&session);
    while (session.server && session.commands.length > 0) {
        answer(&session, g_queue_pop_head(&session.commands));
        settle(&session);
    }
    g_assert_true(session.is_closed || session.server);
    g_assert_cmpuint(session.n_heard, >=, session.is_closed ? 0 : session.n_answered);
    g_clear_pointer(&session.server, qmp_server_free);
    g_queue_clear(&session.commands);
    /* A process that looks at our descriptors can hold the socket open for a moment after its close. */
    shutdown(session.client, SHUT_RDWR);
    close(session.client);
    json_framer_clear(&session.framer);
    g_main_context_unref(session.context);
    return 0;
}
