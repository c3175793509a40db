/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One attempt is: a connected socket (by the connector, or handed over), then a QemuConnection on it, which goes up or down.
 * After it the origin decides about the next. Where we listen, anybody may connect and say nothing: others are
 * accepted meanwhile, and the first that turns out to be a QEMU is the one. */
#include "vm.h"

#include <unistd.h>

#include "qmp-connector.h"
#include "qmp-unix-socket.h"
#include "timer.h"
#include "vm-retry.h"

/* Connected at once where we listen, before one of them is known to be a QEMU. */
#define MAX_CANDIDATES 8
/* The caller of AddVM may have started the QEMU a moment ago: until its address answers, it is tried so often. */
#define LATE_INTERVAL (100 * G_TIME_SPAN_MILLISECOND)
/* QEMU listens on a path as soon as it has bound it: one that refuses for longer was left by a QEMU that is gone. */
#define LATE_LISTEN G_TIME_SPAN_SECOND

struct Vm {
    GMainContext *context; /* ref */
    VmFuncs funcs;
    gpointer user_data;
    char *name; /* owned */
    VmSpec *spec; /* owned */
    MonitorId monitor_id; /* its strings are owned */
    gsize max_reply;
    QmpConnector *connector; /* owned; NULL once up, where we connect */
    gboolean connecting; /* the connector was started */
    GSource *connect_timer; /* owned; while connecting */
    gint64 attempt_began; /* monotonic us */
    gint64 missing_at; /* monotonic us; when the attempt last found no socket; 0: never */
    gboolean was_connected; /* once, at least */
    GPtrArray *candidates; /* owned, of Candidate */
    struct Candidate *current; /* weak; the candidate that is up */
    GSource *retry_timer; /* owned; while waiting to try again */
    VmRetry retry;
};

/* A connected socket, at whose other end a QEMU is, or may be. */
typedef struct Candidate {
    Vm *vm; /* weak */
    QemuConnection *qemu; /* owned */
    guint32 owner_uid;
    gboolean owner_is_known; /* by the kernel */
} Candidate;

static void attempt_connection(Vm *vm);
static void connect_once(Vm *vm);

static void
candidate_free(gpointer data)
{
    Candidate *candidate = data;

    qemu_connection_free(candidate->qemu);
    g_free(candidate);
}

static gboolean
is_listening(Vm *vm)
{
    return vm->spec->address && vm->spec->address->server;
}

static gboolean
on_retry(gpointer user_data)
{
    Vm *vm = user_data;

    timer_stop(&vm->retry_timer);
    attempt_connection(vm);
    return G_SOURCE_REMOVE;
}

static void
reset_retry(Vm *vm)
{
    vm_retry_reset(&vm->retry, vm->spec->origin == VM_FROM_DIRECTORY ? VM_RETRY_IN_DIRECTORY : VM_RETRY_ALWAYS);
}

static void
try_again(Vm *vm, VmDown how, const GError *error)
{
    guint64 delay;

    if (is_listening(vm) && how != VM_DOWN_UNREACHABLE) {
        attempt_connection(vm);
        return;
    }
    if (!vm_retry_next(&vm->retry, error, &delay))
        return; /* until poked */
    timer_stop(&vm->retry_timer);
    vm->retry_timer = timer_start(vm->context, delay, on_retry, vm);
}

/* @candidate: which of them it is about; NULL: there was no connection. */
static void
end_attempt(Vm *vm, Candidate *candidate, const GError *error)
{
    VmDown how = !candidate ? VM_DOWN_UNREACHABLE : candidate == vm->current ? VM_DOWN_ENDED : VM_DOWN_UNUSABLE;

    if (how == VM_DOWN_ENDED)
        reset_retry(vm);
    monitor_id_set_unconnected(&vm->monitor_id);
    /* Until on_down returns, the facts of the QEMU can still be read. */
    if (!vm->funcs.on_down(vm, how, error, vm->user_data))
        return;
    if (how == VM_DOWN_ENDED)
        vm->current = NULL;
    /* @error may be the candidate's own. */
    g_autoptr(GError) reason = g_error_copy(error);
    if (candidate)
        g_ptr_array_remove(vm->candidates, candidate);
    try_again(vm, how, reason);
}

static void
drop_others(Vm *vm, Candidate *candidate)
{
    if (vm->connector && is_listening(vm))
        qmp_connector_stop(vm->connector);
    else
        g_clear_pointer(&vm->connector, qmp_connector_free);
    vm->connecting = FALSE;
    timer_stop(&vm->retry_timer);
    for (guint i = vm->candidates->len; i-- > 0;)
        if (g_ptr_array_index(vm->candidates, i) != candidate)
            g_ptr_array_remove_index(vm->candidates, i);
}

