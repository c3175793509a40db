/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fair turns of several callers on one session. Used where callers share a monitor; owns the lines and the tickets,
 * not the client.
 *
 * A line with something that waits is in `turns`; who has had a turn goes to its end. A ticket is in one of two
 * places: in the `waiting` of its line, or in the `under_way` of the queue until QEMU answers, cancelled or not: QEMU
 * cannot be told to forget a command, so a cancelled one still takes its room. */
#include "qmp-queue.h"

#include <string.h>
#include <unistd.h>

/* With 8 in-band commands queued QEMU stops reading, and out-of-band ones wait as well. */
#define MAX_UNDER_WAY 7

#define DEFAULT_MAX_COMMANDS 4096
#define DEFAULT_MAX_BYTES (16 * 1024 * 1024)

/* Of one caller, waiting or under way: descriptors are few, and all callers' come out of the same ones. */
#define MAX_FDS 16

typedef struct Line {
    char *caller; /* owned; the key in the queue's table */
    GQueue waiting; /* QmpTicket, owned, by their links */
    gsize bytes; /* of those that wait */
    guint under_way;
    guint fds; /* of all its commands */
    GList turn; /* in the queue's turns, while something waits */
} Line;

struct QmpTicket {
    QmpQueue *queue; /* weak; NULL: the queue is gone */
    Line *line; /* weak; it stays as long as it has a ticket */
    char *command; /* owned; NULL once it is sent */
    char *arguments; /* owned; may be NULL */
    QmpExecuteFlags flags;
    int fd; /* owned; -1: none, or sent */
    gboolean waits; /* in the line; else under way */
    gboolean in_band; /* counts against MAX_UNDER_WAY */
    QmpReplyFunc func; /* NULL: cancelled */
    gpointer user_data;
    GList link; /* in line->waiting or queue->under_way */
};

struct QmpQueue {
    QmpClient *client; /* weak; NULL: not yet */
    QmpQueueLimits limits;
    gboolean closing;
    GHashTable *lines; /* owned: caller -> Line */
    GQueue turns; /* Line, weak, by their links */
    GQueue under_way; /* QmpTicket, owned, by their links */
    guint in_band; /* of under_way */
    gboolean fd_under_way; /* one of them has a descriptor */
    QmpQueueIdleFunc on_idle; /* NULL: nobody asks */
    gpointer user_data;
};

static void on_command_answered(const QmpReply *reply, const GError *error, gpointer user_data);

static void
free_command_line(gpointer data)
{
    Line *line = data;
    g_free(line->caller);
    g_free(line);
}

static Line *
line_get(QmpQueue *queue, const char *caller)
{
    Line *line = g_hash_table_lookup(queue->lines, caller);
    if (line)
        return line;
    line = g_new0(Line, 1);
    line->caller = g_strdup(caller);
    line->turn.data = line;
    g_hash_table_insert(queue->lines, line->caller, line);
    return line;
}

static void
line_drop_if_empty(QmpQueue *queue, Line *line)
{
    if (line->waiting.length == 0 && line->under_way == 0)
        g_hash_table_remove(queue->lines, line->caller);
    if (queue->on_idle && !qmp_queue_is_busy(queue))
        queue->on_idle(queue->user_data);
}

static void
free_command_ticket(QmpTicket *ticket)
{
    if (ticket->fd >= 0)
        close(ticket->fd);
    g_free(ticket->command);
    g_free(ticket->arguments);
    g_free(ticket);
}

static gsize
ticket_size(const QmpTicket *ticket)
{
    return strlen(ticket->command) + (ticket->arguments ? strlen(ticket->arguments) : 0);
}

static void
ticket_wait(QmpTicket *ticket)
{
    Line *line = ticket->line;
    if (line->waiting.length == 0)
        g_queue_push_tail_link(&ticket->queue->turns, &line->turn);
    ticket->waits = TRUE;
    line->bytes += ticket_size(ticket);
    line->fds += (ticket->flags & QMP_EXECUTE_FD) != 0;
    g_queue_push_tail_link(&line->waiting, &ticket->link);
}

static void
ticket_unwait(QmpTicket *ticket)
{
    Line *line = ticket->line;
    ticket->waits = FALSE;
    line->bytes -= ticket_size(ticket);
    line->fds -= (ticket->flags & QMP_EXECUTE_FD) != 0;
    g_queue_unlink(&line->waiting, &ticket->link);
    if (line->waiting.length == 0)
        g_queue_unlink(&ticket->queue->turns, &line->turn);
}

