/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection: joining, names, queries, closing. Against a real dbus-daemon, with GDBus as
 * the other side. */
#include "test-bus-fixture.h"

#include <gio/gunixsocketaddress.h>
#include <signal.h>
#include <string.h>

/* Source ids count up from 1 in a context. */
static void
assert_no_sources(GMainContext *context)
{
    for (guint id = 1; id < 1000; id++)
        g_assert_null(g_main_context_find_source_by_id(context, id));
}

static DBusMessage *
new_request(const char *member)
{
    return dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, member);
}

static BusQuery *
ask(Bus *bus, const char *member, const char *argument, BusQueryFunc func, gpointer user_data)
{
    DBusMessage *request = new_request(member);
    BusQuery *query;

    if (argument)
        dbus_message_append_args(request, DBUS_TYPE_STRING, &argument, DBUS_TYPE_INVALID);
    query = bus_query(bus, request, DBUS_TIMEOUT_USE_DEFAULT, func, user_data);
    dbus_message_unref(request);
    return query;
}

/* Joining: each state of a Bus that a test of it follows, a letter each: 'j'oined, 'e'rror. */

typedef struct States {
    GString *order;
    GError *error;
    gboolean close_inside;
    gboolean closed;
} States;

static void
on_state(Bus *bus, const GError *error, gpointer user_data)
{
    States *states = user_data;

    g_string_append_c(states->order, error ? 'e' : 'j');
    if (!error)
        return;
    g_assert_null(states->error);
    states->error = g_error_copy(error);
    if (states->close_inside) {
        bus_close(bus);
        states->closed = TRUE;
    }
}

