/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a QEMU understands, as callers find it: what breaks here refuses a command that is there, or sends an event under no
 * name. */
#include "qmp-interfaces.h"

#include <string.h>

#include "command-class.h"
#include "contract.h"
#include "names.h"
#include "qmp-schema-parse.h"

#define COMMAND(name, arguments, more)                                                                                \
    "{\"name\":\"" name "\",\"meta-type\":\"command\",\"arg-type\":\"" arguments "\",\"ret-type\":\"0\"" more "},"
#define END "{\"name\":\"0\",\"meta-type\":\"object\",\"members\":[]}]"

static const char schema_text[] = "[" COMMAND("stop", "0", "") COMMAND("blockdev-del", "0", "")
    COMMAND("yank", "0", ",\"allow-oob\":true") COMMAND("query-yank", "0", "") COMMAND(
        "object-add", "1",
        "") "{\"name\":\"1\",\"meta-type\":\"object\",\"members\":[{\"name\":\"qom-type\",\"type\":\"2\"}]},"
            "{\"name\":\"2\",\"meta-type\":\"enum\",\"values\":[\"iothread\",\"monitor-qmp\"]},"
            "{\"name\":\"BLOCK_IO_ERROR\",\"meta-type\":\"event\",\"arg-type\":\"3\"},"
            "{\"name\":\"3\",\"meta-type\":\"object\",\"members\":[{\"name\":\"qom-type\",\"type\":\"2\"}]}," END;

typedef struct Fixture {
    GDBusNodeInfo *contract; /* owned */
    QmpInterfaces *own; /* ref; of a QEMU that has told */
    QmpInterfaces *promised; /* ref; of one that has not */
} Fixture;

static void
on_call(BusCall *call, gpointer object_data)
{
    g_assert_not_reached();
}

static QmpInterfaces *
parse(Fixture *fixture, const char *text)
{
    g_autoptr(GError) error = NULL;
    QmpSchema *schema = qmp_schema_parse(text, strlen(text), &error);

    g_assert_no_error(error);
    return qmp_interfaces_new(schema, fixture->contract, policy_class_get_command_action, on_call);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->contract = contract_load();
    fixture->own = parse(fixture, schema_text);
    fixture->promised = qmp_interfaces_new_from_contract(fixture->contract, on_call, NULL);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    qmp_interfaces_unref(fixture->own);
    qmp_interfaces_unref(fixture->promised);
    g_dbus_node_info_unref(fixture->contract);
}

/* A caller of a method: it is found by its D-Bus name, with QEMU's own words where QEMU has told. */
static void
test_methods(Fixture *fixture, gconstpointer unused)
{
    const QmpType *type = NULL;
    const QmpMethod *method = qmp_interfaces_find_method(fixture->own, "BlockdevDel");

    g_assert_cmpstr(qmp_method_get_command(method), ==, "blockdev-del");
    g_assert_cmpstr(qmp_method_get_result(method, &type), ==, "");
    g_assert_nonnull(type);
    g_assert_null(qmp_interfaces_find_method(fixture->own, "QueryStatus"));
    g_assert_null(qmp_interfaces_find_method(fixture->own, "stop"));
    method = qmp_interfaces_find_method(fixture->promised, "QueryStatus");
    g_assert_cmpstr(qmp_method_get_command(method), ==, "query-status");
    g_assert_cmpstr(qmp_method_get_result(method, &type), ==, "a{sv}");
    g_assert_null(type);
}

/* Somebody who listens to one event: it has its signal, with the type of its data. An event that QEMU has not told of has
 * none; but as long as QEMU has told nothing, every event has one. */
static void
test_signals(Fixture *fixture, gconstpointer unused)
{
    const QmpType *data;
    g_autofree char *own = qmp_interfaces_dup_signal(fixture->own, "BLOCK_IO_ERROR", &data);
    g_autofree char *early = NULL;

    g_assert_cmpstr(own, ==, "BlockIoError");
    g_assert_cmpuint(data->n_members, ==, 1);
    g_assert_null(qmp_interfaces_dup_signal(fixture->own, "NEW_EVENT", &data));
    g_assert_null(data);
    early = qmp_interfaces_dup_signal(fixture->promised, "NEW_EVENT", &data);
    g_assert_cmpstr(early, ==, "NewEvent");
    g_assert_null(data);
    g_assert_true(qmp_interfaces_has_signal(fixture->own, "BLOCK_IO_ERROR"));
    g_assert_false(qmp_interfaces_has_signal(fixture->own, "STOP"));
    g_assert_true(qmp_interfaces_has_signal(fixture->promised, "SHUTDOWN"));
}

