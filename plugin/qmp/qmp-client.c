/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One QMP session. Used by QmpQueue and by whoever has a session to itself; owns the channel and the commands under
 * way.
 *
 * The path of a message: on_document() -> take_greeting(), take_reply() or take_event() -> the caller's callback. A
 * session is ended by the end of the connection, a cap, the timeout, or a peer that is out of step: one that sends no
 * message, answers a question that was not asked, or not yet, or succeeds without saying which command. A session goes on after an
 * event or a reply that breaks JSON's rules or has the wrong shape (the event is dropped, the reply fails its own
 * command), and after an error without id that no command is there for (QEMU may complain more than once about one
 * text). */
#include "qmp-client.h"

#include <string.h>

#include "qmp-channel.h"
#include "qmp-command.h"
#include "qmp-flight.h"
#include "json-tree.h"
#include "peer-hint.h"
#include "timer.h"

#define DEFAULT_MAX_REPLY (32 * 1024 * 1024)
#define DEFAULT_MAX_EVENT (256 * 1024)
#define DEFAULT_TIMEOUT (10 * G_USEC_PER_SEC)

typedef enum Stage {
    STAGE_GREETING, /* waits for it */
    STAGE_NEGOTIATION, /* qmp_capabilities is under way */
    STAGE_READY,
    STAGE_CLOSED,
} Stage;

struct QmpClient {
    QmpEndingMember ending; /* first: a member is its client; while the negotiation waits */
    guint refs; /* held by the owner and by whoever calls out: callbacks may free the client */
    gboolean freed; /* by its owner: on_closed will not come */
    Stage stage;
    QmpChannel *channel; /* owned; NULL when closed */
    GSource *timeout; /* owned; NULL when ready, closed, or without one */
    const QmpClientFuncs *funcs; /* weak */
    gpointer user_data;
    QmpClientLimits limits;
    QmpGreeting greeting; /* owned; set from STAGE_NEGOTIATION on */
    gboolean greeted;
    gboolean is_resumed; /* the session was another client's */
    gboolean oob;
    QmpFlight flight; /* commands that have not been answered */
    guint64 n_taken; /* bytes of them that the kernel had taken when the session ended */
    guint negotiation_id; /* nobody else's */
    gboolean event_dropped; /* has been logged */
};

static void
client_unref(QmpClient *client)
{
    if (--client->refs > 0)
        return;
    qmp_greeting_clear(&client->greeting);
    qmp_flight_clear(&client->flight);
    g_clear_pointer(&client->limits.ending, qmp_ending_unref);
    g_free(client);
}

static void
stop_session(QmpClient *client)
{
    client->stage = STAGE_CLOSED;
    if (client->channel)
        client->n_taken = qmp_channel_get_n_taken(client->channel);
    g_clear_pointer(&client->channel, qmp_channel_free);
    timer_stop(&client->timeout);
    qmp_ending_leave(&client->ending);
}

/* In the order in which they were sent. A callback may cancel others, or free the client. */
static void
fail_commands(QmpClient *client, const GError *error, gboolean quit_succeeds)
{
    const QmpReply empty = { .value = { "{}", 2 } };
    int id;
    while ((id = qmp_flight_find_oldest(&client->flight, /* in_band_only= */ FALSE)) >= 0) {
        QmpSlot slot = qmp_flight_steal(&client->flight, (guint)id);
        if (slot.quit && quit_succeeds && slot.end <= client->n_taken)
            qmp_slot_complete(&slot, &empty, NULL);
        else
            qmp_slot_complete(&slot, NULL, error);
    }
}

/* Takes @error. The commands that wait are told to have failed, so they are not sent any more. */
static void
client_close(QmpClient *client, GError *error)
{
    if (client->stage == STAGE_CLOSED) {
        g_error_free(error);
        return;
    }
    client->refs++;
    if (client->channel)
        qmp_channel_forget_outgoing(client->channel);
    stop_session(client);
    if (!client->freed && client->funcs->on_closing)
        client->funcs->on_closing(client, client->user_data);
    fail_commands(client, error, error->code == QMP_ERROR_DISCONNECTED);
    if (!client->freed)
        client->funcs->on_closed(client, error, client->user_data);
    g_error_free(error);
    client_unref(client);
}

