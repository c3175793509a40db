/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QEMU from the connected socket on: negotiates, asks for the facts that must be known of it (all at once), then keeps
 * the run state true: QEMU tells by an event that the run state changed, and by query-status to which. */
#include "qemu-connection.h"

#include <string.h>

#include "control-watch.h"
#include "early-events.h"
#include "qemu-facts.h"
#include "qmp-unix-socket.h"
#include "run-state.h"
#include "timer.h"

/* The agent's own line in the queue; callers' lines have unique bus names, which are never empty. */
#define OWN_LINE ""

/* How often a passing run state is asked for, and whether the machine is there. */
#define STATUS_INTERVAL ((guint64)G_TIME_SPAN_SECOND)

struct QemuConnection {
    GMainContext *context; /* ref */
    QemuConnectionFuncs funcs;
    gpointer user_data;
    QmpClient *client; /* owned; NULL once the connection has ended */
    QmpQueue *queue; /* owned; on client */
    QmpEnding *ending; /* ref */
    ReplyBarrier *barrier; /* ref */
    ControlWatch *watch; /* owned; once ready */
    GSource *deadline; /* owned; until up */
    guint unanswered; /* probes */
    gboolean up, freed;
    guint64 status_asked, status_answered; /* how often */
    gboolean status_stale; /* the answer under way will be old */
    GSource *status_timer; /* owned; while the run state is one that ends without an event, or the machine is not there */
    EarlyEvents early_events; /* until up */
    guint32 pid; /* 0: not known */
    gint64 since; /* us since the epoch */
    QemuFacts facts; /* its strings are owned */
    StartedMonitors *started_monitors; /* owned */
};

static void
end_connection(QemuConnection *qemu, const GError *error)
{
    timer_stop(&qemu->deadline);
    timer_stop(&qemu->status_timer);
    qemu->funcs.on_down(qemu, error, qemu->user_data);
}

static void ask_status(QemuConnection *qemu, QmpQueue *queue);

static void
on_target(const QmpReply *reply, const GError *error, gpointer user_data)
{
    QemuConnection *qemu = user_data;

    qemu_facts_read(&qemu->facts, reply);
    if (!qemu_facts_lack_machine(&qemu->facts) && !qemu->freed)
        qemu->funcs.on_changed(qemu, qemu->user_data);
}

/* No event tells of the end of `-preconfig` either, and the run state may be `prelaunch` before and after. */
static gboolean
on_status_timer(gpointer user_data)
{
    QemuConnection *qemu = user_data;

    timer_stop(&qemu->status_timer);
    if (qemu_facts_lack_machine(&qemu->facts))
        qemu_connection_ask(qemu, &(QmpCommand){ .name = "query-target" }, on_target, qemu);
    ask_status(qemu, /* queue= */ NULL);
    return G_SOURCE_REMOVE;
}

static void
watch_status(QemuConnection *qemu)
{
    timer_stop(&qemu->status_timer);
    if ((run_state_is_passing(qemu->facts.status) || qemu_facts_lack_machine(&qemu->facts)) && !qemu->freed)
        qemu->status_timer = timer_start(qemu->context, STATUS_INTERVAL, on_status_timer, qemu);
}

void
qemu_connection_note_status(QemuConnection *qemu, const QmpReply *reply)
{
    gboolean is_new = qemu_facts_read_status(&qemu->facts, reply);

    watch_status(qemu);
    if (is_new)
        qemu->funcs.on_changed(qemu, qemu->user_data);
}

static void
on_status(const QmpReply *reply, const GError *error, gpointer user_data)
{
    QemuConnection *qemu = user_data;
    guint64 question = ++qemu->status_answered;

    g_rc_box_acquire(qemu);
    if (qemu->status_stale && !qemu->freed)
        ask_status(qemu, /* queue= */ NULL);
    qemu_connection_note_status(qemu, reply);
    if (qemu->barrier)
        reply_barrier_open(qemu->barrier, question);
    g_rc_box_release(qemu);
}

/* At most one query-status is under way; an event meanwhile makes its answer old. @queue: whose replies wait for it; NULL: all. */
static void
ask_status(QemuConnection *qemu, QmpQueue *queue)
{
    qemu->status_stale = qemu->status_asked > qemu->status_answered;
    if (queue)
        qmp_queue_shut(queue, qemu->status_asked + 1);
    else
        reply_barrier_shut(qemu->barrier, qemu->status_asked + 1);
    if (qemu->status_stale)
        return;
    qemu->status_asked++;
    if (!qemu_connection_ask(qemu, &(QmpCommand){ .name = "query-status" }, on_status, qemu))
        reply_barrier_open(qemu->barrier, ++qemu->status_answered);
}

