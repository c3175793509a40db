/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who calls: credentials before the first call, callers that leave at any moment, and those that send too much. */
#include "bus-peers.h"
#include "bus-object.h"
#include "bus-state.h"
#include "test-bus-fixture.h"

#include <gio/gunixfdlist.h>
#include <signal.h>
#include <unistd.h>

#define PATH "/test"
#define INTERFACE "org.example.Test"

typedef struct Fixture {
    BusFixture base;
    BusInterface *interface;
    BusObject *object;
    guint calls;
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
    fixture->object = bus_object_new(fixture->base.bus, PATH, fixture);
    bus_object_add_interface(fixture->object, fixture->interface);
    bus_object_publish(fixture->object);
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    bus_fixture_set_up(&fixture->base, NULL);
    publish(fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    g_clear_pointer(&fixture->base.bus, bus_close);
    bus_object_free(fixture->object);
    bus_interface_unref(fixture->interface);
    bus_fixture_tear_down(&fixture->base, NULL);
}

/* The client's call, answered. */
static void
call(Fixture *fixture, GDBusConnection *client)
{
    g_autoptr(GError) error = NULL;
    GVariant *reply =
        test_client_call(client, bus_get_unique_name(fixture->base.bus), PATH, INTERFACE, "Call", NULL, &error);

    g_assert_no_error(error);
    g_variant_unref(reply);
}

static void
send_call(Fixture *fixture, GDBusConnection *client, const char *member, GVariant *parameters)
{
    test_client_send(client, bus_get_unique_name(fixture->base.bus), PATH, INTERFACE, member, parameters);
}

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
    GDBusConnection *client = test_daemon_connect(fixture->base.daemon);
    g_autofree char *name = g_strdup(g_dbus_connection_get_unique_name(client));
    guint gone = 0;
    BusPeerWatch *watch = bus_watch_peers(fixture->base.bus, on_gone, &gone);

    g_assert_null(bus_get_peer(fixture->base.bus, name));
    call(fixture, client);
    call(fixture, client);
    g_assert_cmpuint(fixture->last_uid, ==, getuid());
    g_assert_cmpuint(fixture->last_pid, ==, (guint32)getpid());
    g_assert_cmpstr(bus_get_peer(fixture->base.bus, name)->name, ==, name);
    test_client_leave(client);
    test_until(gone == 1);
    g_assert_null(bus_get_peer(fixture->base.bus, name));
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
    GDBusConnection *client = test_daemon_connect(fixture->base.daemon);
    Watches watches = { .close = close != NULL };

    for (guint i = 0; i < G_N_ELEMENTS(watches.watch); i++)
        watches.watch[i] = bus_watch_peers(fixture->base.bus, on_gone_free_all, &watches);
    call(fixture, client);
    test_client_leave(client);
    test_until(watches.calls > 0);
    g_assert_cmpuint(watches.calls, ==, 1);
    if (close)
        fixture->base.bus = NULL;
}

/* Two hundred scripts that call and do not wait: none may stay in the table, whenever it left. */
static void
test_callers_leave_at_once(Fixture *fixture, gconstpointer data)
{
    guint gone = 0;
    BusPeerWatch *watch = bus_watch_peers(fixture->base.bus, on_gone, &gone);

    for (guint i = 0; i < 200; i++) {
        GDBusConnection *client = test_daemon_connect(fixture->base.daemon);

        send_call(fixture, client, "Call", NULL);
        if (i % 3 == 0)
            call(fixture, fixture->base.client);
        test_client_leave(client);
        if (i % 5 == 0)
            g_main_context_iteration(NULL, FALSE);
    }
    /* The bus tells us of the last one before it passes on what the first one says after that. */
    test_client_sync(fixture->base.client);
    call(fixture, fixture->base.client);
    test_until(bus_peers_count(bus_get_peers(fixture->base.bus)) == 1);
    g_assert_cmpuint(gone, <=, 200);
    bus_peer_watch_free(watch);
}

