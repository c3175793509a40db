/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One call of ExecuteAndWait(): it is answered once, when what its command began has ended and not before; an answer too early
 * has a program go on with a device that is still there, none at all leaves the program waiting for ever. */
#include "execute-and-wait.h"

#include <string.h>

#include "answers.h"
#include "caller-command.h"
#include "errors.h"
#include "json-tree.h"
#include "test-vm-fixture.h"

#define ASKED "0 query-status"

/* A caller's call, and the answer to it. The test stands for all that would make one, and a way to QEMU. */
struct BusCall {
    char *answer; /* owned; "! " before an error; NULL: not yet */
};

struct Jobs {
    gboolean is_under_way; /* the command's job */
};

typedef struct Fixture {
    VmFixture base;
    ManagementHost host;
    Context context;
    VmContext vm_context;
    Jobs jobs;
    ExecuteAndWaitContext shared;
    BusCall call;
    CallerCommand *command; /* weak; on its way */
    gboolean is_refused;
} Fixture;

static Fixture *current;

static void
answer_call(BusCall *call, char *answer)
{
    g_assert_null(call->answer);
    call->answer = answer;
}

void
answers_give(Context *context, BusCall *call, const AnswerForm *form, const QmpReply *reply)
{
    g_assert_cmpstr(form->result, ==, "v");
    answer_call(call, g_strndup(reply->value.text, reply->value.length));
}

void
errors_fail(BusCall *call, const GError *error)
{
    answer_call(call, g_strconcat("! ", error->message, NULL));
}

void
errors_fail_qmp(BusCall *call, const QmpReply *reply)
{
    answer_call(call, g_strdup_printf("! %s: %s", reply->error_class, reply->error_text));
}

void
errors_fail_command(BusCall *call, const QmpReply *reply, QmpInterfaces *interfaces, const char *command)
{
    errors_fail_qmp(call, reply);
}

void
bus_call_fail_code(BusCall *call, BusErrorCode code, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    answer_call(call, g_strconcat("! ", text, NULL));
}

const BusPeer *
bus_call_get_peer(BusCall *call)
{
    return NULL;
}

const char *
bus_call_get_sender(BusCall *call)
{
    return ":1.1";
}

gboolean
bus_call_is_interactive(BusCall *call)
{
    return TRUE;
}

void
bus_call_drop_message(BusCall *call)
{
}

QmpInterfaces *
vm_schema_get_interfaces(VmSchema *schema)
{
    return NULL;
}

gboolean
qmp_interfaces_is_oob(QmpInterfaces *interfaces, const char *command)
{
    return FALSE;
}

void
jobs_look(Jobs *jobs)
{
}

gboolean
jobs_is_under_way(Jobs *jobs, JobKind kind, const char *id)
{
    return jobs->is_under_way;
}

CallerCommandStart
caller_command_start(CallerCommand *command, GError **error)
{
    if (current->is_refused) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED, "no");
        return CALLER_COMMAND_FAILED;
    }
    current->command = command;
    command->on_sent(command->user_data);
    return CALLER_COMMAND_UNDER_WAY;
}

void
caller_command_cancel(CallerCommand *command)
{
    g_clear_pointer(&command->arguments, json_node_unref);
    current->command = NULL;
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    current = fixture;
    vm_fixture_set_up(&fixture->base, 11, 1, /* isolation_required= */ FALSE);
    fixture->host.context = fixture->base.context;
    fixture->context.host = &fixture->host;
    fixture->vm_context = (VmContext){ .context = &fixture->context, .vm = fixture->base.vm };
    fixture->shared = (ExecuteAndWaitContext){ .vm_context = &fixture->vm_context, .jobs = &fixture->jobs };
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_assert_nonnull(fixture->call.answer);
    g_assert_cmpuint(fixture->shared.calls.length, ==, 0);
    g_assert_null(fixture->command);
    g_free(fixture->call.answer);
    vm_fixture_tear_down(&fixture->base);
}

static void
start(Fixture *fixture, const char *command, const char *arguments, guint64 timeout)
{
    g_autoptr(JsonNode) node = json_tree_parse(arguments, strlen(arguments), NULL);

    execute_and_wait_start(&fixture->shared, &fixture->call, command, node,
                           &(ExecuteAndWaitOptions){ .timeout = timeout }, &(QuotaShare){ 0 });
}

