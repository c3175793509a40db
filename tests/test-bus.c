/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The connection: joining, names, queries, draining, closing, and who calls. Against a real dbus-daemon, with GDBus as
 * the other side. */
#include "bus-private.h"
#include "test-bus-daemon.h"

#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>

#define PATH "/test"
#define INTERFACE "org.example.Test"

typedef struct Fixture {
    TestDaemon *daemon;
    Bus *bus;
    GDBusConnection *client;
    BusInterface *interface;
    BusObject *object;
    guint calls;
    GString *order; /* what happened, a letter each */
    guint32 last_uid;
    guint32 last_pid;
    BusCall *kept;
} Fixture;

/* Call(): who calls is known by the time the function runs. */
static void
on_call(BusCall *call, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->calls++;
    fixture->last_uid = bus_call_get_peer(call)->uid;
    fixture->last_pid = bus_call_get_peer(call)->pid;
    g_assert_true(bus_get_peer(bus_call_get_bus(call), bus_call_get_sender(call)) == bus_call_get_peer(call));
    bus_call_return(call, NULL);
}

/* Number(u): calls of one caller keep their order. */
static void
on_number(BusCall *call, gpointer user_data)
{
    Fixture *fixture = user_data;
    guint32 number = 0;

    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_UINT32, &number, DBUS_TYPE_INVALID);
    g_assert_cmpuint(number, ==, fixture->calls);
    fixture->calls++;
    bus_call_return(call, NULL);
}

static void
on_keep(BusCall *call, gpointer user_data)
{
    Fixture *fixture = user_data;

    bus_call_drop_message(call);
    fixture->kept = call;
}

static const char xml[] = "<node><interface name='" INTERFACE "'>"
                          "<method name='Call'/>"
                          "<method name='Keep'><arg type='s' direction='in'/></method>"
                          "<method name='Number'><arg type='u' direction='in'/></method>"
                          "</interface></node>";

static const BusMethod methods[] = {
    { "Call", BUS_ACCESS_PUBLIC, on_call },
    { "Keep", BUS_ACCESS_PUBLIC, on_keep },
    { "Number", BUS_ACCESS_PUBLIC, on_number },
    { 0 },
};

static void
publish(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(xml, &error);

    fixture->interface = bus_interface_new(node->interfaces[0], methods, NULL, NULL, &error);
    g_assert_no_error(error);
    fixture->object = bus_object_new(fixture->bus, PATH, fixture);
    bus_object_add_interface(fixture->object, fixture->interface);
    bus_object_publish(fixture->object);
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->daemon = test_daemon_new();
    fixture->bus = test_daemon_open(fixture->daemon, NULL);
    fixture->client = test_daemon_connect(fixture->daemon);
    fixture->order = g_string_new(NULL);
    publish(fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    if (fixture->bus)
        bus_close(fixture->bus);
    bus_object_free(fixture->object);
    bus_interface_unref(fixture->interface);
    test_client_leave(fixture->client);
    test_daemon_free(fixture->daemon);
    g_string_free(fixture->order, TRUE);
}

/* The client's call, answered. */
static void
call(Fixture *fixture, GDBusConnection *client)
{
    g_autoptr(GError) error = NULL;
    GVariant *reply = test_client_call(client, bus_get_unique_name(fixture->bus), PATH, INTERFACE, "Call", NULL, &error);

    g_assert_no_error(error);
    g_variant_unref(reply);
}

static void
send_call(Fixture *fixture, GDBusConnection *client, const char *member, GVariant *parameters)
{
    test_client_send(client, bus_get_unique_name(fixture->bus), PATH, INTERFACE, member, parameters);
}

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
    while (g_main_context_iteration(context, FALSE))
        ;
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

/* When the bus dies: what was asked fails first, the state comes last and once; later questions fail, never inside. */
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
    g_string_append_c(((Fixture *)user_data)->order, error ? 'n' : 'o');
}

