/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which objects of a QEMU say who may connect to it: a name that is missed here lets a user remove such an object with less leave
 * than it takes to add one. */
#include "authz-objects.h"

#include <string.h>

#include "json-tree.h"
#include "test-vm-fixture.h"

#define LISTED                                                                                                        \
    "\"return\": [{\"name\": \"listed\", \"type\": \"child<authz-list>\"},"                                           \
    " {\"name\": \"secret\", \"type\": \"child<secret>\"}, {\"name\": \"type\", \"type\": \"string\"},"               \
    " {\"name\": 7, \"type\": \"child<authz-pam>\"}, 7]"

typedef struct Fixture {
    VmFixture base;
    StartedMonitors *started; /* owned */
    AuthzObjects *objects; /* owned */
} Fixture;

static void
on_started_known(gpointer user_data)
{
}

/* @data: the answer to qom-list. */
static void
set_up(Fixture *fixture, gconstpointer data)
{
    vm_fixture_set_up(&fixture->base, 11, 1, /* isolation_required= */ FALSE);
    test_qemu_set_answer(fixture->base.qemu, "qom-list", data);
    fixture->started = started_monitors_new(/* fd= */ -1);
    started_monitors_ask(fixture->started, qemu_connection_get_control(vm_get_qemu(fixture->base.vm)),
                         on_started_known, NULL);
    vm_fixture_settle(&fixture->base);
    fixture->objects = authz_objects_new(fixture->started);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    authz_objects_free(fixture->objects);
    started_monitors_free(fixture->started);
    vm_fixture_tear_down(&fixture->base);
}

static gboolean
may_have(Fixture *fixture, const char *arguments)
{
    g_autoptr(JsonNode) node = arguments ? json_tree_parse(arguments, strlen(arguments), NULL) : NULL;

    return authz_objects_may_have(fixture->objects, node);
}

static void
note(Fixture *fixture, const char *command, const char *arguments)
{
    g_autoptr(JsonNode) node = arguments ? json_tree_parse(arguments, strlen(arguments), NULL) : NULL;

    authz_objects_note(fixture->objects, command, node);
}

/* A QEMU that was started with objects: each of type authz-* is one, and no other is. */
static void
test_listed(Fixture *fixture, gconstpointer data)
{
    g_assert_true(may_have(fixture, "{\"id\":\"listed\"}"));
    g_assert_false(may_have(fixture, "{\"id\":\"secret\"}"));
    g_assert_false(may_have(fixture, "{\"id\":\"type\"}"));
    g_assert_false(may_have(fixture, "{\"id\":\"7\"}"));
    g_assert_false(may_have(fixture, "{\"id\":7}"));
    g_assert_false(may_have(fixture, "[]"));
    g_assert_false(may_have(fixture, NULL));
}

/* Callers who add objects: an authz object is known from the command on, other objects and other commands make none. */
static void
test_added(Fixture *fixture, gconstpointer data)
{
    note(fixture, "object-add", "{\"id\":\"a\",\"qom-type\":\"authz-simple\"}");
    note(fixture, "object-add", "{\"id\":\"b\",\"qom-type\":\"secret\"}");
    note(fixture, "device_add", "{\"id\":\"c\",\"qom-type\":\"authz-simple\"}");
    note(fixture, "human-monitor-command", "{\"command-line\":\"object_add iothread,id=c\"}");
    note(fixture, "object-add", "{\"qom-type\":\"authz-simple\"}");
    note(fixture, "object-add", NULL);
    g_assert_true(may_have(fixture, "{\"id\":\"a\"}"));
    g_assert_false(may_have(fixture, "{\"id\":\"b\"}"));
    g_assert_false(may_have(fixture, "{\"id\":\"c\"}"));
}

/* Callers who add one by a line of HMP, whatever way it is written: any object may be the one. */
static void
test_line(Fixture *fixture, gconstpointer data)
{
    static const char *const lines[] = {
        "{\"command-line\":\"object_add authz-simple,id=a,identity=x\"}",
        "{\"command-line\":\"object_add {'qom-type':'auth\\\\u007a-pam','id':'a'}\"}",
        "{\"command-line\":7}",
    };

    for (guint i = 0; i < G_N_ELEMENTS(lines); i++) {
        g_assert_false(may_have(fixture, "{\"id\":\"secret\"}"));
        note(fixture, "human-monitor-command", lines[i]);
        g_assert_true(may_have(fixture, "{\"id\":\"secret\"}"));
        authz_objects_free(fixture->objects);
        fixture->objects = authz_objects_new(fixture->started);
    }
}

/* A QEMU that answers with an error, or answers nonsense: any object may be one. */
static void
test_unknown(Fixture *fixture, gconstpointer data)
{
    g_assert_true(may_have(fixture, "{\"id\":\"secret\"}"));
    g_assert_true(may_have(fixture, NULL));
}

/* A caller who adds authz objects without end: past the cap any object may be one. */
static void
test_many(Fixture *fixture, gconstpointer data)
{
    for (guint i = 0; i <= 1024; i++) {
        g_autofree char *arguments = g_strdup_printf("{\"id\":\"n%u\",\"qom-type\":\"authz-list\"}", i);
        g_assert_false(may_have(fixture, "{\"id\":\"secret\"}"));
        note(fixture, "object-add", arguments);
    }
    g_assert_true(may_have(fixture, "{\"id\":\"secret\"}"));
}

#define ADD(path, data, test) g_test_add(path, Fixture, data, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/authz-objects/listed", LISTED, test_listed);
    ADD("/authz-objects/added", LISTED, test_added);
    ADD("/authz-objects/refused", "\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}", test_unknown);
    ADD("/authz-objects/nonsense", "\"return\": {}", test_unknown);
    ADD("/authz-objects/many", LISTED, test_many);
    ADD("/authz-objects/line", LISTED, test_line);
    return g_test_run();
}
