/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a monitor of ours in QEMU, from top to bottom:
 *
 *   plug_monitor()     one end of a socketpair goes to QEMU, as the back end of a character device, and that to a
 *                      monitor: three commands, sent together, so that QEMU has them whatever becomes of us, and
 *                      guarded, so that QEMU reads them and our ends stay open for as long (plug-guard.c)
 *   on_all_answered()  our end is negotiated on; or the steps that were taken are undone
 *   unplug_monitor()   the monitor's user has gone: our end is closed when QEMU is at rest there, and QEMU removes the
 *                      monitor; with monitor-add the same backwards
 *   on_all_answered()  again: nothing is left, or the rest is removed once more
 *
 * A sequence that has begun goes on to its end, also when the user goes meanwhile; then the monitor owns itself. More
 * commands follow on the control monitor only when that has answered, so that the control monitor may go at any time.
 *
 * An agent that is killed while QEMU plugs (11.1) leaves nothing: 0 of 1,500 deaths within 8 ms. Without the guard half of them
 * do, for when a connection ends, QEMU drops the commands of it that are left, keeps the named descriptor, and a monitor
 * object that comes to a character device whose other end is closed already hears of no end. A monitor stays in
 * some 3 of 1,000 deaths in which QEMU is just answering a command there: it meets the closed end when it writes, and
 * does not remove a monitor whose command it is at. The next agent does: started_monitors_remove_left_over(). */
#include "qmp-monitor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fd-reserve.h"
#include "qmp-connector.h"
#include "plug-guard.h"

/* The agent's own line in the control queue. No two sequences are mixed, as each is one piece of it. */
#define OWN_LINE ""

/* With monitor-add QEMU lets go of the character device a little later than it answers. With objects it was gone at the first look in
 * 997 of 1,000 times, at the second in the others, on two busy processors; seven commands under way take as many looks more. */
#define MAX_REMOVALS 32

typedef enum Part {
    PART_FD,
    PART_CHARDEV,
    PART_MONITOR,
    N_PARTS,
} Part;

struct QmpMonitor {
    QmpEndingMember ending; /* first: a member is its monitor; of a spare, until it is connected to */
    QmpMonitorKind kind;
    GMainContext *context; /* ref */
    QmpQueue *control; /* weak; NULL once it is gone, or not needed any more */
    char *id; /* owned */
    QmpClientLimits limits; /* its ending: ref; may be NULL */
    const QmpMonitorFuncs *funcs; /* weak; NULL: the user has gone */
    gpointer user_data;
    int fd; /* owned; our end, until the client has it; -1: none */
    QmpClient *client; /* owned */
    QmpConnector *connector; /* owned; of a spare */
    gboolean has[N_PARTS]; /* in QEMU */
    struct Step *steps[N_PARTS]; /* owned; until they are answered */
    guint unanswered; /* of them */
    GError *error; /* owned; the first that plugging met */
    gboolean unplugging;
    guint removals; /* how often it was tried */
};

/* A command on the control monitor, and the part that its success adds or removes. */
typedef struct Step {
    QmpMonitor *monitor; /* weak: it waits for its steps */
    QmpTicket *ticket; /* weak */
    Part part;
    gboolean adds;
} Step;

static void on_step(const QmpReply *reply, const GError *error, gpointer user_data);

static void
destroy_monitor(QmpMonitor *monitor)
{
    qmp_ending_leave(&monitor->ending);
    g_clear_pointer(&monitor->limits.ending, qmp_ending_unref);
    g_clear_pointer(&monitor->connector, qmp_connector_free);
    g_clear_pointer(&monitor->client, qmp_client_free);
    if (monitor->fd >= 0)
        close(monitor->fd);
    g_clear_error(&monitor->error);
    g_main_context_unref(monitor->context);
    g_free(monitor->id);
    g_free(monitor);
}

/* The user is told, and frees the monitor. */
static void
end_monitor(QmpMonitor *monitor, const GError *error)
{
    if (monitor->funcs)
        monitor->funcs->on_ended(monitor, error, monitor->user_data);
}

static void
on_client_ready(QmpClient *client, gpointer user_data)
{
    QmpMonitor *monitor = user_data;

    if (monitor->funcs)
        monitor->funcs->on_ready(monitor, monitor->user_data);
}

