/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs from QEMU's words to objects: an end that is not heard of leaves callers waiting, one that is made up answers them while the
 * job goes on, and an object that stays shows a job that is long gone. */
#include "jobs.h"

#include <string.h>

#include "call.h"
#include "contract.h"
#include "job-methods.h"
#include "job-object.h"
#include "names.h"
#include "test-bus-fixture.h"
#include "test-vm-fixture.h"

#define LIST(status) "\"return\": [{\"id\": \"j\", \"type\": \"backup\", \"status\": \"" status "\"}]"
#define FAILED                                                                                                        \
    "\"return\": [{\"id\": \"j\", \"type\": \"create\", \"status\": \"concluded\", \"error\": \"no space\"}]"

typedef struct Fixture {
    VmFixture base;
    BusFixture bus;
    GDBusNodeInfo *contract; /* owned */
    ManagementHost host;
    Context context;
    VmContext vm_context;
    Jobs *jobs; /* owned */
    GString *finished; /* owned; "KIND ID ERROR;" each */
} Fixture;

static void
on_finished(JobKind kind, const char *id, const char *error, gpointer user_data)
{
    g_string_append_printf(((Fixture *)user_data)->finished, "%d %s %s;", kind, id, error ? error : "-");
}

static gboolean
is_watched(gpointer user_data)
{
    return FALSE;
}

static void
on_changed(gpointer user_data)
{
    Fixture *fixture = user_data;

    if (fixture->jobs)
        jobs_status_changed(fixture->jobs);
}

/* @data: QEMU's answer to query-jobs when the agent comes. */
static void
set_up(Fixture *fixture, gconstpointer data)
{
    static const JobsFuncs funcs = { on_finished, is_watched };

    bus_fixture_set_up(&fixture->bus, NULL);
    vm_fixture_set_up(&fixture->base, 11, 1, /* isolation_required= */ FALSE);
    vm_set_name(fixture->base.vm, "vm");
    fixture->base.on_changed = on_changed;
    fixture->base.user_data = fixture;
    fixture->contract = contract_load();
    fixture->host.context = fixture->base.context;
    fixture->context.host = &fixture->host;
    fixture->context.bus = fixture->bus.bus;
    fixture->context.calls = calls_new();
    fixture->context.job_interface =
        bus_interface_new(g_dbus_node_info_lookup_interface(fixture->contract, MONITOR_JOB_INTERFACE), job_methods,
                          job_object_properties, /* any= */ NULL, /* error= */ NULL);
    fixture->vm_context.context = &fixture->context;
    fixture->vm_context.vm = fixture->base.vm;
    fixture->finished = g_string_new(NULL);
    test_qemu_set_answer(fixture->base.qemu, "query-jobs", data);
    fixture->jobs = jobs_new(&fixture->vm_context, &funcs, fixture);
    vm_fixture_settle(&fixture->base);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    jobs_unpublish(fixture->jobs);
    g_clear_pointer(&fixture->jobs, jobs_free);
    g_string_free(fixture->finished, TRUE);
    vm_fixture_tear_down(&fixture->base);
    bus_interface_unref(fixture->context.job_interface);
    calls_free(fixture->context.calls);
    bus_fixture_tear_down(&fixture->bus, NULL);
    g_dbus_node_info_unref(fixture->contract);
}

/* QEMU has said so, and has answered whatever it was asked then. */
static void
hear(Fixture *fixture, const char *name, const char *data)
{
    QmpEvent event = { .name = name, .data = { data, strlen(data) } };

    jobs_event(fixture->jobs, &event);
    vm_fixture_settle(&fixture->base);
}

static void
hear_status(Fixture *fixture, const char *status)
{
    g_autofree char *data = g_strdup_printf("{\"id\": \"j\", \"status\": \"%s\"}", status);

    hear(fixture, "JOB_STATUS_CHANGE", data);
}

/* The value of a property of job @id, as GVariant text; NULL: there is no such object. Who reads is looking, so that QEMU may be
 * asked again at any time from here on: its answers must be true. */
static char *
get(Fixture *fixture, const char *id, gboolean is_qmp, const char *property)
{
    g_autofree char *path = names_path_from_job(vm_get_name(fixture->base.vm), id, is_qmp);
    g_autoptr(GVariant) reply = test_client_call(
        fixture->bus.client, bus_get_unique_name(fixture->bus.bus), path, "org.freedesktop.DBus.Properties", "Get",
        g_variant_new("(ss)", MONITOR_JOB_INTERFACE, property), /* error= */ NULL);

    return reply ? g_variant_print(reply, FALSE) : NULL;
}

static void
assert_property(Fixture *fixture, const char *property, const char *expected)
{
    g_autofree char *value = get(fixture, "j", TRUE, property);

    g_assert_cmpstr(value, ==, expected);
}

static void
answer_jobs(Fixture *fixture, const char *answer)
{
    test_qemu_set_answer(fixture->base.qemu, "query-jobs", answer);
}

