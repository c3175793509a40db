/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of a native session, from top to bottom:
 *
 *   open_monitors_open()    OpenMonitor(): the options are read, the policy is asked
 *   on_open_authorized()    the policy has answered, where somebody had to be asked
 *   on_open_described()     the agent knows the monitors that QEMU takes
 *   begin_open()            the session gets a monitor, the caller a socket, or a path to connect to
 *   on_path_client()        a client has connected by the path
 *   on_client_gone(), on_lifeline_closed(), open_monitors_drop_caller(), open_monitors_stop()
 *                           the four ways in which a session ends
 *
 * The client's commands in between go through native-session.c. */
#include "open-monitor.h"

#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

#include "errors.h"
#include "authorization.h"
#include "fd-reserve.h"
#include "log.h"
#include "monitor-path.h"
#include "native-session.h"
#include "quota.h"
#include "vardict.h"
#include "caller-sessions.h"
#include "vm-schema.h"

/* Each holds a monitor in its QEMU, of which 16 there are as a rule, and two descriptors. A user, who may have many connections
 * and VMs, takes no more than is left for all others: 64 where nobody else has any. */
static const QuotaLimits limits_of_all = { .of_all = { .n = 128 } };
static const QuotaLimits limits_of_vm = { .of_caller = { .n = 16 } };

/* us that a path waits for its client where nothing else ends it. */
#define PATH_TIME ((guint64)5 * 60 * G_TIME_SPAN_SECOND)

struct OpenMonitors {
    VmContext *vm_context; /* weak */
    GQueue all; /* of OpenMonitor, owned, by their links */
    Quota quota; /* of these */
    guint n_keys; /* given so far */
};

typedef struct OpenMonitorOptions {
    gboolean is_kept, is_pretty;
    char *path; /* owned; NULL: none */
} OpenMonitorOptions;

typedef struct OpenMonitor {
    OpenMonitors *monitors; /* weak */
    OpenMonitorOptions options; /* owned */
    BusPeer opener; /* owned copy: they may leave before it */
    gboolean is_interactive;
    gboolean has_left; /* the opener has, and the session is kept */
    BusCall *call; /* owned; until it is answered */
    AuthorizationTicket *question; /* weak; while somebody is asked */
    SchemaWait *wait; /* weak */
    char *key; /* owned; what stands for the opener in caller-sessions.c */
    gboolean has_session; /* there */
    NativeSession *native; /* owned; once there is a client */
    MonitorPath *path; /* owned; until then */
    int lifeline; /* owned; our end of what the caller got instead of the session's socket; -1: none */
    GSource *lifeline_source; /* owned; while its other end matters */
    GList link; /* in monitors->all */
    QuotaShare shares[2]; /* of the VM's quota, and of the context's */
} OpenMonitor;

static Context *
get_open_context(OpenMonitor *monitor)
{
    return monitor->monitors->vm_context->context;
}

static gboolean
read_keep(DBusMessageIter *value, gpointer options, GError **error)
{
    dbus_bool_t is_kept;

    dbus_message_iter_get_basic(value, &is_kept);
    ((OpenMonitorOptions *)options)->is_kept = is_kept != FALSE;
    return TRUE;
}

static gboolean
read_pretty(DBusMessageIter *value, gpointer options, GError **error)
{
    dbus_bool_t is_pretty;

    dbus_message_iter_get_basic(value, &is_pretty);
    ((OpenMonitorOptions *)options)->is_pretty = is_pretty != FALSE;
    return TRUE;
}

static gboolean
read_path(DBusMessageIter *value, gpointer open_options, GError **error)
{
    OpenMonitorOptions *options = open_options;
    const char *path;

    dbus_message_iter_get_basic(value, &path);
    g_free(options->path);
    options->path = g_strdup(path);
    return monitor_path_check_name(path, error);
}

static const VardictRow option_rows[] = {
    { "keep", "b", "whether the session outlives its opener's stay on the bus", read_keep },
    { "path", "s", "the name of a socket in `native/` in the run directory", read_path },
    { "pretty", "b", "whether each value gets a line", read_pretty },
    { 0 },
};

/* Its client is disconnected, what it waits for is cancelled, and its monitor goes. */
static void
end_open(OpenMonitor *monitor)
{
    VmContext *vm_context = monitor->monitors->vm_context;

    if (monitor->question)
        authorization_ticket_cancel(monitor->question);
    if (monitor->wait)
        schema_wait_cancel(monitor->wait);
    g_clear_pointer(&monitor->native, native_session_free);
    g_clear_pointer(&monitor->path, monitor_path_free);
    if (monitor->lifeline_source)
        g_source_destroy(monitor->lifeline_source);
    g_clear_pointer(&monitor->lifeline_source, g_source_unref);
    if (monitor->lifeline >= 0)
        close(monitor->lifeline);
    if (monitor->has_session)
        caller_sessions_drop_caller(vm_context->sessions, monitor->key);
    quota_share_return(&monitor->shares[0]);
    quota_share_return(&monitor->shares[1]);
    g_queue_unlink(&monitor->monitors->all, &monitor->link);
    g_free(monitor->options.path);
    g_free(monitor->opener.name);
    g_free(monitor->key);
    g_free(monitor);
}