static void
on_client_event(QmpClient *client, const QmpEvent *event, gpointer user_data)
{
    QmpMonitor *monitor = user_data;

    if (monitor->funcs)
        monitor->funcs->on_event(monitor, event, monitor->user_data);
}

static void
on_client_closed(QmpClient *client, const GError *error, gpointer user_data)
{
    end_monitor(user_data, error);
}

static void
start_client(QmpMonitor *monitor, int fd)
{
    static const QmpClientFuncs funcs = { on_client_ready, on_client_event, /* on_closing= */ NULL, on_client_closed };

    monitor->client = qmp_client_new(monitor->context, fd, &monitor->limits, &funcs, monitor);
}

/* Counts the followers of the part's command: the parts that are added after it, or removed. */
static guint
count_followers(QmpMonitor *monitor, Part part, gboolean adds)
{
    guint n = 0;

    if (adds)
        return PART_MONITOR - part;
    for (guint other = 0; other < part; other++)
        n += monitor->has[other];
    return n;
}

/* A sequence is sent whole or not at all: the agent may end at any time, and the rest of a sequence that waits here ends with it. */
static void
submit_step(QmpMonitor *monitor, Part part, gboolean adds, QmpCommand *command)
{
    Step *step = g_new(Step, 1);

    *step = (Step){ .monitor = monitor, .part = part, .adds = adds };
    command->n_followers = count_followers(monitor, part, adds);
    if (monitor->control)
        step->ticket = qmp_queue_submit(monitor->control, OWN_LINE, command, on_step, step, /* error= */ NULL);
    if (step->ticket) {
        monitor->steps[part] = step;
        monitor->unanswered++;
        return;
    }
    g_free(step);
}

/* Whether none of the sequence has been sent; then it is not sent any more. QEMU may not answer for as long as callers come and go, each
 * with descriptors for a monitor. */
static gboolean
recall_steps(QmpMonitor *monitor)
{
    for (guint part = 0; part < N_PARTS; part++)
        if (monitor->steps[part] && !qmp_ticket_is_waiting(monitor->steps[part]->ticket))
            return FALSE;
    for (guint part = 0; part < N_PARTS; part++) {
        if (monitor->steps[part])
            qmp_ticket_cancel(monitor->steps[part]->ticket);
        g_clear_pointer(&monitor->steps[part], g_free);
    }
    monitor->unanswered = 0;
    return TRUE;
}

/* Names need no escapes: they are ours. */
static void
remove_part(QmpMonitor *monitor, Part part)
{
    static const struct {
        const char *command, *member;
    } removals[][N_PARTS] = {
        [QMP_MONITOR_OBJECT] = { { "closefd", "fdname" }, { "chardev-remove", "id" }, { "object-del", "id" } },
        [QMP_MONITOR_ADD] = { { "closefd", "fdname" }, { "chardev-remove", "id" }, { "monitor-remove", "id" } },
    };
    g_autofree char *arguments = NULL;

    if (!monitor->has[part])
        return;
    arguments = g_strdup_printf("{\"%s\":\"%s\"}", removals[monitor->kind][part].member,
                                part == PART_FD ? QMP_MONITOR_FD : monitor->id);
    submit_step(monitor, part, /* adds= */ FALSE,
                &(QmpCommand){ .name = removals[monitor->kind][part].command, .arguments = arguments });
}

/* QEMU has answered all that it was asked at this monitor, or has closed it. */
static gboolean
is_at_rest(QmpClient *client)
{
    return qmp_client_get_fd(client) < 0 || (qmp_client_is_ready(client) && qmp_client_get_in_flight(client) == 0);
}

/* Closes our end, at which QEMU removes both parts, and asks for the character device until it is gone. QEMU must be at rest:
 * 11.1 ends itself (SIGABRT; a mutex is in use) when a monitor is closed that it is greeting or answering, twice in 21,800 closings.
 * QEMU must not be asked to remove a monitor that is open: its I/O thread may be asking whether there is room for input while the
 * main thread clears what that looks at (SIGSEGV, in an hour's soak on two busy processors). Nor one that has just been closed: QEMU
 * removes that twice (SIGSEGV). */