/* QEMU has taken the command, and has answered what was asked thereupon. */
static void
return_command(Fixture *fixture)
{
    fixture->command->func(&(QmpReply){ .value = { "{}", 2 } }, NULL, fixture->command->user_data);
    vm_fixture_settle(&fixture->base);
}

static ExecuteAndWait *
get_wait(Fixture *fixture)
{
    return fixture->shared.calls.head->data;
}

static void
note_event(Fixture *fixture, const char *event, const char *data)
{
    g_autoptr(JsonNode) node = json_tree_parse(data, strlen(data), NULL);

    g_assert_true(execute_and_wait_hears(get_wait(fixture), event));
    execute_and_wait_note_event(get_wait(fixture), event, node);
    vm_fixture_settle(&fixture->base);
}

static void
expect(Fixture *fixture, const char *answer)
{
    g_assert_cmpstr(fixture->call.answer, ==, answer);
}

/* QEMU leaves finish-migrate in silence. Whoever reads Status after the answer reads the state that the answer was given for. */
static void
test_status_is_known(Fixture *fixture, gconstpointer unused)
{
    QemuConnection *connection = vm_get_qemu(fixture->base.vm);

    start(fixture, "migrate", "{\"uri\": \"file:/x\"}", 0);
    test_qemu_set_answer(fixture->base.qemu, "query-status",
                         "\"return\": {\"status\": \"postmigrate\", \"running\": false}");
    g_assert_cmpstr(qemu_connection_get_status(connection), !=, "postmigrate");
    execute_and_wait_note_job(get_wait(fixture), JOB_MIGRATION, JOB_ID_MIGRATION, /* error= */ NULL);
    return_command(fixture);
    expect(fixture, "{}");
    g_assert_cmpstr(qemu_connection_get_status(connection), ==, "postmigrate");
}

/* A command that begins nothing: its return is the end. */
static void
test_nothing_begun(Fixture *fixture, gconstpointer unused)
{
    start(fixture, "query-name", "{}", 0);
    expect(fixture, NULL);
    fixture->command->func(&(QmpReply){ .value = { "{\"name\": \"x\"}", 13 } }, NULL, fixture->command->user_data);
    expect(fixture, "{\"name\": \"x\"}");
}

/* More jobs than are followed: the command is not sent. */
static void
test_too_many_jobs(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GString) text = g_string_new("{\"actions\": [");

    for (guint i = 0; i < 257; i++)
        g_string_append_printf(text, "%s{\"type\": \"drive-backup\", \"data\": {\"device\": \"d\"}}", i > 0 ? ", " : "");
    g_string_append(text, "]}");
    start(fixture, "transaction", text->str, 0);
    expect(fixture, "! This transaction begins 257 jobs, and 256 of one VM can be waited for; Execute() begins them without waiting");
}

static void
test_refused(Fixture *fixture, gconstpointer unused)
{
    fixture->is_refused = TRUE;
    start(fixture, "device_del", "{\"id\": \"d\"}", 0);
    expect(fixture, "! no");
}

static void
test_error_of_command(Fixture *fixture, gconstpointer unused)
{
    start(fixture, "device_del", "{\"id\": \"d\"}", 0);
    fixture->command->func(&(QmpReply){ .error_class = "DeviceNotFound", .error_text = "no d" }, NULL,
                           fixture->command->user_data);
    expect(fixture, "! DeviceNotFound: no d");
}

/* The guest lets go of the device: another device's end is not this one's. */
static void
test_event(Fixture *fixture, gconstpointer unused)
{
    start(fixture, "device_del", "{\"id\": \"d\"}", 0);
    return_command(fixture);
    note_event(fixture, "DEVICE_DELETED", "{\"device\": \"other\"}");
    expect(fixture, NULL);
    note_event(fixture, "DEVICE_DELETED", "{\"device\": \"d\"}");
    expect(fixture, "{}");
}