/* A bare command that is sent while nothing else is under way needs no id: QEMU answers in order, and reading an id takes
 * it 27 us, which is a sixth of what such a command takes. */
static guint
write_to_channel(QmpClient *client, const QmpCommand *command, QmpReplyFunc func, gpointer user_data)
{
    gboolean oob = (command->flags & QMP_EXECUTE_OOB) != 0 && client->oob;
    QmpSlot slot = {
        .func = func,
        .user_data = user_data,
        .oob = oob,
        .begin = qmp_channel_get_n_given(client->channel),
        .quit = g_str_equal(command->name, "quit"),
        .has_id = oob || client->flight.n > 0 || command->arguments || client->stage == STAGE_NEGOTIATION,
    };
    guint id = qmp_flight_add(&client->flight, &slot);
    guint said_id = client->stage == STAGE_NEGOTIATION ? client->negotiation_id : id;
    g_autoptr(GString) text =
        qmp_command_write(command->name, command->arguments, oob, slot.has_id ? (int)said_id : QMP_COMMAND_NO_ID);
    if (command->flags & QMP_EXECUTE_FD)
        qmp_channel_send_with_fd(client->channel, text->str, text->len, command->fd);
    else
        qmp_channel_send(client->channel, text->str, text->len);
    qmp_flight_at(&client->flight, id)->end = slot.begin + text->len;
    return id;
}

static void
on_negotiated(const QmpReply *reply, const GError *error, gpointer user_data)
{
    QmpClient *client = user_data;
    if (client->stage == STAGE_CLOSED)
        return;
    if (error) {
        client_close(client, g_error_copy(error));
        return;
    }
    if (reply->error_class && !g_str_equal(reply->error_class, "CommandNotFound")) {
        client_close(client,
                     g_error_new(QMP_ERROR, QMP_ERROR_PROTOCOL, "the negotiation was refused: %s", reply->error_text));
        return;
    }
    client->stage = STAGE_READY;
    /* `Capabilities negotiation is already complete`: by the command of the client that was connected before, with the
     * capabilities that it wanted (7.2, where that client leaves while the command is under way). Without out-of-band commands all the same is well. */
    client->oob = client->greeting.oob && (client->is_resumed || !reply->error_class);
    timer_stop(&client->timeout);
    client->funcs->on_ready(client, client->user_data);
}

static void
negotiate(QmpEndingMember *member)
{
    QmpClient *client = (QmpClient *)member;
    QmpCommand negotiation = {
        .name = "qmp_capabilities",
        .arguments = client->greeting.oob ? "{\"enable\":[\"oob\"]}" : NULL,
    };
    qmp_ending_leave(member);
    write_to_channel(client, &negotiation, on_negotiated, client);
}

/* QEMU may greet a client twice that connects while QEMU starts (7.2: once in 1,800 starts on a busy machine): its main thread for the
 * connection, and the monitor's I/O thread because there is one already. QEMU reads what the client sends after both. The negotiation
 * is a command as well, which a QEMU that ends is not sent. */
static void
take_greeting(QmpClient *client, QmpMessage *message)
{
    if (client->stage == STAGE_NEGOTIATION && !client->is_resumed && !message->problem)
        return;
    if (message->problem || client->stage != STAGE_GREETING) {
        client_close(client, g_error_new(QMP_ERROR, QMP_ERROR_PROTOCOL, "the peer sent %s",
                                         message->problem ? message->problem : "a second greeting"));
        return;
    }
    client->greeting = message->greeting;
    message->greeting = (QmpGreeting){ 0 };
    client->greeted = TRUE;
    client->stage = STAGE_NEGOTIATION;
    client->negotiation_id = (guint)g_random_int_range(1 << 24, G_MAXINT);
    if (client->limits.ending && qmp_ending_is_under_way(client->limits.ending))
        qmp_ending_join(client->limits.ending, &client->ending, negotiate);
    else
        negotiate(&client->ending);
}

