/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by jobs.c, which knows what the answers are about; owns its commands on the control monitor. */
#include "job-queries.h"

#include "json-tree.h"

/* Bytes of an answer. A job is some 130 in query-jobs; a longer list has more jobs than are shown. */
#define MAX_ANSWER (256u * 1024)

/* The query why jobs do not go on, beside one for each kind. */
#define WHY N_JOB_KINDS
#define N_QUERIES (N_JOB_KINDS + 1)

typedef struct Query {
    JobQueries *queries; /* weak */
    guint about; /* a JobKind, or WHY */
    QmpTicket *ticket; /* weak; while it is under way */
    gboolean is_stale; /* asked for again, or in doubt, meanwhile */
} Query;

struct JobQueries {
    QemuConnection *qemu; /* weak */
    JobAnswerFunc func;
    JobHindranceFunc hindrance_func;
    gpointer user_data;
    Query asked[N_QUERIES];
    QmpTicket *events_ticket; /* weak; while QEMU is asked for events */
    gboolean has_events;
};

/* NULL: the reply has no answer, or not the kind of answer that QEMU gives. */
static JsonNode *
parse_query_answer(guint about, const QmpReply *reply)
{
    gboolean is_list = about == JOB_QMP || about == WHY;
    JsonNode *node = NULL;

    if (reply && reply->value.text && reply->value.length <= MAX_ANSWER)
        node = json_tree_parse_answer(reply->value.text, reply->value.length);
    if (node && (is_list ? !JSON_NODE_HOLDS_ARRAY(node) : !JSON_NODE_HOLDS_OBJECT(node)))
        g_clear_pointer(&node, json_node_unref);
    return node;
}

static void send_query(Query *query);

static void
on_query_replied(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Query *query = user_data;
    JobQueries *queries = query->queries;
    g_autoptr(JsonNode) answer = parse_query_answer(query->about, reply);
    gboolean is_latest = !query->is_stale;

    query->ticket = NULL;
    if (query->is_stale && !error)
        send_query(query);
    if (answer && query->about == WHY)
        queries->hindrance_func(answer, queries->user_data);
    else if (answer)
        queries->func((JobKind)query->about, answer, is_latest, queries->user_data);
}

static void
send_query(Query *query)
{
    static const char *const commands[] = {
        [JOB_QMP] = "query-jobs",
        [JOB_MIGRATION] = "query-migrate",
        [JOB_DUMP] = "query-dump",
        [WHY] = "query-block-jobs",
    };

    query->is_stale = FALSE;
    query->ticket = qemu_connection_ask(query->queries->qemu, &(QmpCommand){ .name = commands[query->about] },
                                        on_query_replied, query);
}

static void
ask_query(Query *query)
{
    if (query->ticket)
        query->is_stale = TRUE;
    else
        send_query(query);
}

void
job_queries_ask(JobQueries *queries, JobKind kind)
{
    ask_query(&queries->asked[kind]);
}

void
job_queries_ask_why(JobQueries *queries)
{
    ask_query(&queries->asked[WHY]);
}

void
job_queries_doubt(JobQueries *queries, JobKind kind)
{
    Query *query = &queries->asked[kind];

    query->is_stale |= query->ticket != NULL;
}

static void
on_events_agreed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    JobQueries *queries = user_data;

    queries->events_ticket = NULL;
    queries->has_events = reply && !reply->error_class;
}

void
job_queries_ask_for_events(JobQueries *queries)
{
    QmpCommand command = {
        .name = "migrate-set-capabilities",
        .arguments = "{\"capabilities\":[{\"capability\":\"events\",\"state\":true}]}",
    };

    if (!queries->events_ticket)
        queries->events_ticket = qemu_connection_ask(queries->qemu, &command, on_events_agreed, queries);
}

/* While a dump is under way QEMU has the guest stopped, and refuses cont (7.2 to 11.1): where the guest runs there is no dump. A
 * migration may be under way in any run state: one that comes in by postcopy runs the guest. */
void
job_queries_ask_first(JobQueries *queries)
{
    job_queries_ask(queries, JOB_QMP);
    if (qemu_connection_is_storage_daemon(queries->qemu))
        return;
    job_queries_ask_for_events(queries);
    job_queries_ask(queries, JOB_MIGRATION);
    if (!qemu_connection_is_running(queries->qemu))
        job_queries_ask(queries, JOB_DUMP);
}

gboolean
job_queries_has_events(JobQueries *queries)
{
    return queries->has_events;
}

JobQueries *
job_queries_new(QemuConnection *qemu, JobAnswerFunc func, JobHindranceFunc hindrance_func, gpointer user_data)
{
    JobQueries *queries = g_new0(JobQueries, 1);

    queries->qemu = qemu;
    queries->func = func;
    queries->hindrance_func = hindrance_func;
    queries->user_data = user_data;
    for (guint i = 0; i < N_QUERIES; i++) {
        queries->asked[i].queries = queries;
        queries->asked[i].about = i;
    }
    return queries;
}

void
job_queries_free(JobQueries *queries)
{
    for (guint i = 0; i < N_QUERIES; i++)
        if (queries->asked[i].ticket)
            qmp_ticket_cancel(queries->asked[i].ticket);
    if (queries->events_ticket)
        qmp_ticket_cancel(queries->events_ticket);
    g_free(queries);
}
