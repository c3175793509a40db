/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An event becomes a signal: one that is lost, sent twice, out of turn or to somebody who has not asked for it misleads whoever
 * manages the VM by it, or tells them of a VM that they may not observe. */
#include "events.h"

#include <signal.h>
#include <string.h>

#include "bus.h"
#include "command-class.h"
#include "contract.h"
#include "names.h"
#include "qmp-schema-parse.h"
#include "test-bus-fixture.h"
#include "test-vm-fixture.h"

#define PATH "/vm"

static const char schema_text[] = "[{\"name\":\"GUEST_ITEM\",\"meta-type\":\"event\",\"arg-type\":\"1\"},"
                                  "{\"name\":\"1\",\"meta-type\":\"object\",\"members\":["
                                  "{\"name\":\"share\",\"type\":\"2\"}]},"
                                  "{\"name\":\"2\",\"meta-type\":\"builtin\",\"json-type\":\"number\"}]";

/* What vm-schema.c knows: the test stands for that file. */
struct VmSchema {
    QmpInterfaces *interfaces; /* ref */
    gboolean is_settled;
    SchemaWait *wait; /* owned; while events wait */
};

struct SchemaWait {
    VmSchema *schema; /* weak */
    SchemaWaitFunc func;
    gpointer user_data;
};

QmpInterfaces *
vm_schema_get_interfaces(VmSchema *schema)
{
    return schema->interfaces;
}

gboolean
vm_schema_is_settled(VmSchema *schema)
{
    return schema->is_settled;
}

SchemaWait *
vm_schema_wait(VmSchema *schema, const char *caller, guint32 uid, gsize size, SchemaWaitFunc func, gpointer user_data,
               GError **error)
{
    g_assert_null(schema->wait);
    schema->wait = g_new(SchemaWait, 1);
    *schema->wait = (SchemaWait){ schema, func, user_data };
    return schema->wait;
}

void
schema_wait_cancel(SchemaWait *wait)
{
    wait->schema->wait = NULL;
    g_free(wait);
}

typedef struct Fixture {
    VmFixture base;
    BusFixture bus;
    GDBusNodeInfo *contract; /* owned */
    ManagementHost host;
    Context context;
    VmSchema schema;
    VmContext vm_context;
    Events *events; /* owned */
    guint n_lines; /* of the log */
    gboolean is_answered; /* a question to QEMU */
    guint subscription; /* the client's */
    GString *heard; /* owned; by the client: "Interface.Member (values);" each */
} Fixture;

static void
on_call(BusCall *call, gpointer object_data)
{
    g_assert_not_reached();
}

static void
on_log(gpointer data, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
    ((Fixture *)data)->n_lines++;
}

static void
on_heard(GDBusConnection *client, const char *sender, const char *path, const char *interface, const char *member,
         GVariant *values, gpointer user_data)
{
    g_autofree char *text = g_variant_print(values, FALSE);

    g_string_append_printf(user_data, "%s.%s %s;", strrchr(interface, '.') + 1, member, text);
}

/* @data: the kind of bus. */
static void
set_up(Fixture *fixture, gconstpointer data)
{
    bus_fixture_set_up(&fixture->bus, NULL);
    vm_fixture_set_up(&fixture->base, 11, 1, /* isolation_required= */ FALSE);
    vm_set_name(fixture->base.vm, "vm");
    fixture->contract = contract_load();
    fixture->schema.interfaces = qmp_interfaces_new_from_contract(fixture->contract, on_call, NULL);
    fixture->host = (ManagementHost){
        .context = fixture->base.context, .bus = GPOINTER_TO_UINT(data), .log = on_log, .data = fixture
    };
    fixture->context = (Context){ .host = &fixture->host, .bus = fixture->bus.bus };
    fixture->vm_context =
        (VmContext){ .context = &fixture->context, .vm = fixture->base.vm, .schema = &fixture->schema };
    fixture->vm_context.object = bus_object_new(fixture->bus.bus, PATH, NULL);
    fixture->heard = g_string_new(NULL);
    fixture->subscription =
        g_dbus_connection_signal_subscribe(fixture->bus.client, NULL, NULL, NULL, PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                           on_heard, fixture->heard, NULL);
    /* A caller is known from their first call on. */
    g_variant_unref(test_client_call(fixture->bus.client, bus_get_unique_name(fixture->bus.bus), "/",
                                     "org.freedesktop.DBus.Peer", "Ping", NULL, NULL));
    fixture->events = events_new(&fixture->vm_context);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    events_stop(fixture->events);
    events_free(fixture->events);
    g_assert_null(fixture->schema.wait);
    bus_object_free(fixture->vm_context.object);
    qmp_interfaces_unref(fixture->schema.interfaces);
    g_dbus_node_info_unref(fixture->contract);
    vm_fixture_tear_down(&fixture->base);
    g_dbus_connection_signal_unsubscribe(fixture->bus.client, fixture->subscription);
    bus_fixture_tear_down(&fixture->bus, NULL);
    g_string_free(fixture->heard, TRUE);
}