static void
close_monitor(QmpMonitor *monitor)
{
    if (monitor->fd >= 0)
        start_client(monitor, g_steal_fd(&monitor->fd));
    else if (monitor->client && (is_at_rest(monitor->client) || monitor->removals > MAX_REMOVALS / 2))
        g_clear_pointer(&monitor->client, qmp_client_free);
    remove_part(monitor, PART_CHARDEV);
}

/* The other way round than it was plugged. Where that was not all, once more, with our end closed. */
static void
remove_parts(QmpMonitor *monitor)
{
    if (monitor->removals > 1)
        g_clear_pointer(&monitor->client, qmp_client_free);
    for (guint part = N_PARTS; part-- > 0;)
        remove_part(monitor, part);
}

/* A monitor object that is there in spite of all is removed by its name at the last. */
static void
unplug_monitor(QmpMonitor *monitor)
{
    monitor->unplugging = TRUE;
    monitor->removals++;
    if (monitor->kind == QMP_MONITOR_OBJECT && monitor->has[PART_MONITOR] && monitor->removals < MAX_REMOVALS)
        close_monitor(monitor);
    else if (monitor->removals <= MAX_REMOVALS)
        remove_parts(monitor);
    if (monitor->unanswered == 0)
        destroy_monitor(monitor);
}

static void
fail_plugging(QmpMonitor *monitor)
{
    if (!monitor->error)
        monitor->error =
            g_error_new(QMP_ERROR, QMP_ERROR_LIMIT, "Too much is asked of QEMU to plug a monitor as well");
    end_monitor(monitor, monitor->error);
}

static void
on_all_answered(QmpMonitor *monitor)
{
    if (monitor->unplugging || !monitor->funcs)
        unplug_monitor(monitor);
    else if (!monitor->has[PART_MONITOR])
        fail_plugging(monitor);
    else
        start_client(monitor, g_steal_fd(&monitor->fd));
}

/* A part that QEMU does not find is gone; a part that is busy is tried again. No monitor is there without its character device. */
static void
note_removed(QmpMonitor *monitor, Part part, const QmpReply *reply)
{
    monitor->has[part] = reply && reply->error_class && strstr(reply->error_text, "busy");
    if (part == PART_CHARDEV && !monitor->has[part])
        monitor->has[PART_MONITOR] = FALSE;
}

/* QEMU does not know how, which will not change; anything else (it has no descriptors left, say) may. */
static int
get_error_code(const QmpReply *reply)
{
    gboolean is_unknown =
        g_str_equal(reply->error_class, "CommandNotFound") || strstr(reply->error_text, "does not accept value");

    return is_unknown ? QMP_ERROR_PROTOCOL : QMP_ERROR_LIMIT;
}

static void
note_added(QmpMonitor *monitor, Part part, const QmpReply *reply, const GError *error)
{
    monitor->has[part] = reply && !reply->error_class;
    if (part == PART_CHARDEV && monitor->has[part])
        monitor->has[PART_FD] = FALSE;
    if (monitor->has[part] || monitor->error)
        return;
    monitor->error =
        error ? g_error_copy(error)
              : g_error_new(QMP_ERROR, get_error_code(reply), "QEMU takes no monitor: %s", reply->error_text);
}

static void
on_step(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Step *step = user_data;
    QmpMonitor *monitor = step->monitor;

    if (error && error->code == QMP_ERROR_DISCONNECTED)
        monitor->control = NULL;
    if (step->adds)
        note_added(monitor, step->part, reply, error);
    else
        note_removed(monitor, step->part, reply);
    g_clear_pointer(&monitor->steps[step->part], g_free);
    if (--monitor->unanswered == 0)
        on_all_answered(monitor);
}

static void
add_part(QmpMonitor *monitor, Part part, const char *command, const char *format, int fd)
{
    g_autoptr(GString) arguments = g_string_new(format);

    g_string_replace(arguments, "$", monitor->id, 0);
    submit_step(monitor, part, /* adds= */ TRUE,
                &(QmpCommand){
                    .name = command, .arguments = arguments->str, .flags = fd >= 0 ? QMP_EXECUTE_FD : 0, .fd = fd });
}