static void
fail_open(OpenMonitor *monitor, const GError *error)
{
    errors_fail(g_steal_pointer(&monitor->call), error);
    end_open(monitor);
}

static void
on_client_gone(const GError *error, gpointer user_data)
{
    OpenMonitor *monitor = user_data;

    if (error->code == QMP_ERROR_LIMIT)
        log_line(get_open_context(monitor)->host, G_LOG_LEVEL_WARNING, vm_get_name(monitor->monitors->vm_context->vm),
                 "A native session of %s is cut off: %s", monitor->opener.name, error->message);
    end_open(monitor);
}

static void
start_native(OpenMonitor *monitor, int fd)
{
    NativeOpener opener = { &monitor->opener, monitor->is_interactive, monitor->has_left, monitor->key };

    monitor->native = native_session_new(monitor->monitors->vm_context, fd, &opener, monitor->options.is_pretty,
                                         on_client_gone, monitor);
}

static void
on_path_client(int fd, gpointer user_data)
{
    OpenMonitor *monitor = user_data;

    g_clear_pointer(&monitor->path, monitor_path_free);
    if (fd >= 0)
        start_native(monitor, fd);
    else
        end_open(monitor);
}

static gboolean
on_lifeline_closed(int fd, GIOCondition condition, gpointer user_data)
{
    end_open(user_data);
    return G_SOURCE_REMOVE;
}

static void
hold_lifeline(OpenMonitor *monitor, int fd)
{
    monitor->lifeline = fd;
    if (monitor->options.is_kept)
        return;
    monitor->lifeline_source = g_unix_fd_source_new(fd, G_IO_HUP);
    g_source_set_callback(monitor->lifeline_source, G_SOURCE_FUNC(on_lifeline_closed), monitor, NULL);
    g_source_attach(monitor->lifeline_source, get_open_context(monitor)->host->context);
}

/* @fd: the caller's, taken. */
static void
answer_open(OpenMonitor *monitor, int fd)
{
    bus_call_return_fd(g_steal_pointer(&monitor->call), fd);
    close(fd);
}

static gboolean
make_sockets(OpenMonitor *monitor, int pair[2], GError **error)
{
    guint64 timeout = monitor->options.is_kept ? PATH_TIME : G_MAXUINT64;

    if (!fd_reserve_pass_pair(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), pair)) {
        g_set_error_literal(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "The agent has no descriptors left");
        return FALSE;
    }
    if (!monitor->options.path)
        return TRUE;
    monitor->path = monitor_path_new(get_open_context(monitor), monitor->options.path, monitor->opener.uid, timeout,
                                     on_path_client, monitor, error);
    if (monitor->path)
        return TRUE;
    close(pair[0]);
    close(pair[1]);
    return FALSE;
}

static void
begin_open(OpenMonitor *monitor)
{
    CallerSessions *sessions = monitor->monitors->vm_context->sessions;
    g_autoptr(GError) error = NULL;
    int pair[2];

    monitor->has_session =
        caller_sessions_open(sessions, monitor->key, monitor->opener.name, monitor->opener.uid, &error);
    if (!monitor->has_session || !make_sockets(monitor, pair, &error)) {
        fail_open(monitor, error);
        return;
    }
    if (monitor->options.path)
        hold_lifeline(monitor, pair[0]);
    else
        start_native(monitor, pair[0]);
    answer_open(monitor, pair[1]);
}

static void
on_open_described(const GError *error, gpointer user_data)
{
    OpenMonitor *monitor = user_data;

    monitor->wait = NULL;
    if (error)
        fail_open(monitor, error);
    else
        begin_open(monitor);
}

static void
describe_opened(OpenMonitor *monitor)
{
    VmContext *vm_context = monitor->monitors->vm_context;
    g_autoptr(GError) error = NULL;

    if (!vm_schema_is_needed(vm_context->schema)) {
        begin_open(monitor);
        return;
    }
    monitor->wait = vm_schema_wait(vm_context->schema, monitor->opener.name, monitor->opener.uid, /* size= */ 0,
                                   on_open_described, monitor, &error);
    if (!monitor->wait)
        fail_open(monitor, error);
}

static void
on_open_authorized(const GError *error, gpointer user_data)
{
    OpenMonitor *monitor = user_data;

    monitor->question = NULL;
    if (error)
        fail_open(monitor, error);
    else
        describe_opened(monitor);
}