static void
take_reply(QmpClient *client, const QmpMessage *message)
{
    int id = message->id;
    gboolean is_complaint = id == QMP_MESSAGE_NO_ID && !message->problem && message->reply.error_class;
    /* A reply to the client that was connected before: QEMU sends its rest to the client that comes next, before the
     * greeting or after it (7.2 to 11.1; on a busy machine after one reconnection in a hundred). */
    if (client->stage == STAGE_GREETING || (client->stage == STAGE_NEGOTIATION && id != (int)client->negotiation_id))
        return;
    if (client->stage == STAGE_NEGOTIATION)
        id = 0;
    guint64 n_taken = qmp_channel_get_n_taken(client->channel);
    if (id == QMP_MESSAGE_NO_ID) {
        id = qmp_flight_find_without_id(&client->flight, is_complaint, n_taken);
        if (id < 0 && is_complaint)
            return; /* one complaint too many */
    }
    const char *fault = qmp_flight_find_fault(&client->flight, id, is_complaint, n_taken);
    if (fault) {
        client_close(client, g_error_new(QMP_ERROR, QMP_ERROR_PROTOCOL, "the peer sent a reply %s (%s)", fault,
                                         message->problem ? message->problem : "out of step"));
        return;
    }
    QmpSlot slot = qmp_flight_steal(&client->flight, (guint)id);
    if (message->problem) {
        g_autoptr(GError) error =
            g_error_new(QMP_ERROR, QMP_ERROR_PROTOCOL, "QEMU's reply cannot be read: %s", message->problem);
        qmp_slot_complete(&slot, NULL, error);
        return;
    }
    qmp_slot_complete(&slot, &message->reply, NULL);
}

static void
take_event(QmpClient *client, const QmpMessage *message, gsize length)
{
    if (!message->problem && length <= client->limits.max_event) {
        client->funcs->on_event(client, &message->event, client->user_data);
        return;
    }
    /* Once: a peer that does nothing else would fill the log. */
    if (!client->event_dropped)
        g_info("an event of %zu bytes was dropped: %s", length, message->problem ? message->problem : "too long");
    client->event_dropped = TRUE;
}

static void
on_document(const char *text, gsize length, const JsonScan *scan, gpointer user_data)
{
    QmpClient *client = user_data;
    g_auto(QmpMessage) message;
    qmp_message_init(&message, text, scan);
    /* A part of a message is no event: no reply has an object with a member `event` in it. */
    if (qmp_channel_is_in_doubt(client->channel) && message.type != QMP_MESSAGE_EVENT)
        return;
    client->refs++;
    message.reply.bytes = qmp_channel_get_bytes(client->channel);
    switch (message.type) {
    case QMP_MESSAGE_GREETING:
        take_greeting(client, &message);
        break;
    case QMP_MESSAGE_REPLY:
        take_reply(client, &message);
        break;
    case QMP_MESSAGE_EVENT:
        take_event(client, &message, length);
        break;
    case QMP_MESSAGE_UNKNOWN:
        client_close(client, g_error_new(QMP_ERROR, QMP_ERROR_PROTOCOL, "the peer does not speak QMP: it sent %s",
                                         message.problem));
        break;
    }
    client_unref(client);
}

static void
on_channel_closed(const GError *error, const char *said, gpointer user_data)
{
    QmpClient *client = user_data;
    if (error->code == QMP_ERROR_PROTOCOL && client->stage == STAGE_GREETING) {
        g_autofree char *what = peer_hint_describe(said);
        client_close(client, g_error_new_literal(QMP_ERROR, QMP_ERROR_PROTOCOL, what));
        return;
    }
    if (error->code == QMP_ERROR_DISCONNECTED && client->stage == STAGE_GREETING) {
        client_close(client, g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "%s before it sent a QMP greeting",
                                         error->message));
        return;
    }
    client_close(client, g_error_copy(error));
}

static gboolean
on_session_timeout(gpointer user_data)
{
    QmpClient *client = user_data;
    if (client->ending.ending)
        return G_SOURCE_CONTINUE; /* QEMU has not been asked, and has the same time again */
    const char *what = client->stage == STAGE_GREETING
                           ? "no QMP greeting came (QEMU is stopped, or another client has this monitor)"
                           : "QEMU greeted but did not answer qmp_capabilities";
    client_close(client, g_error_new(QMP_ERROR, QMP_ERROR_TIMED_OUT, "%s within %.3g s", what,
                                     (double)client->limits.timeout / G_USEC_PER_SEC));
    return G_SOURCE_REMOVE;
}

static const QmpChannelFuncs channel_funcs = {
    .on_document = on_document,
    .on_closed = on_channel_closed,
};

