/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QEMU that says anything to a client with commands under way. Input: a byte of flags, one that chooses the size of the pieces, what
 * QEMU says.
 * - A command is answered once, or cancelled, and never from inside the call that sends it.
 * - The session ends once; every command is answered by then, and nothing comes afterwards.
 * - A reply is a document that is right, and so are an event's data. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "json-tree.h"
#include "qmp-client.h"

#define GREETING "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":3,\"minor\":1,\"major\":11},\"package\":\"\"},\"capabilities\":[\"oob\"]}}"
#define FLAG_GREETED 1
#define FLAG_NEGOTIATED 2
#define FLAG_PIECES 4
#define FLAG_CANCELS 8
#define FLAG_FREED_FROM_INSIDE 16
#define N_COMMANDS 4

typedef struct Call {
    struct Session *session; /* ref */
    guint id;
    gboolean is_under_way, is_sending;
} Call;

typedef struct Session {
    GMainContext *context; /* owned */
    QmpClient *client; /* owned; NULL: it has ended */
    int qemu; /* owned */
    guint flags;
    gboolean is_ready, is_closed;
    Call calls[N_COMMANDS];
} Session;

static void
check_json(const QmpText *text)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *copy = g_strndup(text->text, text->length);
    g_autoptr(JsonNode) node = json_tree_parse(copy, text->length, &error);

    /* A member that is there twice is right for the scanner; whoever reads the value refuses it. */
    g_assert_true(node || strstr(error->message, "twice") || strstr(error->message, "U+0000") ||
                  error->code == JSON_TREE_ERROR_LIMIT);
}

static void
on_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Call *call = user_data;

    g_assert_true(call->is_under_way && !call->is_sending && !call->session->is_closed);
    call->is_under_way = FALSE;
    if (error)
        return;
    if (reply->error_class)
        g_assert_true(g_utf8_validate(reply->error_class, -1, NULL) && g_utf8_validate(reply->error_text, -1, NULL));
    else
        check_json(&reply->value);
    if (call->session->flags & FLAG_FREED_FROM_INSIDE)
        g_clear_pointer(&call->session->client, qmp_client_free);
}

static void
on_ready(QmpClient *client, gpointer user_data)
{
    Session *session = user_data;

    g_assert_false(session->is_ready);
    session->is_ready = TRUE;
    for (guint i = 0; i < N_COMMANDS; i++) {
        Call *call = &session->calls[i];
        QmpCommand command = { .name = i == 3 ? "quit" : "query-status", .flags = i == 2 ? QMP_EXECUTE_OOB : 0, .fd = -1 };
        *call = (Call){ .session = session, .is_under_way = TRUE, .is_sending = TRUE };
        call->id = qmp_client_execute(client, &command, on_reply, call);
        call->is_sending = FALSE;
    }
    if (session->flags & FLAG_CANCELS) {
        session->calls[1].is_under_way = FALSE;
        qmp_client_cancel(client, session->calls[1].id);
    }
}

static void
on_event(QmpClient *client, const QmpEvent *event, gpointer user_data)
{
    Session *session = user_data;

    g_assert_false(session->is_closed);
    g_assert_true(g_utf8_validate(event->name, -1, NULL));
    if (event->data.text)
        check_json(&event->data);
    qmp_event_free(qmp_event_copy(event));
}

static void
on_closed(QmpClient *client, const GError *error, gpointer user_data)
{
    Session *session = user_data;

    g_assert_false(session->is_closed);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
    for (guint i = 0; i < N_COMMANDS; i++)
        g_assert_false(session->calls[i].is_under_way);
    session->is_closed = TRUE;
    g_clear_pointer(&session->client, qmp_client_free);
}

static void
settle(Session *session)
{
    char bytes[4096];

    do
        while (recv(session->qemu, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
            ;
    while (g_main_context_iteration(session->context, FALSE));
}

static void
say(Session *session, const void *data, gsize length, gsize piece)
{
    for (gsize at = 0; at < length && session->client; at += piece) {
        send(session->qemu, (const char *)data + at, MIN(piece, length - at), MSG_NOSIGNAL);
        settle(session);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const QmpClientFuncs funcs = { .on_ready = on_ready, .on_event = on_event, .on_closed = on_closed };
    static const QmpClientLimits limits = { .max_reply = 2048, .max_event = 512, .timeout = G_MAXUINT64 };
    Session session = { 0 };
    int pair[2];

    if (size < 2)
        return 0;
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    session.flags = data[0];
    session.qemu = pair[1];
    session.context = g_main_context_new();
    session.client = qmp_client_new(session.context, pair[0], &limits, &funcs, &session);
    if (data[0] & FLAG_GREETED)
        say(&session, GREETING, strlen(GREETING), 4096);
    if (data[0] & FLAG_GREETED && data[0] & FLAG_NEGOTIATED)
        say(&session, "{\"return\":{},\"id\":0}", strlen("{\"return\":{},\"id\":0}"), 4096);
    say(&session, data + 2, size - 2, data[0] & FLAG_PIECES ? data[1] % 32 + 1 : 4096);
    close(session.qemu);
    session.qemu = -1;
    while (g_main_context_iteration(session.context, FALSE))
        ;
    g_assert_null(session.client);
    for (guint i = 0; i < N_COMMANDS; i++)
        g_assert_false(session.calls[i].is_under_way);
    g_main_context_unref(session.context);
    return 0;
}
