/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The notes on the end of one command, in whatever order QEMU tells: a note that is lost leaves a caller waiting for ever, one that
 * is taken for the command's own answers them for an older one's end. */
#include "completion.h"

#include <string.h>

#include "json-tree.h"

typedef struct Fixture {
    Completion *completion; /* owned */
} Fixture;

/* The ids of the jobs that are under way. */
struct Jobs {
    const char *const *ids;
};

/* The linker takes this for that of jobs.c. */
gboolean
jobs_is_under_way(Jobs *jobs, JobKind kind, const char *id)
{
    return g_strv_contains(jobs->ids, id);
}

static JsonNode *
parse(const char *text)
{
    JsonNode *node = text ? json_tree_parse(text, strlen(text), NULL) : NULL;

    g_assert_true(!text || node);
    return node;
}

static void
begin(Fixture *fixture, const char *command, const char *arguments)
{
    g_autoptr(JsonNode) node = parse(arguments);

    fixture->completion = completion_new(command, node, NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->completion, completion_free);
}

/* @answer: NULL: an error. @ids: of jobs that are under way, separated by spaces. */
static gboolean
answer(Fixture *fixture, const char *text, const char *ids)
{
    g_auto(GStrv) under_way = g_strsplit(ids, " ", -1);
    Jobs jobs = { (const char *const *)under_way };
    g_autoptr(JsonNode) node = parse(text);

    return completion_note_answer(fixture->completion, &jobs, node, "no answer");
}

static void
note_event(Fixture *fixture, const char *event, const char *data)
{
    g_autoptr(JsonNode) node = parse(data);

    completion_note_event(fixture->completion, event, node);
}

static void
assert_open(Fixture *fixture)
{
    g_assert_false(completion_has_ended(fixture->completion));
}

static void
assert_good(Fixture *fixture)
{
    g_assert_true(completion_has_ended(fixture->completion));
    g_assert_null(completion_get_error(fixture->completion));
}

static void
assert_bad(Fixture *fixture, const char *error)
{
    g_assert_true(completion_has_ended(fixture->completion));
    g_assert_nonnull(strstr(completion_get_error(fixture->completion), error));
}

/* A caller whose command has done all when it returns: there is nothing to note. */
static void
test_nothing(Fixture *fixture, gconstpointer unused)
{
    begin(fixture, "query-status", NULL);
    g_assert_null(fixture->completion);
    begin(fixture, "dump-guest-memory", "{\"detach\":false}");
    g_assert_null(fixture->completion);
    begin(fixture, "dump-guest-memory", NULL);
    g_assert_null(fixture->completion);
}

/* A caller who unplugs a device: its own event ends it, whatever comes for others before and after. */
static void
test_event(Fixture *fixture, gconstpointer unused)
{
    begin(fixture, "device_del", "{\"id\":\"a\"}");
    note_event(fixture, "DEVICE_DELETED", "{\"device\":\"b\"}");
    note_event(fixture, "DEVICE_DELETED", "7");
    note_event(fixture, "DEVICE_DELETED", NULL);
    assert_open(fixture);
    note_event(fixture, "DEVICE_UNPLUG_GUEST_ERROR", "{\"device\":\"a\"}");
    note_event(fixture, "DEVICE_DELETED", "{\"device\":\"a\"}");
    assert_bad(fixture, "refused to give up 'a'");
    g_assert_false(answer(fixture, "{}", ""));
    assert_bad(fixture, "refused to give up 'a'");
}

/* A caller who begins a job: its end counts when the job has gone by the answer, and not while one of its name is under way. */
static void
test_job(Fixture *fixture, gconstpointer unused)
{
    begin(fixture, "blockdev-backup", "{\"job-id\":\"a\",\"device\":\"d\"}");
    g_assert_cmpstr(completion_get_id(fixture->completion), ==, "a");
    g_assert_false(completion_note_job(fixture->completion, JOB_QMP, "d", NULL));
    g_assert_false(completion_note_job(fixture->completion, JOB_MIGRATION, "a", NULL));
    g_assert_true(completion_note_job(fixture->completion, JOB_QMP, "a", "of an older one"));
    answer(fixture, "{}", "a");
    assert_open(fixture);
    g_assert_true(completion_note_job(fixture->completion, JOB_QMP, "a", NULL));
    answer(fixture, "{}", "");
    assert_good(fixture);
}

/* A caller whose job nobody has ever seen: an error, rather than to wait for it; for who ends jobs that is the end. */
static void
test_unseen_job(Fixture *fixture, gconstpointer unused)
{
    begin(fixture, "blockdev-backup", "{\"job-id\":\"a\"}");
    answer(fixture, "{}", "b");
    assert_bad(fixture, "no job 'a' has been seen");
    g_clear_pointer(&fixture->completion, completion_free);
    begin(fixture, "job-cancel", "{\"id\":\"a\"}");
    answer(fixture, "{}", "");
    assert_good(fixture);
}