static void
ask_leave(OpenMonitor *monitor)
{
    AuthorizationQuestion question = {
        .peer = &monitor->opener,
        .is_interactive = monitor->is_interactive,
        .command = "OpenMonitor",
    };
    g_autoptr(GError) error = NULL;

    switch (authorization_ask(monitor->monitors->vm_context, &question, on_open_authorized, monitor,
                              &monitor->question, /* ret_classes= */ NULL, &error)) {
    case AUTHORIZATION_ALLOWED:
        describe_opened(monitor);
        break;
    case AUTHORIZATION_REFUSED:
        fail_open(monitor, error);
        break;
    case AUTHORIZATION_ASKED:
        break;
    }
}

/* A session keeps its monitor: where none may be shared, those of a VM are divided like the sessions of all VMs. */
static gboolean
take_open_room(OpenMonitor *monitor, GError **error)
{
    VmContext *vm_context = monitor->monitors->vm_context;
    const BusPeer *opener = &monitor->opener;
    QuotaLimits limits = limits_of_vm;

    if (vm_requires_isolation(vm_context->vm))
        limits.of_all.n = monitor_pool_get_max(caller_sessions_get_pool(vm_context->sessions));
    if (quota_take(&monitor->monitors->quota, &limits, opener->name, opener->uid, /* bytes= */ 0,
                   &monitor->shares[0]) &&
        quota_take(&vm_context->context->native_sessions, &limits_of_all, opener->name, opener->uid, /* bytes= */ 0,
                   &monitor->shares[1]))
        return TRUE;
    g_set_error(
        error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED,
        "There may be %u native sessions of one caller on a VM, and %u in all, of which a user may have no more than "
        "are left for all others",
        limits.of_caller.n, limits_of_all.of_all.n);
    return FALSE;
}

static OpenMonitor *
open_monitor_new(OpenMonitors *monitors, BusCall *call)
{
    OpenMonitor *monitor = g_new0(OpenMonitor, 1);
    const BusPeer *peer = bus_call_get_peer(call);

    monitor->monitors = monitors;
    monitor->call = call;
    monitor->opener = *peer;
    monitor->opener.name = g_strdup(peer->name);
    monitor->is_interactive = bus_call_is_interactive(call);
    monitor->key = g_strdup_printf("%s/%u", peer->name, ++monitors->n_keys);
    monitor->lifeline = -1;
    monitor->link.data = monitor;
    g_queue_push_tail_link(&monitors->all, &monitor->link);
    return monitor;
}

void
open_monitors_open(OpenMonitors *monitors, BusCall *call)
{
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;
    OpenMonitor *monitor;

    monitor = open_monitor_new(monitors, call);
    dbus_message_iter_init(bus_call_get_message(call), &iter);
    if (!take_open_room(monitor, &error) || !vardict_read(&iter, option_rows, &monitor->options, &error)) {
        fail_open(monitor, error);
        return;
    }
    bus_call_drop_message(call);
    ask_leave(monitor);
}

void
open_monitors_event(OpenMonitors *monitors, const QmpEvent *event)
{
    for (GList *i = monitors->all.head; i; i = i->next) {
        OpenMonitor *monitor = i->data;
        if (monitor->native)
            native_session_event(monitor->native, event);
    }
}

void
open_monitors_drop_caller(OpenMonitors *monitors, const char *unique_name)
{
    for (GList *i = monitors->all.head, *next; i; i = next) {
        OpenMonitor *monitor = i->data;
        next = i->next;
        if (!g_str_equal(monitor->opener.name, unique_name))
            continue;
        /* Another process may get the number: nobody is asked on this one's behalf any more. */
        monitor->opener.pid = BUS_PEER_NO_ID;
        monitor->has_left = TRUE;
        if (monitor->options.is_kept && !monitor->call) {
            if (monitor->native)
                native_session_opener_left(monitor->native);
            continue;
        }
        if (monitor->call)
            bus_call_fail_code(g_steal_pointer(&monitor->call), BUS_ERROR_DISCONNECTED, "The caller has left");
        end_open(monitor);
    }
}

OpenMonitors *
open_monitors_new(VmContext *vm_context)
{
    OpenMonitors *monitors = g_new0(OpenMonitors, 1);

    monitors->vm_context = vm_context;
    return monitors;
}

void
open_monitors_stop(OpenMonitors *monitors)
{
    g_autoptr(GError) error = g_error_new_literal(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The VM has gone");

    for (GList *i = monitors->all.head, *next; i; i = next) {
        OpenMonitor *monitor = i->data;
        next = i->next;
        /* Its place goes with all others. */
        monitor->has_session = FALSE;
        if (monitor->call)
            fail_open(monitor, error);
        else if (monitor->native)
            native_session_stop(monitor->native);
    }
}

void
open_monitors_free(OpenMonitors *monitors)
{
    while (monitors->all.head)
        end_open(monitors->all.head->data);
    g_free(monitors);
}
