/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU is asked about its jobs: an answer that is older than an event must not undo what the event has told, and a query that
 * is forgotten leaves a job on the bus for ever. */
#include "job-queries.h"

#include "test-vm-fixture.h"

typedef struct Fixture {
    VmFixture base;
    JobQueries *queries; /* owned; NULL when freed */
    guint n_answers[N_JOB_KINDS], n_latest[N_JOB_KINDS], n_hindrances;
} Fixture;

static void
on_answer(JobKind kind, JsonNode *answer, gboolean is_latest, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_assert_true(kind == JOB_QMP ? JSON_NODE_HOLDS_ARRAY(answer) : JSON_NODE_HOLDS_OBJECT(answer));
    fixture->n_answers[kind]++;
    fixture->n_latest[kind] += is_latest;
}

static void
on_hindrance(JsonNode *answer, gpointer user_data)
{
    g_assert_true(JSON_NODE_HOLDS_ARRAY(answer));
    ((Fixture *)user_data)->n_hindrances++;
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    vm_fixture_set_up(&fixture->base, 11, 1, /* isolation_required= */ FALSE);
    test_qemu_set_answer(fixture->base.qemu, "query-jobs", "\"return\": []");
    test_qemu_set_answer(fixture->base.qemu, "query-block-jobs", "\"return\": []");
    fixture->queries = job_queries_new(vm_get_qemu(fixture->base.vm), on_answer, on_hindrance, fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->queries, job_queries_free);
    vm_fixture_tear_down(&fixture->base);
}

static guint
count(Fixture *fixture, const char *line)
{
    return test_qemu_count(fixture->base.qemu, line);
}

/* A VM with work of every kind: each query brings its own answer. */
static void
test_kinds(Fixture *fixture, gconstpointer unused)
{
    for (guint i = 0; i < N_JOB_KINDS; i++)
        job_queries_ask(fixture->queries, (JobKind)i);
    job_queries_ask_why(fixture->queries);
    vm_fixture_settle(&fixture->base);
    for (guint i = 0; i < N_JOB_KINDS; i++)
        g_assert_cmpuint(fixture->n_latest[i], ==, 1);
    g_assert_cmpuint(fixture->n_hindrances, ==, 1);
    g_assert_cmpuint(count(fixture, "0 query-migrate"), ==, 1);
    g_assert_cmpuint(count(fixture, "0 query-dump"), ==, 1);
}

/* The guest stops or runs, and the VM knows. */
static void
change_status(Fixture *fixture, gboolean is_running)
{
    g_autofree char *text =
        g_strdup_printf("{\"event\": \"%s\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 1}}\r\n",
                        is_running ? "RESUME" : "STOP");

    test_qemu_set_answer(fixture->base.qemu, "query-status",
                         is_running ? "\"return\": {\"status\": \"running\", \"running\": true}"
                                    : "\"return\": {\"status\": \"save-vm\", \"running\": false}");
    test_qemu_send_to_all(fixture->base.qemu, text);
    qmp_peer_wait_until(fixture->base.context,
                        qemu_connection_is_running(vm_get_qemu(fixture->base.vm)) == is_running);
    vm_fixture_settle(&fixture->base);
}

/* A VM that the agent comes to: QEMU is asked for a dump only where the guest does not run, and for all other work always. */
static void
test_first(Fixture *fixture, gconstpointer unused)
{
    change_status(fixture, TRUE);
    job_queries_ask_first(fixture->queries);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 query-dump"), ==, 0);
    change_status(fixture, FALSE);
    job_queries_ask_first(fixture->queries);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 query-dump"), ==, 1);
    g_assert_cmpuint(count(fixture, "0 query-jobs"), ==, 2);
    g_assert_cmpuint(count(fixture, "0 query-migrate"), ==, 2);
    g_assert_cmpuint(count(fixture, "0 migrate-set-capabilities"), ==, 2);
}