/* The call, the leaving, then the answer to a question that nobody waits for any more. */
static void
test_caller_leaves_before_it_is_known(Fixture *fixture, gconstpointer data)
{
    GDBusConnection *client = test_daemon_connect(fixture->base.daemon);
    guint gone = 0;
    BusPeerWatch *watch = bus_watch_peers(fixture->base.bus, on_gone, &gone);

    send_call(fixture, client, "Call", NULL);
    test_client_sync(client);
    test_client_leave(client);
    test_client_sync(fixture->base.client);
    call(fixture, fixture->base.client);
    test_until(bus_peers_count(bus_get_peers(fixture->base.bus)) == 1);
    g_assert_cmpuint(fixture->calls, ==, 1);
    g_assert_cmpuint(gone, ==, 0);
    bus_peer_watch_free(watch);
}

/* The question for the credentials is the caller's, and among all questions. */
static void
test_bus_closed_before_a_caller_is_known(Fixture *fixture, gconstpointer data)
{
    send_call(fixture, fixture->base.client, "Call", NULL);
    test_until(bus_peers_count(bus_get_peers(fixture->base.bus)) == 1);
    g_assert_cmpuint(fixture->base.bus->queries.length, ==, 1);
    g_clear_pointer(&fixture->base.bus, bus_close);
    settle(NULL);
    g_assert_cmpuint(fixture->calls, ==, 0);
}

/* A caller that guessed our name and left before the bus knew what we want to hear: only the answer to our question
 * tells. */
static void
test_caller_left_before_the_match(Fixture *fixture, gconstpointer data)
{
    DBusMessage *stray = dbus_message_new_method_call(NULL, PATH, INTERFACE, "Call");

    dbus_message_set_sender(stray, ":1.99999");
    dbus_message_set_serial(stray, 7);
    bus_peers_take_call(bus_get_peers(fixture->base.bus), stray);
    dbus_message_unref(stray);
    g_assert_cmpuint(bus_peers_count(bus_get_peers(fixture->base.bus)), ==, 1);
    test_until(bus_peers_count(bus_get_peers(fixture->base.bus)) == 0);
    g_assert_cmpuint(fixture->calls, ==, 0);
}

/* Nobody vouches for a call that no bus has put a sender on. */
static void
test_without_sender(Fixture *fixture, gconstpointer data)
{
    static const char *const senders[] = { NULL, "org.example.Name" };

    for (guint i = 0; i < G_N_ELEMENTS(senders); i++) {
        DBusMessage *stray = dbus_message_new_method_call(NULL, PATH, INTERFACE, "Call");

        if (senders[i])
            dbus_message_set_sender(stray, senders[i]);
        dbus_message_set_serial(stray, 7);
        bus_peers_take_call(bus_get_peers(fixture->base.bus), stray);
        dbus_message_unref(stray);
    }
    g_assert_cmpuint(bus_peers_count(bus_get_peers(fixture->base.bus)), ==, 0);
    g_assert_cmpuint(fixture->calls, ==, 0);
}

/* Nobody but the bus may say who left: a caller would end another's session. */
static void
test_forged_leaving(Fixture *fixture, gconstpointer data)
{
    const char *victim = g_dbus_connection_get_unique_name(fixture->base.client);
    GDBusConnection *forger = test_daemon_connect(fixture->base.daemon);
    g_autoptr(GError) error = NULL;

    call(fixture, fixture->base.client);
    g_dbus_connection_emit_signal(forger, bus_get_unique_name(fixture->base.bus), DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS,
                                  "NameOwnerChanged", g_variant_new("(sss)", victim, victim, ""), &error);
    g_assert_no_error(error);
    call(fixture, forger);
    g_assert_nonnull(bus_get_peer(fixture->base.bus, victim));
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
    g_string_append_c(fixture->base.order, letter);
}

static void
call_by(Fixture *fixture, GDBusConnection *client, const char *member, GVariant *parameters, GUnixFDList *fds)
{
    g_dbus_connection_call_with_unix_fd_list(client, bus_get_unique_name(fixture->base.bus), PATH, INTERFACE, member,
                                             parameters, NULL, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, fds, NULL, on_reply,
                                             fixture);
}

static void
call_async(Fixture *fixture, const char *member, GVariant *parameters)
{
    call_by(fixture, fixture->base.client, member, parameters, /* fds= */ NULL);
}