#define TRANSACTION                                                                                                   \
    "{\"actions\":[{\"type\":\"blockdev-backup\",\"data\":{\"job-id\":\"a\"}},"                                       \
    "{\"type\":\"block-dirty-bitmap-add\",\"data\":{\"node\":\"n\"}},{\"type\":\"drive-backup\",\"data\":7},7,"       \
    "{\"type\":\"blockdev-backup\",\"data\":{\"job-id\":\"b\"}}]}"

/* A caller of a grouped transaction: it ends with the last job, and the error is the cause and not its consequences. */
static void
test_transaction(Fixture *fixture, gconstpointer unused)
{
    begin(fixture, "transaction", TRANSACTION);
    answer(fixture, "{}", "a b");
    completion_note_job(fixture->completion, JOB_QMP, "a", "Operation canceled");
    assert_open(fixture);
    completion_note_job(fixture->completion, JOB_QMP, "b", "No space left");
    answer(fixture, "{}", "");
    assert_bad(fixture, "No space left");
}

static void
note_begun(Fixture *fixture, const char *id)
{
    g_autofree char *data = g_strdup_printf("{\"id\":\"%s\",\"status\":\"created\"}", id);

    g_assert_true(completion_hears(fixture->completion, "JOB_STATUS_CHANGE"));
    note_event(fixture, "JOB_STATUS_CHANGE", data);
}

/* A caller who names a node, and no job: QEMU calls the job by the device that has the node. */
static void
test_job_of_device(Fixture *fixture, gconstpointer unused)
{
    begin(fixture, "blockdev-backup", "{\"device\":\"node\"}");
    note_begun(fixture, "drive");
    note_event(fixture, "JOB_STATUS_CHANGE", "{\"id\":\"other\",\"status\":\"running\"}");
    note_event(fixture, "JOB_STATUS_CHANGE", "{\"id\":7,\"status\":\"created\"}");
    note_event(fixture, "JOB_STATUS_CHANGE", NULL);
    completion_note_return(fixture->completion);
    g_assert_cmpstr(completion_get_id(fixture->completion), ==, "drive");
    g_assert_false(completion_hears(fixture->completion, "JOB_STATUS_CHANGE"));
    answer(fixture, "{}", "drive");
    assert_open(fixture);
    g_assert_true(completion_note_job(fixture->completion, JOB_QMP, "drive", "No space left"));
    answer(fixture, "{}", "");
    assert_bad(fixture, "No space left");
}

/* The same where the job has ended before the command returned, or was called as the caller has it. */
static void
test_fast_job_of_device(Fixture *fixture, gconstpointer unused)
{
    begin(fixture, "block-stream", "{\"device\":\"node\"}");
    note_begun(fixture, "drive");
    completion_note_job(fixture->completion, JOB_QMP, "drive", NULL);
    completion_note_return(fixture->completion);
    answer(fixture, "{}", "");
    assert_good(fixture);
    g_clear_pointer(&fixture->completion, completion_free);
    begin(fixture, "block-stream", "{\"device\":\"drive\"}");
    note_begun(fixture, "drive");
    note_begun(fixture, "of-another-caller");
    completion_note_return(fixture->completion);
    answer(fixture, "{}", "drive of-another-caller");
    assert_open(fixture);
    completion_note_job(fixture->completion, JOB_QMP, "drive", NULL);
    assert_good(fixture);
}

/* A caller beside another: neither is told of the end of the other's job. */
static void
test_jobs_that_begin_together(Fixture *fixture, gconstpointer unused)
{
    begin(fixture, "blockdev-backup", "{\"device\":\"node\"}");
    note_begun(fixture, "drive");
    note_begun(fixture, "of-another-caller");
    completion_note_return(fixture->completion);
    answer(fixture, "{}", "drive of-another-caller");
    assert_bad(fixture, "no job 'node' has been seen");
    g_clear_pointer(&fixture->completion, completion_free);
    begin(fixture, "blockdev-backup", "{\"job-id\":\"mine\",\"device\":\"node\"}");
    g_assert_false(completion_hears(fixture->completion, "JOB_STATUS_CHANGE"));
}

#define UNNAMED                                                                                                       \
    "{\"actions\":[{\"type\":\"blockdev-backup\",\"data\":{\"device\":\"x\"}},"                                       \
    "{\"type\":\"blockdev-backup\",\"data\":{\"job-id\":\"b\",\"device\":\"y\"}},"                                    \
    "{\"type\":\"drive-backup\",\"data\":{\"device\":\"z\"}}]}"

/* @n actions of a transaction, each of which begins a job that it does not name. */
static char *
make_transaction(guint n)
{
    g_autoptr(GString) text = g_string_new("{\"actions\":[");

    for (guint i = 0; i < n; i++)
        g_string_append_printf(text, "%s{\"type\":\"drive-backup\",\"data\":{\"device\":\"d%u\"}}", i > 0 ? "," : "", i);
    g_string_append(text, "]}");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

/* A caller who begins more jobs than are followed: refused before the command is sent, and told what to do. */
static void
test_too_many_jobs(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *most = make_transaction(256), *more = make_transaction(257);
    g_autoptr(JsonNode) node = parse(more);
    g_autoptr(GError) error = NULL;

    g_assert_null(completion_new("transaction", node, &error));
    g_assert_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED);
    g_assert_nonnull(strstr(error->message, "257 jobs"));
    begin(fixture, "transaction", most);
    g_assert_nonnull(fixture->completion);
}

