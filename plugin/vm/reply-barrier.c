/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reply-barrier.h"

struct ReplyBarrier {
    QmpQueue *queue; /* weak */
    guint64 shut_for, open_for; /* numbers of questions */
    guint holds;
    GQueue held; /* of ReplyTicket, by their own links, in the order of their questions */
    gboolean freed;
};

struct ReplyTicket {
    ReplyBarrier *barrier; /* weak */
    QmpTicket *ticket; /* weak; until the reply has come */
    QmpReplyFunc func;
    gpointer user_data;
    gboolean oob; /* its reply is never held: it is for a QEMU that answers nothing else */
    guint64 question; /* what a held reply waits for */
    QmpReply reply; /* owned; of a held one */
    GList link; /* in barrier->held, once the reply has come */
};

static char *
copy_text(const char *text, gsize length)
{
    return text ? g_strndup(text, length) : NULL;
}

static void
free_ticket(ReplyTicket *ticket)
{
    g_free((char *)ticket->reply.value.text);
    g_free((char *)ticket->reply.error_class);
    g_free((char *)ticket->reply.error_text);
    g_free(ticket);
}

static void
hold(ReplyTicket *ticket, const QmpReply *reply)
{
    ticket->ticket = NULL;
    ticket->question = ticket->barrier->shut_for;
    ticket->reply.value.text = copy_text(reply->value.text, reply->value.length);
    ticket->reply.value.length = reply->value.length;
    ticket->reply.error_class = g_strdup(reply->error_class);
    ticket->reply.error_text = g_strdup(reply->error_text);
    g_queue_push_tail_link(&ticket->barrier->held, &ticket->link);
}

static gboolean
is_shut(ReplyBarrier *barrier)
{
    return barrier->shut_for > barrier->open_for || barrier->holds > 0;
}

static void
give_reply(ReplyTicket *ticket)
{
    g_queue_unlink(&ticket->barrier->held, &ticket->link);
    ticket->func(&ticket->reply, NULL, ticket->user_data);
    free_ticket(ticket);
}

/* The session ends: what came before that is told before it. */
static void
tell_all_held(ReplyBarrier *barrier)
{
    while (barrier->held.head)
        give_reply(barrier->held.head->data);
}

static void
on_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    ReplyTicket *ticket = user_data;

    if (reply && !ticket->oob && is_shut(ticket->barrier)) {
        hold(ticket, reply);
        return;
    }
    if (error)
        tell_all_held(ticket->barrier);
    ticket->func(reply, error, ticket->user_data);
    free_ticket(ticket);
}

ReplyTicket *
reply_barrier_submit(ReplyBarrier *barrier, const char *caller, const QmpCommand *command, QmpReplyFunc func,
                     gpointer user_data, GError **error)
{
    ReplyTicket *ticket = g_new0(ReplyTicket, 1);

    ticket->barrier = barrier;
    ticket->func = func;
    ticket->user_data = user_data;
    ticket->oob = (command->flags & QMP_EXECUTE_OOB) != 0;
    ticket->link.data = ticket;
    ticket->ticket = qmp_queue_submit(barrier->queue, caller, command, on_reply, ticket, error);
    if (!ticket->ticket)
        g_clear_pointer(&ticket, g_free);
    return ticket;
}

void
reply_ticket_cancel(ReplyTicket *ticket)
{
    if (ticket->ticket)
        qmp_ticket_cancel(ticket->ticket);
    else
        g_queue_unlink(&ticket->barrier->held, &ticket->link);
    free_ticket(ticket);
}

gboolean
reply_ticket_is_waiting(ReplyTicket *ticket)
{
    return ticket->ticket && qmp_ticket_is_waiting(ticket->ticket);
}

void
reply_barrier_set_queue(ReplyBarrier *barrier, QmpQueue *queue)
{
    barrier->queue = queue;
}

void
reply_barrier_shut(ReplyBarrier *barrier, guint64 question)
{
    barrier->shut_for = question;
}

void
reply_barrier_delay(ReplyBarrier *barrier, guint64 question)
{
    barrier->shut_for = question;
    for (GList *i = barrier->held.head; i; i = i->next)
        ((ReplyTicket *)i->data)->question = question;
}

static void
tell_held(ReplyBarrier *barrier)
{
    g_rc_box_acquire(barrier);
    while (!barrier->freed && barrier->holds == 0 && barrier->held.head) {
        ReplyTicket *ticket = barrier->held.head->data;
        if (ticket->question > barrier->open_for)
            break;
        give_reply(ticket);
    }
    g_rc_box_release(barrier);
}

void
reply_barrier_open(ReplyBarrier *barrier, guint64 question)
{
    barrier->open_for = question;
    tell_held(barrier);
}

void
reply_barrier_hold(ReplyBarrier *barrier)
{
    barrier->holds++;
}

void
reply_barrier_release(ReplyBarrier *barrier)
{
    barrier->holds--;
    tell_held(barrier);
}

ReplyBarrier *
reply_barrier_new(QmpQueue *queue)
{
    ReplyBarrier *barrier = g_rc_box_new0(ReplyBarrier);

    barrier->queue = queue;
    return barrier;
}

void
reply_barrier_free(ReplyBarrier *barrier)
{
    barrier->holds = 0;
    reply_barrier_open(barrier, G_MAXUINT64);
    barrier->freed = TRUE;
    g_rc_box_release(barrier);
}
