/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shut and opened by vm/qemu-connection.c, which asks the questions; QmpQueue keeps replies here. Owns no more than the text of
 * the replies. */
#include "reply-barrier.h"

/* What one barrier holds. QEMU answers a question within some ms, and has given a few dozen replies by then, if each monitor has seven
 * commands under way; two of the largest replies have room. A QEMU that answers everything but the question would otherwise
 * have the agent keep all that its callers ask for. */
#define MOST_REPLIES 256
#define MOST_BYTES ((gsize)64 * 1024 * 1024)

struct ReplyBarrier {
    guint64 shut_for, open_for; /* numbers of questions */
    guint holds;
    GQueue held; /* of HeldReply, weak, by their links, by their questions */
    gsize held_bytes; /* of the replies */
};

ReplyBarrier *
reply_barrier_new(void)
{
    return g_rc_box_new0(ReplyBarrier);
}

ReplyBarrier *
reply_barrier_ref(ReplyBarrier *barrier)
{
    return g_rc_box_acquire(barrier);
}

void
reply_barrier_unref(ReplyBarrier *barrier)
{
    g_rc_box_release(barrier);
}

gboolean
reply_barrier_is_shut(ReplyBarrier *barrier, guint64 question)
{
    return MAX(barrier->shut_for, question) > barrier->open_for || barrier->holds > 0;
}

static void
copy_reply(QmpReply *copy, const QmpReply *reply)
{
    *copy = *reply;
    if (reply->bytes)
        g_byte_array_ref(reply->bytes);
    else if (reply->value.text)
        copy->value.text = g_strndup(reply->value.text, reply->value.length);
    copy->error_class = g_strdup(reply->error_class);
    copy->error_text = g_strdup(reply->error_text);
}

static void
clear_reply(QmpReply *reply)
{
    if (reply->bytes)
        g_byte_array_unref(reply->bytes);
    else
        g_free((char *)reply->value.text);
    g_free((char *)reply->error_class);
    g_free((char *)reply->error_text);
    *reply = (QmpReply){ 0 };
}

/* Behind all that wait for the same question or an earlier one: a reply of another monitor may wait for a later one. */
static void
insert_held(ReplyBarrier *barrier, HeldReply *held)
{
    GList *before = barrier->held.tail;

    while (before && ((HeldReply *)before->data)->question > held->question)
        before = before->prev;
    if (before)
        g_queue_insert_after_link(&barrier->held, before, &held->link);
    else
        g_queue_push_head_link(&barrier->held, &held->link);
}

static void
take_out(HeldReply *held)
{
    g_queue_unlink(&held->barrier->held, &held->link);
    held->barrier->held_bytes -= qmp_reply_get_size(&held->reply);
    held->barrier = NULL;
}

gboolean
held_reply_give(HeldReply *held)
{
    QmpReply reply = held->reply;

    if (!held->barrier)
        return FALSE;
    take_out(held);
    held->reply = (QmpReply){ 0 };
    held->func(&reply, /* error= */ NULL, held->user_data);
    clear_reply(&reply);
    return TRUE;
}

/* The oldest first: the order stays. */
static void
give_what_has_no_room(ReplyBarrier *barrier)
{
    g_rc_box_acquire(barrier);
    while (barrier->held.length > MOST_REPLIES || barrier->held_bytes > MOST_BYTES)
        held_reply_give(barrier->held.head->data);
    g_rc_box_release(barrier);
}

void
reply_barrier_keep(ReplyBarrier *barrier, HeldReply *held, const QmpReply *reply, guint64 question, QmpReplyFunc func,
                   gpointer user_data)
{
    *held = (HeldReply){
        .barrier = barrier,
        .question = MAX(barrier->shut_for, question),
        .func = func,
        .user_data = user_data,
    };
    held->link.data = held;
    copy_reply(&held->reply, reply);
    insert_held(barrier, held);
    barrier->held_bytes += qmp_reply_get_size(reply);
    give_what_has_no_room(barrier);
}

void
held_reply_clear(HeldReply *held)
{
    if (held->barrier)
        take_out(held);
    clear_reply(&held->reply);
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
    for (GList *i = barrier->held.head; i; i = i->next) {
        HeldReply *held = i->data;
        held->question = MAX(held->question, question);
    }
}

static void
give_open(ReplyBarrier *barrier)
{
    g_rc_box_acquire(barrier);
    while (barrier->holds == 0 && barrier->held.head) {
        HeldReply *held = barrier->held.head->data;
        if (held->question > barrier->open_for)
            break;
        held_reply_give(held);
    }
    g_rc_box_release(barrier);
}

void
reply_barrier_open(ReplyBarrier *barrier, guint64 question)
{
    /* A question that could not be asked opens from inside, for a later one. */
    barrier->open_for = MAX(barrier->open_for, question);
    give_open(barrier);
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
    give_open(barrier);
}