/* A job of somebody's: its object comes with its type, says how it ends, and goes when it is dismissed. */
static void
test_life(Fixture *fixture, gconstpointer data)
{
    answer_jobs(fixture, LIST("created"));
    hear_status(fixture, "created");
    assert_property(fixture, "Type", "(<'backup'>,)");
    g_assert_true(jobs_is_under_way(fixture->jobs, JOB_QMP, "j"));
    answer_jobs(fixture, LIST("running"));
    hear_status(fixture, "running");
    assert_property(fixture, "Status", "(<'running'>,)");
    answer_jobs(fixture, FAILED);
    hear_status(fixture, "concluded");
    g_assert_cmpstr(fixture->finished->str, ==, "0 j no space;");
    assert_property(fixture, "Error", "(<'no space'>,)");
    g_assert_false(jobs_is_under_way(fixture->jobs, JOB_QMP, "j"));
    answer_jobs(fixture, "\"return\": []");
    hear_status(fixture, "null");
    assert_property(fixture, "Error", NULL);
    g_assert_cmpstr(fixture->finished->str, ==, "0 j no space;");
}

/* A job that fails and goes before QEMU has answered what it is: the end is told, as an error. */
static void
test_dismissed_at_once(Fixture *fixture, gconstpointer data)
{
    static const char *const statuses[] = { "created", "aborting", "null" };

    test_qemu_withhold(fixture->base.qemu, "query-jobs");
    for (guint i = 0; i < G_N_ELEMENTS(statuses); i++) {
        g_autofree char *text = g_strdup_printf("{\"id\": \"j\", \"status\": \"%s\"}", statuses[i]);
        jobs_event(fixture->jobs, &(QmpEvent){ .name = "JOB_STATUS_CHANGE", .data = { text, strlen(text) } });
    }
    g_assert_true(g_str_has_prefix(fixture->finished->str, "0 j It has failed"));
    test_qemu_release(fixture->base.qemu, "query-jobs");
}

/* A QEMU with a job that had ended when the agent came: it is shown, and nobody is told of an end again. */
static void
test_found(Fixture *fixture, gconstpointer data)
{
    assert_property(fixture, "Error", "(<'no space'>,)");
    g_assert_false(jobs_is_under_way(fixture->jobs, JOB_QMP, "j"));
    g_assert_cmpstr(fixture->finished->str, ==, "");
}

/* A QEMU that lists a job no more, without an event: it has gone. */
static void
test_unlisted(Fixture *fixture, gconstpointer data)
{
    assert_property(fixture, "Status", "(<'running'>,)");
    answer_jobs(fixture, "\"return\": []");
    hear(fixture, "JOB_STATUS_CHANGE", "{\"id\": \"k\", \"status\": \"created\"}");
    g_assert_true(g_str_has_prefix(fixture->finished->str, "0 j It has gone"));
    assert_property(fixture, "Status", NULL);
}

/* A migration that ends without ever having had an object: the end is told, with QEMU's reason. */
static void
test_migration(Fixture *fixture, gconstpointer data)
{
    test_qemu_set_answer(fixture->base.qemu, "query-migrate",
                         "\"return\": {\"status\": \"failed\", \"error-desc\": \"no route\"}");
    hear(fixture, "MIGRATION", "{\"status\": \"failed\"}");
    g_assert_cmpstr(fixture->finished->str, ==, "1 migration no route;");
}

/* A caller's migration that QEMU has no word for yet (7.2, incoming): it is under way, until QEMU says that there is none. */
static void
test_begun(Fixture *fixture, gconstpointer data)
{
    g_assert_false(jobs_is_under_way(fixture->jobs, JOB_MIGRATION, JOB_ID_MIGRATION));
    jobs_command_done(fixture->jobs, "migrate-incoming");
    g_assert_true(jobs_is_under_way(fixture->jobs, JOB_MIGRATION, JOB_ID_MIGRATION));
    vm_fixture_settle(&fixture->base);
    g_assert_cmpstr(fixture->finished->str, ==, "");
}

/* A dump that another program begins: the run state gives it away. */
static void
begin_dump(Fixture *fixture)
{
    test_qemu_set_answer(fixture->base.qemu, "query-dump",
                         "\"return\": {\"status\": \"active\", \"completed\": 1, \"total\": 2}");
    test_qemu_set_answer(fixture->base.qemu, "query-status",
                         "\"return\": {\"status\": \"save-vm\", \"running\": false}");
    test_qemu_send_to_all(fixture->base.qemu,
                          "{\"event\": \"STOP\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 1}}\r\n");
    qmp_peer_wait_until(fixture->base.context, jobs_is_under_way(fixture->jobs, JOB_DUMP, JOB_ID_DUMP));
}

static void
end_dump(Fixture *fixture)
{
    test_qemu_set_answer(fixture->base.qemu, "query-dump",
                         "\"return\": {\"status\": \"completed\", \"completed\": 2, \"total\": 2}");
    hear(fixture, "DUMP_COMPLETED", "{\"result\": {\"status\": \"completed\", \"completed\": 2, \"total\": 2}}");
}

