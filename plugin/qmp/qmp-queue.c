/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fair turns of several callers on one session. Used for every monitor; owns the lines and the tickets, not the client.
 *
 * The life of a command, from top to bottom:
 *
 *   qmp_queue_submit()     the command is sent at once, or waits in its caller's line
 *   take_turns()           its turn has come: it is sent
 *   on_command_answered()  QEMU has replied, or is gone; the next commands are sent
 *   hold_reply()           the VM's barrier is shut: the reply waits for that (reply-barrier.c)
 *   give_reply()           whoever submitted the command is told
 *
 * A command that is cancelled is forgotten, unless it is under way: QEMU cannot be told to forget a command, so the ticket
 * stays, and takes its room, until QEMU answers. */
#include "qmp-queue.h"

#include <string.h>
#include <unistd.h>

#include "queue-line.h"

/* With 8 in-band commands queued QEMU stops reading, and out-of-band ones wait as well. */
#define MAX_UNDER_WAY 7

typedef enum TicketState {
    TICKET_WAITS, /* in its line */
    TICKET_UNDER_WAY,
    TICKET_HELD, /* the reply has come */
    TICKET_GIVEN, /* the callback is being called */
} TicketState;

struct QmpTicket {
    TicketState state;
    QmpQueue *queue; /* weak; NULL: the queue is gone */
    QueueLine *line; /* weak, until the reply; it stays as long as it has a ticket */
    QmpCommand command; /* while it waits it owns its texts (later NULL) and its descriptor (-1: none) */
    gboolean in_band; /* counts against MAX_UNDER_WAY */
    gboolean takes_fd; /* QEMU gives it the descriptor that came last, whosesoever that is */
    gboolean quits; /* it is `quit` */
    QmpReplyFunc func; /* NULL: cancelled */
    gpointer user_data;
    HeldReply held; /* owned */
    GList link; /* as @state says */
};

struct QmpQueue {
    QmpEndingMember ending; /* first: a member is its queue */
    QmpClient *client; /* weak; NULL: not yet */
    gboolean closing;
    FairQueue lines; /* of QueueLine */
    GQueue under_way; /* QmpTicket, owned, by their links */
    guint in_band; /* of under_way */
    gboolean fd_under_way; /* one of them takes a descriptor */
    ReplyBarrier *barrier; /* ref; may be NULL */
    guint64 shut_for; /* the question that replies of this monitor wait for */
    GQueue held; /* QmpTicket, owned, by their links */
    QmpQueueIdleFunc on_idle; /* NULL: nobody asks */
    gpointer user_data;
};

static void on_command_answered(const QmpReply *reply, const GError *error, gpointer user_data);

static void
clear_queue(gpointer queue)
{
    qmp_ending_leave(&((QmpQueue *)queue)->ending);
    fair_queue_clear(&((QmpQueue *)queue)->lines);
    g_clear_pointer(&((QmpQueue *)queue)->barrier, reply_barrier_unref);
}

static void
drop_line_if_empty(QmpQueue *queue, QueueLine *line)
{
    if (line->line.waiting.length == 0 && line->under_way == 0)
        fair_line_drop(&line->line);
    if (queue->on_idle && !qmp_queue_is_busy(queue))
        queue->on_idle(queue->user_data);
}

static void
free_command_ticket(QmpTicket *ticket)
{
    if (ticket->command.fd >= 0)
        close(ticket->command.fd);
    held_reply_clear(&ticket->held);
    g_free((char *)ticket->command.name);
    g_free((char *)ticket->command.arguments);
    g_free(ticket);
}

static void
wait_in_line(QmpTicket *ticket)
{
    ticket->state = TICKET_WAITS;
    queue_line_push(ticket->line, &ticket->link, &ticket->command);
}