static void
go_up(QemuConnection *qemu)
{
    g_autoptr(GPtrArray) events = early_events_steal(&qemu->early_events);

    timer_stop(&qemu->deadline);
    qemu->up = TRUE;
    qemu->since = g_get_real_time();
    if (qemu->status_stale)
        ask_status(qemu, /* queue= */ NULL);
    watch_status(qemu);

    g_rc_box_acquire(qemu);
    qemu->funcs.on_up(qemu, qemu->user_data);
    for (guint i = 0; events && i < events->len && !qemu->freed; i++)
        qemu->funcs.on_event(qemu, g_ptr_array_index(events, i), qemu->user_data);
    g_rc_box_release(qemu);
}

static void
on_known(gpointer user_data)
{
    QemuConnection *qemu = user_data;

    /* Where the client has ended, on_control_closed() follows, with the reason. */
    if (!qemu->freed && qmp_client_is_ready(qemu->client) && --qemu->unanswered == 0)
        go_up(qemu);
}

static void
on_probed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    qemu_facts_read(&((QemuConnection *)user_data)->facts, reply);
    on_known(user_data);
}

static void
on_commands(const QmpReply *reply, const GError *error, gpointer user_data)
{
    qemu_facts_read_commands(&((QemuConnection *)user_data)->facts, reply);
    on_known(user_data);
}

static void
on_control_lost(const GError *error, gpointer user_data)
{
    end_connection(user_data, error);
}

static void
on_control_stuck(const GError *error, gpointer user_data)
{
    QemuConnection *qemu = user_data;

    qemu->funcs.on_stuck(qemu, error, qemu->user_data);
}

static void
on_control_ready(QmpClient *client, gpointer user_data)
{
    static const ControlWatchFuncs watch_funcs = { on_control_lost, on_control_stuck };
    static const char *const probes[] = { "query-name", "query-uuid", "query-target", "query-status" };
    QemuConnection *qemu = user_data;

    qemu->queue = qmp_queue_new(client, qemu->ending, qemu->barrier);
    qemu->watch = control_watch_new(qemu->context, client, qemu->ending, /* interval= */ 0, &watch_funcs, qemu);
    qemu->unanswered = G_N_ELEMENTS(probes) + 2;
    qemu_connection_ask(qemu, &(QmpCommand){ .name = "query-commands" }, on_commands, qemu);
    for (guint i = 0; i < G_N_ELEMENTS(probes); i++)
        qemu_connection_ask(qemu, &(QmpCommand){ .name = probes[i] }, on_probed, qemu);
    started_monitors_ask(qemu->started_monitors, qemu->queue, on_known, qemu);
}

static void
on_control_event(QmpClient *client, const QmpEvent *event, gpointer user_data)
{
    QemuConnection *qemu = user_data;

    qmp_ending_note_event(qemu->ending, event);
    if (run_state_may_change_by(event->name)) {
        if (qemu->up)
            ask_status(qemu, /* queue= */ NULL);
        else
            qemu->status_stale = TRUE;
    }
    if (qemu->up)
        qemu->funcs.on_event(qemu, event, qemu->user_data);
    else
        early_events_add(&qemu->early_events, event);
}

static void
on_control_closing(QmpClient *client, gpointer user_data)
{
    QemuConnection *qemu = user_data;

    if (qemu->up)
        qemu->funcs.on_ending(qemu, qemu->user_data);
}

static void
on_control_closed(QmpClient *client, const GError *error, gpointer user_data)
{
    end_connection(user_data, error);
}

static gboolean
on_deadline(gpointer user_data)
{
    g_autoptr(GError) error =
        g_error_new(QMP_ERROR, QMP_ERROR_TIMED_OUT, "QEMU greeted, but does not answer query-name and the like");

    end_connection(user_data, error);
    return G_SOURCE_REMOVE;
}

QemuConnection *
qemu_connection_new(GMainContext *context, int fd, const QemuConnectionLimits *limits,
                    const QemuConnectionFuncs *funcs, gpointer user_data)
{
    static const QmpClientFuncs client_funcs = { on_control_ready, on_control_event, on_control_closing,
                                                 on_control_closed };
    /* The client has the same time, and starts first: it can say whether the greeting or the negotiation has failed. */
    QmpClientLimits client_limits = { .max_reply = limits->max_reply,
                                      .timeout = limits->timeout,
                                      .session = limits->session };
    QemuConnection *qemu = g_rc_box_new0(QemuConnection);

    qemu->context = g_main_context_ref(context);
    qemu->funcs = *funcs;
    qemu->user_data = user_data;
    qemu->ending = qmp_ending_new(context);
    qemu->barrier = reply_barrier_new();
    qemu_facts_init(&qemu->facts);
    qmp_peer_get_pid(fd, &qemu->pid);
    qemu->started_monitors = started_monitors_new(fd);
    qemu->client = qmp_client_new(context, fd, &client_limits, &client_funcs, qemu);
    if (limits->timeout != G_MAXUINT64)
        qemu->deadline = timer_start(context, limits->timeout, on_deadline, qemu);
    return qemu;
}

