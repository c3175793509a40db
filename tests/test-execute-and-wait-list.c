/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls that wait at one VM: one caller takes no place from the others, and news reach every call that they concern, also while
 * calls are answered in the midst of the news. */
#include "execute-and-wait-list.h"

#include <string.h>

#include "errors.h"

/* The tests stand for what makes a call, and for execute-and-wait.c. */
struct BusCall {
    BusPeer peer;
    gboolean is_refused;
    ExecuteAndWait *wait; /* weak; the last one that was started for it */
};

struct ExecuteAndWait {
    GList link;
    ExecuteAndWaitContext *context; /* weak */
    BusCall *call; /* weak */
    QuotaShare share;
    char *heard; /* owned; what it was told last */
};

static void
end_wait(ExecuteAndWait *wait)
{
    g_queue_unlink(&wait->context->calls, &wait->link);
    quota_share_return(&wait->share);
    g_free(wait->heard);
    g_free(wait);
}

static void
note_heard(ExecuteAndWait *wait, const char *text)
{
    g_free(wait->heard);
    wait->heard = g_strdup(text);
}

const BusPeer *
bus_call_get_peer(BusCall *call)
{
    return &call->peer;
}

void
errors_fail(BusCall *call, const GError *error)
{
    g_assert_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED);
    call->is_refused = TRUE;
}

void
execute_and_wait_start(ExecuteAndWaitContext *context, BusCall *call, const char *command, JsonNode *arguments,
                       const ExecuteAndWaitOptions *options, const QuotaShare *share)
{
    ExecuteAndWait *wait = g_new0(ExecuteAndWait, 1);

    wait->link.data = wait;
    wait->context = context;
    wait->call = call;
    wait->share = *share;
    call->wait = wait;
    g_queue_push_tail_link(&context->calls, &wait->link);
}

gboolean
execute_and_wait_hears(ExecuteAndWait *wait, const char *event)
{
    return !g_str_equal(event, "RTC_CHANGE");
}

void
execute_and_wait_note_event(ExecuteAndWait *wait, const char *event, JsonNode *data)
{
    note_heard(wait, data ? json_object_get_string_member(json_node_get_object(data), "device") : "nothing");
}

void
execute_and_wait_note_job(ExecuteAndWait *wait, JobKind kind, const char *id, const char *error)
{
    note_heard(wait, id);
}

void
execute_and_wait_note_command(ExecuteAndWait *wait, const char *command)
{
    note_heard(wait, command);
}

const BusPeer *
execute_and_wait_get_peer(ExecuteAndWait *wait)
{
    return &wait->call->peer;
}

void
execute_and_wait_give_up(ExecuteAndWait *wait)
{
    end_wait(wait);
}

void
execute_and_wait_tell_last(ExecuteAndWait *wait)
{
    end_wait(wait);
}

static char first[] = ":1.1", second[] = ":1.2";

typedef struct Fixture {
    VmContext vm_context;
    ExecuteAndWaitList *list; /* owned */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->list = execute_and_wait_list_new(&fixture->vm_context, /* jobs= */ NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    execute_and_wait_list_free(fixture->list);
}

static gboolean
start_call(Fixture *fixture, BusCall *call, gsize size)
{
    execute_and_wait_list_start(fixture->list, call, "device_del", /* arguments= */ NULL, size,
                                &(ExecuteAndWaitOptions){ 0 });
    return !call->is_refused;
}

static guint
start_until_refused(Fixture *fixture, BusCall *call, gsize size)
{
    guint n = 0;

    while (start_call(fixture, call, size))
        n++;
    return n;
}

static void
test_room_of_caller(Fixture *fixture, gconstpointer unused)
{
    BusCall greedy = { .peer = { .name = first, .uid = 1 } }, other = { .peer = { .name = second, .uid = 2 } };

    g_assert_true(execute_and_wait_list_is_empty(fixture->list));
    g_assert_cmpuint(start_until_refused(fixture, &greedy, 100), ==, 128);
    g_assert_true(start_call(fixture, &other, 100));
    /* Their departure gives the room back, and leaves the other's call. */
    execute_and_wait_list_drop_caller(fixture->list, first);
    g_assert_false(execute_and_wait_list_is_empty(fixture->list));
    greedy.is_refused = FALSE;
    g_assert_cmpuint(start_until_refused(fixture, &greedy, 100), ==, 128);
}

static void
test_room_of_bytes(Fixture *fixture, gconstpointer unused)
{
    BusCall greedy = { .peer = { .name = first, .uid = 1 } };

    g_assert_cmpuint(start_until_refused(fixture, &greedy, 256 * 1024), ==, 4);
}

/* A user with many connections leaves room for all other users together. */
static void
test_room_of_user(Fixture *fixture, gconstpointer unused)
{
    char names[16][8];
    BusCall calls[16], other = { .peer = { .name = second, .uid = 2 } };
    guint n = 0;

    for (guint i = 0; i < G_N_ELEMENTS(calls); i++) {
        g_snprintf(names[i], sizeof names[i], ":3.%u", i);
        calls[i] = (BusCall){ .peer = { .name = names[i], .uid = 1 } };
        n += start_until_refused(fixture, &calls[i], 100);
    }
    g_assert_cmpuint(n, ==, 512);
    g_assert_true(start_call(fixture, &other, 100));
}

static void
test_news(Fixture *fixture, gconstpointer unused)
{
    BusCall call = { .peer = { .name = first, .uid = 1 } };
    const char data[] = "{\"device\": \"d\"}";
    QmpEvent event = { .name = "DEVICE_DELETED", .data = { data, strlen(data) } };
    g_autofree char *large = g_strdup_printf("{\"device\": \"%0*d\"}", 65536, 0);

    g_assert_true(start_call(fixture, &call, 100));
    execute_and_wait_list_note_event(fixture->list, &event);
    g_assert_cmpstr(call.wait->heard, ==, "d");
    execute_and_wait_list_note_job(fixture->list, JOB_QMP, "j", /* error= */ NULL);
    g_assert_cmpstr(call.wait->heard, ==, "j");
    execute_and_wait_list_note_command(fixture->list, "cont");
    g_assert_cmpstr(call.wait->heard, ==, "cont");

    /* An event of no interest, and one that no QEMU would send: the latter costs nobody a tree of it. */
    event.name = "RTC_CHANGE";
    execute_and_wait_list_note_event(fixture->list, &event);
    event.name = "DEVICE_DELETED";
    event.data.text = large;
    event.data.length = strlen(large);
    execute_and_wait_list_note_event(fixture->list, &event);
    g_assert_cmpstr(call.wait->heard, ==, "cont");

    event.data.text = NULL;
    event.data.length = 0;
    execute_and_wait_list_note_event(fixture->list, &event);
    g_assert_cmpstr(call.wait->heard, ==, "nothing");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)
    ADD("/execute-and-wait-list/room-of-caller", test_room_of_caller);
    ADD("/execute-and-wait-list/room-of-bytes", test_room_of_bytes);
    ADD("/execute-and-wait-list/room-of-user", test_room_of_user);
    ADD("/execute-and-wait-list/news", test_news);
#undef ADD
    return g_test_run();
}