/* The texts of the command need not last any longer. */
static void
send_ticket_command(QmpTicket *ticket)
{
    QmpQueue *queue = ticket->queue;

    ticket->state = TICKET_UNDER_WAY;
    ticket->quits = ticket->in_band && g_str_equal(ticket->command.name, "quit"); /* QEMU refuses it out of band */
    if (ticket->quits)
        qmp_ending_begin_quit(queue->ending.ending);
    ticket->line->under_way++;
    ticket->line->fds += qmp_command_has_fd(&ticket->command);
    queue->in_band += ticket->in_band;
    queue->fd_under_way |= ticket->takes_fd;
    g_queue_push_tail_link(&queue->under_way, &ticket->link);
    qmp_client_execute(queue->client, &ticket->command, on_command_answered, ticket);
    ticket->command = (QmpCommand){ .flags = ticket->command.flags, .fd = -1 };
}

static void
send_waiting_ticket(QmpTicket *ticket)
{
    G_GNUC_UNUSED g_autofree char *name = (char *)ticket->command.name;
    G_GNUC_UNUSED g_autofree char *arguments = (char *)ticket->command.arguments;

    queue_line_remove(ticket->line, &ticket->link, &ticket->command);
    send_ticket_command(ticket);
}

/* A line whose next command takes a descriptor keeps its place while another such is under way. */
static gboolean
may_send_next(gpointer line, gpointer user_data)
{
    QmpQueue *queue = user_data;
    QmpTicket *ticket = ((FairLine *)line)->waiting.head->data;

    return !queue->fd_under_way || !ticket->takes_fd;
}

static gboolean
fits_whole(const QmpQueue *queue, const QmpTicket *ticket)
{
    return queue->in_band + ticket->command.n_followers < MAX_UNDER_WAY;
}

/* The ticket whose turn it is, once there is room for it and its followers: nobody overtakes them, or callers who send much would
 * leave them no room ever. Without followers left, the turn is over. NULL: none. */
static QmpTicket *
take_next_ticket(QmpQueue *queue)
{
    FairLine *line = fair_queue_find_turn(&queue->lines, may_send_next, queue);
    QmpTicket *ticket = line ? line->waiting.head->data : NULL;

    if (!ticket || !fits_whole(queue, ticket))
        return NULL;
    if (ticket->command.n_followers == 0)
        fair_line_end_turn(line);
    return ticket;
}

/* A turn each, as long as there is room. */
static void
take_turns(QmpQueue *queue)
{
    QmpTicket *ticket;

    if (!queue->client || !qmp_client_is_ready(queue->client))
        return;
    while (!qmp_ending_is_under_way(queue->ending.ending) && (ticket = take_next_ticket(queue)))
        send_waiting_ticket(ticket);
}

static void
give_reply(QmpTicket *ticket, const QmpReply *reply, const GError *error)
{
    ticket->state = TICKET_GIVEN;
    if (ticket->func)
        ticket->func(reply, error, ticket->user_data);
    free_command_ticket(ticket);
}

static void
on_held_given(const QmpReply *reply, const GError *error, gpointer user_data)
{
    QmpTicket *ticket = user_data;

    g_queue_unlink(&ticket->queue->held, &ticket->link);
    give_reply(ticket, reply, error);
}

static void
hold_reply(QmpQueue *queue, QmpTicket *ticket, const QmpReply *reply)
{
    ticket->state = TICKET_HELD;
    g_queue_push_tail_link(&queue->held, &ticket->link);
    reply_barrier_keep(queue->barrier, &ticket->held, reply, queue->shut_for, on_held_given, ticket);
}

/* The session ends: the replies that came before that are given before it. A callback may free the queue. */
static void
give_all_held(QmpQueue *queue)
{
    g_rc_box_acquire(queue);
    while (queue->held.head)
        held_reply_give(&((QmpTicket *)queue->held.head->data)->held);
    g_rc_box_release_full(queue, clear_queue);
}

/* The next commands go out before the callback is told: QEMU need not wait for it, and it may free the queue. */
static void
end_flight(QmpQueue *queue, QmpTicket *ticket)
{
    g_queue_unlink(&queue->under_way, &ticket->link);
    queue->in_band -= ticket->in_band;
    queue->fd_under_way &= !ticket->takes_fd;
    ticket->line->under_way--;
    ticket->line->fds -= qmp_command_has_fd(&ticket->command);
    drop_line_if_empty(queue, ticket->line);
    take_turns(queue);
}