static void
test_own_name(Fixture *fixture, gconstpointer data)
{
    Bus *second = test_daemon_open(fixture->daemon, NULL);
    g_autoptr(GVariant) reply = NULL;
    Answer released = { 0 };

    bus_own_name(fixture->bus, "org.example.Name", on_name, fixture);
    g_assert_cmpstr(fixture->order->str, ==, "");
    test_until(fixture->order->len == 1);
    reply = test_client_call(fixture->client, "org.example.Name", PATH, INTERFACE, "Call", NULL, NULL);
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
test_query(Fixture *fixture, gconstpointer data)
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
test_query_times_out(Fixture *fixture, gconstpointer data)
{
    const char *client = g_dbus_connection_get_unique_name(fixture->client);
    DBusMessage *question = dbus_message_new_method_call(bus_get_unique_name(fixture->bus), PATH, INTERFACE, "Keep");
    Answer answer = { 0 };

    dbus_message_append_args(question, DBUS_TYPE_STRING, &client, DBUS_TYPE_INVALID);
    bus_query(fixture->bus, question, 50, on_answer, &answer);
    dbus_message_unref(question);
    test_until(answer.count == 1 && fixture->kept);
    g_assert_error(answer.error, BUS_ERROR, BUS_ERROR_TIMED_OUT);
    g_clear_error(&answer.error);
    bus_call_return(fixture->kept, NULL);
}

/* Output. */

static DBusMessage *
new_large_signal(void)
{
    DBusMessage *signal = dbus_message_new_signal(PATH, INTERFACE, "Large");
    g_autofree char *text = g_strnfill(1 << 20, 'x');

    dbus_message_append_args(signal, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID);
    return signal;
}

static void
on_drained(gpointer user_data)
{
    g_string_append_c(user_data, 'd');
}

static gboolean
tick(gpointer user_data)
{
    ++*(guint *)user_data;
    return G_SOURCE_CONTINUE;
}

/* Whoever turns QEMU's output into messages must be able to stop while the bus is slow, and to go on when it is not. */
static void
test_drain(Fixture *fixture, gconstpointer data)
{
    DBusMessage *large = new_large_signal();
    guint turns = 0, timer = g_timeout_add(1, tick, &turns);

    test_daemon_signal(fixture->daemon, SIGSTOP);
    for (guint i = 0; i < 4; i++)
        bus_send(fixture->bus, large);
    g_assert_cmpuint(bus_get_outgoing_size(fixture->bus), >, 2 << 20);
    bus_when_drained(fixture->bus, 1 << 20, on_drained, fixture->order);
    bus_drain_cancel(bus_when_drained(fixture->bus, G_MAXSIZE, on_drained, fixture->order));
    test_until(turns == 20);
    g_assert_cmpstr(fixture->order->str, ==, "");
    bus_when_drained(fixture->bus, G_MAXSIZE, on_drained, fixture->order);
    g_assert_cmpstr(fixture->order->str, ==, "");
    test_until(fixture->order->len == 1);
    test_daemon_signal(fixture->daemon, SIGCONT);
    test_until(fixture->order->len == 2);
    g_assert_cmpuint(bus_get_outgoing_size(fixture->bus), <=, 1 << 20);
    dbus_message_unref(large);
    g_source_remove(timer);
}

/* Stopping must not wait for a bus that does not read. */
static void
test_close_while_bus_is_stopped(Fixture *fixture, gconstpointer data)
{
    DBusMessage *large = new_large_signal();

    test_daemon_signal(fixture->daemon, SIGSTOP);
    for (guint i = 0; i < 4; i++)
        bus_send(fixture->bus, large);
    bus_when_drained(fixture->bus, 0, on_drained, fixture->order);
    bus_close(g_steal_pointer(&fixture->bus));
    test_daemon_signal(fixture->daemon, SIGCONT);
    dbus_message_unref(large);
}

static void
on_client_signal(GDBusConnection *client, const char *sender, const char *path, const char *interface,
                 const char *member, GVariant *parameters, gpointer user_data)
{
    ++*(guint *)user_data;
}

/* What was sent before closing must arrive, when the bus reads. */
static void
test_close_flushes(Fixture *fixture, gconstpointer data)
{
    guint heard = 0;
    guint id = g_dbus_connection_signal_subscribe(fixture->client, NULL, INTERFACE, "Last", NULL, NULL,
                                                  G_DBUS_SIGNAL_FLAGS_NONE, on_client_signal, &heard, NULL);
    DBusMessage *last = dbus_message_new_signal(PATH, INTERFACE, "Last");

    test_client_sync(fixture->client);
    for (guint i = 0; i < 100; i++)
        bus_send(fixture->bus, last);
    bus_close(g_steal_pointer(&fixture->bus));
    dbus_message_unref(last);
    test_until(heard == 100);
    g_dbus_connection_signal_unsubscribe(fixture->client, id);
}

/* Callers. */

static void
on_gone(Bus *bus, const char *name, gpointer user_data)
{
    g_assert_null(bus_get_peer(bus, name));
    ++*(guint *)user_data;
}

/* The policy must see who calls, and sessions must learn that their caller left. */
static void
test_peer(Fixture *fixture, gconstpointer data)
{
    GDBusConnection *client = test_daemon_connect(fixture->daemon);
    g_autofree char *name = g_strdup(g_dbus_connection_get_unique_name(client));
    guint gone = 0;
    BusPeerWatch *watch = bus_watch_peers(fixture->bus, on_gone, &gone);

    g_assert_null(bus_get_peer(fixture->bus, name));
    call(fixture, client);
    call(fixture, client);
    g_assert_cmpuint(fixture->last_uid, ==, getuid());
    g_assert_cmpuint(fixture->last_pid, ==, (guint32)getpid());
    g_assert_cmpstr(bus_get_peer(fixture->bus, name)->name, ==, name);
    test_client_leave(client);
    test_until(gone == 1);
    g_assert_null(bus_get_peer(fixture->bus, name));
    bus_peer_watch_free(watch);
}

typedef struct Watches {
    BusPeerWatch *watch[3];
    guint calls;
    gboolean close;
} Watches;

/* Frees every watch, itself included, before the others are told. */
static void
on_gone_free_all(Bus *bus, const char *name, gpointer user_data)
{
    Watches *watches = user_data;

    watches->calls++;
    if (watches->close)
        bus_close(bus);
    for (guint i = 0; i < G_N_ELEMENTS(watches->watch); i++)
        bus_peer_watch_free(watches->watch[i]);
}

/* A session that goes with its caller takes its watches along, maybe the Bus. Those freed must not be told. */
static void
test_watch_freed_inside(Fixture *fixture, gconstpointer close)
{
    GDBusConnection *client = test_daemon_connect(fixture->daemon);
    Watches watches = { .close = close != NULL };

    for (guint i = 0; i < G_N_ELEMENTS(watches.watch); i++)
        watches.watch[i] = bus_watch_peers(fixture->bus, on_gone_free_all, &watches);
    call(fixture, client);
    test_client_leave(client);
    test_until(watches.calls > 0);
    g_assert_cmpuint(watches.calls, ==, 1);
    if (close)
        fixture->bus = NULL;
}

/* Two hundred scripts that call and do not wait: none may stay in the table, whenever it left. */
static void
test_callers_leave_at_once(Fixture *fixture, gconstpointer data)
{
    guint gone = 0;
    BusPeerWatch *watch = bus_watch_peers(fixture->bus, on_gone, &gone);

    for (guint i = 0; i < 200; i++) {
        GDBusConnection *client = test_daemon_connect(fixture->daemon);

        send_call(fixture, client, "Call", NULL);
        if (i % 3 == 0)
            call(fixture, fixture->client);
        test_client_leave(client);
        if (i % 5 == 0)
            g_main_context_iteration(NULL, FALSE);
    }
    /* The bus tells us of the last one before it passes on what the first one says after that. */
    test_client_sync(fixture->client);
    call(fixture, fixture->client);
    test_until(bus_peers_count(fixture->bus->peers) == 1);
    g_assert_cmpuint(gone, <=, 200);
    bus_peer_watch_free(watch);
}

/* The call, the leaving, then the answer to a question that nobody waits for any more. */
static void
test_caller_leaves_before_it_is_known(Fixture *fixture, gconstpointer data)
{
    GDBusConnection *client = test_daemon_connect(fixture->daemon);
    guint gone = 0;
    BusPeerWatch *watch = bus_watch_peers(fixture->bus, on_gone, &gone);

    send_call(fixture, client, "Call", NULL);
    test_client_sync(client);
    test_client_leave(client);
    test_client_sync(fixture->client);
    call(fixture, fixture->client);
    test_until(bus_peers_count(fixture->bus->peers) == 1);
    g_assert_cmpuint(fixture->calls, ==, 1);
    g_assert_cmpuint(gone, ==, 0);
    bus_peer_watch_free(watch);
}

/* A caller that guessed our name and left before the bus knew what we want to hear: only the answer to our question
 * tells. */
static void
test_caller_left_before_the_match(Fixture *fixture, gconstpointer data)
{
    DBusMessage *stray = dbus_message_new_method_call(NULL, PATH, INTERFACE, "Call");

    dbus_message_set_sender(stray, ":1.99999");
    dbus_message_set_serial(stray, 7);
    bus_peers_take_call(fixture->bus->peers, stray);
    dbus_message_unref(stray);
    g_assert_cmpuint(bus_peers_count(fixture->bus->peers), ==, 1);
    test_until(bus_peers_count(fixture->bus->peers) == 0);
    g_assert_cmpuint(fixture->calls, ==, 0);
}

/* Nobody but the bus may say who left: a caller would end another's session. */
static void
test_forged_leaving(Fixture *fixture, gconstpointer data)
{
    const char *victim = g_dbus_connection_get_unique_name(fixture->client);
    GDBusConnection *forger = test_daemon_connect(fixture->daemon);
    g_autoptr(GError) error = NULL;

    call(fixture, fixture->client);
    g_dbus_connection_emit_signal(forger, bus_get_unique_name(fixture->bus), DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                  "NameOwnerChanged", g_variant_new("(sss)", victim, victim, ""), &error);
    g_assert_no_error(error);
    call(fixture, forger);
    g_assert_nonnull(bus_get_peer(fixture->bus, victim));
    test_client_leave(forger);
}

/* A letter a call: 'r' replied, 'l' LimitsExceeded, 'x' any other error. */
static void
on_reply(GObject *client, GAsyncResult *result, gpointer user_data)
{
    Fixture *fixture = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(client), result, &error);
    char letter = reply ? 'r' : 'x';

    if (g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_LIMITS_EXCEEDED))
        letter = 'l';
    g_string_append_c(fixture->order, letter);
}

