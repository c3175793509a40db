/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QEMU that says anything to a client with commands under way. Input: a byte of flags, one that chooses the size of the pieces, what
 * QEMU says.
 * - A session that is negotiated is ready.
 * - A command is answered once, or cancelled, and never from inside the call that sends it.
 * - A reply is to a command that has been sent to QEMU whole, and each command that has a descriptor comes with it.
 * - The session ends once; every command is answered by then, and nothing comes afterwards.
 * - A reply is a document that is right, and so are an event's data. */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "json-tree.h"
#include "qmp-client.h"

#define GREETING                                                                                                      \
    "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":3,\"minor\":1,\"major\":11},\"package\":\"\"},\"capabilities\":["     \
    "\"oob\"]}}"
#define FLAG_GREETED 1
#define FLAG_NEGOTIATED 2
#define FLAG_PIECES 4
#define FLAG_CANCELS 8
#define FLAG_FREED_FROM_INSIDE 16
#define FLAG_RESUMED 32 /* another client's session goes on, in the middle of a message */
#define FLAG_PAUSES 64
#define FLAG_FD 128 /* a descriptor goes with one of the commands */
#define N_COMMANDS 4 /* at a time */
#define MAX_COMMANDS 24 /* each that is answered is followed by another */

typedef struct Call {
    struct Session *session; /* ref */
    guint id;
    guint n; /* of those sent, this one included */
    gboolean is_under_way, is_sending;
} Call;

typedef struct Session {
    GMainContext *context; /* owned */
    QmpClient *client; /* owned; NULL: it has ended */
    int qemu; /* owned */
    guint flags;
    gboolean is_ready, is_closed;
    Call calls[N_COMMANDS];
    guint n_sent;
    GString *said; /* owned; by the client */
    guint n_fds; /* that came */
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
hear(Session *session)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(16 * sizeof(int))];
    } control;
    char bytes[4096];
    struct iovec data = { bytes, sizeof bytes };
    struct msghdr message;
    gssize n;

    do {
        message = (struct msghdr){
            .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
        };
        n = session->qemu < 0 ? 0 : recvmsg(session->qemu, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        g_string_append_len(session->said, bytes, MAX(n, 0));
        if (n > 0 && message.msg_controllen > 0) {
            int fd;
            memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
            close(fd);
            session->n_fds++;
        }
    } while (n > 0);
}

static guint
count_said(Session *session, const char *text)
{
    guint n = 0;

    for (const char *at = session->said->str; (at = strstr(at, text)); at++)
        n++;
    return n;
}

static void on_reply(const QmpReply *reply, const GError *error, gpointer user_data);

static void
send_command(Session *session, guint i)
{
    Call *call = &session->calls[i];
    QmpCommand command = { .name = i == 3 ? "quit" : "query-status", .flags = i == 2 ? QMP_EXECUTE_OOB : 0, .fd = -1 };

    if (i == 1 && session->flags & FLAG_FD) {
        command = (QmpCommand){ .name = "getfd", .arguments = "{\"fdname\":\"a\"}", .flags = QMP_EXECUTE_FD };
        command.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    *call = (Call){ .session = session, .is_under_way = TRUE, .is_sending = TRUE };
    call->n = ++session->n_sent;
    call->id = qmp_client_execute(session->client, &command, on_reply, call);
    call->is_sending = FALSE;
}

static void
on_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Call *call = user_data;

    g_assert_true(call->is_under_way && !call->is_sending && !call->session->is_closed);
    call->is_under_way = FALSE;
    if (error)
        return;
    hear(call->session);
    /* And the negotiation before them. Each goes out whole, as the socket has room for all. */
    if (count_said(call->session, "{\"exec") <= call->n)
        fuzz_fail("the command %u is answered, of which QEMU has got nothing: %s", call->n, call->session->said->str);
    if (reply->error_class)
        g_assert_true(g_utf8_validate(reply->error_class, -1, NULL) && g_utf8_validate(reply->error_text, -1, NULL));
    else
        check_json(&reply->value);
    if (call->session->flags & FLAG_FREED_FROM_INSIDE)
        g_clear_pointer(&call->session->client, qmp_client_free);
    else if (qmp_client_is_ready(call->session->client) && call->session->n_sent < MAX_COMMANDS)
        send_command(call->session, (guint)(call - call->session->calls));
}