static void
go_on_with_turns(QmpEndingMember *member)
{
    if (!((QmpQueue *)member)->closing)
        take_turns((QmpQueue *)member);
}

static gboolean
has_to_hold(QmpQueue *queue, QmpTicket *ticket)
{
    return ticket->func && (ticket->command.flags & QMP_EXECUTE_BEHIND_BARRIER) && queue->barrier &&
           reply_barrier_is_shut(queue->barrier, queue->shut_for);
}

static void
on_command_answered(const QmpReply *reply, const GError *error, gpointer user_data)
{
    QmpTicket *ticket = user_data;
    QmpQueue *queue = ticket->queue;

    ticket->state = TICKET_GIVEN;
    if (queue && ticket->quits)
        qmp_ending_end_quit(queue->ending.ending, reply, qmp_client_is_ready(queue->client));
    if (queue)
        end_flight(queue, ticket);
    if (queue && reply && has_to_hold(queue, ticket)) {
        hold_reply(queue, ticket, reply);
        return;
    }
    if (queue && error)
        give_all_held(queue);
    give_reply(ticket, reply, error);
}

static void
forsake_ticket(QmpTicket *ticket)
{
    if (ticket->quits)
        qmp_ending_end_quit(ticket->queue->ending.ending, /* reply= */ NULL, /* is_connected= */ FALSE);
    ticket->queue = NULL;
}

QmpQueue *
qmp_queue_new(QmpClient *client, QmpEnding *ending, ReplyBarrier *barrier)
{
    QmpQueue *queue = g_rc_box_new0(QmpQueue);

    queue->client = client;
    queue->barrier = barrier ? reply_barrier_ref(barrier) : NULL;
    fair_queue_init(&queue->lines, sizeof(QueueLine));
    qmp_ending_join(ending, &queue->ending, go_on_with_turns);
    return queue;
}

void
qmp_queue_set_client(QmpQueue *queue, QmpClient *client)
{
    queue->client = client;
    take_turns(queue);
}

void
qmp_queue_set_idle_func(QmpQueue *queue, QmpQueueIdleFunc func, gpointer user_data)
{
    queue->on_idle = func;
    queue->user_data = user_data;
}

void
qmp_queue_shut(QmpQueue *queue, guint64 question)
{
    queue->shut_for = question;
}

void
qmp_queue_hand_over(QmpQueue *queue, QmpQueue *other)
{
    QueueLine *line;

    while ((line = fair_queue_take_turn(&queue->lines, NULL, NULL))) {
        QmpTicket *ticket = line->line.waiting.head->data;
        queue_line_remove(ticket->line, &ticket->link, &ticket->command);
        ticket->queue = other;
        ticket->line = fair_queue_get_line(&other->lines, line->line.key);
        wait_in_line(ticket);
        drop_line_if_empty(queue, line);
    }
    take_turns(other);
}

void
qmp_queue_fail_waiting(QmpQueue *queue, const GError *error)
{
    QueueLine *line;

    g_rc_box_acquire(queue);
    while ((line = fair_queue_take_turn(&queue->lines, NULL, NULL))) {
        QmpTicket *ticket = line->line.waiting.head->data;
        queue_line_remove(ticket->line, &ticket->link, &ticket->command);
        drop_line_if_empty(queue, line);
        give_reply(ticket, /* reply= */ NULL, error);
    }
    g_rc_box_release_full(queue, clear_queue);
}

void
qmp_queue_free(QmpQueue *queue)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "the session has ended");

    queue->closing = TRUE;
    queue->on_idle = NULL;
    for (GList *link = queue->under_way.head; link; link = link->next)
        forsake_ticket(link->data);
    give_all_held(queue);
    qmp_queue_fail_waiting(queue, error);
    g_rc_box_release_full(queue, clear_queue);
}