static void
call_async(Fixture *fixture, const char *member, GVariant *parameters)
{
    g_dbus_connection_call(fixture->client, bus_get_unique_name(fixture->bus), PATH, INTERFACE, member, parameters, NULL,
                           G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, on_reply, fixture);
}

static guint
count(GString *letters, char letter)
{
    guint n = 0;

    for (gsize i = 0; i < letters->len; i++)
        n += letters->str[i] == letter;
    return n;
}

/* All of these reach us before the answer to our question can: 1,024 wait and keep their order, the others are refused.
 * Every one is answered once. */
static void
test_waiting_calls_are_capped(Fixture *fixture, gconstpointer data)
{
    for (guint i = 0; i < 1100; i++)
        call_async(fixture, "Number", g_variant_new("(u)", i));
    test_client_sync(fixture->client);
    test_until(fixture->order->len == 1100);
    g_assert_cmpuint(count(fixture->order, 'l'), ==, 1100 - 1024);
    g_assert_cmpuint(fixture->calls, ==, 1024);
    call(fixture, fixture->client);
}

/* Nor may few large ones hold what libdbus needs to go on reading. (Those that may wait are of the wrong type.) */
static void
test_waiting_bytes_are_capped(Fixture *fixture, gconstpointer data)
{
    g_autofree char *text = g_strnfill(3 << 20, 'x');

    for (guint i = 0; i < 5; i++)
        call_async(fixture, "Number", g_variant_new("(s)", text));
    test_client_sync(fixture->client);
    test_until(fixture->order->len == 5);
    g_assert_cmpuint(count(fixture->order, 'x'), ==, 2);
    g_assert_cmpuint(count(fixture->order, 'l'), ==, 3);
    call(fixture, fixture->client);
}