/* The event comes before the return, as QEMU may send it: nothing is asked before, and it is not lost. */
static void
test_event_before_return(Fixture *fixture, gconstpointer unused)
{
    guint n_asked;

    start(fixture, "device_del", "{\"id\": \"d\"}", 0);
    n_asked = test_qemu_count(fixture->base.qemu, ASKED);
    note_event(fixture, "DEVICE_DELETED", "{\"device\": \"d\"}");
    g_assert_cmpuint(test_qemu_count(fixture->base.qemu, ASKED), ==, n_asked);
    expect(fixture, NULL);
    return_command(fixture);
    expect(fixture, "{}");
}

static void
test_guest_refuses(Fixture *fixture, gconstpointer unused)
{
    start(fixture, "device_del", "{\"id\": \"d\"}", 0);
    return_command(fixture);
    note_event(fixture, "DEVICE_UNPLUG_GUEST_ERROR", "{\"device\": \"d\"}");
    expect(fixture, "! GenericError: The guest has refused to give up 'd' (DEVICE_UNPLUG_GUEST_ERROR)");
}

/* A job that QEMU keeps for its caller: it is dismissed before the caller is told, so that its name is free again. */
static void
test_job(Fixture *fixture, gconstpointer unused)
{
    fixture->jobs.is_under_way = TRUE;
    start(fixture, "blockdev-create", "{\"job-id\": \"j\"}", 0);
    return_command(fixture);
    fixture->jobs.is_under_way = FALSE;
    test_qemu_withhold(fixture->base.qemu, "job-dismiss");
    execute_and_wait_note_job(get_wait(fixture), JOB_QMP, "j", /* error= */ NULL);
    qmp_peer_wait_until(fixture->base.context,
                        test_qemu_count(fixture->base.qemu, "0 job-dismiss {\"id\":\"j\"}") == 1);
    expect(fixture, NULL);
    test_qemu_release(fixture->base.qemu, "job-dismiss");
    vm_fixture_settle(&fixture->base);
    expect(fixture, "{}");
}

/* An end that was noted before the return may be an older job's: the name is under way again, so the call waits on. */
static void
test_older_job(Fixture *fixture, gconstpointer unused)
{
    fixture->jobs.is_under_way = TRUE;
    start(fixture, "block-stream", "{\"job-id\": \"j\"}", 0);
    execute_and_wait_note_job(get_wait(fixture), JOB_QMP, "j", "the older one failed");
    return_command(fixture);
    expect(fixture, NULL);
    fixture->jobs.is_under_way = FALSE;
    execute_and_wait_note_job(get_wait(fixture), JOB_QMP, "j", "no space");
    vm_fixture_settle(&fixture->base);
    expect(fixture, "! GenericError: no space");
}

static void
test_timeout(Fixture *fixture, gconstpointer unused)
{
    start(fixture, "device_del", "{\"id\": \"d\"}", /* timeout= */ 1);
    qmp_peer_wait_until(fixture->base.context, fixture->call.answer);
    expect(fixture, "! device_del has not returned in time");
}

static void
test_timeout_after_return(Fixture *fixture, gconstpointer unused)
{
    start(fixture, "device_del", "{\"id\": \"d\"}", /* timeout= */ 50000);
    fixture->command->func(&(QmpReply){ .value = { "{}", 2 } }, NULL, fixture->command->user_data);
    qmp_peer_wait_until(fixture->base.context, fixture->call.answer);
    expect(fixture, "! What device_del began has not ended in time, and goes on");
}

/* A balloon that does not get there: the caller is told how far it came, unless QEMU says more than an error has room for. */
static void
test_timeout_with_answer(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *blanks = g_strnfill(512, ' ');
    g_autofree char *long_answer = g_strdup_printf("\"return\": {\"actual\": 5%s}", blanks);

    test_qemu_set_answer(fixture->base.qemu, "query-balloon", "\"return\": {\"actual\": 5}");
    start(fixture, "balloon", "{\"value\": 9}", /* timeout= */ 50000);
    return_command(fixture);
    qmp_peer_wait_until(fixture->base.context, fixture->call.answer);
    expect(fixture, "! What balloon began has not ended in time, and goes on: query-balloon says {\"actual\": 5}");
    g_clear_pointer(&fixture->call.answer, g_free);
    test_qemu_set_answer(fixture->base.qemu, "query-balloon", long_answer);
    start(fixture, "balloon", "{\"value\": 9}", /* timeout= */ 50000);
    return_command(fixture);
    qmp_peer_wait_until(fixture->base.context, fixture->call.answer);
    expect(fixture, "! What balloon began has not ended in time, and goes on");
}

