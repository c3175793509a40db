/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each method is a QMP command that the caller could have sent as well, and goes that command's way (call.c). Called
 * by the bus; owns nothing. */
#include "job-methods.h"

#include "call.h"
#include "job-object.h"
#include "qmp-error.h"
#include "errors.h"
#include "json-tree.h"

/* The command of each kind of work, NULL where it has no such thing; and what its arguments are besides the job's id. */
typedef struct Row {
    const char *method;
    const char *commands[N_JOB_KINDS];
    const char *member; /* of the arguments: has the job's id */
} Row;

static const Row rows[] = {
    { "Pause", { [JOB_QMP] = "job-pause" }, "id" },
    { "Resume", { [JOB_QMP] = "job-resume" }, "id" },
    { "SetSpeed", { [JOB_QMP] = "block-job-set-speed", [JOB_MIGRATION] = "migrate-set-parameters" }, "device" },
    { "Cancel", { [JOB_QMP] = "job-cancel", [JOB_MIGRATION] = "migrate_cancel" }, "id" },
    { "Complete", { [JOB_QMP] = "job-complete", [JOB_MIGRATION] = "migrate-continue" }, "id" },
    { "Finalize", { [JOB_QMP] = "job-finalize" }, "id" },
    { "Dismiss", { [JOB_QMP] = "job-dismiss" }, "id" },
};

static const Row *
find_job_method(const char *method)
{
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        if (g_str_equal(rows[i].method, method))
            return &rows[i];
    g_return_val_if_reached(NULL);
}

/* Other jobs than block jobs have no speed, and QEMU would not find them by that command. */
static gboolean
is_block_job(JobObject *job)
{
    static const char *const types[] = { "backup", "commit", "mirror", "stream", NULL };

    return g_strv_contains(types, job_object_get_job_type(job));
}

static gboolean
has_method(JobObject *job, const Row *row)
{
    JobKind kind = job_object_get_kind(job);

    if (g_str_equal(row->method, "SetSpeed") && kind == JOB_QMP)
        return is_block_job(job);
    return row->commands[kind] != NULL;
}

static void
add_speed(JobObject *job, BusCall *call, JsonObject *arguments)
{
    dbus_uint64_t speed;

    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_UINT64, &speed, DBUS_TYPE_INVALID);
    json_object_set_member(arguments, job_object_get_kind(job) == JOB_QMP ? "speed" : "max-bandwidth",
                           json_tree_new_uint(speed));
}

static JsonNode *
make_arguments(JobObject *job, BusCall *call, const Row *row)
{
    g_autoptr(JsonObject) arguments = json_object_new();

    if (job_object_get_kind(job) == JOB_QMP)
        json_object_set_member(arguments, row->member, json_tree_new_string(job_object_get_id(job)));
    else if (g_str_equal(row->method, "Complete"))
        json_object_set_member(arguments, "state", json_tree_new_string("pre-switchover"));
    if (g_str_equal(row->method, "SetSpeed"))
        add_speed(job, call, arguments);
    return json_node_init_object(json_node_alloc(), arguments);
}

static void
on_job_method_called(BusCall *call, gpointer object_data)
{
    JobObject *job = object_data;
    const Row *row = find_job_method(bus_call_get_member(call));
    g_autoptr(JsonNode) arguments = NULL;

    if (!has_method(job, row)) {
        g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_PROTOCOL, "There is no %s for a %s", row->method,
                                              job_object_get_job_type(job));
        errors_fail(call, error);
        return;
    }
    arguments = make_arguments(job, call, row);
    call_execute_of(job_object_get_vm(job), call, row->commands[job_object_get_kind(job)], arguments, job);
}

const BusMethod job_methods[] = {
    { "Pause", BUS_ACCESS_GATED, on_job_method_called },    { "Resume", BUS_ACCESS_GATED, on_job_method_called },
    { "SetSpeed", BUS_ACCESS_GATED, on_job_method_called }, { "Cancel", BUS_ACCESS_GATED, on_job_method_called },
    { "Complete", BUS_ACCESS_GATED, on_job_method_called }, { "Finalize", BUS_ACCESS_GATED, on_job_method_called },
    { "Dismiss", BUS_ACCESS_GATED, on_job_method_called },  { 0 },
};