/* QEMU has told its schema. */
static void
settle_schema(Fixture *fixture)
{
    QmpSchema *schema = qmp_schema_parse(schema_text, strlen(schema_text), NULL);

    qmp_interfaces_unref(fixture->schema.interfaces);
    fixture->schema.interfaces =
        qmp_interfaces_new(schema, fixture->contract, policy_class_get_command_action, on_call);
    fixture->schema.is_settled = TRUE;
}

static void
publish(Fixture *fixture, const char *name, const char *data)
{
    events_publish(fixture->events,
                   &(QmpEvent){ .name = name, .data = { data, data ? strlen(data) : 0 }, .timestamp = 7 });
}

/* Has the client hear all that has been sent, and a mark behind it. */
static void
send_mark(Fixture *fixture)
{
    DBusMessage *mark = bus_object_new_signal(fixture->vm_context.object, "org.example.Test", "Mark");

    bus_send(fixture->bus.bus, mark);
    dbus_message_unref(mark);
    test_until(g_str_has_suffix(fixture->heard->str, "Test.Mark ();"));
}

/* How many signals the client has heard since the last time. */
static guint
count_heard(Fixture *fixture)
{
    guint n = 0;

    send_mark(fixture);
    for (const char *at = fixture->heard->str; (at = strchr(at, ';')); at++)
        n++;
    g_string_truncate(fixture->heard, 0);
    return n - 1;
}

/* The client has heard @expected since the last time, and nothing else. */
static void
expect(Fixture *fixture, const char *expected)
{
    g_autofree char *all = g_strconcat(expected, "Test.Mark ();", NULL);

    qmp_peer_settle(fixture->base.context);
    send_mark(fixture);
    g_assert_cmpstr(fixture->heard->str, ==, all);
    g_string_truncate(fixture->heard, 0);
}

static gboolean
are_replies_held(Fixture *fixture)
{
    return reply_barrier_is_shut(qemu_connection_get_barrier(vm_get_qemu(fixture->base.vm)), 0);
}

/* A desktop program: an event has the type that QEMU's schema gives it, and one that the schema does not list, or whose data
 * D-Bus cannot carry, is not lost. */
static void
test_typed(Fixture *fixture, gconstpointer unused)
{
    settle_schema(fixture);
    publish(fixture, "GUEST_ITEM", "{\"share\": 1}");
    publish(fixture, "NEW_EVENT", "{\"share\": 1}");
    publish(fixture, "GUEST_ITEM", "{\"share\": \"\\u0000\"}");
    expect(fixture, "Events.GuestItem ({'share': <1.0>}, 7);"
                    "VM.Event ('NEW_EVENT', {'share': <int64 1>}, 7);"
                    "VM.Event ('GUEST_ITEM', {'json': <'{\"share\": \"\\\\u0000\"}'>}, 7);");
}

static void
on_answered(const QmpReply *reply, const GError *error, gpointer user_data)
{
    ((Fixture *)user_data)->is_answered = TRUE;
}

/* An event without data that the contract has costs QEMU no question. */
static void
test_without_schema(Fixture *fixture, gconstpointer unused)
{
    publish(fixture, "STOP", NULL);
    g_assert_null(fixture->schema.wait);
    expect(fixture, "Events.Stop ({}, 7);");
}