/* A VM with a hundred events while QEMU is slow: one query is under way, one more follows, and only that answer is the latest. */
static void
test_once(Fixture *fixture, gconstpointer unused)
{
    test_qemu_withhold(fixture->base.qemu, "query-jobs");
    for (guint i = 0; i < 100; i++)
        job_queries_ask(fixture->queries, JOB_QMP);
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 query-jobs") == 1);
    test_qemu_release(fixture->base.qemu, "query-jobs");
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 query-jobs"), ==, 2);
    g_assert_cmpuint(fixture->n_answers[JOB_QMP], ==, 2);
    g_assert_cmpuint(fixture->n_latest[JOB_QMP], ==, 1);
}

/* An event that comes before the answer: QEMU is asked again; without a query under way it is not. */
static void
test_doubt(Fixture *fixture, gconstpointer unused)
{
    job_queries_doubt(fixture->queries, JOB_QMP);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 query-jobs"), ==, 0);
    job_queries_ask(fixture->queries, JOB_QMP);
    job_queries_doubt(fixture->queries, JOB_QMP);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 query-jobs"), ==, 2);
    g_assert_cmpuint(fixture->n_latest[JOB_QMP], ==, 1);
}

/* A QEMU without the command, or with an answer that is too long or of another kind: nothing is told of jobs, and the next query goes out. */
static void
test_nonsense(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *blanks = g_strnfill(256 * 1024, ' ');
    g_autofree char *long_list = g_strdup_printf("\"return\": [%s]", blanks);
    const char *answers[] = {
        "\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no\"}",
        "\"return\": {}",
        "\"return\": \"x\"",
        long_list,
    };

    for (guint i = 0; i < G_N_ELEMENTS(answers); i++) {
        test_qemu_set_answer(fixture->base.qemu, "query-jobs", answers[i]);
        job_queries_ask(fixture->queries, JOB_QMP);
        vm_fixture_settle(&fixture->base);
    }
    g_assert_cmpuint(count(fixture, "0 query-jobs"), ==, G_N_ELEMENTS(answers));
    g_assert_cmpuint(fixture->n_answers[JOB_QMP], ==, 0);
}

/* A QEMU that agrees to tell of migrations by events, and one that does not: there the agent has to ask. */
static void
test_events(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(job_queries_has_events(fixture->queries));
    job_queries_ask_for_events(fixture->queries);
    job_queries_ask_for_events(fixture->queries);
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(count(fixture, "0 migrate-set-capabilities"), ==, 1);
    g_assert_true(job_queries_has_events(fixture->queries));
    test_qemu_set_answer(fixture->base.qemu, "migrate-set-capabilities",
                         "\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}");
    job_queries_ask_for_events(fixture->queries);
    vm_fixture_settle(&fixture->base);
    g_assert_false(job_queries_has_events(fixture->queries));
}

/* A VM that goes with queries under way: the answers find nothing any more. */
static void
test_freed(Fixture *fixture, gconstpointer unused)
{
    test_qemu_withhold(fixture->base.qemu, "query-jobs");
    job_queries_ask(fixture->queries, JOB_QMP);
    job_queries_ask_for_events(fixture->queries);
    qmp_peer_wait_until(fixture->base.context, count(fixture, "0 query-jobs") == 1);
    g_clear_pointer(&fixture->queries, job_queries_free);
    test_qemu_release(fixture->base.qemu, "query-jobs");
    vm_fixture_settle(&fixture->base);
    g_assert_cmpuint(fixture->n_answers[JOB_QMP], ==, 0);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/job-queries/kinds", test_kinds);
    ADD("/job-queries/first", test_first);
    ADD("/job-queries/once", test_once);
    ADD("/job-queries/doubt", test_doubt);
    ADD("/job-queries/nonsense", test_nonsense);
    ADD("/job-queries/events", test_events);
    ADD("/job-queries/freed", test_freed);
    return g_test_run();
}
