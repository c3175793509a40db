/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* When is a control monitor gone that is still connected? QEMU 11.1 lets anybody who may delete objects delete a monitor: its
 * connection stays, and nobody reads from it any more. From outside this looks like a QEMU that is held up by one long
 * command, stopped by SIGSTOP, or looked at in a debugger, none of which is a reason to let go of it. So:
 *
 *   - The agent looks only while a command is under way: the agent's own, or a caller's on whatever monitor. A
 *     monitor that has not been heard for some seconds by then is asked something.
 *   - The control monitor is silent when nothing at all has been heard of it for an interval, and QEMU has read none of the
 *     bytes that were sent to it. (Time in which the agent itself does not read, for back-pressure, does not count.)
 *   - Silence alone proves nothing. QEMU serves its monitors in turns, one command each. So another monitor is asked, in band:
 *     when that has answered, and the control monitor has not been heard for an interval more, it is gone: on_lost().
 *     A QEMU that is stopped, or held up by a command, answers on no monitor.
 *   - Without such a witness nobody can tell a monitor that is gone from a QEMU that is stopped. The QEMU is kept, and
 *     asked out of band as well: a QEMU that is held up by a command answers. Where no answer comes for a minute either, the
 *     callers that wait are told: on_stuck(). */
#include "control-watch.h"

#include <sys/socket.h>

#include "timer.h"

/* us. A QEMU that works answers in some 20 ms, and on a loaded machine in some 100. */
#define INTERVAL_DEFAULT ((guint64)3 * G_TIME_SPAN_SECOND)

/* Intervals of silence on all monitors after which the callers that wait are told: a minute. Migrations and snapshots stop a QEMU for
 * seconds. */
#define STUCK_INTERVALS 20

/* Intervals after which a monitor that was heard of last is asked whether it is there. */
#define LOOK_INTERVALS 3

/* With 8 queued, out-of-band commands wait as well. */
#define MAX_IN_FLIGHT 7

/* A question of the watch's own. */
typedef struct WatchQuestion {
    QmpClient *client; /* weak; asked, and has not answered; NULL: none */
    guint id;
} WatchQuestion;

struct ControlWatch {
    GMainContext *context; /* ref */
    QmpClient *client; /* weak */
    QmpEnding *ending; /* ref */
    guint64 interval; /* us */
    ControlWatchFuncs funcs;
    gpointer user_data;
    GPtrArray *witnesses; /* owned, of QmpClient, weak */
    GSource *timer; /* owned; while a command is under way */
    gint64 since; /* monotonic us; silent since then, as far as is known */
    gsize unread; /* bytes that were sent and not read by then, or at the last interval */
    guint intervals; /* of silence, one after the other */
    WatchQuestion oob, witness, own;
    gboolean is_stuck; /* as on_stuck was told last */
    gint64 witnessed_at; /* monotonic us; when a witness has answered in this silence; 0: none has */
};

static gboolean on_interval(gpointer user_data);

static void
arm(ControlWatch *watch)
{
    timer_stop(&watch->timer);
    watch->timer = timer_start(watch->context, watch->interval, on_interval, watch);
}

static void
ask_question(WatchQuestion *question, QmpClient *client, const QmpCommand *command, QmpReplyFunc func,
             ControlWatch *watch)
{
    question->client = client;
    question->id = qmp_client_execute(client, command, func, watch);
}

static void
cancel_question(WatchQuestion *question)
{
    if (question->client)
        qmp_client_cancel(g_steal_pointer(&question->client), question->id);
}

static void
end_silence(ControlWatch *watch)
{
    watch->since = g_get_monotonic_time();
    watch->unread = qmp_client_get_unread_size(watch->client);
    watch->intervals = 0;
    watch->witnessed_at = 0;
    cancel_question(&watch->witness);
}

static void
on_oob_answer(const QmpReply *reply, const GError *error, gpointer user_data)
{
    ControlWatch *watch = user_data;

    watch->oob.client = NULL;
    if (!reply || !watch->is_stuck)
        return;
    watch->is_stuck = FALSE;
    watch->funcs.on_stuck(/* error= */ NULL, watch->user_data);
}

static void
on_own_answer(const QmpReply *reply, const GError *error, gpointer user_data)
{
    ((ControlWatch *)user_data)->own.client = NULL;
}

static void
on_witness_answer(const QmpReply *reply, const GError *error, gpointer user_data)
{
    ControlWatch *watch = user_data;

    watch->witness.client = NULL;
    if (reply)
        watch->witnessed_at = g_get_monotonic_time();
}

static void
ask_witness(ControlWatch *watch)
{
    const QmpCommand question = { .name = "query-name" };

    if (qmp_ending_is_under_way(watch->ending))
        return;
    for (guint i = 0; i < watch->witnesses->len && !watch->witness.client && !watch->witnessed_at; i++) {
        QmpClient *witness = g_ptr_array_index(watch->witnesses, i);
        if (qmp_client_is_ready(witness) && qmp_client_get_in_flight(witness) < MAX_IN_FLIGHT)
            ask_question(&watch->witness, witness, &question, on_witness_answer, watch);
    }
}

/* Every QEMU from 6.0 on answers this one out of band; another says that it does not know it, which will do. */
static void
ask_out_of_band(ControlWatch *watch)
{
    const QmpCommand question = { .name = "query-yank", .flags = QMP_EXECUTE_OOB };

    if (!watch->oob.client && qmp_client_has_oob(watch->client))
        ask_question(&watch->oob, watch->client, &question, on_oob_answer, watch);
}