static void
send_ticket_command(QmpTicket *ticket, const QmpCommand *command)
{
    QmpQueue *queue = ticket->queue;
    gboolean has_fd = (ticket->flags & QMP_EXECUTE_FD) != 0;
    ticket->fd = -1;
    ticket->line->under_way++;
    ticket->line->fds += has_fd;
    queue->in_band += ticket->in_band ? 1 : 0;
    queue->fd_under_way |= has_fd;
    g_queue_push_tail_link(&queue->under_way, &ticket->link);
    qmp_client_execute(queue->client, command, on_command_answered, ticket);
}

static void
ticket_send(QmpTicket *ticket)
{
    QmpCommand command = {
        .name = ticket->command,
        .arguments = ticket->arguments,
        .flags = ticket->flags,
        .fd = ticket->fd,
    };
    send_ticket_command(ticket, &command);
    g_clear_pointer(&ticket->command, g_free);
    g_clear_pointer(&ticket->arguments, g_free);
}

/* Whose turn it is. Those whose next command has a descriptor keep their place while another's is under way. */
static Line *
next_line(QmpQueue *queue)
{
    if (queue->in_band >= MAX_UNDER_WAY || !queue->client || !qmp_client_is_ready(queue->client))
        return NULL;
    for (GList *turn = queue->turns.head; turn; turn = turn->next) {
        Line *line = turn->data;
        QmpTicket *ticket = line->waiting.head->data;
        if (!queue->fd_under_way || !(ticket->flags & QMP_EXECUTE_FD))
            return line;
    }
    return NULL;
}

/* A turn each, as long as there is room. */
static void
take_turns(QmpQueue *queue)
{
    Line *line;
    while ((line = next_line(queue))) {
        QmpTicket *ticket = line->waiting.head->data;
        ticket_unwait(ticket);
        if (line->waiting.length > 0) {
            g_queue_unlink(&queue->turns, &line->turn);
            g_queue_push_tail_link(&queue->turns, &line->turn);
        }
        ticket_send(ticket);
    }
}

/* The next commands go out before the callback is told: QEMU need not wait for it, and it may free the queue. */
static void
on_command_answered(const QmpReply *reply, const GError *error, gpointer user_data)
{
    QmpTicket *ticket = user_data;
    QmpQueue *queue = ticket->queue;
    if (queue) {
        g_queue_unlink(&queue->under_way, &ticket->link);
        queue->in_band -= ticket->in_band ? 1 : 0;
        queue->fd_under_way &= !(ticket->flags & QMP_EXECUTE_FD);
        ticket->line->under_way--;
        ticket->line->fds -= (ticket->flags & QMP_EXECUTE_FD) != 0;
        line_drop_if_empty(queue, ticket->line);
        take_turns(queue);
    }
    if (ticket->func)
        ticket->func(reply, error, ticket->user_data);
    free_command_ticket(ticket);
}

QmpQueue *
qmp_queue_new(QmpClient *client, const QmpQueueLimits *limits)
{
    QmpQueue *queue = g_new0(QmpQueue, 1);
    queue->client = client;
    queue->limits.max_commands = limits->max_commands ? limits->max_commands : DEFAULT_MAX_COMMANDS;
    queue->limits.max_bytes = limits->max_bytes ? limits->max_bytes : DEFAULT_MAX_BYTES;
    queue->lines = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_command_line);
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

static void
hand_over_line(QmpQueue *queue, Line *line, QmpQueue *other)
{
    while (line->waiting.length > 0) {
        QmpTicket *ticket = line->waiting.head->data;
        ticket_unwait(ticket);
        ticket->queue = other;
        ticket->line = line_get(other, line->caller);
        ticket_wait(ticket);
    }
    line_drop_if_empty(queue, line);
}

void
qmp_queue_hand_over(QmpQueue *queue, QmpQueue *other)
{
    while (queue->turns.length > 0)
        hand_over_line(queue, queue->turns.head->data, other);
    take_turns(other);
}

void
qmp_queue_fail_waiting(QmpQueue *queue, const GError *error)
{
    while (queue->turns.length > 0) {
        Line *line = queue->turns.head->data;
        QmpTicket *ticket = line->waiting.head->data;
        ticket_unwait(ticket);
        line_drop_if_empty(queue, line);
        ticket->queue = NULL;
        ticket->func(NULL, error, ticket->user_data);
        free_command_ticket(ticket);
    }
}

void
qmp_queue_free(QmpQueue *queue)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "the session has ended");
    queue->closing = TRUE;
    queue->on_idle = NULL;
    for (GList *link = queue->under_way.head; link; link = link->next)
        ((QmpTicket *)link->data)->queue = NULL;
    qmp_queue_fail_waiting(queue, error);
    g_hash_table_unref(queue->lines);
    g_free(queue);
}

