/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replies wait until what they brought about shows in the VM's properties: without that, a caller who has stopped a VM
 * reads `running` right after. */
#include "reply-barrier.h"

#include "qmp-queue.h"
#include "test-qemu.h"

typedef struct Fixture {
    GMainContext *context; /* owned */
    TestQemu *qemu; /* owned */
    QmpClient *client; /* owned; NULL when freed */
    QmpQueue *queue; /* owned; NULL when freed */
    QmpEnding *ending; /* ref */
    ReplyBarrier *barrier; /* ref */
    GString *log; /* owned; what callers were told, a blank after each */
    gboolean is_ready;
    const char *free_on; /* what a caller is told on which the queue is freed */
} Fixture;

typedef struct Call {
    Fixture *fixture; /* weak */
    const char *name;
    QmpTicket *ticket; /* weak */
    struct Call *cancels; /* weak; when this one is answered */
} Call;

static void
on_ready(QmpClient *client, gpointer user_data)
{
    ((Fixture *)user_data)->is_ready = TRUE;
}

static void
on_event(QmpClient *client, const QmpEvent *event, gpointer user_data)
{
}

static void
on_closed(QmpClient *client, const GError *error, gpointer user_data)
{
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    static const QmpClientFuncs funcs = { .on_ready = on_ready, .on_event = on_event, .on_closed = on_closed };
    int fd;

    fixture->context = g_main_context_new();
    fixture->log = g_string_new(NULL);
    fixture->qemu = test_qemu_new(fixture->context, 11, 1, &fd);
    fixture->client =
        qmp_client_new(fixture->context, fd, &(QmpClientLimits){ .timeout = G_MAXUINT64 }, &funcs, fixture);
    qmp_peer_wait_until(fixture->context, fixture->is_ready);
    fixture->barrier = reply_barrier_new();
    fixture->ending = qmp_ending_new(fixture->context);
    fixture->queue = qmp_queue_new(fixture->client, fixture->ending, fixture->barrier);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->client, qmp_client_free);
    g_clear_pointer(&fixture->queue, qmp_queue_free);
    qmp_ending_unref(fixture->ending);
    reply_barrier_unref(fixture->barrier);
    test_qemu_free(fixture->qemu);
    qmp_peer_settle(fixture->context);
    g_main_context_unref(fixture->context);
    g_string_free(fixture->log, TRUE);
}

static void
on_reply(const QmpReply *reply, const GError *error, gpointer user_data)
{
    Call *call = user_data;
    Fixture *fixture = call->fixture;

    g_string_append(fixture->log, call->name);
    if (error)
        g_string_append_c(fixture->log, '!');
    else if (reply->error_class)
        g_string_append_printf(fixture->log, "(%s: %s)", reply->error_class, reply->error_text);
    else
        g_string_append_printf(fixture->log, "=%.*s", (int)reply->value.length, reply->value.text);
    g_string_append_c(fixture->log, ' ');
    if (call->cancels)
        qmp_ticket_cancel(call->cancels->ticket);
    if (g_strcmp0(call->name, fixture->free_on) == 0)
        g_clear_pointer(&fixture->queue, qmp_queue_free);
}

static void
submit_to(QmpQueue *queue, Fixture *fixture, Call *call, const char *name)
{
    QmpCommand command = { .name = name, .flags = QMP_EXECUTE_BEHIND_BARRIER };

    *call = (Call){ .fixture = fixture, .name = name };
    call->ticket = qmp_queue_submit(queue, ":1.1", &command, on_reply, call, NULL);
    g_assert_nonnull(call->ticket);
}

static void
submit(Fixture *fixture, Call *call, const char *name)
{
    submit_to(fixture->queue, fixture, call, name);
}

/* Whatever is answered has been, or is held. */
static void
run(Fixture *fixture)
{
    qmp_peer_wait_until(fixture->context, qmp_client_get_in_flight(fixture->client) == 0);
    qmp_peer_settle(fixture->context);
}

/* A caller who asks for nothing that changes the VM: replies go by at once. */
static void
test_open(Fixture *fixture, gconstpointer unused)
{
    Call call;

    submit(fixture, &call, "query-name");
    run(fixture);
    g_assert_cmpstr(fixture->log->str, ==, "query-name={\"name\": \"web\"} ");
}

/* A caller who has stopped the VM: the reply, an error included, waits for the answer to the question, in order and with
 * its text as it came. */
static void
test_shut(Fixture *fixture, gconstpointer unused)
{
    Call stop, failing;

    test_qemu_set_answer(fixture->qemu, "cont", "\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}");
    reply_barrier_shut(fixture->barrier, 1);
    submit(fixture, &stop, "stop");
    submit(fixture, &failing, "cont");
    run(fixture);
    g_assert_cmpstr(fixture->log->str, ==, "");
    reply_barrier_open(fixture->barrier, 1);
    g_assert_cmpstr(fixture->log->str, ==, "stop={} cont(GenericError: no) ");
}

