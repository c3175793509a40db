/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From vm-registry.c's hands, where a VM that is up is forgotten or the agent ends: the callers leave, their commands that
 * change something are waited for, a monitor that is being plugged gets plugged and removed, fdsets and names are given
 * back. All of that is asked of the control monitor, so it is done when nothing is under way there any more. */
#include "vm-teardown.h"

#include "timer.h"

/* A QEMU that works has answered in some ms; one that does not must not keep the agent from ending. */
#define MAX_TIME ((guint64)2 * G_TIME_SPAN_SECOND)

struct VmTeardown {
    GMainContext *context; /* ref */
    GQueue all; /* of Farewell, owned, by their links */
    VmTeardownFunc func; /* NULL: nobody waits */
    gpointer user_data;
};

typedef struct Farewell {
    VmTeardown *farewells; /* weak */
    Vm *vm; /* owned */
    CallerSessions *sessions; /* owned; on vm */
    GSource *timer; /* owned; until it ends as it is */
    GSource *checker; /* owned; NULL: nothing to look at */
    gboolean has_left; /* the last of the callers */
    GList link; /* in farewells->all */
} Farewell;

static QmpQueue *
get_control(Farewell *farewell)
{
    return qemu_connection_get_control(vm_get_qemu(farewell->vm));
}

/* Not from inside a callback of the VM's but on_down. */
static void
end_farewell(Farewell *farewell)
{
    g_queue_unlink(&farewell->farewells->all, &farewell->link);
    timer_stop(&farewell->timer);
    timer_stop(&farewell->checker);
    qmp_queue_set_idle_func(get_control(farewell), NULL, NULL);
    caller_sessions_free(farewell->sessions);
    vm_free(farewell->vm);
    g_free(farewell);
}

static void
end_and_tell(Farewell *farewell)
{
    VmTeardown *farewells = farewell->farewells;

    end_farewell(farewell);
    if (!farewells->all.head && farewells->func)
        farewells->func(farewells->user_data);
}

/* An answer may have led to more being asked. */
static gboolean
check_silence(gpointer user_data)
{
    Farewell *farewell = user_data;

    timer_stop(&farewell->checker);
    if (farewell->has_left && !qmp_queue_is_busy(get_control(farewell)))
        end_and_tell(farewell);
    return G_SOURCE_REMOVE;
}

static void
on_control_idle(gpointer user_data)
{
    Farewell *farewell = user_data;

    if (!farewell->checker)
        farewell->checker = timer_start(farewell->farewells->context, 0, check_silence, farewell);
}

static void
on_left(gpointer user_data)
{
    Farewell *farewell = user_data;

    farewell->has_left = TRUE;
    on_control_idle(farewell);
}

static gboolean
on_timeout(gpointer user_data)
{
    end_and_tell(user_data);
    return G_SOURCE_REMOVE;
}

static void
on_changed(Vm *vm, gpointer user_data)
{
    Farewell *farewell = user_data;

    caller_sessions_status_changed(farewell->sessions);
}

static void
on_event(Vm *vm, const QmpEvent *event, gpointer user_data)
{
}

static void
on_stuck(Vm *vm, const GError *error, gpointer user_data)
{
}

static void
on_ending(Vm *vm, gpointer user_data)
{
}

static gboolean
on_down(Vm *vm, VmDown how, const GError *error, gpointer user_data)
{
    end_and_tell(user_data);
    return FALSE;
}

void
vm_teardown_add(VmTeardown *farewells, Vm *vm, CallerSessions *sessions)
{
    static const VmFuncs funcs = {
        /* on_connected= */ NULL, /* on_up= */ NULL, on_changed, on_event, on_stuck, on_ending, on_down,
    };
    Farewell *farewell = g_new0(Farewell, 1);

    farewell->farewells = farewells;
    farewell->vm = vm;
    farewell->sessions = sessions;
    farewell->link.data = farewell;
    g_queue_push_tail_link(&farewells->all, &farewell->link);
    farewell->timer = timer_start(farewells->context, MAX_TIME, on_timeout, farewell);
    vm_set_funcs(vm, &funcs, farewell);
    qmp_queue_set_idle_func(get_control(farewell), on_control_idle, farewell);
    caller_sessions_leave(sessions, on_left, farewell);
}

gboolean
vm_teardown_wait(VmTeardown *farewells, VmTeardownFunc func, gpointer user_data)
{
    farewells->func = func;
    farewells->user_data = user_data;
    return farewells->all.head != NULL;
}

VmTeardown *
vm_teardown_new(GMainContext *context)
{
    VmTeardown *farewells = g_new0(VmTeardown, 1);

    farewells->context = g_main_context_ref(context);
    return farewells;
}

void
vm_teardown_free(VmTeardown *farewells)
{
    while (farewells->all.head)
        end_farewell(farewells->all.head->data);
    g_main_context_unref(farewells->context);
    g_free(farewells);
}