/* A QEMU that ends is sent nothing in band. */
static void
ask_control(ControlWatch *watch)
{
    const QmpCommand question = { .name = "query-name" };

    if (qmp_ending_is_under_way(watch->ending))
        ask_out_of_band(watch);
    else
        ask_question(&watch->own, watch->client, &question, on_own_answer, watch);
}

/* Whether a command is under way, on whatever monitor, or waits while QEMU ends. */
static gboolean
is_anybody_waiting(ControlWatch *watch)
{
    gboolean is_under_way = qmp_client_get_in_flight(watch->client) > 0 || qmp_ending_is_under_way(watch->ending);

    for (guint i = 0; i < watch->witnesses->len && !is_under_way; i++)
        is_under_way = qmp_client_get_in_flight(g_ptr_array_index(watch->witnesses, i)) > 0;
    return is_under_way;
}

/* QEMU keeps the connection of a monitor that was removed, and what it has not read of it, until it ends. If a monitor was being plugged,
 * that has the connection itself in it (plug-guard.c), and closing our end would not end it. */
static void
tell_lost(ControlWatch *watch)
{
    g_autoptr(GError) error = g_error_new(
        QMP_ERROR, QMP_ERROR_TIMED_OUT,
        "the agent's monitor has said nothing for %.3g s while another monitor of this QEMU answered: it was "
        "removed",
        (double)(g_get_monotonic_time() - watch->since) / G_TIME_SPAN_SECOND);

    shutdown(qmp_client_get_fd(watch->client), SHUT_RDWR);
    watch->funcs.on_lost(error, watch->user_data);
}

static void
tell_stuck(ControlWatch *watch)
{
    g_autoptr(GError) error = g_error_new(
        QMP_ERROR, QMP_ERROR_TIMED_OUT,
        "QEMU has not answered for %.3g s, in band or out of band: it is stopped, or the agent's monitor was "
        "removed, which RemoveVM and AddVM would mend; what it was sent it may do yet",
        (double)(g_get_monotonic_time() - watch->since) / G_TIME_SPAN_SECOND);

    watch->intervals = 0;
    watch->is_stuck = TRUE;
    watch->funcs.on_stuck(error, watch->user_data);
}

/* QEMU reads 400 kB/s at best: one that is still reading has not fallen silent. */
static gboolean
has_moved(ControlWatch *watch)
{
    return qmp_client_get_heard_at(watch->client) > watch->since ||
           qmp_client_get_unread_size(watch->client) < watch->unread;
}

static gboolean
on_interval(gpointer user_data)
{
    ControlWatch *watch = user_data;
    gint64 now = g_get_monotonic_time();

    timer_stop(&watch->timer);
    if (has_moved(watch))
        end_silence(watch);
    else
        watch->intervals++;
    watch->unread = qmp_client_get_unread_size(watch->client);
    if (!qmp_client_is_ready(watch->client) || !is_anybody_waiting(watch))
        return G_SOURCE_REMOVE;
    if (watch->witnessed_at && now - watch->witnessed_at >= (gint64)watch->interval) {
        tell_lost(watch);
        return G_SOURCE_REMOVE;
    }
    arm(watch);
    if (watch->intervals == 0)
        return G_SOURCE_REMOVE;
    if (qmp_client_get_in_flight(watch->client) == 0)
        ask_control(watch);
    ask_witness(watch);
    ask_out_of_band(watch);
    if (watch->intervals >= STUCK_INTERVALS && qmp_client_has_oob(watch->client))
        tell_stuck(watch);
    return G_SOURCE_REMOVE;
}

void
control_watch_look(ControlWatch *watch)
{
    gint64 silence;

    if (watch->timer || !qmp_client_is_ready(watch->client))
        return;
    silence = g_get_monotonic_time() - qmp_client_get_heard_at(watch->client);
    if (qmp_client_get_in_flight(watch->client) == 0 && silence > (gint64)watch->interval * LOOK_INTERVALS)
        ask_control(watch);
    if (!is_anybody_waiting(watch))
        return;
    end_silence(watch);
    arm(watch);
}

void
control_watch_add_witness(ControlWatch *watch, QmpClient *client)
{
    g_ptr_array_add(watch->witnesses, client);
}

void
control_watch_remove_witness(ControlWatch *watch, QmpClient *client)
{
    g_ptr_array_remove_fast(watch->witnesses, client);
}

ControlWatch *
control_watch_new(GMainContext *context, QmpClient *client, QmpEnding *ending, guint64 interval,
                  const ControlWatchFuncs *funcs, gpointer user_data)
{
    ControlWatch *watch = g_new0(ControlWatch, 1);

    watch->context = g_main_context_ref(context);
    watch->client = client;
    watch->ending = qmp_ending_ref(ending);
    watch->interval = interval ? interval : INTERVAL_DEFAULT;
    watch->funcs = *funcs;
    watch->user_data = user_data;
    watch->witnesses = g_ptr_array_new();
    return watch;
}

void
control_watch_free(ControlWatch *watch)
{
    timer_stop(&watch->timer);
    cancel_question(&watch->oob);
    cancel_question(&watch->witness);
    cancel_question(&watch->own);
    g_ptr_array_unref(watch->witnesses);
    qmp_ending_unref(watch->ending);
    g_main_context_unref(watch->context);
    g_free(watch);
}