static void
on_ready(QmpClient *client, gpointer user_data)
{
    Session *session = user_data;

    g_assert_false(session->is_ready);
    session->is_ready = TRUE;
    for (guint i = 0; i < N_COMMANDS; i++)
        send_command(session, i);
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
    gboolean has_run;

    do {
        has_run = g_main_context_iteration(session->context, FALSE);
        hear(session);
    } while (has_run);
}

static void
say(Session *session, const void *data, gsize length, gsize piece)
{
    for (gsize at = 0; at < length && session->client; at += piece) {
        gboolean is_paused = session->flags & FLAG_PAUSES && at % 2 == 0;
        if (is_paused)
            qmp_client_pause(session->client);
        send(session->qemu, (const char *)data + at, MIN(piece, length - at), MSG_NOSIGNAL);
        settle(session);
        if (is_paused && session->client)
            qmp_client_resume(session->client);
        settle(session);
    }
}

static void
say_text(Session *session, const char *text)
{
    say(session, text, strlen(text), 4096);
}

/* QEMU answers qmp_capabilities, by the id that it came with. */
static void
negotiate(Session *session)
{
    g_autofree char *answer = NULL;
    const char *id;

    if (session->flags & FLAG_RESUMED)
        say_text(session, "n\":1}}\r\n{\"error\":{\"class\":\"GenericError\",\"desc\":\"JSON parse error\"}}\r\n");
    else
        say_text(session, GREETING);
    if (!(session->flags & FLAG_NEGOTIATED) || !session->client)
        return;
    id = strstr(session->said->str, "\"id\":");
    g_assert_nonnull(id);
    answer = g_strdup_printf(session->flags & FLAG_RESUMED
                                 ? "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"\"},\"id\":%.*s}"
                                 : "{\"return\":{},\"id\":%.*s}",
                             (int)strspn(id + 5, "0123456789"), id + 5);
    say_text(session, answer);
    g_assert_true(session->is_ready);
}

static void
begin(Session *session, guint flags)
{
    static const QmpClientFuncs funcs = { .on_ready = on_ready, .on_event = on_event, .on_closed = on_closed };
    QmpClientLimits limits = { .max_reply = 2048, .max_event = 512, .timeout = G_MAXUINT64 };
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    session->flags = flags;
    session->qemu = pair[1];
    session->said = g_string_new(NULL);
    session->context = g_main_context_new();
    if (flags & FLAG_RESUMED)
        limits.session = GREETING;
    session->client = qmp_client_new(session->context, pair[0], &limits, &funcs, session);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Session session = { 0 };

    if (size < 2)
        return 0;
    begin(&session, data[0]);
    if (data[0] & FLAG_GREETED)
        negotiate(&session);
    say(&session, data + 2, size - 2, data[0] & FLAG_PIECES ? data[1] % 32 + 1 : 4096);
    if (count_said(&session, "\"getfd\"") != session.n_fds)
        fuzz_fail("%u descriptors: %s", session.n_fds, session.said->str);
    /* A process that looks at our descriptors can hold the socket open for a moment after its close. */
    shutdown(session.qemu, SHUT_RDWR);
    close(session.qemu);
    session.qemu = -1;
    while (g_main_context_iteration(session.context, FALSE))
        ;
    g_assert_null(session.client);
    for (guint i = 0; i < N_COMMANDS; i++)
        g_assert_false(session.calls[i].is_under_way);
    g_main_context_unref(session.context);
    g_string_free(session.said, TRUE);
    return 0;
}