/* Whether a command may be sent at once: nobody waits whose turn would be before. */
static gboolean
has_turn_now(QmpQueue *queue, const QmpTicket *ticket)
{
    gboolean is_next = !qmp_ending_is_under_way(queue->ending.ending) && queue->lines.turns.length == 0 && fits_whole(queue, ticket) &&
                       !(queue->fd_under_way && ticket->takes_fd);

    return queue->client && (!ticket->in_band || is_next);
}

/* Without a descriptor beside it, too: else it would get the one of a command that QEMU has read meanwhile, and not yet begun. */
static gboolean
may_take_fd(const QmpCommand *command)
{
    return qmp_command_has_fd(command) || g_str_equal(command->name, "getfd") || g_str_equal(command->name, "add-fd");
}

static QmpTicket *
new_command_ticket(QmpQueue *queue, QueueLine *line, const QmpCommand *command, QmpReplyFunc func, gpointer user_data)
{
    QmpTicket *ticket = g_new0(QmpTicket, 1);

    ticket->queue = queue;
    ticket->line = line;
    ticket->func = func;
    ticket->user_data = user_data;
    ticket->command = *command;
    if (qmp_command_has_fd(command))
        ticket->command.flags &= ~QMP_EXECUTE_OOB; /* one at a time, which only the line sees to */
    else
        ticket->command.fd = -1;
    ticket->in_band =
        !(ticket->command.flags & QMP_EXECUTE_OOB) || !queue->client || !qmp_client_has_oob(queue->client);
    ticket->takes_fd = ticket->in_band && may_take_fd(command); /* QEMU refuses them out of band */
    ticket->link.data = ticket;
    return ticket;
}

/* Makes a line for @caller if there is none. NULL: there is no room in it. */
static QueueLine *
get_line_with_room(QmpQueue *queue, const char *caller, const QmpCommand *command, GError **error)
{
    QueueLine *line;

    if (queue->closing || (queue->client && !qmp_client_is_ready(queue->client))) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_DISCONNECTED, "the session has ended");
        return NULL;
    }
    line = fair_queue_get_line(&queue->lines, caller);
    if (queue_line_check(line, command, error))
        return line;
    drop_line_if_empty(queue, line);
    return NULL;
}

QmpTicket *
qmp_queue_submit(QmpQueue *queue, const char *caller, const QmpCommand *command, QmpReplyFunc func, gpointer user_data,
                 GError **error)
{
    QueueLine *line = get_line_with_room(queue, caller, command, error);
    QmpTicket *ticket;

    if (!line) {
        if (qmp_command_has_fd(command))
            close(command->fd);
        return NULL;
    }
    ticket = new_command_ticket(queue, line, command, func, user_data);
    if (has_turn_now(queue, ticket)) {
        send_ticket_command(ticket);
        return ticket;
    }
    ticket->command.name = g_strdup(command->name);
    ticket->command.arguments = g_strdup(command->arguments);
    wait_in_line(ticket);
    if (command->n_followers == 0)
        take_turns(queue);
    return ticket;
}

void
qmp_ticket_cancel(QmpTicket *ticket)
{
    QueueLine *line = ticket->line;

    ticket->func = NULL;
    if (ticket->state == TICKET_WAITS) {
        queue_line_remove(ticket->line, &ticket->link, &ticket->command);
        drop_line_if_empty(ticket->queue, line);
    } else if (ticket->state == TICKET_HELD) {
        g_queue_unlink(&ticket->queue->held, &ticket->link);
    } else {
        return;
    }
    free_command_ticket(ticket);
}

gboolean
qmp_ticket_give_held(QmpTicket *ticket)
{
    return held_reply_give(&ticket->held);
}

gboolean
qmp_ticket_is_waiting(QmpTicket *ticket)
{
    return ticket->state == TICKET_WAITS;
}

gboolean
qmp_queue_is_busy(QmpQueue *queue)
{
    return fair_queue_has_lines(&queue->lines);
}