/* QEMU may be in the middle of a command that the client before did not write to its end, and that client may have read half of a
 * message. A byte that cannot be in JSON makes QEMU's reader begin anew, for which it complains in a line (QMP spec, section 4; 7.2 to 11.1);
 * what is left of the message ends where the next one begins. The negotiation has been done, which QEMU says; commands before it are answered before. */
static void
resume_session(QmpClient *client, const char *session)
{
    g_auto(QmpMessage) message = { 0 };
    JsonScan scan;
    gsize used;

    json_scan_init(&scan, JSON_DIALECT_RFC8259);
    if (json_scan_feed(&scan, session, strlen(session), &used) != JSON_SCAN_DONE)
        return; /* nobody has told of a session: QEMU may greet yet */
    qmp_message_init(&message, session, &scan);
    if (message.type != QMP_MESSAGE_GREETING || message.problem)
        return;
    client->is_resumed = TRUE;
    qmp_channel_skip_message(client->channel);
    qmp_channel_send(client->channel, "\xff", 1);
    take_greeting(client, &message);
}

QmpClient *
qmp_client_new(GMainContext *context, int fd, const QmpClientLimits *limits, const QmpClientFuncs *funcs,
               gpointer user_data)
{
    QmpClient *client = g_new0(QmpClient, 1);
    client->refs = 1;
    client->funcs = funcs;
    client->user_data = user_data;
    client->limits = *limits;
    client->limits.max_reply = limits->max_reply ? limits->max_reply : DEFAULT_MAX_REPLY;
    client->limits.max_event = limits->max_event ? limits->max_event : DEFAULT_MAX_EVENT;
    client->limits.timeout = limits->timeout ? limits->timeout : DEFAULT_TIMEOUT;
    client->limits.ending = limits->ending ? qmp_ending_ref(limits->ending) : NULL;
    qmp_flight_init(&client->flight);
    client->channel = qmp_channel_new(context, fd, client->limits.max_reply, &channel_funcs, client);
    if (client->limits.timeout != G_MAXUINT64)
        client->timeout = timer_start(context, client->limits.timeout, on_session_timeout, client);
    if (limits->session)
        resume_session(client, limits->session);
    return client;
}

void
qmp_client_free(QmpClient *client)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "the session was ended");
    client->freed = TRUE;
    stop_session(client);
    fail_commands(client, error, FALSE);
    client_unref(client);
}

char *
qmp_client_dup_session(QmpClient *client)
{
    return g_strdup_printf("{\"QMP\":{\"version\":%s,\"capabilities\":[%s]}}", client->greeting.version,
                           client->oob ? "\"oob\"" : "");
}

int
qmp_client_get_fd(QmpClient *client)
{
    return client->channel ? qmp_channel_get_fd(client->channel) : -1;
}

const QmpGreeting *
qmp_client_get_greeting(QmpClient *client)
{
    return client->greeted ? &client->greeting : NULL;
}

gboolean
qmp_client_is_ready(QmpClient *client)
{
    return client->stage == STAGE_READY;
}

gboolean
qmp_client_has_oob(QmpClient *client)
{
    return client->oob;
}

guint
qmp_client_execute(QmpClient *client, const QmpCommand *command, QmpReplyFunc func, gpointer user_data)
{
    g_return_val_if_fail(qmp_client_is_ready(client), G_MAXUINT);
    return write_to_channel(client, command, func, user_data);
}

void
qmp_client_cancel(QmpClient *client, guint id)
{
    QmpSlot *slot = qmp_flight_at(&client->flight, id);
    if (slot)
        slot->func = NULL;
}

guint
qmp_client_get_in_flight(QmpClient *client)
{
    return client->flight.n;
}

gint64
qmp_client_get_heard_at(QmpClient *client)
{
    return client->channel ? qmp_channel_get_read_at(client->channel) : 0;
}

gsize
qmp_client_get_outgoing_size(QmpClient *client)
{
    return client->channel ? qmp_channel_get_outgoing_size(client->channel) : 0;
}

gsize
qmp_client_get_unread_size(QmpClient *client)
{
    return client->channel ? qmp_channel_get_unread_size(client->channel) : 0;
}

void
qmp_client_pause(QmpClient *client)
{
    if (client->channel)
        qmp_channel_pause(client->channel);
}

void
qmp_client_resume(QmpClient *client)
{
    if (client->channel)
        qmp_channel_resume(client->channel);
}
