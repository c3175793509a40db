/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The path of a call of ExecuteAndWait(), from top to bottom. objects/vm-methods.c has read the arguments, and
 * execute-and-wait-list.c has room for the call.
 *
 *   execute_and_wait_start()       completion-table.c says what the end of the command is
 *   start_awaited_command()        the command goes a caller's way (calls/caller-command.c): schema, policy, QEMU
 *   on_command_sent()              the policy has allowed it: its time runs
 *   on_command_returned()          QEMU has taken it: the call is answered, if the command has done all by now
 *   execute_and_wait_note_event(), execute_and_wait_note_job()
 *                                  an event, or the end of a job, that may be the end: noted, also before the return
 *   ask_completion()               after the return, and after each of those notes, the control monitor asks QEMU
 *   on_completion_answer()         by now QEMU has told everything that it had told before on any monitor, the run state
 *                                  is true, and the signals have gone out: completion.c judges the answer
 *   decide_end()                   the end has come, or QEMU is asked again, at once, later or after the next event
 *   dismiss_job()                  a job that QEMU keeps for its caller is dismissed
 *   end_wait(), fail_wait()        the caller gets the result of the command, or an error
 *
 * The last answer decides: an end that was noted before the return may have been the end of an older job with the same
 * name, and that name is under way again. A call also ends when its time is over (on_wait_timeout()), its caller leaves
 * (execute_and_wait_give_up()) or the VM goes (execute_and_wait_tell_last()). */
#include "execute-and-wait.h"

#include <string.h>

#include "answers.h"
#include "caller-command.h"
#include "completion.h"
#include "errors.h"
#include "json-print.h"
#include "json-tree.h"
#include "timer.h"
#include "vm-schema.h"

/* Bytes of an answer. query-block is some 1,000 for each disk. */
#define MAX_ANSWER (1024u * 1024)

/* Bytes of a result that is kept until what the command began has ended, which may be never: a thousand calls may wait at one VM.
 * QEMU returns `{}` there, and query-dirty-rate, whose answer is such a result, some 200. */
#define MAX_RESULT (16u * 1024)

/* Bytes of an answer that is shown in an error. query-dirty-rate is some 200. */
#define MAX_SHOWN 512

/* us until QEMU is asked again, where it is in a state that it leaves in some milliseconds without an event. */
#define ASK_DELAY_FIRST ((guint64)5 * G_TIME_SPAN_MILLISECOND)
#define ASK_DELAY_MAX ((guint64)G_TIME_SPAN_SECOND)

struct ExecuteAndWait {
    ExecuteAndWaitContext *context; /* weak */
    BusCall *call; /* owned */
    char *name; /* owned; the command's */
    CallerCommand command; /* until it has returned */
    guint64 timeout; /* us; 0: none */
    Completion *completion; /* owned; NULL: the command has done all when it returns */
    QmpTicket *question; /* weak; while it is waited for */
    gboolean is_stale; /* to be asked again */
    gboolean is_sent, has_returned;
    gboolean has_answer; /* the result is the last answer */
    char *result; /* owned; JSON text, once it has returned */
    gsize result_length;
    GSource *timer; /* owned; until its time is over */
    GSource *asker; /* owned; until QEMU is asked again */
    guint64 ask_delay; /* us */
    QuotaShare share; /* of context->quota */
    GList link; /* in context->calls */
};

/* The call has been answered, or given up. */
static void
free_wait(ExecuteAndWait *wait)
{
    g_queue_unlink(&wait->context->calls, &wait->link);
    quota_share_return(&wait->share);
    caller_command_cancel(&wait->command);
    if (wait->question)
        qmp_ticket_cancel(wait->question);
    timer_stop(&wait->timer);
    timer_stop(&wait->asker);
    g_clear_pointer(&wait->completion, completion_free);
    g_free(wait->name);
    g_free(wait->result);
    g_free(wait);
}