static void
on_qemu_up(QemuConnection *qemu, gpointer user_data)
{
    Candidate *candidate = user_data;
    Vm *vm = candidate->vm;
    g_autoptr(GError) error = NULL;

    vm->current = candidate;
    if (vm->funcs.on_up(vm, &error, vm->user_data)) {
        drop_others(vm, candidate);
        return;
    }
    vm->current = NULL;
    end_attempt(vm, candidate, error);
}

static void
on_qemu_changed(QemuConnection *qemu, gpointer user_data)
{
    Vm *vm = ((Candidate *)user_data)->vm;

    vm->funcs.on_changed(vm, vm->user_data);
}

static void
on_qemu_event(QemuConnection *qemu, const QmpEvent *event, gpointer user_data)
{
    Vm *vm = ((Candidate *)user_data)->vm;

    vm->funcs.on_event(vm, event, vm->user_data);
}

static void
on_qemu_stuck(QemuConnection *qemu, const GError *error, gpointer user_data)
{
    Vm *vm = ((Candidate *)user_data)->vm;

    vm->funcs.on_stuck(vm, error, vm->user_data);
}

static void
on_qemu_ending(QemuConnection *qemu, gpointer user_data)
{
    Vm *vm = ((Candidate *)user_data)->vm;

    vm->funcs.on_ending(vm, vm->user_data);
}

static void
on_qemu_down(QemuConnection *qemu, const GError *error, gpointer user_data)
{
    Candidate *candidate = user_data;

    end_attempt(candidate->vm, candidate, error);
}

/* The rest of the time for the attempt. A QEMU that connects to us has all of it, from then on. */
static guint64
get_time_left(Vm *vm)
{
    guint64 spent = is_listening(vm) ? 0 : (guint64)(g_get_monotonic_time() - vm->attempt_began);

    if (vm->spec->timeout == G_MAXUINT64)
        return G_MAXUINT64;
    return vm->spec->timeout > spent ? vm->spec->timeout - spent : 1;
}

/* A connection that is given up can be made anew. */
static gboolean
can_connect(Vm *vm)
{
    return vm->spec->address && !vm->spec->address->server;
}

static void
take_socket(Vm *vm, int fd, const char *session)
{
    static const QemuConnectionFuncs funcs = { on_qemu_up,    on_qemu_changed, on_qemu_event,
                                               on_qemu_stuck, on_qemu_ending,  on_qemu_down };
    QemuConnectionLimits limits = {
        .max_reply = vm->max_reply,
        .timeout = session && !can_connect(vm) ? G_MAXUINT64 : get_time_left(vm),
        .session = session,
    };
    Candidate *candidate = g_new0(Candidate, 1);

    candidate->vm = vm;
    candidate->owner_is_known = qmp_peer_get_uid(fd, &candidate->owner_uid);
    if (!candidate->owner_is_known)
        candidate->owner_uid = vm->spec->added_by;
    candidate->qemu = qemu_connection_new(vm->context, fd, &limits, &funcs, candidate);
    g_ptr_array_add(vm->candidates, candidate);
    if (is_listening(vm))
        attempt_connection(vm);
}

static gboolean
on_late_interval(gpointer user_data)
{
    Vm *vm = user_data;

    timer_stop(&vm->retry_timer);
    connect_once(vm);
    return G_SOURCE_REMOVE;
}

/* The address does not answer yet, and there is time left for it. */
static gboolean
is_late(Vm *vm, const GError *error)
{
    gboolean refused = g_error_matches(error, QMP_ERROR, QMP_ERROR_REFUSED);
    gint64 now = g_get_monotonic_time();

    if (vm->spec->origin != VM_FROM_CALL || vm->was_connected || is_listening(vm))
        return FALSE;
    if (!refused && !g_error_matches(error, QMP_ERROR, QMP_ERROR_MISSING))
        return FALSE;
    if (!refused)
        vm->missing_at = now;
    if (refused && vm->spec->address->type == QMP_ADDRESS_UNIX &&
        now - MAX(vm->attempt_began, vm->missing_at) >= LATE_LISTEN)
        return FALSE;
    return get_time_left(vm) > (guint64)LATE_INTERVAL;
}

/* The socket @fd is connected. */
static void
use_socket(Vm *vm, int fd)
{
    g_autoptr(GError) error = NULL;

    vm->was_connected = TRUE;
    monitor_id_set_connected(&vm->monitor_id, vm->spec->address, fd);
    if (vm->funcs.on_connected(vm, &error, vm->user_data)) {
        take_socket(vm, fd, /* session= */ NULL);
        return;
    }
    close(fd);
    end_attempt(vm, NULL, error);
}

static void
on_connector_done(int fd, const GError *error, gpointer user_data)
{
    Vm *vm = user_data;

    vm->connecting = FALSE;
    timer_stop(&vm->connect_timer);
    if (error && is_late(vm, error))
        vm->retry_timer = timer_start(vm->context, LATE_INTERVAL, on_late_interval, vm);
    else if (error)
        end_attempt(vm, NULL, error);
    else
        use_socket(vm, fd);
}