/* Two callers who change the VM one after the other: the answer to the first question says nothing of the second
 * change. */
static void
test_two_questions(Fixture *fixture, gconstpointer unused)
{
    Call first, second;

    reply_barrier_shut(fixture->barrier, 1);
    submit(fixture, &first, "stop");
    run(fixture);
    reply_barrier_shut(fixture->barrier, 2);
    submit(fixture, &second, "cont");
    run(fixture);
    reply_barrier_open(fixture->barrier, 1);
    g_assert_cmpstr(fixture->log->str, ==, "stop={} ");
    reply_barrier_open(fixture->barrier, 2);
    g_assert_cmpstr(fixture->log->str, ==, "stop={} cont={} ");
}

/* A reply that is held already, and something new is to be known first: it waits for the later question. */
static void
test_delay(Fixture *fixture, gconstpointer unused)
{
    Call call;

    reply_barrier_shut(fixture->barrier, 1);
    submit(fixture, &call, "stop");
    run(fixture);
    reply_barrier_delay(fixture->barrier, 2);
    reply_barrier_open(fixture->barrier, 1);
    g_assert_cmpstr(fixture->log->str, ==, "");
    reply_barrier_open(fixture->barrier, 2);
    g_assert_cmpstr(fixture->log->str, ==, "stop={} ");
}

/* Jobs that are being read: replies wait as long as anybody holds them, and longer if a question is open too. */
static void
test_hold(Fixture *fixture, gconstpointer unused)
{
    Call call;

    reply_barrier_hold(fixture->barrier);
    reply_barrier_hold(fixture->barrier);
    submit(fixture, &call, "stop");
    run(fixture);
    reply_barrier_release(fixture->barrier);
    g_assert_cmpstr(fixture->log->str, ==, "");
    reply_barrier_delay(fixture->barrier, 1);
    reply_barrier_release(fixture->barrier);
    g_assert_cmpstr(fixture->log->str, ==, "");
    reply_barrier_open(fixture->barrier, 1);
    g_assert_cmpstr(fixture->log->str, ==, "stop={} ");
}

/* A caller who has left: neither a held reply nor one that is under way comes to them, and a command that waited for its turn is
 * not sent. */
static void
test_cancel(Fixture *fixture, gconstpointer unused)
{
    Call held, under_way, waiting[16];

    reply_barrier_shut(fixture->barrier, 1);
    submit(fixture, &held, "stop");
    run(fixture);
    qmp_ticket_cancel(held.ticket);
    test_qemu_withhold(fixture->qemu, "cont");
    submit(fixture, &under_way, "cont");
    g_assert_false(qmp_ticket_is_waiting(under_way.ticket));
    for (guint i = 0; i < G_N_ELEMENTS(waiting); i++)
        submit(fixture, &waiting[i], "cont");
    g_assert_true(qmp_ticket_is_waiting(waiting[15].ticket));
    qmp_ticket_cancel(under_way.ticket);
    for (guint i = G_N_ELEMENTS(waiting); i-- > 0;)
        qmp_ticket_cancel(waiting[i].ticket);
    qmp_peer_wait_until(fixture->context, test_qemu_count(fixture->qemu, "0 cont") > 0);
    test_qemu_release(fixture->qemu, "cont");
    run(fixture);
    reply_barrier_open(fixture->barrier, 1);
    g_assert_cmpstr(fixture->log->str, ==, "");
    g_assert_cmpuint(test_qemu_count(fixture->qemu, "0 cont"), ==, 7);
}

/* A caller who, told of one reply, gives up another that is held beside it. */
static void
test_cancel_from_inside(Fixture *fixture, gconstpointer unused)
{
    Call first, second, third;

    reply_barrier_shut(fixture->barrier, 1);
    submit(fixture, &first, "stop");
    submit(fixture, &second, "cont");
    submit(fixture, &third, "quit");
    first.cancels = &second;
    run(fixture);
    reply_barrier_open(fixture->barrier, 1);
    g_assert_cmpstr(fixture->log->str, ==, "stop={} quit={} ");
}

/* A monitor that goes because of a reply: its queue is freed from inside, and the replies behind are given all the same. */
static void
test_free_from_inside(Fixture *fixture, gconstpointer unused)
{
    Call first, second;

    fixture->free_on = "stop";
    reply_barrier_shut(fixture->barrier, 1);
    submit(fixture, &first, "stop");
    submit(fixture, &second, "cont");
    run(fixture);
    reply_barrier_open(fixture->barrier, 1);
    g_assert_null(fixture->queue);
    g_assert_cmpstr(fixture->log->str, ==, "stop={} cont={} ");
}

