/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which D-Bus error a caller gets: programs tell errors apart by their names, and people by their texts. */
#include "errors.h"

#include <string.h>

#include "contract.h"
#include "json-tree.h"
#include "names.h"
#include "qmp-error.h"
#include "qmp-schema.h"
#include "test-bus-object-fixture.h"
#include "value.h"

#define OURS "org.qemu.Monitor1.Error."
#define THEIRS "org.freedesktop.DBus.Error."

typedef struct Fixture {
    ObjectFixture base;
    GError *error; /* weak; the next call fails with it; NULL: with the reply */
    QmpReply reply;
    QmpInterfaces *interfaces; /* ref; NULL: not needed */
    const char *command;
} Fixture;

static void
on_any(BusCall *call, gpointer user_data)
{
    Fixture *fixture = user_data;

    if (fixture->error)
        errors_fail(call, fixture->error);
    else if (fixture->interfaces)
        errors_fail_command(call, &fixture->reply, fixture->interfaces, fixture->command);
    else
        errors_fail_qmp(call, &fixture->reply);
}

static const ObjectTables tables = TABLES_OF_ANY(on_any);

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    object_fixture_set_up(&fixture->base, &tables);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_clear_pointer(&fixture->interfaces, qmp_interfaces_unref);
    object_fixture_tear_down(&fixture->base, &tables);
}

static void
assert_fails(Fixture *fixture, const char *name, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = call_object(&fixture->base, PATH, ANY, "Any", NULL, &error);
    g_autofree char *got = NULL;

    g_assert_null(reply);
    got = g_dbus_error_get_remote_error(error);
    g_assert_cmpstr(got, ==, name);
    g_dbus_error_strip_remote_error(error);
    g_assert_cmpstr(error->message, ==, text);
}

/* A program that waits and tries again, or asks for a password: each kind of failure has its name, in every domain of
 * ours. */
static void
test_domains(Fixture *fixture, gconstpointer unused)
{
    const struct {
        GQuark domain;
        int code;
        const char *name;
    } cases[] = {
        { QMP_ERROR, QMP_ERROR_DISCONNECTED, OURS "Disconnected" },
        { QMP_ERROR, QMP_ERROR_TIMED_OUT, OURS "TimedOut" },
        { QMP_ERROR, QMP_ERROR_PROTOCOL, OURS "NotSupported" },
        { QMP_ERROR, QMP_ERROR_INVALID, THEIRS "InvalidArgs" },
        { QMP_ERROR, QMP_ERROR_LIMIT, THEIRS "LimitsExceeded" },
        { QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED, OURS "NotAuthorized" },
        { JSON_TREE_ERROR, JSON_TREE_ERROR_INVALID, THEIRS "InvalidArgs" },
        { JSON_TREE_ERROR, JSON_TREE_ERROR_LIMIT, THEIRS "LimitsExceeded" },
        { QMP_SCHEMA_ERROR, QMP_SCHEMA_ERROR_ARGUMENT, THEIRS "InvalidArgs" },
        { VALUE_ERROR, VALUE_ERROR_UNREPRESENTABLE, OURS "Unrepresentable" },
        { BUS_ERROR, BUS_ERROR_ACCESS_DENIED, OURS "NotAuthorized" },
        { BUS_ERROR, BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, THEIRS "InteractiveAuthorizationRequired" },
        { BUS_ERROR, BUS_ERROR_UNKNOWN_OBJECT, THEIRS "UnknownObject" },
        { G_FILE_ERROR, G_FILE_ERROR_NOENT, THEIRS "Failed" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = g_error_new(cases[i].domain, cases[i].code, "text %u", i);
        fixture->error = error;
        assert_fails(fixture, cases[i].name, error->message);
    }
}

/* A program that knows QMP's classes: QEMU's own class and text come through, and what is no class is GenericError. */
static void
test_qmp(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *long_class = g_strnfill(300, 'C');
    const struct {
        const char *error_class, *name;
    } cases[] = {
        { "GenericError", OURS "GenericError" },
        { "DeviceNotFound", OURS "DeviceNotFound" },
        { "Device not found", OURS "GenericError" },
        { "", OURS "GenericError" },
        { "1st", OURS "GenericError" },
        { long_class, OURS "GenericError" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        fixture->reply = (QmpReply){ .error_class = cases[i].error_class, .error_text = "Device 'é' not found" };
        assert_fails(fixture, cases[i].name, "Device 'é' not found");
    }
}

static void
on_call(BusCall *call, gpointer object_data)
{
    g_assert_not_reached();
}

/* Somebody who has mistyped a command: QEMU's text, and the nearest name behind it; no other error is added to. */
static void
test_command(Fixture *fixture, gconstpointer unused)
{
    GDBusNodeInfo *contract = contract_load();

    fixture->interfaces = qmp_interfaces_new_from_contract(contract, on_call, NULL);
    fixture->command = "query-migrte";
    fixture->reply = (QmpReply){ .error_class = "CommandNotFound", .error_text = "not found" };
    assert_fails(fixture, OURS "CommandNotFound", "not found; did you mean query-migrate?");
    fixture->command = "query-migrate";
    assert_fails(fixture, OURS "CommandNotFound", "not found");
    fixture->command = "query-migrte";
    fixture->reply.error_class = "GenericError";
    assert_fails(fixture, OURS "GenericError", "not found");
    g_dbus_node_info_unref(contract);
}

#undef ADD
#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/errors/domains", test_domains);
    ADD("/errors/qmp", test_qmp);
    ADD("/errors/command", test_command);
    return g_test_run();
}