static void
plug_monitor(QmpMonitor *monitor, int fd)
{
    gboolean is_object = monitor->kind == QMP_MONITOR_OBJECT;

    add_part(monitor, PART_FD, "getfd", "{\"fdname\":\"" QMP_MONITOR_FD "\"}", fd);
    add_part(monitor, PART_CHARDEV, "chardev-add",
             "{\"id\":\"$\",\"backend\":{\"type\":\"socket\",\"data\":{\"addr\":{\"type\":\"fd\",\"data\":{\"str\":"
             "\"" QMP_MONITOR_FD "\"}},"
             "\"server\":false}}}",
             -1);
    add_part(monitor, PART_MONITOR, is_object ? "object-add" : "monitor-add",
             is_object ? "{\"qom-type\":\"monitor-qmp\",\"id\":\"$\",\"chardev\":\"$\",\"close-action\":\"delete\"}"
                       : "{\"id\":\"$\",\"chardev\":\"$\"}",
             -1);
}

static void
on_spare_connected(int fd, const GError *error, gpointer user_data)
{
    if (error)
        end_monitor(user_data, error);
    else
        start_client(user_data, fd);
}

static void
start_spare(QmpEndingMember *member)
{
    qmp_ending_leave(member);
    qmp_connector_start(((QmpMonitor *)member)->connector);
}

/* The negotiation is a command as well. */
static void
begin_spare(QmpMonitor *monitor, const QmpMonitorPlan *plan)
{
    monitor->connector = qmp_connector_new(plan->context, plan->address, geteuid(), on_spare_connected, monitor);
    if (qmp_ending_is_under_way(plan->ending))
        qmp_ending_join(plan->ending, &monitor->ending, start_spare);
    else
        qmp_connector_start(monitor->connector);
}

static gboolean
begin_plug(QmpMonitor *monitor, const QmpMonitorPlan *plan, GError **error)
{
    int ends[2];

    if (plan->kind == QMP_MONITOR_SPARE) {
        begin_spare(monitor, plan);
        return TRUE;
    }
    monitor->control = plan->control;
    if (!fd_reserve_pass_pair(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), ends)) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT, "No socket for a monitor: %s", g_strerror(errno));
        return FALSE;
    }
    monitor->fd = ends[0];
    if (plan->guarded_fd >= 0 && !plug_guard_arm(ends[0], plan->guarded_fd)) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT, "No descriptor for a monitor: %s", g_strerror(errno));
        close(ends[1]);
        return FALSE;
    }
    plug_monitor(monitor, ends[1]);
    if (monitor->unanswered == 0)
        g_set_error(error, QMP_ERROR, QMP_ERROR_DISCONNECTED, "The control monitor takes no commands");
    return monitor->unanswered > 0;
}

QmpMonitor *
qmp_monitor_new(const QmpMonitorPlan *plan, const QmpMonitorFuncs *funcs, gpointer user_data, GError **error)
{
    QmpMonitor *monitor = g_new0(QmpMonitor, 1);

    monitor->kind = plan->kind;
    monitor->context = g_main_context_ref(plan->context);
    monitor->id = g_strdup(plan->id);
    monitor->limits = plan->limits;
    monitor->limits.ending = plan->ending ? qmp_ending_ref(plan->ending) : NULL;
    monitor->funcs = funcs;
    monitor->user_data = user_data;
    monitor->fd = -1;
    if (!begin_plug(monitor, plan, error))
        g_clear_pointer(&monitor, destroy_monitor);
    return monitor;
}

void
qmp_monitor_free(QmpMonitor *monitor)
{
    monitor->funcs = NULL;
    if (monitor->unanswered == 0)
        unplug_monitor(monitor);
    else if (recall_steps(monitor))
        destroy_monitor(monitor);
}

void
qmp_monitor_free_at_once(QmpMonitor *monitor)
{
    monitor->funcs = NULL;
    g_clear_pointer(&monitor->client, qmp_client_free);
    if (monitor->unanswered > 0 && !recall_steps(monitor))
        return;
    if (monitor->kind == QMP_MONITOR_ADD)
        unplug_monitor(monitor);
    else
        destroy_monitor(monitor);
}

QmpClient *
qmp_monitor_get_client(QmpMonitor *monitor)
{
    return monitor->client && qmp_client_is_ready(monitor->client) ? monitor->client : NULL;
}
