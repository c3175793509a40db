/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The path of a command inside the session, from top to bottom:
 *
 *   on_client_bytes()  the client's bytes become messages (qmp-reader.c)
 *   take_message()     the message, or a complaint about text that is no JSON, gets in line, or overtakes it
 *   dispatch_next()    the next in line begins, when the last is answered
 *   start_request()    the request is checked (qmp-request.c), and answered at once, or given to the user
 *   finish_request()   the client has the answer (qmp-line.c): the next begins
 *
 * Used by native-session.c; owns the socket, the line, and the descriptors that came last. */
#include "qmp-server.h"

#include <string.h>
#include <unistd.h>

#include "json-print.h"
#include "qmp-line.h"
#include "qmp-reader.h"
#include "qmp-request.h"
#include "qmp-socket.h"

#define END_OF_LINE "\r\n"
#define GENERIC "GenericError"
#define NOT_FOUND "CommandNotFound"

/* While so much waits nothing more is read. QEMU has room for 8 commands; a password takes its time. */
#define MAX_WAITING 64
#define MAX_WAITING_BYTES 65536
#define MAX_OOB 16

/* So that a client that floods takes no more than its turn. */
#define MESSAGES_A_TURN 64

#define MAX_FDS 16

/* Bytes of a reply that gets lines; a larger one would hold up the main loop. A schema has 248 kB. */
#define MAX_PRETTY (1024u * 1024)

typedef struct Request {
    QmpServerCommand command; /* first */
    JsonNode *message; /* owned; NULL: a complaint */
    char *complaint; /* owned */
    QmpRequest parts; /* owned */
    char *id; /* owned; its JSON text; NULL: none */
    GList link; /* in server->waiting, or server->under_way */
} Request;

struct QmpServer {
    QmpSocket *socket; /* owned; NULL once it has closed */
    QmpReader reader;
    const QmpServerFuncs *funcs; /* weak */
    gpointer user_data;
    gboolean is_pretty, offers_oob;
    gboolean is_negotiated, is_oob;
    GQueue waiting; /* of Request, owned, by their links */
    gsize waiting_bytes;
    GQueue under_way; /* of Request, owned, by their links; one in band */
    Request *in_band; /* weak; the one */
    gboolean is_dispatching, is_stopped, has_ended;
    guint messages; /* in this turn */
    int fds[MAX_FDS]; /* owned; that came last */
    guint n_fds;
};

static void
close_fds(QmpServer *server, guint from)
{
    for (guint i = from; i < server->n_fds; i++)
        close(server->fds[i]);
    server->n_fds = 0;
}

static void
request_free(Request *request)
{
    g_clear_pointer(&request->message, json_node_unref);
    qmp_request_clear(&request->parts);
    /* The user's, if they have taken it. */
    if (request->command.fd >= 0)
        close(request->command.fd);
    g_free(request->complaint);
    g_free(request->id);
    g_free(request);
}

static gboolean
is_full(QmpServer *server)
{
    return server->waiting.length >= MAX_WAITING || server->waiting_bytes > MAX_WAITING_BYTES ||
           server->under_way.length > MAX_OOB;
}

/* Takes @line, which is what QEMU would send, in one line. */
static void
send_line(QmpServer *server, GString *line)
{
    g_autoptr(GString) text = line;

    if (server->is_pretty && line->len <= MAX_PRETTY) {
        text = g_string_new(NULL);
        json_print_text(text, line->str, JSON_PRINT_QEMU_PRETTY);
        g_string_free(line, TRUE);
    }
    g_string_append(text, END_OF_LINE);
    if (server->socket)
        qmp_socket_send(server->socket, text->str, text->len);
}

static void
send_return(QmpServer *server, Request *request, const QmpText *value, gboolean is_rewritten)
{
    send_line(server, qmp_line_new_return(request->id, value, is_rewritten));
}

static void
send_error(QmpServer *server, Request *request, const char *error_class, const char *text)
{
    send_line(server, qmp_line_new_error(request->id, error_class, text));
}

/* qmp_capabilities */
static void
negotiate_capabilities(QmpServer *server, Request *request)
{
    gboolean is_oob = FALSE;
    g_autofree char *complaint = qmp_request_read_capabilities(request->parts.arguments, server->offers_oob, &is_oob);

    if (complaint) {
        send_error(server, request, GENERIC, complaint);
        return;
    }
    server->is_negotiated = TRUE;
    server->is_oob = is_oob;
    send_return(server, request, &(QmpText){ "{}", 2 }, /* is_rewritten= */ FALSE);
}

/* Whether it has been answered, without anybody's help. */
static gboolean
answer_itself(QmpServer *server, Request *request)
{
    gboolean negotiates;

    if (!request->complaint)
        request->complaint = qmp_request_read(request->message, server->is_oob, &request->parts);
    if (request->complaint) {
        send_error(server, request, GENERIC, request->complaint);
        return TRUE;
    }
    negotiates = g_str_equal(request->parts.name, "qmp_capabilities");
    if (negotiates && server->is_negotiated)
        send_error(server, request, NOT_FOUND, "Capabilities negotiation is already complete, command ignored");
    else if (negotiates)
        negotiate_capabilities(server, request);
    else if (!server->is_negotiated)
        send_error(server, request, NOT_FOUND, "Expecting capabilities negotiation with 'qmp_capabilities'");
    return negotiates || !server->is_negotiated;
}

/* Takes @request. */
static void
start_request(QmpServer *server, Request *request)
{
    if (answer_itself(server, request)) {
        request_free(request);
        return;
    }
    request->command.name = request->parts.name;
    request->command.arguments = request->parts.arguments;
    request->command.is_oob = request->parts.is_oob;
    if (!request->command.is_oob)
        server->in_band = request;
    g_queue_push_tail_link(&server->under_way, &request->link);
    server->funcs->on_command(&request->command, server->user_data);
}