static void
fail_wait(ExecuteAndWait *wait, const GError *error)
{
    errors_fail(g_steal_pointer(&wait->call), error);
    free_wait(wait);
}

static void
fail_generic(ExecuteAndWait *wait, const char *text)
{
    const QmpReply reply = { .error_class = "GenericError", .error_text = text };

    errors_fail_qmp(g_steal_pointer(&wait->call), &reply);
    free_wait(wait);
}

static void
give_result(ExecuteAndWait *wait, const QmpReply *reply)
{
    const AnswerForm form = { .result = DBUS_TYPE_VARIANT_AS_STRING };

    answers_give(wait->context->vm_context->context, g_steal_pointer(&wait->call), &form, reply);
    free_wait(wait);
}

static void
end_wait(ExecuteAndWait *wait)
{
    const QmpReply reply = { .value = { wait->result, wait->result_length } };

    give_result(wait, &reply);
}

static void
fail_large_result(ExecuteAndWait *wait, gsize length)
{
    g_autoptr(GError) error =
        g_error_new(BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED,
                    "%s has returned %zu bytes, and %u at most are kept while a call waits; what it began goes on "
                    "(Execute has no such limit)",
                    wait->name, length, MAX_RESULT);
    fail_wait(wait, error);
}

/* Tells the caller the last answer: of a balloon, the guest's memory. */
static void
append_answer(ExecuteAndWait *wait, GString *text)
{
    if (wait->has_answer && wait->result_length <= MAX_SHOWN)
        g_string_append_printf(text, ": %s says %s", completion_get_question(wait->completion), wait->result);
}

static gboolean
on_wait_timeout(gpointer user_data)
{
    ExecuteAndWait *wait = user_data;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;

    if (wait->has_returned)
        g_string_printf(text, "What %s began has not ended in time, and goes on", wait->name);
    else
        g_string_printf(text, "%s has not returned in time", wait->name);
    append_answer(wait, text);
    error = g_error_new_literal(QMP_ERROR, QMP_ERROR_TIMED_OUT, text->str);
    fail_wait(wait, error);
    return G_SOURCE_REMOVE;
}

static void
tell_completion(ExecuteAndWait *wait)
{
    const char *error = completion_get_error(wait->completion);

    if (error)
        fail_generic(wait, error);
    else
        end_wait(wait);
}

static void
on_job_dismissed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    ExecuteAndWait *wait = user_data;

    wait->question = NULL;
    tell_completion(wait);
}

/* The control monitor does it: only the record of the job is left, and the caller was allowed to make the job.
 * Somebody else may have dismissed it, or QEMU itself: QEMU's errors are of no interest. */
static void
dismiss_job(ExecuteAndWait *wait)
{
    const char *id = completion_get_id(wait->completion);
    g_autoptr(GString) arguments = g_string_new("{\"id\":");
    QmpCommand command = { .name = "job-dismiss", .flags = QMP_EXECUTE_BEHIND_BARRIER };

    json_print_string(arguments, id, strlen(id), JSON_PRINT_COMPACT);
    g_string_append_c(arguments, '}');
    command.arguments = arguments->str;
    wait->question = qemu_connection_ask(vm_get_qemu(wait->context->vm_context->vm), &command, on_job_dismissed, wait);
    if (!wait->question)
        tell_completion(wait);
}

static void ask_completion(ExecuteAndWait *wait);

static gboolean
on_time_to_ask(gpointer user_data)
{
    ExecuteAndWait *wait = user_data;

    timer_stop(&wait->asker);
    ask_completion(wait);
    return G_SOURCE_REMOVE;
}

static void
ask_completion_soon(ExecuteAndWait *wait)
{
    wait->ask_delay = MIN(MAX(wait->ask_delay * 2, ASK_DELAY_FIRST), ASK_DELAY_MAX);
    timer_stop(&wait->asker);
    wait->asker =
        timer_start(wait->context->vm_context->context->host->context, wait->ask_delay, on_time_to_ask, wait);
}