/* A QEMU that ends is asked nothing: the event that tells of it has its signal at once, and the replies behind it are not held. */
static void
test_shutdown(Fixture *fixture, gconstpointer unused)
{
    publish(fixture, "SHUTDOWN", "{\"guest\": false, \"reason\": \"host-qmp-quit\"}");
    g_assert_null(fixture->schema.wait);
    g_assert_false(are_replies_held(fixture));
    expect(fixture, "Events.Shutdown ({'guest': <false>, 'reason': <'host-qmp-quit'>}, 7);");
}

/* An event with data waits for the schema, and everything behind it: the order is QEMU's, and replies wait as well. */
static void
test_waits_for_schema(Fixture *fixture, gconstpointer unused)
{
    SchemaWait *wait;

    publish(fixture, "GUEST_ITEM", "{\"share\": 1}");
    publish(fixture, "STOP", NULL);
    expect(fixture, "");
    g_assert_true(are_replies_held(fixture));
    wait = g_steal_pointer(&fixture->schema.wait);
    settle_schema(fixture);
    wait->func(NULL, wait->user_data);
    g_free(wait);
    publish(fixture, "RESUME", NULL);
    expect(fixture, "Events.GuestItem ({'share': <1.0>}, 7);VM.Event ('STOP', {}, 7);VM.Event ('RESUME', {}, 7);");
    g_assert_false(are_replies_held(fixture));
}

/* A VM that goes before QEMU has told its schema: its last events are sent as they can be. */
static void
test_last_events(Fixture *fixture, gconstpointer unused)
{
    publish(fixture, "GUEST_ITEM", "{\"share\": 1}");
    publish(fixture, "SHUTDOWN", "{\"guest\": false}");
    events_stop(fixture->events);
    expect(fixture, "Events.GuestItem ({'share': <int64 1>}, 7);Events.Shutdown ({'guest': <false>}, 7);");
    g_assert_true(are_replies_held(fixture));
}

/* A VM that floods while its schema is unknown: what waits is bounded, and nothing of it is lost. */
static void
test_flood(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GString) expected = g_string_new(NULL);

    for (guint i = 0; i < 1024; i++) {
        g_autofree char *data = g_strdup_printf("{\"share\": %u}", i);
        publish(fixture, "GUEST_ITEM", data);
        g_string_append_printf(expected, "Events.GuestItem ({'share': <int64 %u>}, 7);", i);
    }
    g_assert_null(fixture->schema.wait);
    expect(fixture, expected->str);
    g_assert_false(are_replies_held(fixture));
}

/* The same with large events: a few of them are as much as many small ones. */
static void
test_flood_of_bytes(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *blanks = g_strnfill(60000, ' ');
    g_autofree char *data = g_strdup_printf("{\"share\": 1%s}", blanks);

    for (guint i = 0; i < 17; i++)
        publish(fixture, "GUEST_ITEM", data);
    g_assert_nonnull(fixture->schema.wait);
    publish(fixture, "GUEST_ITEM", data);
    g_assert_null(fixture->schema.wait);
}

/* Events that have waited: others have their turn of the main loop while they are sent. */
static void
test_backlog_in_turns(Fixture *fixture, gconstpointer unused)
{
    guint n_heard = 0, n;
    SchemaWait *wait;

    for (guint i = 0; i < 100; i++)
        publish(fixture, "GUEST_ITEM", "{\"share\": 1}");
    wait = g_steal_pointer(&fixture->schema.wait);
    settle_schema(fixture);
    wait->func(NULL, wait->user_data);
    g_free(wait);
    for (; n_heard < 100; n_heard += n) {
        g_main_context_iteration(fixture->base.context, FALSE);
        n = count_heard(fixture);
        g_assert_cmpuint(n, <=, 32);
    }
}