/* An answer that is long tells no end; everybody would wait while it is read, or it would be kept for each who waits. */
static void
test_long_answer(Fixture *fixture, gconstpointer length)
{
    g_autofree char *blanks = g_strnfill(GPOINTER_TO_SIZE(length), ' ');
    g_autofree char *long_answer = g_strdup_printf("\"return\": {\"actual\": 1%s}", blanks);

    test_qemu_set_answer(fixture->base.qemu, "query-balloon", long_answer);
    start(fixture, "balloon", "{\"value\": 1}", 0);
    return_command(fixture);
    qmp_peer_wait_until(fixture->base.context, fixture->call.answer);
    expect(
        fixture,
        "! GenericError: balloon was accepted, but not query-balloon: QEMU's answer is too large, or makes no sense");
}

/* A result of megabytes is not kept for as long as a call waits; of a command that begins nothing it is given. */
static void
test_long_result(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *filling = g_strnfill(16384, 'a'), *text = g_strdup_printf("\"%s\"", filling);
    const QmpReply reply = { .value = { text, strlen(text) } };

    start(fixture, "device_del", "{\"id\": \"d\"}", 0);
    fixture->command->func(&reply, NULL, fixture->command->user_data);
    expect(fixture, "! device_del has returned 16386 bytes, and 16384 at most are kept while a call waits; what it "
                    "began goes on (Execute has no such limit)");
    g_clear_pointer(&fixture->call.answer, g_free);
    start(fixture, "query-name", "{}", 0);
    fixture->command->func(&reply, NULL, fixture->command->user_data);
    expect(fixture, text);
}

static void
test_caller_left(Fixture *fixture, gconstpointer unused)
{
    start(fixture, "device_del", "{\"id\": \"d\"}", 0);
    execute_and_wait_give_up(get_wait(fixture));
    expect(fixture, "! The caller has left");
}

/* The end of QEMU is what `quit` waits for, and an error for everything else that has not ended. */
static void
test_vm_gone(Fixture *fixture, gconstpointer command)
{
    gboolean is_quit = g_str_equal(command, "quit");

    start(fixture, command, "{\"id\": \"d\"}", 0);
    return_command(fixture);
    expect(fixture, NULL);
    execute_and_wait_tell_last(get_wait(fixture));
    expect(fixture, is_quit ? "{}" : "! The VM has gone");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, data, test) g_test_add(path, Fixture, data, set_up, test, tear_down)
    ADD("/execute-and-wait/nothing-begun", NULL, test_nothing_begun);
    ADD("/execute-and-wait/refused", NULL, test_refused);
    ADD("/execute-and-wait/too-many-jobs", NULL, test_too_many_jobs);
    ADD("/execute-and-wait/error-of-command", NULL, test_error_of_command);
    ADD("/execute-and-wait/event", NULL, test_event);
    ADD("/execute-and-wait/event-before-return", NULL, test_event_before_return);
    ADD("/execute-and-wait/guest-refuses", NULL, test_guest_refuses);
    ADD("/execute-and-wait/job", NULL, test_job);
    ADD("/execute-and-wait/older-job", NULL, test_older_job);
    ADD("/execute-and-wait/status-is-known", NULL, test_status_is_known);
    ADD("/execute-and-wait/timeout", NULL, test_timeout);
    ADD("/execute-and-wait/timeout-after-return", NULL, test_timeout_after_return);
    ADD("/execute-and-wait/timeout-with-answer", NULL, test_timeout_with_answer);
    ADD("/execute-and-wait/long-answer", GSIZE_TO_POINTER(1024 * 1024), test_long_answer);
    ADD("/execute-and-wait/answer-that-is-kept", GSIZE_TO_POINTER(16 * 1024), test_long_answer);
    ADD("/execute-and-wait/long-result", NULL, test_long_result);
    ADD("/execute-and-wait/caller-left", NULL, test_caller_left);
    ADD("/execute-and-wait/quit", "quit", test_vm_gone);
    ADD("/execute-and-wait/vm-gone", "device_del", test_vm_gone);
#undef ADD
    return g_test_run();
}
