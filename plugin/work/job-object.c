/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Made, changed and removed by jobs.c; the methods are in job-methods.c. Owns its strings, which come from QEMU: the
 * JSON reader let only strings through that D-Bus carries. */
#include "job-object.h"

#include <string.h>

#include "call.h"
#include "names.h"
#include "vm.h"

/* Bytes. QEMU's words are 22 at most; texts of errors have file names in them. */
#define MAX_WORD 64
#define MAX_ERROR 4096

/* A mirror that was ready has done all its bytes when it is cancelled, and still has not been what it was for. */
#define MOST_OF_FAILED 0.99

struct JobObject {
    VmContext *vm_context; /* weak */
    JobKind kind;
    char *id; /* owned */
    JobReadFunc func;
    gpointer user_data;
    BusObject *object; /* owned */
    gboolean is_published;
    char *type, *status, *error; /* owned */
    guint64 current, total;
    gboolean has_finished;
};

static DBusBasicValue
make_job_text(const char *text)
{
    return (DBusBasicValue){ .str = (char *)text };
}

static DBusBasicValue
get_type(gpointer object_data)
{
    return make_job_text(((JobObject *)object_data)->type);
}

static DBusBasicValue
get_job_status(gpointer object_data)
{
    return make_job_text(((JobObject *)object_data)->status);
}

static DBusBasicValue
get_error(gpointer object_data)
{
    return make_job_text(((JobObject *)object_data)->error);
}

static DBusBasicValue
get_current(gpointer object_data)
{
    return (DBusBasicValue){ .u64 = ((JobObject *)object_data)->current };
}

static DBusBasicValue
get_total(gpointer object_data)
{
    return (DBusBasicValue){ .u64 = ((JobObject *)object_data)->total };
}

static double
compute_progress(const JobObject *job)
{
    double part = job->total > 0 ? MIN((double)job->current / (double)job->total, 1) : 0;

    if (!job->has_finished)
        return part;
    return *job->error ? MIN(part, MOST_OF_FAILED) : 1;
}

static DBusBasicValue
get_progress(gpointer object_data)
{
    return (DBusBasicValue){ .dbl = compute_progress(object_data) };
}

const BusProperty job_object_properties[] = {
    { "Type", get_type },
    { "Status", get_job_status },
    { "Current", get_current },
    { "Total", get_total },
    { "Progress", get_progress },
    { "Error", get_error },
    { 0 },
};

static void
emit_job_changed(JobObject *job, const char *property)
{
    bus_object_property_changed(job->object, MONITOR_JOB_INTERFACE, property);
}

static void
set_job_string(JobObject *job, char **string, const char *value, const char *property)
{
    if (g_str_equal(*string, value))
        return;
    g_free(*string);
    *string = g_strdup(value);
    emit_job_changed(job, property);
}

void
job_object_set_job_type(JobObject *job, const char *type)
{
    if (strlen(type) <= MAX_WORD)
        set_job_string(job, &job->type, type, "Type");
}

void
job_object_set_status(JobObject *job, const char *status)
{
    if (strlen(status) <= MAX_WORD)
        set_job_string(job, &job->status, status, "Status");
}

void
job_object_set_progress(JobObject *job, guint64 current, guint64 total)
{
    double before = compute_progress(job);

    if (job->current != current)
        emit_job_changed(job, "Current");
    if (job->total != total)
        emit_job_changed(job, "Total");
    job->current = current;
    job->total = total;
    if (compute_progress(job) != before)
        emit_job_changed(job, "Progress");
}

void
job_object_set_hindrance(JobObject *job, const char *text)
{
    if (!job->has_finished)
        set_job_string(job, &job->error, text ? text : "", "Error");
}

void
job_object_set_finished(JobObject *job, const char *error)
{
    g_autofree char *text = NULL;

    if (error && strlen(error) > MAX_ERROR) {
        g_autofree char *start = g_utf8_substring(error, 0, MAX_ERROR / 4);
        text = g_strconcat(start, "…", NULL);
    }
    job->has_finished = TRUE;
    set_job_string(job, &job->error, text ? text : error ? error : "", "Error");
    emit_job_changed(job, "Progress");
}

void
job_object_finish(JobObject *job, const char *error)
{
    DBusMessage *signal;

    job_object_set_finished(job, error);
    job_object_publish(job);
    signal = bus_object_new_signal(job->object, MONITOR_JOB_INTERFACE, "Finished");
    dbus_message_append_args(signal, DBUS_TYPE_STRING, &job->status, DBUS_TYPE_STRING, &job->error, DBUS_TYPE_INVALID);
    bus_object_send_signal(job->object, signal);
    dbus_message_unref(signal);
}

gboolean
job_object_has_finished(JobObject *job)
{
    return job->has_finished;
}

JobKind
job_object_get_kind(JobObject *job)
{
    return job->kind;
}

const char *
job_object_get_id(JobObject *job)
{
    return job->id;
}

const char *
job_object_get_job_type(JobObject *job)
{
    return job->type;
}

const char *
job_object_get_status(JobObject *job)
{
    return job->status;
}

VmContext *
job_object_get_vm(JobObject *job)
{
    return job->vm_context;
}

static void
on_properties_read(gpointer object_data)
{
    JobObject *job = object_data;

    job->func(job->user_data);
}

void
job_object_publish(JobObject *job)
{
    if (job->is_published)
        return;
    job->is_published = TRUE;
    bus_object_publish(job->object);
}

void
job_object_unpublish(JobObject *job)
{
    job->is_published = TRUE; /* once, and not again */
    bus_object_unpublish(job->object);
}

JobObject *
job_object_new(VmContext *vm_context, JobKind kind, const char *id, JobReadFunc func, gpointer user_data)
{
    JobObject *job = g_new0(JobObject, 1);
    Context *context = vm_context->context;
    g_autofree char *path = names_path_from_job(vm_get_name(vm_context->vm), id, /* is_qmp= */ kind == JOB_QMP);

    job->vm_context = vm_context;
    job->kind = kind;
    job->id = g_strdup(id);
    job->func = func;
    job->user_data = user_data;
    job->type = g_strdup(kind == JOB_QMP ? "" : id);
    job->status = g_strdup("");
    job->error = g_strdup("");
    job->object = bus_object_new(context->bus, path, job);
    bus_object_add_interface(job->object, context->job_interface);
    bus_object_set_read(job->object, on_properties_read);
    return job;
}

void
job_object_free(JobObject *job)
{
    call_object_gone(job->vm_context->context, job);
    bus_object_free(job->object);
    g_free(job->id);
    g_free(job->type);
    g_free(job->status);
    g_free(job->error);
    g_free(job);
}