/* How much of a call is read is for its method to say, and none of a megabyte ever is. */
static void
test_too_large(Fixture *fixture, gconstpointer data)
{
    g_autofree char *text = g_strnfill(1u << 20, 'x');

    call_async(fixture, "Call", g_variant_new("(s)", text));
    test_until(fixture->base.order->len == 1);
    g_assert_cmpstr(fixture->base.order->str, ==, "l");
    g_assert_cmpuint(fixture->calls, ==, 0);
}

static guint
count(GString *letters, char letter)
{
    guint n = 0;

    for (gsize i = 0; i < letters->len; i++)
        n += letters->str[i] == letter;
    return n;
}

/* All of these reach us before the answer to our question can: 1,024 wait and keep their order, the others are
 * refused. Every one is answered once. */
static void
test_waiting_calls_are_capped(Fixture *fixture, gconstpointer data)
{
    for (guint i = 0; i < 1100; i++)
        call_async(fixture, "Number", g_variant_new("(u)", i));
    test_client_sync(fixture->base.client);
    test_until(fixture->base.order->len == 1100);
    g_assert_cmpuint(count(fixture->base.order, 'l'), ==, 1100 - 1024);
    g_assert_cmpuint(fixture->calls, ==, 1024);
    call(fixture, fixture->base.client);
}

/* When the caller is known at last, their calls take turns with everything else. */
static void
test_waiting_calls_take_turns(Fixture *fixture, gconstpointer data)
{
    for (guint i = 0; i < 1000; i++)
        call_async(fixture, "Number", g_variant_new("(u)", i));
    test_client_sync(fixture->base.client);
    for (guint before = 0; fixture->calls < 1000; before = fixture->calls) {
        g_main_context_iteration(NULL, FALSE);
        g_assert_cmpuint(fixture->calls - before, <=, 64);
    }
    test_until(fixture->base.order->len == 1000);
}

/* Nor may few large ones hold what libdbus needs to go on reading. (Those that may wait are of the wrong type.) */
static void
test_waiting_bytes_are_capped(Fixture *fixture, gconstpointer data)
{
    g_autofree char *text = g_strnfill(1000000, 'x');

    for (guint i = 0; i < 12; i++)
        call_async(fixture, "Number", g_variant_new("(s)", text));
    test_client_sync(fixture->base.client);
    test_until(fixture->base.order->len == 12);
    g_assert_cmpuint(count(fixture->base.order, 'x'), ==, 8);
    g_assert_cmpuint(count(fixture->base.order, 'l'), ==, 4);
    call(fixture, fixture->base.client);
}

/* Callers who come at once: together they hold no more than what libdbus reads beside, although none has much. */
static void
test_waiting_bytes_of_all_are_capped(Fixture *fixture, gconstpointer data)
{
    g_autofree char *text = g_strnfill(1000000, 'x');
    GDBusConnection *clients[5];

    for (guint i = 0; i < G_N_ELEMENTS(clients); i++) {
        clients[i] = test_daemon_connect(fixture->base.daemon);
        for (guint j = 0; j < 8; j++)
            call_by(fixture, clients[i], "Number", g_variant_new("(s)", text), /* fds= */ NULL);
        test_client_sync(clients[i]);
    }
    test_until(fixture->base.order->len == 40);
    g_assert_cmpuint(count(fixture->base.order, 'x'), ==, 33);
    g_assert_cmpuint(count(fixture->base.order, 'l'), ==, 7);
    for (guint i = 0; i < G_N_ELEMENTS(clients); i++)
        test_client_leave(clients[i]);
}

/* Calls with descriptors, which are few for all: 16 wait, and there is room again when these are answered. (The method
 * takes none, and refuses those that may wait.) */
static void
test_waiting_descriptors_are_capped(Fixture *fixture, gconstpointer data)
{
    g_autoptr(GUnixFDList) fds = g_unix_fd_list_new();

    g_unix_fd_list_append(fds, 0, NULL);
    for (guint round = 1; round <= 2; round++) {
        GDBusConnection *client = test_daemon_connect(fixture->base.daemon);
        for (guint i = 0; i < 20; i++)
            call_by(fixture, client, "Call", NULL, fds);
        test_client_sync(client);
        test_until(fixture->base.order->len == round * 20);
        g_assert_cmpuint(count(fixture->base.order, 'l'), ==, round * 4);
        test_client_leave(client);
    }
}

