/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-ending.h"

#include "timer.h"

/* QEMU tells by SHUTDOWN that it ends, or, with `-no-shutdown`, by STOP after it that the guest has stopped. No STOP comes of a guest
 * that did not run (a reset with `-no-reboot` while it is paused), so the wait has an end: later than a QEMU that writes
 * out its disks, and sooner than a caller gives up. */
#define MAX_TIME ((guint64)10 * G_TIME_SPAN_SECOND)

struct QmpEnding {
    GMainContext *context; /* ref */
    guint quits; /* under way, or successful */
    GSource *timer; /* owned; while it is not known whether QEMU ends or stays */
    gboolean has_shut_down; /* meanwhile */
    guint64 shutdown_at, herald_at; /* the time stamps of the last such events */
    GQueue members; /* of QmpEndingMember, weak, by their links */
};

static void
clear_ending(gpointer data)
{
    QmpEnding *ending = data;

    timer_stop(&ending->timer);
    g_main_context_unref(ending->context);
}

QmpEnding *
qmp_ending_new(GMainContext *context)
{
    QmpEnding *ending = g_rc_box_new0(QmpEnding);

    ending->context = g_main_context_ref(context);
    return ending;
}

QmpEnding *
qmp_ending_ref(QmpEnding *ending)
{
    return g_rc_box_acquire(ending);
}

void
qmp_ending_unref(QmpEnding *ending)
{
    g_rc_box_release_full(ending, clear_ending);
}

gboolean
qmp_ending_is_under_way(const QmpEnding *ending)
{
    return ending->quits > 0 || ending->timer;
}

/* A member may leave meanwhile, which is the only change. */
static void
go_on_if_over(QmpEnding *ending)
{
    for (GList *link = ending->members.head, *next; link && !qmp_ending_is_under_way(ending); link = next) {
        QmpEndingMember *member = link->data;
        next = link->next;
        member->go_on(member);
    }
}

static gboolean
on_ending_timeout(gpointer user_data)
{
    QmpEnding *ending = user_data;

    timer_stop(&ending->timer);
    ending->has_shut_down = FALSE;
    go_on_if_over(ending);
    return G_SOURCE_REMOVE;
}

static void
expect_end(QmpEnding *ending)
{
    timer_stop(&ending->timer);
    ending->timer = timer_start(ending->context, MAX_TIME, on_ending_timeout, ending);
}

/* QEMU sends these right before it ends by itself, and SHUTDOWN behind them. */
static gboolean
is_herald(const QmpEvent *event)
{
    return g_str_equal(event->name, "SUSPEND_DISK") ||
           (g_str_equal(event->name, "GUEST_PANICKED") && event->data.text &&
            g_strstr_len(event->data.text, (gssize)event->data.length, "\"poweroff\""));
}

/* Whether no monitor has told of the event yet: QEMU stamps it once for all. */
static gboolean
is_news(const QmpEvent *event, guint64 *last)
{
    if (event->timestamp == *last)
        return FALSE;
    *last = event->timestamp;
    return TRUE;
}

/* A monitor that is read later may tell of a STOP that was before the SHUTDOWN. */
void
qmp_ending_note_event(QmpEnding *ending, const QmpEvent *event)
{
    gboolean is_shutdown = g_str_equal(event->name, "SHUTDOWN");

    if (is_shutdown ? is_news(event, &ending->shutdown_at) : is_herald(event) && is_news(event, &ending->herald_at)) {
        ending->has_shut_down |= is_shutdown;
        expect_end(ending);
    }
    if (g_str_equal(event->name, "STOP") && ending->has_shut_down && event->timestamp >= ending->shutdown_at)
        on_ending_timeout(ending);
}

void
qmp_ending_begin_quit(QmpEnding *ending)
{
    ending->quits++;
}

/* With QEMU's word for it that it ends, nobody waits for anything else. */
void
qmp_ending_end_quit(QmpEnding *ending, const QmpReply *reply, gboolean is_connected)
{
    if (is_connected && reply && !reply->error_class)
        return;
    ending->quits--;
    if (!is_connected)
        expect_end(ending);
    go_on_if_over(ending);
}

void
qmp_ending_join(QmpEnding *ending, QmpEndingMember *member, void (*go_on)(QmpEndingMember *member))
{
    *member = (QmpEndingMember){ .go_on = go_on, .ending = qmp_ending_ref(ending), .link = { .data = member } };
    g_queue_push_tail_link(&ending->members, &member->link);
}

void
qmp_ending_leave(QmpEndingMember *member)
{
    if (!member->ending)
        return;
    g_queue_unlink(&member->ending->members, &member->link);
    g_clear_pointer(&member->ending, qmp_ending_unref);
}