/* A QEMU that dies: callers whose commands it had carried out are told that, before the others are told of the end. */
static void
test_disconnected(Fixture *fixture, gconstpointer unused)
{
    Call held, under_way;

    reply_barrier_shut(fixture->barrier, 1);
    submit(fixture, &held, "stop");
    run(fixture);
    test_qemu_withhold(fixture->qemu, "cont");
    submit(fixture, &under_way, "cont");
    qmp_peer_wait_until(fixture->context, test_qemu_count(fixture->qemu, "0 cont") == 1);
    test_qemu_close(fixture->qemu, 0);
    run(fixture);
    g_assert_cmpstr(fixture->log->str, ==, "stop={} cont! ");
}

/* A VM with two monitors, of which one has told of an event: its replies wait, those of the other do not; and a question about the
 * VM holds the replies of both, in the order of the questions. */
static void
test_two_monitors(Fixture *fixture, gconstpointer unused)
{
    QmpQueue *other = qmp_queue_new(fixture->client, fixture->ending, fixture->barrier);
    Call first, second, third;

    qmp_queue_shut(fixture->queue, 1);
    submit(fixture, &first, "stop");
    submit_to(other, fixture, &second, "query-name");
    run(fixture);
    g_assert_cmpstr(fixture->log->str, ==, "query-name={\"name\": \"web\"} ");
    g_string_truncate(fixture->log, 0);
    qmp_queue_shut(fixture->queue, 2);
    submit(fixture, &second, "cont");
    run(fixture);
    reply_barrier_shut(fixture->barrier, 1);
    submit_to(other, fixture, &third, "quit");
    run(fixture);
    g_assert_cmpstr(fixture->log->str, ==, "");
    reply_barrier_open(fixture->barrier, 1);
    g_assert_cmpstr(fixture->log->str, ==, "stop={} quit={} ");
    reply_barrier_open(fixture->barrier, 2);
    g_assert_cmpstr(fixture->log->str, ==, "stop={} quit={} cont={} ");
    qmp_queue_free(other);
}

static void
on_kept_given(const QmpReply *reply, const GError *error, gpointer user_data)
{
    g_assert_no_error(error);
    (*(guint *)user_data)++;
}

/* A QEMU that answers everything but the question: what the agent holds has an end, and the order stays. The rest is given as
 * ever. */
static void
test_too_many(Fixture *fixture, gconstpointer unused)
{
    const QmpReply reply = { .value = { "{}", 2 } };
    HeldReply held[300];
    guint n_given = 0;

    reply_barrier_shut(fixture->barrier, 1);
    for (guint i = 0; i < G_N_ELEMENTS(held); i++)
        reply_barrier_keep(fixture->barrier, &held[i], &reply, 0, on_kept_given, &n_given);
    g_assert_cmpuint(n_given, ==, G_N_ELEMENTS(held) - 256);
    g_assert_null(held[n_given - 1].barrier);
    g_assert_nonnull(held[n_given].barrier);
    reply_barrier_open(fixture->barrier, 1);
    g_assert_cmpuint(n_given, ==, G_N_ELEMENTS(held));
}

#define LARGE (30u * 1024 * 1024)

/* Likewise of large replies: two have room, and room is made by what is given, given up and cleared. What is kept is the whole message, which
 * may have more in it than the reply. */
static void
test_too_large(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GByteArray) bytes = g_byte_array_sized_new(LARGE);
    const QmpReply reply = { .value = { (const char *)bytes->data, 2 }, .bytes = bytes };
    HeldReply held[4];
    guint n_given = 0;

    g_byte_array_set_size(bytes, LARGE);
    reply_barrier_shut(fixture->barrier, 1);
    for (guint i = 0; i < 3; i++)
        reply_barrier_keep(fixture->barrier, &held[i], &reply, 0, on_kept_given, &n_given);
    g_assert_cmpuint(n_given, ==, 1);
    held_reply_clear(&held[1]);
    reply_barrier_keep(fixture->barrier, &held[3], &reply, 0, on_kept_given, &n_given);
    g_assert_cmpuint(n_given, ==, 1);
    reply_barrier_open(fixture->barrier, 1);
    g_assert_cmpuint(n_given, ==, 3);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/reply-barrier/open", test_open);
    ADD("/reply-barrier/shut", test_shut);
    ADD("/reply-barrier/two-questions", test_two_questions);
    ADD("/reply-barrier/delay", test_delay);
    ADD("/reply-barrier/hold", test_hold);
    ADD("/reply-barrier/cancel", test_cancel);
    ADD("/reply-barrier/cancel-from-inside", test_cancel_from_inside);
    ADD("/reply-barrier/free-from-inside", test_free_from_inside);
    ADD("/reply-barrier/disconnected", test_disconnected);
    ADD("/reply-barrier/two-monitors", test_two_monitors);
    ADD("/reply-barrier/too-many", test_too_many);
    ADD("/reply-barrier/too-large", test_too_large);
    return g_test_run();
}