static void
decide_end(ExecuteAndWait *wait)
{
    if (!completion_has_ended(wait->completion)) {
        if (completion_table_is_polled(completion_get_row(wait->completion)))
            ask_completion_soon(wait);
        return;
    }
    if (completion_is_unsettled(wait->completion)) {
        ask_completion_soon(wait);
        return;
    }
    timer_stop(&wait->timer);
    if (completion_get_id(wait->completion) && completion_table_leaves_jobs(completion_get_row(wait->completion)))
        dismiss_job(wait);
    else
        tell_completion(wait);
}

static void
set_result(ExecuteAndWait *wait, const QmpText *value)
{
    g_free(wait->result);
    wait->result = g_strndup(value->text, value->length);
    wait->result_length = value->length;
}

/* Before the caller is answered, Status tells what the answer was given for. */
static void
note_status(ExecuteAndWait *wait, const QmpReply *reply)
{
    if (g_str_equal(completion_get_question(wait->completion), "query-status"))
        qemu_connection_note_status(vm_get_qemu(wait->context->vm_context->vm), reply);
}

/* Whether the answer was the last that is needed. */
static gboolean
judge_answer(ExecuteAndWait *wait, const QmpReply *reply)
{
    const char *error = reply->error_class ? reply->error_text : "QEMU's answer is too large, or makes no sense";
    gboolean is_result = completion_table_returns_answer(completion_get_row(wait->completion));
    g_autoptr(JsonNode) answer = NULL;

    if (reply->value.text && reply->value.length <= (is_result ? MAX_RESULT : MAX_ANSWER))
        answer = json_tree_parse_answer(reply->value.text, reply->value.length);
    if (completion_note_answer(wait->completion, wait->context->jobs, answer, error))
        return FALSE;
    if (answer && is_result) {
        set_result(wait, &reply->value);
        wait->has_answer = TRUE;
    }
    return TRUE;
}

static void
on_completion_answer(const QmpReply *reply, const GError *error, gpointer user_data)
{
    ExecuteAndWait *wait = user_data;

    wait->question = NULL;
    if (!error)
        note_status(wait, reply);
    if (error) {
        /* execute_and_wait_list_free() follows, and knows what it means. */
        if (!g_error_matches(error, QMP_ERROR, QMP_ERROR_DISCONNECTED))
            fail_wait(wait, error);
    } else if (wait->is_stale || !judge_answer(wait, reply)) {
        ask_completion(wait);
    } else {
        decide_end(wait);
    }
}

/* Before the command has returned nothing is asked. */
static void
ask_completion(ExecuteAndWait *wait)
{
    QmpCommand command = {
        .name = completion_get_question(wait->completion),
        .flags = QMP_EXECUTE_BEHIND_BARRIER,
    };

    wait->is_stale = wait->question != NULL;
    if (!wait->has_returned || wait->question)
        return;
    wait->question =
        qemu_connection_ask(vm_get_qemu(wait->context->vm_context->vm), &command, on_completion_answer, wait);
    if (!wait->question)
        ask_completion_soon(wait);
}

gboolean
execute_and_wait_hears(ExecuteAndWait *wait, const char *event)
{
    return wait->completion && wait->is_sent && completion_hears(wait->completion, event);
}

void
execute_and_wait_note_event(ExecuteAndWait *wait, const char *event, JsonNode *data)
{
    completion_note_event(wait->completion, event, data);
    ask_completion(wait);
}

void
execute_and_wait_note_job(ExecuteAndWait *wait, JobKind kind, const char *id, const char *error)
{
    if (wait->is_sent && wait->completion && completion_note_job(wait->completion, kind, id, error))
        ask_completion(wait);
}

void
execute_and_wait_note_command(ExecuteAndWait *wait, const char *command)
{
    if (wait->has_returned && wait->completion && completion_note_command(wait->completion, command))
        ask_completion(wait);
}