/* Whether a command may be sent at once: nobody waits whose turn would be before. */
static gboolean
has_turn_now(QmpQueue *queue, const QmpTicket *ticket)
{
    if (!queue->client || !ticket->in_band)
        return queue->client != NULL;
    return queue->turns.length == 0 && queue->in_band < MAX_UNDER_WAY &&
           !(queue->fd_under_way && ticket->flags & QMP_EXECUTE_FD);
}

static gboolean
check_queued(QmpQueue *queue, Line *line, gsize size, gboolean has_fd, GError **error)
{
    if (has_fd && line->fds >= MAX_FDS) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT, "%d descriptors of this caller wait already", MAX_FDS);
        return FALSE;
    }
    if (line->waiting.length + line->under_way >= queue->limits.max_commands) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT, "%u commands of this caller wait already",
                    queue->limits.max_commands);
        return FALSE;
    }
    if (size > queue->limits.max_bytes - line->bytes) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT, "more than %zu bytes of this caller's commands would wait",
                    queue->limits.max_bytes);
        return FALSE;
    }
    return TRUE;
}

static QmpTicket *
new_command_ticket(QmpQueue *queue, Line *line, const QmpCommand *command)
{
    QmpTicket *ticket = g_new0(QmpTicket, 1);
    ticket->queue = queue;
    ticket->line = line;
    ticket->flags = command->flags;
    ticket->fd = -1;
    if (command->flags & QMP_EXECUTE_FD) {
        ticket->fd = command->fd;
        ticket->flags &= ~QMP_EXECUTE_OOB; /* one at a time, which only the line sees to */
    }
    ticket->in_band = (ticket->flags & QMP_EXECUTE_OOB) == 0 || !queue->client || !qmp_client_has_oob(queue->client);
    ticket->link.data = ticket;
    return ticket;
}

/* Makes a line for @caller if there is none. NULL: there is no room in it. */
static Line *
get_line_with_room(QmpQueue *queue, const char *caller, const QmpCommand *command, GError **error)
{
    if (queue->closing || (queue->client && !qmp_client_is_ready(queue->client))) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_DISCONNECTED, "the session has ended");
        return NULL;
    }
    Line *line = line_get(queue, caller);
    gsize size = strlen(command->name) + (command->arguments ? strlen(command->arguments) : 0);
    if (check_queued(queue, line, size, (command->flags & QMP_EXECUTE_FD) != 0, error))
        return line;
    line_drop_if_empty(queue, line);
    return NULL;
}

QmpTicket *
qmp_queue_submit(QmpQueue *queue, const char *caller, const QmpCommand *command, QmpReplyFunc func, gpointer user_data,
                 GError **error)
{
    Line *line = get_line_with_room(queue, caller, command, error);
    if (!line) {
        if (command->flags & QMP_EXECUTE_FD)
            close(command->fd);
        return NULL;
    }
    QmpTicket *ticket = new_command_ticket(queue, line, command);
    ticket->func = func;
    ticket->user_data = user_data;
    if (has_turn_now(queue, ticket)) {
        QmpCommand now = {
            .name = command->name, .arguments = command->arguments, .flags = ticket->flags, .fd = ticket->fd
        };
        send_ticket_command(ticket, &now);
        return ticket;
    }
    ticket->command = g_strdup(command->name);
    ticket->arguments = g_strdup(command->arguments);
    ticket_wait(ticket);
    take_turns(queue);
    return ticket;
}

void
qmp_ticket_cancel(QmpTicket *ticket)
{
    ticket->func = NULL;
    if (!ticket->waits)
        return;
    Line *line = ticket->line;
    ticket_unwait(ticket);
    line_drop_if_empty(ticket->queue, line);
    free_command_ticket(ticket);
}

gboolean
qmp_ticket_is_waiting(QmpTicket *ticket)
{
    return ticket->waits;
}

void
qmp_queue_drop(QmpQueue *queue, const char *caller)
{
    Line *line = g_hash_table_lookup(queue->lines, caller);
    if (!line)
        return;
    for (GList *link = queue->under_way.head; link; link = link->next) {
        QmpTicket *ticket = link->data;
        if (ticket->line == line)
            ticket->func = NULL;
    }
    guint waiting = line->waiting.length;
    for (guint i = 0; i < waiting; i++)
        qmp_ticket_cancel(g_queue_peek_head(&line->waiting));
}

guint
qmp_queue_get_pending(QmpQueue *queue, const char *caller)
{
    Line *line = g_hash_table_lookup(queue->lines, caller);
    return line ? line->waiting.length + line->under_way : 0;
}

gboolean
qmp_queue_is_busy(QmpQueue *queue)
{
    return g_hash_table_size(queue->lines) > 0;
}
