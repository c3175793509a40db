/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Takes VMs that are up over from vm-registry.c, when one is forgotten or the agent ends: the callers leave, their commands
 * that change something are waited for, a monitor that is being plugged gets plugged and removed, fdsets and names are
 * given back. All of that goes by the control monitor, so the end is there when nothing is under way on that any more. */
#include "vm-teardown.h"

#include "timer.h"

/* A QEMU that works has answered in some ms; one that does not must not keep the agent from ending. */
#define MAX_TIME ((guint64)2 * G_TIME_SPAN_SECOND)

struct VmTeardown {
    GMainContext *context; /* ref */
    GQueue all; /* of LeavingVm, owned, by their links */
    VmTeardownFunc func; /* NULL: nobody waits */
    gpointer user_data;
};

typedef struct LeavingVm {
    VmTeardown *teardown; /* weak */
    Vm *vm; /* owned */
    CallerSessions *sessions; /* owned; on vm */
    GSource *timer; /* owned; until it ends as it is */
    GSource *checker; /* owned; NULL: nothing to look at */
    gboolean has_left; /* the last of the callers */
    GList link; /* in teardown->all */
} LeavingVm;

static QmpQueue *
get_control(LeavingVm *leaving)
{
    return qemu_connection_get_control(vm_get_qemu(leaving->vm));
}

/* Not from inside a callback of the VM's but on_down. */
static void
end_leaving(LeavingVm *leaving)
{
    g_queue_unlink(&leaving->teardown->all, &leaving->link);
    timer_stop(&leaving->timer);
    timer_stop(&leaving->checker);
    qmp_queue_set_idle_func(get_control(leaving), NULL, NULL);
    caller_sessions_free(leaving->sessions);
    vm_free(leaving->vm);
    g_free(leaving);
}

static void
end_and_tell(LeavingVm *leaving)
{
    VmTeardown *teardown = leaving->teardown;

    end_leaving(leaving);
    if (!teardown->all.head && teardown->func)
        teardown->func(teardown->user_data);
}

/* An answer may have led to more being asked. */
static gboolean
check_silence(gpointer user_data)
{
    LeavingVm *leaving = user_data;

    timer_stop(&leaving->checker);
    if (leaving->has_left && !qmp_queue_is_busy(get_control(leaving)))
        end_and_tell(leaving);
    return G_SOURCE_REMOVE;
}

static void
on_control_idle(gpointer user_data)
{
    LeavingVm *leaving = user_data;

    if (!leaving->checker)
        leaving->checker = timer_start(leaving->teardown->context, 0, check_silence, leaving);
}

static void
on_last_caller_left(gpointer user_data)
{
    LeavingVm *leaving = user_data;

    leaving->has_left = TRUE;
    on_control_idle(leaving);
}

static gboolean
on_teardown_timeout(gpointer user_data)
{
    end_and_tell(user_data);
    return G_SOURCE_REMOVE;
}

static void
on_leaving_vm_changed(Vm *vm, gpointer user_data)
{
    LeavingVm *leaving = user_data;

    caller_sessions_status_changed(leaving->sessions);
}

static void
on_leaving_vm_event(Vm *vm, const QmpEvent *event, gpointer user_data)
{
}

static void
on_leaving_vm_stuck(Vm *vm, const GError *error, gpointer user_data)
{
}

static void
on_leaving_vm_ending(Vm *vm, gpointer user_data)
{
}

static gboolean
on_leaving_vm_down(Vm *vm, VmDown how, const GError *error, gpointer user_data)
{
    end_and_tell(user_data);
    return FALSE;
}

void
vm_teardown_add(VmTeardown *teardown, Vm *vm, CallerSessions *sessions)
{
    static const VmFuncs funcs = {
        /* on_connected= */ NULL, /* on_up= */ NULL,    on_leaving_vm_changed, on_leaving_vm_event,
        on_leaving_vm_stuck,      on_leaving_vm_ending, on_leaving_vm_down,
    };
    LeavingVm *leaving = g_new0(LeavingVm, 1);

    leaving->teardown = teardown;
    leaving->vm = vm;
    leaving->sessions = sessions;
    leaving->link.data = leaving;
    g_queue_push_tail_link(&teardown->all, &leaving->link);
    leaving->timer = timer_start(teardown->context, MAX_TIME, on_teardown_timeout, leaving);
    vm_set_funcs(vm, &funcs, leaving);
    qmp_queue_set_idle_func(get_control(leaving), on_control_idle, leaving);
    caller_sessions_leave(sessions, on_last_caller_left, leaving);
}

gboolean
vm_teardown_wait(VmTeardown *teardown, VmTeardownFunc func, gpointer user_data)
{
    teardown->func = func;
    teardown->user_data = user_data;
    return teardown->all.head != NULL;
}

VmTeardown *
vm_teardown_new(GMainContext *context)
{
    VmTeardown *teardown = g_new0(VmTeardown, 1);

    teardown->context = g_main_context_ref(context);
    return teardown;
}

void
vm_teardown_free(VmTeardown *teardown)
{
    while (teardown->all.head)
        end_leaving(teardown->all.head->data);
    g_main_context_unref(teardown->context);
    g_free(teardown);
}