/* Somebody who has mistyped a command: the nearest is named; nothing where the command is there, or nothing is near. */
static void
test_hint(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *near = qmp_interfaces_dup_hint(fixture->own, "blokdev-del");
    g_autofree char *there = qmp_interfaces_dup_hint(fixture->own, "blockdev-del");
    g_autofree char *far = qmp_interfaces_dup_hint(fixture->own, "completely-different");

    g_assert_nonnull(strstr(near, "blockdev-del?"));
    g_assert_cmpstr(there, ==, "");
    g_assert_cmpstr(far, ==, "");
}

/* Somebody who subscribes to an event under either of its names; a mistyped one is refused, and the nearest named. */
static void
test_find_event(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *long_name = g_strnfill(100000, 'x');

    g_assert_cmpstr(qmp_interfaces_find_event(fixture->own, "BLOCK_IO_ERROR", NULL), ==, "BLOCK_IO_ERROR");
    g_assert_cmpstr(qmp_interfaces_find_event(fixture->own, "BlockIoError", NULL), ==, "BLOCK_IO_ERROR");
    g_assert_null(qmp_interfaces_find_event(fixture->own, "BLOCK_IO_EROR", &error));
    g_assert_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
    g_assert_nonnull(strstr(error->message, "BLOCK_IO_ERROR?"));
    g_clear_error(&error);
    g_assert_null(qmp_interfaces_find_event(fixture->own, long_name, &error));
    g_assert_cmpuint(strlen(error->message), <, 1000);
}

/* Somebody who unblocks a QEMU that answers nothing else: the command goes out of band, also before QEMU has told; but
 * QEMU's own word counts once it has. */
static void
test_oob(Fixture *fixture, gconstpointer unused)
{
    g_assert_true(qmp_interfaces_is_oob(fixture->own, "yank"));
    g_assert_false(qmp_interfaces_is_oob(fixture->own, "query-yank"));
    g_assert_false(qmp_interfaces_is_oob(fixture->own, "migrate-recover"));
    g_assert_true(qmp_interfaces_is_oob(fixture->promised, "migrate-recover"));
    g_assert_false(qmp_interfaces_is_oob(fixture->promised, "stop"));
}

/* Callers who want a monitor of their own: whether they get one is QEMU's word. */
static void
test_monitor_object(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(QmpInterfaces) old = parse(fixture, "[" COMMAND("object-add", "0", "") END);
    g_autoptr(QmpInterfaces) none = parse(fixture, "[" COMMAND("stop", "0", "") END);

    g_assert_true(qmp_interfaces_has_monitor_object(fixture->own));
    g_assert_false(qmp_interfaces_has_monitor_object(fixture->promised));
    g_assert_false(qmp_interfaces_has_monitor_object(old));
    g_assert_false(qmp_interfaces_has_monitor_object(none));
}

/* A VM that goes while another uses the same interfaces: they stay, with all that they hand out. */
static void
test_shared(Fixture *fixture, gconstpointer unused)
{
    QmpInterfaces *other = qmp_interfaces_ref(fixture->own);

    g_assert_true(qmp_interfaces_is_shared(fixture->own));
    qmp_interfaces_unref(other);
    g_assert_false(qmp_interfaces_is_shared(fixture->own));
    g_assert_cmpstr(bus_interface_get_info(qmp_interfaces_get_qmp(fixture->own))->name, ==, MONITOR_QMP_INTERFACE);
    g_assert_cmpstr(bus_interface_get_info(qmp_interfaces_get_events(fixture->own))->name, ==,
                    MONITOR_EVENTS_INTERFACE);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/qmp-interfaces/methods", test_methods);
    ADD("/qmp-interfaces/signals", test_signals);
    ADD("/qmp-interfaces/hint", test_hint);
    ADD("/qmp-interfaces/find-event", test_find_event);
    ADD("/qmp-interfaces/oob", test_oob);
    ADD("/qmp-interfaces/monitor-object", test_monitor_object);
    ADD("/qmp-interfaces/shared", test_shared);
    return g_test_run();
}
