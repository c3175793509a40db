/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The life of one VM that the agent was told about: where it goes wrong, ListVMs tells an administrator the wrong reason, or AddVM
 * answers twice or never. */
#include "test-registry-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define UUID "12345678-1234-1234-1234-123456789abc"

static VmEntry *
get_only_entry(RegistryFixture *fixture)
{
    g_autoptr(GPtrArray) list = vm_table_list(fixture->table);

    g_assert_cmpuint(list->len, ==, 1);
    return list->pdata[0];
}

static void
test_connected(RegistryFixture *fixture, gconstpointer unused)
{
    TestQemu *qemu = registry_fixture_give(fixture, "web", "", UUID, 1000, NULL);
    VmEntry *entry = get_only_entry(fixture);
    guint64 since = vm_entry_get_since(entry);

    g_assert_cmpint(vm_entry_get_state(entry), ==, VM_ENTRY_CONNECTING);
    g_assert_false(vm_entry_is_connected(entry));
    g_assert_false(vm_entry_is_tried(entry));
    registry_fixture_expect(fixture, "web published settled ");
    g_assert_cmpint(vm_entry_get_state(entry), ==, VM_ENTRY_CONNECTED);
    g_assert_cmpuint(vm_entry_get_since(entry), >=, since);
    g_assert_cmpstr(vm_entry_get_error(entry), ==, "");
    g_assert_true(vm_entry_is_tried(entry));
    /* QEMU's news reach the object. */
    test_qemu_send(qemu, 0, "{\"event\": \"RTC_CHANGE\", \"timestamp\": {\"seconds\": 1, \"microseconds\": 2}}\r\n");
    registry_fixture_expect(fixture, "RTC_CHANGE ");
}

/* Nobody listens: a VM of the key file is waited for, and the reason is there to be read. */
static void
test_waiting(RegistryFixture *fixture, gconstpointer unused)
{
    VmEntry *entry = registry_fixture_address(fixture, VM_FROM_KEY_FILE, "web", "qmp", 0);

    g_assert_cmpint(vm_entry_get_state(entry), ==, VM_ENTRY_CONNECTING);
    registry_fixture_expect(fixture, "down settled ");
    g_assert_cmpint(vm_entry_get_state(entry), ==, VM_ENTRY_WAITING);
    g_assert_cmpstr(vm_entry_get_error(entry), ==, "unix:/nowhere/qmp: cannot connect: No such file or directory");
    g_assert_cmpstr(vm_entry_get_path(entry), ==, "/org/qemu/Monitor1/vm/web");
}

/* The socket of a VM that was found is no more: so is the VM. */
static void
test_found_and_gone(RegistryFixture *fixture, gconstpointer unused)
{
    g_assert_nonnull(registry_fixture_address(fixture, VM_FROM_DIRECTORY, "web", "qmp", 1000));
    registry_fixture_expect(fixture, "down forgotten settled /nowhere/qmp ");
    g_assert_cmpuint(vm_table_get_size(fixture->table), ==, 0);
}

typedef struct Outcome {
    guint n;
    char *path, *error; /* owned */
} Outcome;

static void
on_added(const char *path, const GError *error, gpointer user_data)
{
    Outcome *outcome = user_data;

    outcome->n++;
    outcome->path = g_strdup(path);
    outcome->error = error ? g_strdup(error->message) : NULL;
}

static void
outcome_clear(Outcome *outcome)
{
    g_free(outcome->path);
    g_free(outcome->error);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Outcome, outcome_clear)

static void
await_address(RegistryFixture *fixture, const char *text, guint64 timeout, Outcome *outcome)
{
    g_autoptr(QmpAddress) address = qmp_address_parse(text, NULL);
    VmSpec spec = { .origin = VM_FROM_CALL, .name = "web", .address = address, .timeout = timeout, .user = getuid() };

    g_assert_true(vm_registry_add(fixture->registry, &spec, on_added, outcome, NULL));
    g_assert_true(vm_entry_get_add_data(get_only_entry(fixture)) == outcome);
    g_assert_cmpuint(outcome->n, ==, 0);
}

/* Who waits gets the reason, once, and nothing is left of the VM. */
static void
test_awaited_in_vain(RegistryFixture *fixture, gconstpointer unused)
{
    g_auto(Outcome) outcome = { 0 };

    await_address(fixture, "unix:/nowhere/qmp", 1000, &outcome);
    qmp_peer_wait_until(fixture->main, outcome.n);
    g_assert_null(outcome.path);
    /* A busy machine may get no further than the timeout; the text says so then. */
    g_assert_nonnull(strstr(outcome.error, "unix:/nowhere/qmp"));
    g_assert_cmpuint(vm_table_get_size(fixture->table), ==, 0);
    qmp_peer_settle(fixture->main);
    g_assert_cmpuint(outcome.n, ==, 1);
}

static void
test_listened_for_in_vain(RegistryFixture *fixture, gconstpointer unused)
{
    g_auto(Outcome) outcome = { 0 };
    g_autofree char *directory = g_dir_make_tmp("test-vm-entry-XXXXXX", NULL);
    g_autofree char *text = g_strdup_printf("unix:%s/qmp,server=on", directory);
    g_autofree char *expected = g_strdup_printf("No QEMU connected to %s in time", text);

    await_address(fixture, text, 1000, &outcome);
    g_assert_true(vm_entry_is_tried(get_only_entry(fixture)));
    g_assert_true(vm_registry_is_settled(fixture->registry));
    qmp_peer_wait_until(fixture->main, outcome.n);
    g_assert_cmpstr(outcome.error, ==, expected);
    g_assert_cmpuint(vm_table_get_size(fixture->table), ==, 0);
    g_assert_cmpint(g_rmdir(directory), ==, 0); /* the socket is gone */
}

static void
test_awaited(RegistryFixture *fixture, gconstpointer unused)
{
    g_auto(Outcome) outcome = { 0 };
    VmSpec spec = { .origin = VM_FROM_FD, .name = "web", .timeout = G_MAXUINT64 };
    TestQemu *qemu = test_qemu_new(fixture->main, 11, 1, &spec.fd);

    g_ptr_array_add(fixture->qemus, qemu);
    g_assert_true(vm_registry_add(fixture->registry, &spec, on_added, &outcome, NULL));
    qmp_peer_wait_until(fixture->main, outcome.n);
    g_assert_cmpstr(outcome.path, ==, "/org/qemu/Monitor1/vm/web");
    g_assert_null(outcome.error);
    g_assert_null(vm_entry_get_add_data(get_only_entry(fixture)));
    test_qemu_close(qemu, 0);
    qmp_peer_wait_until(fixture->main, vm_table_get_size(fixture->table) == 0);
    g_assert_cmpuint(outcome.n, ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    REGISTRY_FIXTURE_ADD("/vm-entry/connected", test_connected);
    REGISTRY_FIXTURE_ADD("/vm-entry/waiting", test_waiting);
    REGISTRY_FIXTURE_ADD("/vm-entry/found-and-gone", test_found_and_gone);
    REGISTRY_FIXTURE_ADD("/vm-entry/awaited", test_awaited);
    REGISTRY_FIXTURE_ADD("/vm-entry/awaited-in-vain", test_awaited_in_vain);
    REGISTRY_FIXTURE_ADD("/vm-entry/listened-for-in-vain", test_listened_for_in_vain);
    return g_test_run();
}