/* Whoever has closed their end and waits for no answer needs no session. */
static void
finish_if_done(QmpServer *server)
{
    if (server->has_ended && server->socket && server->waiting.length == 0 && server->under_way.length == 0)
        qmp_socket_finish(server->socket);
}

static void
dispatch_next(QmpServer *server)
{
    if (server->is_dispatching)
        return;
    server->is_dispatching = TRUE;
    while (!server->in_band && !server->is_stopped && server->waiting.length > 0) {
        Request *request = server->waiting.head->data;
        g_queue_unlink(&server->waiting, &request->link);
        server->waiting_bytes -= request->command.size;
        start_request(server, request);
    }
    server->is_dispatching = FALSE;
    if (server->socket)
        qmp_socket_set_paused(server->socket, is_full(server));
    finish_if_done(server);
}

/* As in QEMU, it is the first of those that came last, and with or before the command. */
static void
take_fd(QmpServer *server, Request *request)
{
    g_autofree char *name = qmp_request_dup_string(request->message, "execute");

    if (server->n_fds == 0 || !name || (!g_str_equal(name, "getfd") && !g_str_equal(name, "add-fd")))
        return;
    request->command.fd = server->fds[0];
    close_fds(server, 1);
}

/* A QmpReaderFunc. */
static void
take_message(JsonNode *value, const char *complaint, gsize size, gpointer user_data)
{
    QmpServer *server = user_data;
    Request *request = g_new0(Request, 1);

    request->command.fd = -1;
    request->message = value;
    request->complaint = g_strdup(complaint);
    request->command.size = size;
    request->link.data = request;
    if (value) {
        request->id = qmp_request_dup_id(value);
        take_fd(server, request);
    }
    server->messages++;
    if (server->is_oob && value && qmp_request_is_oob(value) && !server->is_stopped) {
        start_request(server, request);
        return;
    }
    g_queue_push_tail_link(&server->waiting, &request->link);
    server->waiting_bytes += size;
    dispatch_next(server);
}

static gsize
on_client_bytes(const char *text, gsize length, const int *fds, guint n_fds, gpointer user_data)
{
    QmpServer *server = user_data;
    gsize used = 0;

    if (n_fds > 0) {
        close_fds(server, 0);
        server->n_fds = MIN(n_fds, MAX_FDS);
        memcpy(server->fds, fds, server->n_fds * sizeof *fds);
    }
    server->messages = 0;
    while (used < length && server->messages < MESSAGES_A_TURN && !is_full(server))
        used += qmp_reader_feed(&server->reader, text + used, length - used);
    qmp_socket_set_paused(server->socket, is_full(server));
    return used;
}

static void
on_client_end(gpointer user_data)
{
    QmpServer *server = user_data;

    server->has_ended = TRUE;
    finish_if_done(server);
}

static void
free_requests(GQueue *requests)
{
    while (requests->head) {
        Request *request = requests->head->data;
        g_queue_unlink(requests, &request->link);
        request_free(request);
    }
}

static void
drop_requests(QmpServer *server)
{
    free_requests(&server->waiting);
    free_requests(&server->under_way);
    server->in_band = NULL;
}

static void
on_server_socket_closed(const GError *error, gpointer user_data)
{
    QmpServer *server = user_data;

    g_clear_pointer(&server->socket, qmp_socket_free);
    server->is_stopped = TRUE;
    server->funcs->on_closed(error, server->user_data);
}

/* The command has been answered. */
static void
finish_request(QmpServer *server, Request *request)
{
    if (server->in_band == request)
        server->in_band = NULL;
    g_queue_unlink(&server->under_way, &request->link);
    request_free(request);
    dispatch_next(server);
}

void
qmp_server_return(QmpServer *server, QmpServerCommand *command, const QmpReply *reply)
{
    Request *request = (Request *)command;

    send_return(server, request, &reply->value, reply->is_rewritten);
    finish_request(server, request);
}

void
qmp_server_fail(QmpServer *server, QmpServerCommand *command, const char *error_class, const char *text)
{
    Request *request = (Request *)command;

    send_error(server, request, error_class, text);
    finish_request(server, request);
}

void
qmp_server_event(QmpServer *server, const QmpEvent *event)
{
    if (server->is_negotiated && server->socket)
        send_line(server, qmp_line_new_event(event));
}

QmpServer *
qmp_server_new(GMainContext *context, int fd, const QmpGreeting *greeting, gboolean is_pretty,
               const QmpServerLimits *limits, const QmpServerFuncs *funcs, gpointer user_data)
{
    static const QmpSocketFuncs socket_funcs = { on_client_bytes, on_client_end, on_server_socket_closed };
    QmpServer *server = g_new0(QmpServer, 1);

    server->funcs = funcs;
    server->user_data = user_data;
    server->is_pretty = is_pretty;
    server->offers_oob = greeting->oob;
    qmp_reader_init(&server->reader, limits->max_command, take_message, server);
    server->socket = qmp_socket_new(context, fd, limits->max_outgoing, &socket_funcs, server);
    send_line(server, qmp_line_new_greeting(greeting));
    return server;
}

void
qmp_server_stop(QmpServer *server)
{
    server->is_stopped = TRUE;
}

void
qmp_server_free(QmpServer *server)
{
    g_clear_pointer(&server->socket, qmp_socket_free);
    drop_requests(server);
    close_fds(server, 0);
    qmp_reader_clear(&server->reader);
    g_free(server);
}