void
qemu_connection_free(QemuConnection *qemu)
{
    qemu->freed = TRUE;
    timer_stop(&qemu->deadline);
    timer_stop(&qemu->status_timer);
    g_clear_pointer(&qemu->watch, control_watch_free);
    g_clear_pointer(&qemu->client, qmp_client_free);
    g_clear_pointer(&qemu->queue, qmp_queue_free);
    g_clear_pointer(&qemu->started_monitors, started_monitors_free);
    g_clear_pointer(&qemu->ending, qmp_ending_unref);
    g_clear_pointer(&qemu->barrier, reply_barrier_unref);
    early_events_clear(&qemu->early_events);
    g_clear_pointer(&qemu->context, g_main_context_unref);
    qemu_facts_clear(&qemu->facts);
    g_rc_box_release(qemu);
}

const char *
qemu_connection_get_name(QemuConnection *qemu)
{
    return qemu->facts.name;
}

const char *
qemu_connection_get_uuid(QemuConnection *qemu)
{
    return qemu->facts.uuid;
}

const char *
qemu_connection_get_target(QemuConnection *qemu)
{
    return qemu->facts.target;
}

const QmpGreeting *
qemu_connection_get_greeting(QemuConnection *qemu)
{
    return qmp_client_get_greeting(qemu->client);
}

const char *
qemu_connection_get_version(QemuConnection *qemu)
{
    return qmp_client_get_greeting(qemu->client)->number;
}

const char *
qemu_connection_get_package(QemuConnection *qemu)
{
    const char *package = qmp_client_get_greeting(qemu->client)->package;

    return strlen(package) > QEMU_FACTS_MAX_TEXT ? "" : package;
}

guint32
qemu_connection_get_pid(QemuConnection *qemu)
{
    return qemu->pid;
}

guint64
qemu_connection_get_since(QemuConnection *qemu)
{
    return (guint64)qemu->since;
}

const char *
qemu_connection_get_status(QemuConnection *qemu)
{
    return qemu->facts.status;
}

gboolean
qemu_connection_is_running(QemuConnection *qemu)
{
    return qemu->facts.running;
}

QmpClient *
qemu_connection_get_client(QemuConnection *qemu)
{
    return qemu->client;
}

gboolean
qemu_connection_is_at_least(QemuConnection *qemu, guint major, guint minor)
{
    const QmpGreeting *greeting = qmp_client_get_greeting(qemu->client);

    return greeting->major > major || (greeting->major == major && greeting->minor >= minor);
}

gboolean
qemu_connection_has_monitor_add(QemuConnection *qemu)
{
    return qemu->facts.has_monitor_add;
}

gboolean
qemu_connection_is_storage_daemon(QemuConnection *qemu)
{
    return qemu->facts.is_storage_daemon;
}

StartedMonitors *
qemu_connection_get_started_monitors(QemuConnection *qemu)
{
    return qemu->started_monitors;
}

QmpTicket *
qemu_connection_ask(QemuConnection *qemu, const QmpCommand *command, QmpReplyFunc func, gpointer user_data)
{
    QmpTicket *ticket = qmp_queue_submit(qemu->queue, OWN_LINE, command, func, user_data, /* error= */ NULL);

    qemu_connection_look(qemu);
    return ticket;
}

void
qemu_connection_look(QemuConnection *qemu)
{
    if (qemu->up && qemu->watch)
        control_watch_look(qemu->watch);
}

void
qemu_connection_add_witness(QemuConnection *qemu, QmpClient *client)
{
    control_watch_add_witness(qemu->watch, client);
}

void
qemu_connection_remove_witness(QemuConnection *qemu, QmpClient *client)
{
    if (qemu->watch)
        control_watch_remove_witness(qemu->watch, client);
}

QmpQueue *
qemu_connection_get_control(QemuConnection *qemu)
{
    return qemu->queue;
}

QmpEnding *
qemu_connection_get_ending(QemuConnection *qemu)
{
    return qemu->ending;
}

ReplyBarrier *
qemu_connection_get_barrier(QemuConnection *qemu)
{
    return qemu->barrier;
}

void
qemu_connection_catch_up(QemuConnection *qemu, QmpQueue *queue)
{
    ask_status(qemu, queue);
}

/* The agent's own questions are answered in their order. */
void
qemu_connection_settle(QemuConnection *qemu)
{
    reply_barrier_delay(qemu->barrier, qemu->status_asked + 1);
    ask_status(qemu, /* queue= */ NULL);
}

void
qemu_connection_pause(QemuConnection *qemu)
{
    qmp_client_pause(qemu->client);
}

void
qemu_connection_resume(QemuConnection *qemu)
{
    qmp_client_resume(qemu->client);
}