/* Descriptors that nobody takes must be closed with their message: a caller would use up ours. */
static void
test_descriptors_are_closed(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();
    int before = dup(0), after;

    for (guint i = 0; i < 16; i++)
        g_unix_fd_list_append(fds, 0, NULL);
    for (guint i = 0; i < 100; i++) {
        g_autoptr(GDBusMessage) message =
            g_dbus_message_new_method_call(bus_get_unique_name(fixture->bus), PATH, INTERFACE, "Call");

        g_dbus_message_set_unix_fd_list(message, fds);
        g_dbus_connection_send_message(fixture->client, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
    }
    call(fixture, fixture->client);
    g_clear_object(&fds);
    close(before);
    after = dup(0);
    g_assert_cmpint(after, <, before + 100);
    close(after);
}

/* A gate that asks polkit keeps the call: by then caller, object and Bus may be gone. */
static void
test_kept_call_outlives_everything(Fixture *fixture, gconstpointer data)
{
    GDBusConnection *client = test_daemon_connect(fixture->daemon);
    guint gone = 0;
    BusPeerWatch *watch = bus_watch_peers(fixture->bus, on_gone, &gone);

    send_call(fixture, client, "Keep", g_variant_new("(s)", "text"));
    test_until(fixture->kept);
    test_client_leave(client);
    test_until(gone == 1);
    bus_close(g_steal_pointer(&fixture->bus));
    bus_peer_watch_free(watch);
    g_assert_null(bus_call_get_message(fixture->kept));
    g_assert_cmpuint(bus_call_get_peer(fixture->kept)->uid, ==, getuid());
    g_assert_cmpstr(bus_call_get_path(fixture->kept), ==, PATH);
    g_assert_cmpstr(bus_call_get_interface(fixture->kept), ==, INTERFACE);
    g_assert_cmpstr(bus_call_get_member(fixture->kept), ==, "Keep");
    g_assert_cmpstr(bus_call_get_signature(fixture->kept), ==, "s");
    bus_call_return(fixture->kept, bus_call_new_reply(fixture->kept));
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
    Fixture fixture = { .bus = test_daemon_open(service->daemon, service->context) };

    publish(&fixture);
    g_async_queue_push(service->ready, g_strdup(bus_get_unique_name(fixture.bus)));
    while (!service->stop)
        g_main_context_iteration(service->context, TRUE);
    bus_close(fixture.bus);
    bus_object_free(fixture.object);
    bus_interface_unref(fixture.interface);
    return GUINT_TO_POINTER(fixture.calls);
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
        GVariant *reply = g_dbus_connection_call_sync(client, name, PATH, INTERFACE, "Call", NULL, NULL,
                                                      G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

        g_assert_no_error(error);
        g_variant_unref(reply);
    }
    g_main_context_invoke(service.context, on_stop, &service);
    g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(thread)), ==, 10);
    assert_no_sources(service.context);
    g_main_context_unref(service.context);
    g_async_queue_unref(service.ready);
    test_client_leave(client);
    test_daemon_free(service.daemon);
}

