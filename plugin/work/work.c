/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by vm-object.c; owns the Jobs and the ExecuteAndWaitList of one VM. */
#include "work.h"

#include "errors.h"
#include "jobs.h"
#include "names.h"
#include "caller-sessions.h"
#include "value.h"
#include "execute-and-wait-list.h"

struct Work {
    VmContext *vm_context; /* weak */
    WorkAudienceFunc has_audience;
    Jobs *jobs; /* owned */
    ExecuteAndWaitList *waits; /* owned */
};

void
work_execute_and_wait(Work *work, BusCall *call)
{
    ExecuteAndWaitOptions options = { 0 };
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) arguments = NULL;
    DBusMessageIter iter;
    const char *command;
    JsonCost cost = { 0 };

    dbus_message_iter_init(bus_call_get_message(call), &iter);
    dbus_message_iter_get_basic(&iter, &command);
    dbus_message_iter_next(&iter);
    if (names_check_command(command, &error) && dbus_message_iter_get_arg_type(&iter) != DBUS_TYPE_INVALID)
        arguments = value_read(&iter, "arguments", &cost, &error);
    if (arguments && dbus_message_iter_next(&iter))
        execute_and_wait_read_options(&iter, &options, &error);
    if (error)
        errors_fail(call, error);
    else
        execute_and_wait_list_execute(work->waits, call, command, arguments, cost.bytes, &options);
}

/* Who waits for a job is told when jobs.c knows of its end, so that the object says the same. */
void
work_event(Work *work, const QmpEvent *event)
{
    jobs_event(work->jobs, event);
    execute_and_wait_list_event(work->waits, event);
}

void
work_look(Work *work)
{
    jobs_look(work->jobs);
}

void
work_drop_caller(Work *work, const char *unique_name)
{
    execute_and_wait_list_drop_caller(work->waits, unique_name);
}

static void
on_job_finished(JobKind kind, const char *id, const char *error, gpointer user_data)
{
    Work *work = user_data;

    execute_and_wait_list_job_finished(work->waits, kind, id, error);
}

/* On a session bus everybody hears of changes, and nobody can be known to listen who does not say so. */
static gboolean
is_watched(gpointer user_data)
{
    Work *work = user_data;

    return execute_and_wait_list_is_busy(work->waits) || work->has_audience(work->vm_context);
}

static void
on_command_done(const char *command, gpointer user_data)
{
    Work *work = user_data;

    jobs_command_done(work->jobs, command);
    execute_and_wait_list_command_done(work->waits, command);
}

Work *
work_new(VmContext *vm_context, WorkAudienceFunc has_audience)
{
    static const JobsFuncs funcs = { on_job_finished, is_watched };
    Work *work = g_new0(Work, 1);

    work->vm_context = vm_context;
    work->has_audience = has_audience;
    work->jobs = jobs_new(vm_context, &funcs, work);
    work->waits = execute_and_wait_list_new(vm_context, work->jobs);
    caller_sessions_set_done(vm_context->sessions, on_command_done, work);
    return work;
}

void
work_unpublish(Work *work)
{
    jobs_unpublish(work->jobs);
}

void
work_free(Work *work)
{
    execute_and_wait_list_free(work->waits);
    jobs_free(work->jobs);
    g_free(work);
}