static void
on_command_returned(const QmpReply *reply, const GError *error, gpointer user_data)
{
    ExecuteAndWait *wait = user_data;

    if (error) {
        fail_wait(wait, error);
        return;
    }
    if (reply->error_class) {
        errors_fail_command(g_steal_pointer(&wait->call), reply,
                            vm_schema_get_interfaces(wait->context->vm_context->schema), wait->name);
        free_wait(wait);
        return;
    }
    wait->has_returned = TRUE;
    if (!wait->completion) {
        give_result(wait, reply);
        return;
    }
    if (reply->value.length > MAX_RESULT) {
        fail_large_result(wait, reply->value.length);
        return;
    }
    set_result(wait, &reply->value);
    completion_note_return(wait->completion);
    jobs_look(wait->context->jobs);
    if (!completion_table_is_of_connection(completion_get_row(wait->completion)))
        ask_completion(wait);
}

/* From here on events are heard, and the time runs. */
static void
on_command_sent(gpointer user_data)
{
    ExecuteAndWait *wait = user_data;

    wait->is_sent = TRUE;
    if (wait->timeout > 0)
        wait->timer =
            timer_start(wait->context->vm_context->context->host->context, wait->timeout, on_wait_timeout, wait);
}

static void
start_awaited_command(ExecuteAndWait *wait)
{
    VmContext *vm_context = wait->context->vm_context;
    g_autoptr(GError) error = NULL;

    if (qmp_interfaces_is_oob(vm_schema_get_interfaces(vm_context->schema), wait->name))
        wait->command.flags |= QMP_EXECUTE_OOB;
    if (caller_command_start(&wait->command, &error) == CALLER_COMMAND_FAILED)
        fail_wait(wait, error);
    else
        bus_call_drop_message(wait->call);
}

void
execute_and_wait_start(ExecuteAndWaitContext *context, BusCall *call, const char *command, JsonNode *arguments,
                       const ExecuteAndWaitOptions *options, const QuotaShare *share)
{
    ExecuteAndWait *wait = g_new0(ExecuteAndWait, 1);
    g_autoptr(GError) error = NULL;

    wait->context = context;
    wait->call = call;
    wait->name = g_strdup(command);
    wait->command = (CallerCommand){
        .vm_context = context->vm_context,
        .peer = bus_call_get_peer(call),
        .is_interactive = bus_call_is_interactive(call),
        .session = bus_call_get_sender(call),
        .name = wait->name,
        .arguments = arguments ? json_node_ref(arguments) : NULL,
        .size = share->bytes,
        .fd = -1,
        .on_sent = on_command_sent,
        .func = on_command_returned,
        .user_data = wait,
    };
    wait->share = *share;
    wait->timeout = options->timeout;
    wait->completion = completion_new(command, arguments, &error);
    wait->link.data = wait;
    g_queue_push_tail_link(&context->calls, &wait->link);
    if (error)
        fail_wait(wait, error);
    else
        start_awaited_command(wait);
}

const BusPeer *
execute_and_wait_get_peer(ExecuteAndWait *wait)
{
    return bus_call_get_peer(wait->call);
}

void
execute_and_wait_give_up(ExecuteAndWait *wait)
{
    bus_call_fail_code(g_steal_pointer(&wait->call), BUS_ERROR_DISCONNECTED, "The caller has left");
    free_wait(wait);
}

/* A guest that is off has QEMU end at once: the notes count, though nothing can be asked. */
void
execute_and_wait_tell_last(ExecuteAndWait *wait)
{
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "The VM has gone");
    gboolean is_known =
        wait->has_returned && (completion_table_is_of_connection(completion_get_row(wait->completion)) ||
                               completion_has_ended(wait->completion));

    if (is_known)
        tell_completion(wait);
    else
        fail_wait(wait, error);
}