/* Others' jobs beyond those that are kept: a caller is not told of the end of one of those as if it were the own one. */
static void
test_more_begun_than_kept(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *most = make_transaction(256);

    begin(fixture, "transaction", most);
    for (guint i = 0; i < 257; i++) {
        g_autofree char *id = g_strdup_printf("of-others-%u", i);
        note_begun(fixture, id);
    }
    completion_note_return(fixture->completion);
    g_assert_cmpstr(completion_get_id(fixture->completion), ==, "d0");
    answer(fixture, "{}", "");
    assert_bad(fixture, "no job 'd0' has been seen");
}

static void
test_transaction_of_devices(Fixture *fixture, gconstpointer unused)
{
    begin(fixture, "transaction", UNNAMED);
    note_begun(fixture, "drive-x");
    note_begun(fixture, "b");
    note_begun(fixture, "drive-z");
    completion_note_job(fixture->completion, JOB_QMP, "drive-z", NULL);
    completion_note_return(fixture->completion);
    answer(fixture, "{}", "drive-x b");
    completion_note_job(fixture->completion, JOB_QMP, "drive-x", NULL);
    assert_open(fixture);
    completion_note_job(fixture->completion, JOB_QMP, "b", NULL);
    answer(fixture, "{}", "");
    assert_good(fixture);
}

/* A caller who cancels a job: it ends with an error, which is what they wanted. */
static void
test_cancel(Fixture *fixture, gconstpointer unused)
{
    begin(fixture, "job-cancel", "{\"id\":\"a\"}");
    answer(fixture, "{}", "a");
    assert_open(fixture);
    completion_note_job(fixture->completion, JOB_QMP, "a", "Operation canceled");
    assert_good(fixture);
}

/* A caller of balloon: facts are asked once and first, and another balloon command ends the wait. */
static void
test_facts(Fixture *fixture, gconstpointer unused)
{
    begin(fixture, "balloon", "{\"value\":4294967296}");
    g_assert_cmpstr(completion_get_question(fixture->completion), ==, "query-memory-size-summary");
    g_assert_true(answer(fixture, "{\"base-memory\":1048576}", ""));
    g_assert_cmpstr(completion_get_question(fixture->completion), ==, "query-memory-devices");
    g_assert_true(answer(fixture, NULL, ""));
    g_assert_cmpstr(completion_get_question(fixture->completion), ==, "query-balloon");
    g_assert_false(answer(fixture, "{\"actual\":524288}", ""));
    assert_open(fixture);
    g_assert_false(completion_note_command(fixture->completion, "stop"));
    g_assert_true(completion_note_command(fixture->completion, "balloon"));
    assert_bad(fixture, "Another balloon");
    g_assert_false(completion_note_command(fixture->completion, "balloon"));
}

/* A caller whose command only an answer tells of, and QEMU gives none: an error with the reason. */
static void
test_no_answer(Fixture *fixture, gconstpointer unused)
{
    begin(fixture, "cont", NULL);
    answer(fixture, NULL, "");
    assert_bad(fixture, "cont was accepted, but not query-status: no answer");
}

/* A caller who migrates: the end is not told before QEMU is done with it (10.0 on). */
static void
test_unsettled(Fixture *fixture, gconstpointer unused)
{
    begin(fixture, "migrate", "{\"uri\":\"tcp:a:1\"}");
    g_assert_cmpstr(completion_get_id(fixture->completion), ==, JOB_ID_MIGRATION);
    answer(fixture, "{\"status\":\"running\"}", JOB_ID_MIGRATION);
    assert_open(fixture);
    completion_note_job(fixture->completion, JOB_MIGRATION, JOB_ID_MIGRATION, NULL);
    answer(fixture, "{\"status\":\"finish-migrate\"}", "");
    g_assert_true(completion_is_unsettled(fixture->completion));
    answer(fixture, "{\"status\":\"postmigrate\"}", "");
    g_assert_false(completion_is_unsettled(fixture->completion));
    assert_good(fixture);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, NULL, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/completion/nothing", test_nothing);
    ADD("/completion/event", test_event);
    ADD("/completion/job", test_job);
    ADD("/completion/unseen-job", test_unseen_job);
    ADD("/completion/transaction", test_transaction);
    ADD("/completion/job-of-device", test_job_of_device);
    ADD("/completion/fast-job-of-device", test_fast_job_of_device);
    ADD("/completion/jobs-that-begin-together", test_jobs_that_begin_together);
    ADD("/completion/transaction-of-devices", test_transaction_of_devices);
    ADD("/completion/too-many-jobs", test_too_many_jobs);
    ADD("/completion/more-begun-than-kept", test_more_begun_than_kept);
    ADD("/completion/cancel", test_cancel);
    ADD("/completion/facts", test_facts);
    ADD("/completion/no-answer", test_no_answer);
    ADD("/completion/unsettled", test_unsettled);
    return g_test_run();
}