#define ADD(path, test, data) g_test_add(path, Fixture, data, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus/bad-address", test_bad_address);
    g_test_add_func("/bus/bus-hangs-up", test_bus_hangs_up);
    g_test_add_func("/bus/close-while-joining", test_close_while_joining);
    g_test_add_func("/bus/daemon-killed", test_daemon_killed);
    g_test_add_func("/bus/second-context", test_second_context);
    ADD("/bus/own-name", test_own_name, NULL);
    ADD("/bus/query", test_query, NULL);
    ADD("/bus/query-times-out", test_query_times_out, NULL);
    ADD("/bus/drain", test_drain, NULL);
    ADD("/bus/close-while-bus-is-stopped", test_close_while_bus_is_stopped, NULL);
    ADD("/bus/close-flushes", test_close_flushes, NULL);
    ADD("/bus/peer", test_peer, NULL);
    ADD("/bus/watch-freed-inside", test_watch_freed_inside, NULL);
    ADD("/bus/watch-freed-and-bus-closed-inside", test_watch_freed_inside, "close");
    ADD("/bus/callers-leave-at-once", test_callers_leave_at_once, NULL);
    ADD("/bus/caller-leaves-before-it-is-known", test_caller_leaves_before_it_is_known, NULL);
    ADD("/bus/caller-left-before-the-match", test_caller_left_before_the_match, NULL);
    ADD("/bus/forged-leaving", test_forged_leaving, NULL);
    ADD("/bus/waiting-calls-are-capped", test_waiting_calls_are_capped, NULL);
    ADD("/bus/waiting-bytes-are-capped", test_waiting_bytes_are_capped, NULL);
    ADD("/bus/descriptors-are-closed", test_descriptors_are_closed, NULL);
    ADD("/bus/kept-call-outlives-everything", test_kept_call_outlives_everything, NULL);
    return g_test_run();
}