static gboolean
on_connect_timeout(gpointer user_data)
{
    Vm *vm = user_data;
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_TIMED_OUT,
                                          "Nothing accepted a connection to %s in time", vm->spec->address->text);

    vm->connecting = FALSE;
    timer_stop(&vm->connect_timer);
    qmp_connector_stop(vm->connector);
    end_attempt(vm, NULL, error);
    return G_SOURCE_REMOVE;
}

static void
connect_once(Vm *vm)
{
    vm->connecting = TRUE;
    if (!vm->connector)
        vm->connector = qmp_connector_new(vm->context, vm->spec->address, vm->spec->user, on_connector_done, vm);
    /* Whoever may write to the run directory can replace a link of theirs at any time. */
    if (vm->spec->origin == VM_FROM_DIRECTORY)
        qmp_connector_set_link_rule(vm->connector, QMP_LINK_TO_OWN);
    if (!vm->spec->address->server && vm->spec->timeout != G_MAXUINT64)
        vm->connect_timer = timer_start(vm->context, get_time_left(vm), on_connect_timeout, vm);
    qmp_connector_start(vm->connector);
}

/* Connects; or accepts one more, if there is room. */
static void
attempt_connection(Vm *vm)
{
    if (vm->connecting || vm->candidates->len >= MAX_CANDIDATES)
        return;
    vm->attempt_began = g_get_monotonic_time();
    connect_once(vm);
}

Vm *
vm_new(GMainContext *context, const VmSpec *spec, gsize max_reply, const VmFuncs *funcs, gpointer user_data)
{
    Vm *vm = g_new0(Vm, 1);

    vm->context = g_main_context_ref(context);
    vm->funcs = *funcs;
    vm->user_data = user_data;
    vm->spec = vm_spec_copy(spec);
    vm->name = spec->waits ? NULL : g_strdup(vm->spec->name);
    monitor_id_init(&vm->monitor_id, vm->spec->address);
    monitor_id_set_unconnected(&vm->monitor_id);
    vm->max_reply = max_reply;
    reset_retry(vm);
    vm->attempt_began = g_get_monotonic_time();
    vm->candidates = g_ptr_array_new_with_free_func(candidate_free);
    vm->was_connected = spec->is_known;
    if (!spec->address || spec->session) {
        monitor_id_set_connected(&vm->monitor_id, spec->address, spec->fd);
        take_socket(vm, spec->fd, spec->session);
    } else if (!spec->waits) {
        attempt_connection(vm);
    }
    return vm;
}

void
vm_free(Vm *vm)
{
    timer_stop(&vm->connect_timer);
    timer_stop(&vm->retry_timer);
    g_ptr_array_unref(vm->candidates);
    g_clear_pointer(&vm->connector, qmp_connector_free);
    g_main_context_unref(vm->context);
    monitor_id_clear(&vm->monitor_id);
    vm_spec_free(vm->spec);
    g_free(vm->name);
    g_free(vm);
}

void
vm_set_funcs(Vm *vm, const VmFuncs *funcs, gpointer user_data)
{
    vm->funcs = *funcs;
    vm->user_data = user_data;
}

void
vm_poke(Vm *vm)
{
    if (vm->connecting || vm->candidates->len > 0)
        return;
    timer_stop(&vm->retry_timer);
    reset_retry(vm);
    attempt_connection(vm);
}

const char *
vm_get_name(Vm *vm)
{
    return vm->name;
}

void
vm_set_name(Vm *vm, const char *name)
{
    g_return_if_fail(!vm->name);
    vm->name = g_strdup(name);
}

const VmSpec *
vm_get_spec(Vm *vm)
{
    return vm->spec;
}

VmOrigin
vm_get_origin(Vm *vm)
{
    return vm->spec->origin;
}

const QmpAddress *
vm_get_address(Vm *vm)
{
    return vm->spec->address;
}

const MonitorId *
vm_get_monitor_id(Vm *vm)
{
    return &vm->monitor_id;
}

gboolean
vm_requires_isolation(Vm *vm)
{
    return vm->spec->isolation_required;
}

void
vm_set_default_isolation(Vm *vm, gboolean isolation_required)
{
    if (vm->spec->isolation_is_default)
        vm->spec->isolation_required = isolation_required;
}

QemuConnection *
vm_get_qemu(Vm *vm)
{
    return vm->current ? vm->current->qemu : NULL;
}

guint32
vm_get_owner_uid(Vm *vm)
{
    return vm->current ? vm->current->owner_uid : vm->spec->added_by;
}

gboolean
vm_is_owner_known(Vm *vm)
{
    return vm->current && vm->current->owner_is_known;
}