/* A bus that is slow: QEMU is not read meanwhile, so that a VM that floods fills its own buffers. */
static void
test_slow_bus(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *text = g_strnfill(60000, 'x');
    g_autofree char *data = g_strdup_printf("{\"share\": \"%s\"}", text);
    QemuConnection *qemu = vm_get_qemu(fixture->base.vm);
    QmpTicket *ticket;

    fixture->schema.is_settled = TRUE;
    test_daemon_signal(fixture->bus.daemon, SIGSTOP);
    for (guint i = 0; i < 80; i++)
        publish(fixture, "NEW_EVENT", data);
    ticket = qemu_connection_ask(qemu, &(QmpCommand){ .name = "query-name" }, on_answered, fixture);
    g_assert_nonnull(ticket);
    qmp_peer_settle(fixture->base.context);
    g_assert_false(fixture->is_answered);
    test_daemon_signal(fixture->bus.daemon, SIGCONT);
    while (!fixture->is_answered) {
        g_main_context_iteration(NULL, FALSE);
        g_main_context_iteration(fixture->base.context, FALSE);
    }
    g_assert_cmpuint(count_heard(fixture), ==, 80);
}

/* A subscriber who does not read is told of once, however many events they miss. */
static void
test_missed(Fixture *fixture, gconstpointer unused)
{
    settle_schema(fixture);
    events_subscribe(fixture->events, ":1.999", NULL);
    for (guint i = 0; i < 10; i++)
        publish(fixture, "STOP", NULL);
    g_assert_cmpuint(fixture->n_lines, ==, 1);
}

/* A caller on the system bus hears nothing before they subscribe, and then the events that they named, until they unsubscribe. */
static void
test_subscribers(Fixture *fixture, gconstpointer unused)
{
    static const char *const names[] = { "RESUME", "NEW_EVENT", NULL };
    const char *client = g_dbus_connection_get_unique_name(fixture->bus.client);

    settle_schema(fixture);
    publish(fixture, "RESUME", NULL);
    expect(fixture, "");
    events_subscribe(fixture->events, client, names);
    g_assert_true(events_has_subscribers(fixture->events));
    publish(fixture, "STOP", NULL);
    publish(fixture, "RESUME", NULL);
    expect(fixture, "VM.Event ('RESUME', {}, 7);");
    events_subscribe(fixture->events, client, NULL);
    publish(fixture, "STOP", NULL);
    expect(fixture, "VM.Event ('STOP', {}, 7);");
    events_unsubscribe(fixture->events, client);
    g_assert_false(events_has_subscribers(fixture->events));
    publish(fixture, "RESUME", NULL);
    expect(fixture, "");
}

/* A subscriber who leaves the bus is forgotten: QEMU is not asked for a schema that nobody needs. */
static void
test_subscriber_gone(Fixture *fixture, gconstpointer unused)
{
    GDBusConnection *other = test_daemon_connect(fixture->bus.daemon);

    g_variant_unref(test_client_call(other, bus_get_unique_name(fixture->bus.bus), "/", "org.freedesktop.DBus.Peer",
                                     "Ping", NULL, NULL));
    events_subscribe(fixture->events, g_dbus_connection_get_unique_name(other), NULL);
    test_client_leave(other);
    test_until(!events_has_subscribers(fixture->events));
    publish(fixture, "GUEST_ITEM", "{\"share\": 1}");
    g_assert_null(fixture->schema.wait);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, kind, test) g_test_add(path, Fixture, GUINT_TO_POINTER(kind), set_up, test, tear_down)
    ADD("/events/typed", MANAGEMENT_BUS_SESSION, test_typed);
    ADD("/events/without-schema", MANAGEMENT_BUS_SESSION, test_without_schema);
    ADD("/events/shutdown", MANAGEMENT_BUS_SESSION, test_shutdown);
    ADD("/events/waits-for-schema", MANAGEMENT_BUS_SESSION, test_waits_for_schema);
    ADD("/events/last-events", MANAGEMENT_BUS_SESSION, test_last_events);
    ADD("/events/flood", MANAGEMENT_BUS_SESSION, test_flood);
    ADD("/events/flood-of-bytes", MANAGEMENT_BUS_SESSION, test_flood_of_bytes);
    ADD("/events/backlog-in-turns", MANAGEMENT_BUS_SESSION, test_backlog_in_turns);
    ADD("/events/slow-bus", MANAGEMENT_BUS_SESSION, test_slow_bus);
    ADD("/events/missed", MANAGEMENT_BUS_SYSTEM, test_missed);
    ADD("/events/subscribers", MANAGEMENT_BUS_SYSTEM, test_subscribers);
    ADD("/events/subscriber-gone", MANAGEMENT_BUS_SYSTEM, test_subscriber_gone);
#undef ADD
    return g_test_run();
}