static void
states_clear(States *states)
{
    g_string_free(states->order, TRUE);
    g_clear_error(&states->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(States, states_clear)

/* A host that gets a wrong address must hear it at once and by name. */
static void
test_bad_address(void)
{
    const char *const addresses[] = { "", "nonsense", "unix:", "unix:path=/nonexistent/bus", "unix:path=/x;;", "%%" };

    for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(bus_open(NULL, addresses[i], on_state, NULL, &error));
        g_assert_error(error, BUS_ERROR, BUS_ERROR_DISCONNECTED);
    }
}

/* A host whose bus hangs up during the handshake must hear it, once, and may close from inside. */
static void
test_bus_hangs_up(void)
{
    g_autofree char *directory = g_dir_make_tmp("test-bus-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(directory, "bus", NULL);
    g_autofree char *address = g_strconcat("unix:path=", path, NULL);
    g_autoptr(GSocketListener) listener = g_socket_listener_new();
    g_autoptr(GSocketAddress) socket = g_unix_socket_address_new(path);
    g_autoptr(GSocketConnection) accepted = NULL;
    g_autoptr(GMainContext) context = g_main_context_new();
    g_auto(States) states = { .order = g_string_new(NULL), .close_inside = TRUE };
    g_autoptr(GError) error = NULL;
    Bus *bus;

    g_socket_listener_add_address(listener, socket, G_SOCKET_TYPE_STREAM, 0, NULL, NULL, &error);
    g_assert_no_error(error);
    bus = bus_open(context, address, on_state, &states, &error);
    g_assert_no_error(error);
    g_assert_null(bus_get_unique_name(bus));
    accepted = g_socket_listener_accept(listener, NULL, NULL, &error);
    g_assert_no_error(error);
    g_io_stream_close(G_IO_STREAM(accepted), NULL, NULL);
    while (!states.closed)
        g_main_context_iteration(context, TRUE);
    settle(context);
    g_assert_cmpstr(states.order->str, ==, "e");
    g_assert_error(states.error, BUS_ERROR, BUS_ERROR_DISCONNECTED);
    assert_no_sources(context);
    unlink(path);
    rmdir(directory);
}

/* A host that stops while it is still joining must be left with nothing. */
static void
test_close_while_joining(void)
{
    TestDaemon *daemon = test_daemon_new();
    g_autoptr(GError) error = NULL;

    for (guint turns = 0; turns < 12; turns++) {
        g_autoptr(GMainContext) context = g_main_context_new();
        g_auto(States) states = { .order = g_string_new(NULL) };
        Bus *bus = bus_open(context, test_daemon_get_address(daemon), on_state, &states, &error);

        g_assert_no_error(error);
        for (guint i = 0; i < turns; i++)
            g_main_context_iteration(context, FALSE);
        bus_close(bus);
        assert_no_sources(context);
    }
    test_daemon_free(daemon);
}

static void
on_order(DBusMessage *reply, const GError *error, gpointer user_data)
{
    g_string_append_c(((States *)user_data)->order, reply ? 'r' : 'q');
    if (error)
        g_assert_error(error, BUS_ERROR, BUS_ERROR_DISCONNECTED);
}

/* When the bus dies, even one that has long stopped reading: what was asked fails first, the state comes last and
 * once; later questions fail, never inside. */
static void
test_daemon_killed(void)
{
    TestDaemon *daemon = test_daemon_new();
    g_autoptr(GMainContext) context = g_main_context_new();
    g_auto(States) states = { .order = g_string_new(NULL) };
    g_autoptr(GError) error = NULL;
    Bus *bus = bus_open(context, test_daemon_get_address(daemon), on_state, &states, &error);

    while (states.order->len < 1)
        g_main_context_iteration(context, TRUE);
    test_daemon_signal(daemon, SIGSTOP);
    ask(bus, "GetId", NULL, on_order, &states);
    send_large_signals(bus, 70);
    test_daemon_signal(daemon, SIGKILL);
    while (states.order->len < 3)
        g_main_context_iteration(context, TRUE);
    g_assert_cmpstr(states.order->str, ==, "jqe");
    g_assert_error(states.error, BUS_ERROR, BUS_ERROR_DISCONNECTED);
    ask(bus, "GetId", NULL, on_order, &states);
    bus_query_cancel(ask(bus, "GetId", NULL, on_order, &states));
    ask(bus, "GetId", NULL, on_order, &states);
    g_assert_cmpuint(states.order->len, ==, 3);
    while (states.order->len < 5)
        g_main_context_iteration(context, TRUE);
    g_assert_cmpstr(states.order->str, ==, "jqeqq");
    ask(bus, "GetId", NULL, on_order, &states);
    bus_close(bus);
    assert_no_sources(context);
    test_daemon_free(daemon);
}

/* What a query was answered. */

typedef struct Answer {
    guint count;
    GError *error;
    gboolean inside;
} Answer;

static void
on_answer(DBusMessage *reply, const GError *error, gpointer user_data)
{
    Answer *answer = user_data;

    g_assert_false(answer->inside);
    g_assert_true(!reply != !error);
    answer->count++;
    g_clear_error(&answer->error);
    answer->error = error ? g_error_copy(error) : NULL;
}

/* Names. */

static void
on_name(Bus *bus, const GError *error, gpointer user_data)
{
    g_string_append_c(((BusFixture *)user_data)->order, error ? 'n' : 'o');
}

static void
test_own_name(BusFixture *fixture, gconstpointer data)
{
    Bus *second = test_daemon_open(fixture->daemon, NULL);
    g_autoptr(GVariant) reply = NULL;
    Answer released = { 0 };

    bus_own_name(fixture->bus, "org.example.Name", on_name, fixture);
    g_assert_cmpstr(fixture->order->str, ==, "");
    test_until(fixture->order->len == 1);
    reply = test_client_call(fixture->client, "org.example.Name", "/", DBUS_INTERFACE_PEER, "Ping", NULL, NULL);
    g_assert_nonnull(reply);
    bus_own_name(second, "org.example.Name", on_name, fixture);
    test_until(fixture->order->len == 2);
    g_assert_cmpstr(fixture->order->str, ==, "on");
    /* A name that was refused can be asked for again, when its owner has gone. */
    ask(fixture->bus, "ReleaseName", "org.example.Name", on_answer, &released);
    test_until(released.count == 1 && fixture->order->len == 3);
    bus_own_name(second, "org.example.Name", on_name, fixture);
    test_until(fixture->order->len == 4);
    g_assert_cmpstr(fixture->order->str, ==, "onno");
    bus_close(second);
}

/* Queries. */

/* Who asks others must learn their errors by name and in their words, exactly once, and can lose interest. */
static void
test_query(BusFixture *fixture, gconstpointer data)
{
    Answer answer = { 0 }, cancelled = { 0 };

    answer.inside = TRUE;
    ask(fixture->bus, "GetId", NULL, on_answer, &answer);
    answer.inside = FALSE;
    bus_query_cancel(ask(fixture->bus, "GetId", NULL, on_answer, &cancelled));
    test_until(answer.count == 1);
    g_assert_no_error(answer.error);
    ask(fixture->bus, "GetConnectionCredentials", ":99.99", on_answer, &answer);
    test_until(answer.count == 2);
    g_assert_error(answer.error, BUS_ERROR, BUS_ERROR_NAME_HAS_NO_OWNER);
    g_assert_nonnull(strstr(answer.error->message, ":99.99"));
    ask(fixture->bus, "GetId", "wrong", on_answer, &answer);
    test_until(answer.count == 3);
    g_assert_error(answer.error, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
    g_clear_error(&answer.error);
    g_assert_cmpuint(cancelled.count, ==, 0);
}

/* A service that does not answer must not be waited for longer than we said. */
static void
test_query_times_out(BusFixture *fixture, gconstpointer data)
{
    DBusMessage *question = new_request("GetId");
    Answer answer = { 0 };

    test_daemon_signal(fixture->daemon, SIGSTOP);
    bus_query(fixture->bus, question, 20, on_answer, &answer);
    dbus_message_unref(question);
    test_until(answer.count == 1);
    g_assert_error(answer.error, BUS_ERROR, BUS_ERROR_TIMED_OUT);
    g_clear_error(&answer.error);
    test_daemon_signal(fixture->daemon, SIGCONT);
}

static void
note_answer_text(DBusMessage *reply, const GError *error, gpointer user_data)
{
    const char *text = error ? error->message : "";

    if (reply)
        dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    *(char **)user_data = g_strdup(text);
}

/* dbus-daemon lets it pass on a session bus: a caller could say who they are, or keep others from being known. */
static void
test_forged_answer(BusFixture *fixture, gconstpointer data)
{
    for (guint i = 0; i < 20; i++) {
        DBusMessage *question = new_request("GetId");
        g_autoptr(GDBusMessage) forged = g_dbus_message_new();
        g_autofree char *answer = NULL;

        test_daemon_signal(fixture->daemon, SIGSTOP);
        bus_query(fixture->bus, question, DBUS_TIMEOUT_USE_DEFAULT, note_answer_text, &answer);
        g_dbus_message_set_message_type(forged, G_DBUS_MESSAGE_TYPE_METHOD_RETURN);
        g_dbus_message_set_destination(forged, bus_get_unique_name(fixture->bus));
        g_dbus_message_set_reply_serial(forged, dbus_message_get_serial(question));
        g_dbus_message_set_body(forged, g_variant_new("(s)", "forged"));
        g_assert_true(
            g_dbus_connection_send_message(fixture->client, forged, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL));
        dbus_message_unref(question);
        test_daemon_signal(fixture->daemon, SIGCONT);
        test_until(answer);
        g_assert_true(g_regex_match_simple("^[0-9a-f]{32}$", answer, 0, 0));
    }
}

/* Other contexts. */

typedef struct Service {
    TestDaemon *daemon;
    GAsyncQueue *ready;
    GMainContext *context;
    gboolean stop;
} Service;

static gboolean
on_stop(gpointer user_data)
{
    ((Service *)user_data)->stop = TRUE;
    return G_SOURCE_REMOVE;
}

static gpointer
serve(gpointer user_data)
{
    Service *service = user_data;
    Bus *bus = test_daemon_open(service->daemon, service->context);

    g_async_queue_push(service->ready, g_strdup(bus_get_unique_name(bus)));
    while (!service->stop)
        g_main_context_iteration(service->context, TRUE);
    bus_close(bus);
    return NULL;
}

/* A host may run its modules on a context of its own: everything of a Bus must be there and nothing on the default
 * one. */
static void
test_second_context(void)
{
    Service service = { .daemon = test_daemon_new(), .ready = g_async_queue_new(), .context = g_main_context_new() };
    GDBusConnection *client = test_daemon_connect(service.daemon);
    GThread *thread = g_thread_new("service", serve, &service);
    g_autofree char *name = g_async_queue_pop(service.ready);

    for (guint i = 0; i < 10; i++) {
        g_autoptr(GError) error = NULL;
        GVariant *reply = g_dbus_connection_call_sync(client, name, "/", DBUS_INTERFACE_INTROSPECTABLE, "Introspect",
                                                      NULL, NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, &error);

        g_assert_no_error(error);
        g_variant_unref(reply);
    }
    g_main_context_invoke(service.context, on_stop, &service);
    g_thread_join(thread);
    assert_no_sources(service.context);
    g_main_context_unref(service.context);
    g_async_queue_unref(service.ready);
    test_client_leave(client);
    test_daemon_free(service.daemon);
}

#define ADD(path, test) g_test_add(path, BusFixture, NULL, bus_fixture_set_up, test, bus_fixture_tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus/bad-address", test_bad_address);
    g_test_add_func("/bus/bus-hangs-up", test_bus_hangs_up);
    g_test_add_func("/bus/close-while-joining", test_close_while_joining);
    g_test_add_func("/bus/daemon-killed", test_daemon_killed);
    g_test_add_func("/bus/second-context", test_second_context);
    ADD("/bus/own-name", test_own_name);
    ADD("/bus/query", test_query);
    ADD("/bus/query-times-out", test_query_times_out);
    ADD("/bus/forged-answer", test_forged_answer);
    return g_test_run();
}