/* While the bus does not take our replies, calls must stay where their senders' limits are, and not fill our memory.
 */
static void
test_calls_wait_for_output(Fixture *fixture, gconstpointer data)
{
    call(fixture, fixture->base.client);
    for (guint i = 0; i < 10; i++)
        call_async(fixture, "Call", NULL);
    test_client_sync(fixture->base.client);
    test_daemon_signal(fixture->base.daemon, SIGSTOP);
    send_large_signals(fixture->base.bus, 70);
    settle(NULL);
    g_assert_cmpuint(fixture->calls, ==, 1);
    test_daemon_signal(fixture->base.daemon, SIGCONT);
    test_until(fixture->base.order->len == 10);
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
            g_dbus_message_new_method_call(bus_get_unique_name(fixture->base.bus), PATH, INTERFACE, "Call");

        g_dbus_message_set_unix_fd_list(message, fds);
        g_dbus_connection_send_message(fixture->base.client, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
    }
    call(fixture, fixture->base.client);
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
    GDBusConnection *client = test_daemon_connect(fixture->base.daemon);
    guint gone = 0;
    BusPeerWatch *watch = bus_watch_peers(fixture->base.bus, on_gone, &gone);

    send_call(fixture, client, "Keep", g_variant_new("(s)", "text"));
    test_until(fixture->kept);
    test_client_leave(client);
    test_until(gone == 1);
    bus_close(g_steal_pointer(&fixture->base.bus));
    bus_peer_watch_free(watch);
    g_assert_null(bus_call_get_message(fixture->kept));
    g_assert_cmpuint(bus_call_get_peer(fixture->kept)->uid, ==, getuid());
    g_assert_cmpstr(bus_call_get_path(fixture->kept), ==, PATH);
    g_assert_cmpstr(bus_call_get_interface(fixture->kept), ==, INTERFACE);
    g_assert_cmpstr(bus_call_get_member(fixture->kept), ==, "Keep");
    g_assert_cmpstr(bus_call_get_signature(fixture->kept), ==, "s");
    bus_call_return(fixture->kept, bus_call_new_reply(fixture->kept));
}

#define ADD(path, test, data) g_test_add(path, Fixture, data, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/bus-peer/peer", test_peer, NULL);
    ADD("/bus-peer/watch-freed-inside", test_watch_freed_inside, NULL);
    ADD("/bus-peer/watch-freed-and-bus-closed-inside", test_watch_freed_inside, "close");
    ADD("/bus-peer/callers-leave-at-once", test_callers_leave_at_once, NULL);
    ADD("/bus-peer/caller-leaves-before-it-is-known", test_caller_leaves_before_it_is_known, NULL);
    ADD("/bus-peer/bus-closed-before-a-caller-is-known", test_bus_closed_before_a_caller_is_known, NULL);
    ADD("/bus-peer/caller-left-before-the-match", test_caller_left_before_the_match, NULL);
    ADD("/bus-peer/without-sender", test_without_sender, NULL);
    ADD("/bus-peer/too-large", test_too_large, NULL);
    ADD("/bus-peer/forged-leaving", test_forged_leaving, NULL);
    ADD("/bus-peer/waiting-calls-are-capped", test_waiting_calls_are_capped, NULL);
    ADD("/bus-peer/waiting-calls-take-turns", test_waiting_calls_take_turns, NULL);
    ADD("/bus-peer/waiting-bytes-are-capped", test_waiting_bytes_are_capped, NULL);
    ADD("/bus-peer/waiting-bytes-of-all-are-capped", test_waiting_bytes_of_all_are_capped, NULL);
    ADD("/bus-peer/waiting-descriptors-are-capped", test_waiting_descriptors_are_capped, NULL);
    ADD("/bus-peer/calls-wait-for-output", test_calls_wait_for_output, NULL);
    ADD("/bus-peer/descriptors-are-closed", test_descriptors_are_closed, NULL);
    ADD("/bus-peer/kept-call-outlives-everything", test_kept_call_outlives_everything, NULL);
    return g_test_run();
}