static void
test_dump(Fixture *fixture, gconstpointer data)
{
    g_autofree char *status = NULL;

    begin_dump(fixture);
    status = get(fixture, JOB_ID_DUMP, FALSE, "Status");
    g_assert_cmpstr(status, ==, "(<'active'>,)");
    end_dump(fixture);
    g_assert_cmpstr(fixture->finished->str, ==, "2 dump -;");
}

/* The run state was not seen to be another one between them. */
static void
test_next_dump(Fixture *fixture, gconstpointer data)
{
    begin_dump(fixture);
    end_dump(fixture);
    g_assert_false(jobs_is_under_way(fixture->jobs, JOB_DUMP, JOB_ID_DUMP));
    test_qemu_set_answer(fixture->base.qemu, "query-dump",
                         "\"return\": {\"status\": \"active\", \"completed\": 1, \"total\": 2}");
    hear(fixture, "STOP", "{}");
    g_assert_true(jobs_is_under_way(fixture->jobs, JOB_DUMP, JOB_ID_DUMP));
}

/* A QEMU with more jobs than are shown, with nonsense for jobs and with ids that are too long: the first are there. */
static void
test_many(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GString) list = g_string_new("\"return\": [7, {\"id\": \"\", \"type\": \"a\", \"status\": \"b\"}");
    g_autofree char *long_id = g_strnfill(256, 'x');

    g_string_append_printf(list, ", {\"id\": \"%s\", \"type\": \"a\", \"status\": \"b\"}", long_id);
    for (guint i = 0; i < 300; i++)
        g_string_append_printf(list, ", {\"id\": \"j%u\", \"type\": \"stream\", \"status\": \"running\"}", i);
    g_string_append_c(list, ']');
    answer_jobs(fixture, list->str);
    hear(fixture, "JOB_STATUS_CHANGE", "{\"id\": \"j0\", \"status\": \"created\"}");
    g_assert_true(jobs_is_under_way(fixture->jobs, JOB_QMP, "j255"));
    g_assert_false(jobs_is_under_way(fixture->jobs, JOB_QMP, "j256"));
    g_assert_false(jobs_is_under_way(fixture->jobs, JOB_QMP, long_id));
}

/* Words and texts of a QEMU that lies go to everybody who watches the VM: those that are longer than QEMU's are not shown, and of
 * an error the beginning. */
static void
test_long_texts(Fixture *fixture, gconstpointer data)
{
    g_autofree char *word = g_strnfill(65, 'w'), *text = g_strnfill(5000, 'e'), *value = NULL;
    g_autofree char *lie =
        g_strdup_printf("\"return\": [{\"id\": \"j\", \"type\": \"%s\", \"status\": \"%s\"}]", word, word);
    g_autofree char *failed = g_strdup_printf("\"return\": [{\"id\": \"j\", \"type\": \"backup\", "
                                              "\"status\": \"concluded\", \"error\": \"%s\"}]",
                                              text);

    answer_jobs(fixture, LIST("created"));
    hear_status(fixture, "created");
    answer_jobs(fixture, lie);
    hear_status(fixture, "running");
    assert_property(fixture, "Type", "(<'backup'>,)");
    assert_property(fixture, "Status", "(<'running'>,)");
    answer_jobs(fixture, failed);
    hear_status(fixture, "concluded");
    value = get(fixture, "j", TRUE, "Error");
    g_assert_true(g_str_has_suffix(value, "ee…'>,)"));
    g_assert_cmpuint(strlen(value), <, 1100);
}

/* An event that is longer than any about jobs: it is not read, whatever it is about. */
static void
test_long_event(Fixture *fixture, gconstpointer data)
{
    g_autofree char *blanks = g_strnfill(16384, ' ');
    g_autofree char *text = g_strdup_printf("{\"id\": \"j\", \"status\": \"created\"%s}", blanks);
    guint n_asked = test_qemu_count(fixture->base.qemu, "0 query-jobs");

    hear(fixture, "JOB_STATUS_CHANGE", text);
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, "0 query-jobs"), ==, n_asked);
    g_assert_false(jobs_is_under_way(fixture->jobs, JOB_QMP, "j"));
}

#define ADD(path, jobs, test) g_test_add(path, Fixture, jobs, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/jobs/life", "\"return\": []", test_life);
    ADD("/jobs/dismissed-at-once", "\"return\": []", test_dismissed_at_once);
    ADD("/jobs/found", FAILED, test_found);
    ADD("/jobs/unlisted", LIST("running"), test_unlisted);
    ADD("/jobs/migration", "\"return\": []", test_migration);
    ADD("/jobs/begun", "\"return\": []", test_begun);
    ADD("/jobs/dump", "\"return\": []", test_dump);
    ADD("/jobs/dump-after-dump", "\"return\": []", test_next_dump);
    ADD("/jobs/many", "\"return\": []", test_many);
    ADD("/jobs/long-texts", "\"return\": []", test_long_texts);
    ADD("/jobs/long-event", "\"return\": []", test_long_event);
    return g_test_run();
}
