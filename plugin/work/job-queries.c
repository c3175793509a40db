/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by jobs.c, which knows what the answers are about; owns its commands on the control monitor. */
#include "job-queries.h"

#include "json-tree.h"

/* Bytes of an answer. A job is some 130 in query-jobs; whoever says more has none that we would show. */
#define MAX_ANSWER (256u * 1024)

/* Beside the questions about each kind. */
#define WHY N_JOB_KINDS
#define N_QUESTIONS (N_JOB_KINDS + 1)

typedef struct Question {
    JobQueries *questions; /* weak */
    guint about; /* a JobKind, or WHY */
    QmpTicket *ticket; /* weak; while it is under way */
    gboolean is_stale; /* asked for again, or in doubt, meanwhile */
} Question;

struct JobQueries {
    QemuConnection *qemu; /* weak */
    JobAnswerFunc func;
    JobHindranceFunc hindrance_func;
    gpointer user_data;
    Question asked[N_QUESTIONS];
    QmpTicket *events_ticket; /* weak; while QEMU is asked for events */
    gboolean has_events;
};

/* NULL: there is none, or it is not what QEMU answers. */
static JsonNode *
parse(guint about, const QmpReply *reply)
{
    gboolean is_list = about == JOB_QMP || about == WHY;
    JsonNode *node = NULL;

    if (reply && reply->value.text && reply->value.length <= MAX_ANSWER)
        node = json_tree_parse_answer(reply->value.text, reply->value.length);
    if (node && (is_list ? !JSON_NODE_HOLDS_ARRAY(node) : !JSON_NODE_HOLDS_OBJECT(node)))
        g_clear_pointer(&node, json_node_unref);
    return node;
}

static void send_question(Question *question);

static void
on_answer(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Question *question = user_data;
    JobQueries *questions = question->questions;
    g_autoptr(JsonNode) answer = parse(question->about, reply);
    gboolean is_latest = !question->is_stale;

    question->ticket = NULL;
    if (question->is_stale && !error)
        send_question(question);
    if (answer && question->about == WHY)
        questions->hindrance_func(answer, questions->user_data);
    else if (answer)
        questions->func((JobKind)question->about, answer, is_latest, questions->user_data);
}

static void
send_question(Question *question)
{
    static const char *const commands[] = {
        [JOB_QMP] = "query-jobs",
        [JOB_MIGRATION] = "query-migrate",
        [JOB_DUMP] = "query-dump",
        [WHY] = "query-block-jobs",
    };

    question->is_stale = FALSE;
    question->ticket = qemu_connection_ask(question->questions->qemu,
                                           &(QmpCommand){ .name = commands[question->about] }, on_answer, question);
}

static void
ask_again(Question *question)
{
    if (question->ticket)
        question->is_stale = TRUE;
    else
        send_question(question);
}

void
job_queries_ask(JobQueries *questions, JobKind kind)
{
    ask_again(&questions->asked[kind]);
}

void
job_queries_ask_why(JobQueries *questions)
{
    ask_again(&questions->asked[WHY]);
}

void
job_queries_doubt(JobQueries *questions, JobKind kind)
{
    Question *question = &questions->asked[kind];

    question->is_stale |= question->ticket != NULL;
}

static void
on_events_agreed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    JobQueries *questions = user_data;

    questions->events_ticket = NULL;
    questions->has_events = reply && !reply->error_class;
}

void
job_queries_ask_for_events(JobQueries *questions)
{
    QmpCommand command = {
        .name = "migrate-set-capabilities",
        .arguments = "{\"capabilities\":[{\"capability\":\"events\",\"state\":true}]}",
    };

    if (!questions->events_ticket)
        questions->events_ticket = qemu_connection_ask(questions->qemu, &command, on_events_agreed, questions);
}

gboolean
job_queries_has_events(JobQueries *questions)
{
    return questions->has_events;
}

JobQueries *
job_queries_new(QemuConnection *qemu, JobAnswerFunc func, JobHindranceFunc hindrance_func, gpointer user_data)
{
    JobQueries *questions = g_new0(JobQueries, 1);

    questions->qemu = qemu;
    questions->func = func;
    questions->hindrance_func = hindrance_func;
    questions->user_data = user_data;
    for (guint i = 0; i < N_QUESTIONS; i++) {
        questions->asked[i].questions = questions;
        questions->asked[i].about = i;
    }
    return questions;
}

void
job_queries_free(JobQueries *questions)
{
    for (guint i = 0; i < N_QUESTIONS; i++)
        if (questions->asked[i].ticket)
            qmp_ticket_cancel(questions->asked[i].ticket);
    if (questions->events_ticket)
        qmp_ticket_cancel(questions->events_ticket);
    g_free(questions);
}
