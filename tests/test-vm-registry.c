/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which VM has a name and a monitor that several want: where it goes wrong, a later VM takes an administrator's name, or one that
 * was in the way of another keeps that one away for good. */
#include "test-registry-fixture.h"

#include <sys/socket.h>
#include <unistd.h>

#define UUID "12345678-1234-1234-1234-123456789abc"
#define NIL "00000000-0000-0000-0000-000000000000"

static void
test_comes_and_goes(RegistryFixture *fixture, gconstpointer unused)
{
    TestQemu *qemu = registry_fixture_give(fixture, "web", "guest", UUID, 1000, NULL);

    g_assert_false(vm_registry_is_settled(fixture->registry));
    registry_fixture_expect(fixture, "web published settled ");
    g_assert_true(vm_registry_is_settled(fixture->registry));
    test_qemu_close(qemu, 0);
    registry_fixture_expect(fixture, "unpublished down forgotten ");
    g_assert_cmpuint(vm_table_get_size(fixture->table), ==, 0);
}

static void
test_its_own_name(RegistryFixture *fixture, gconstpointer unused)
{
    registry_fixture_give(fixture, NULL, "guest", UUID, 1000, NULL);
    registry_fixture_expect(fixture, "guest published settled ");
    registry_fixture_give(fixture, NULL, "", UUID, 1000, NULL);
    registry_fixture_expect(fixture, "12345678_2d1234_2d1234_2d1234_2d123456789abc published settled ");
    registry_fixture_give(fixture, NULL, "", NIL, 1000, NULL);
    registry_fixture_expect(fixture, "down forgotten settled ");
}

/* A name that looks like another VM's UUID would be taken for that VM. */
static void
test_uuid_of_another_as_name(RegistryFixture *fixture, gconstpointer unused)
{
    registry_fixture_give(fixture, "87654321-1234-1234-1234-123456789abc", "", UUID, 1000, NULL);
    qmp_peer_wait_until(fixture->main, vm_table_get_size(fixture->table) == 0);
    g_assert_null(g_strstr_len(fixture->log->str, -1, "published"));
    /* Also where the guest's own configuration calls it so. */
    registry_fixture_give(fixture, NULL, "87654321-1234-1234-1234-123456789abc", UUID, 1000, NULL);
    qmp_peer_wait_until(fixture->main, vm_table_get_size(fixture->table) == 0);
    g_assert_null(g_strstr_len(fixture->log->str, -1, "published"));
}

static void
test_taken_name(RegistryFixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;
    VmEntry *found;

    registry_fixture_give(fixture, "web", "", UUID, 1000, NULL);
    registry_fixture_expect(fixture, "web published settled ");
    registry_fixture_give(fixture, "web", "", NIL, 1001, &error);
    g_assert_cmpstr(error->message, ==, "The name \"web\" is taken by the VM that user 1000 has added by AddVMFromFD");
    /* One of the run directory waits for it. */
    found = registry_fixture_address(fixture, VM_FROM_DIRECTORY, "web", "web.sock", 1000);
    g_assert_cmpint(vm_entry_get_state(found), ==, VM_ENTRY_REFUSED);
    g_assert_cmpstr(vm_entry_get_error(found), ==, error->message);
    g_assert_false(vm_entry_is_admitted(found));
    vm_registry_remove(fixture->registry, vm_table_get_by_name(fixture->table, "web"));
    qmp_peer_wait_until(fixture->main, vm_entry_is_admitted(found));
    g_assert_true(vm_table_get_by_name(fixture->table, "web") == found);
}

/* The key file is the administrator's: a VM that was found gives way to it, and has its name again when the group is gone. */
static void
test_key_file_goes_before(RegistryFixture *fixture, gconstpointer unused)
{
    VmEntry *found = registry_fixture_address(fixture, VM_FROM_DIRECTORY, "web", "found.sock", 1000);
    VmEntry *configured = registry_fixture_address(fixture, VM_FROM_KEY_FILE, "web", "configured.sock", 0);
    g_autoptr(GError) reason = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "its group is gone");

    g_assert_true(vm_table_get_configured(fixture->table, "web") == configured);
    g_assert_true(vm_table_get_by_name(fixture->table, "web") == configured);
    found = vm_table_get_by_socket(fixture->table, "/nowhere/found.sock");
    g_assert_cmpint(vm_entry_get_state(found), ==, VM_ENTRY_REFUSED);
    vm_registry_drop(fixture->registry, configured, reason);
    qmp_peer_wait_until(fixture->main, vm_entry_is_admitted(found));
    g_assert_true(vm_table_get_by_name(fixture->table, "web") == found);
}

/* Two addresses of one monitor, which serves one client: the second would wait for ever. */
static void
test_taken_monitor(RegistryFixture *fixture, gconstpointer unused)
{
    VmEntry *first = registry_fixture_address(fixture, VM_FROM_KEY_FILE, "web", "qmp", 0);
    VmEntry *second = registry_fixture_address(fixture, VM_FROM_KEY_FILE, "db", "qmp", 0);
    g_autoptr(GError) reason = g_error_new(QMP_ERROR, QMP_ERROR_DISCONNECTED, "its group is gone");

    g_assert_cmpint(vm_entry_get_state(second), ==, VM_ENTRY_REFUSED);
    g_assert_cmpstr(vm_entry_get_error(second), ==, "unix:/nowhere/qmp is VM \"web\" already");
    vm_registry_drop(fixture->registry, first, reason);
    qmp_peer_wait_until(fixture->main, vm_entry_is_admitted(second));
}

/* A caller removes a VM that is at two places of the run directory: the other place does not bring it back at once. */
static void
test_removed_at_all_its_places(RegistryFixture *fixture, gconstpointer unused)
{
    VmEntry *first = registry_fixture_address(fixture, VM_FROM_DIRECTORY, "a", "qmp", 1000);

    registry_fixture_address(fixture, VM_FROM_DIRECTORY, "b", "qmp", 1000);
    registry_fixture_address(fixture, VM_FROM_DIRECTORY, "c", "other", 1000);
    g_assert_cmpuint(vm_table_get_size(fixture->table), ==, 3);
    vm_registry_remove(fixture->registry, first);
    g_assert_cmpuint(vm_table_get_size(fixture->table), ==, 1);
    g_assert_nonnull(vm_table_get_by_name(fixture->table, "c"));
}

/* One user's files take no place from another's. */
static void
test_room(RegistryFixture *fixture, gconstpointer unused)
{
    for (guint i = 0; i < 2000; i++) {
        g_autofree char *name = g_strdup_printf("vm%u", i);
        g_assert_nonnull(registry_fixture_address(fixture, VM_FROM_DIRECTORY, name, name, 1000));
    }
    g_assert_null(registry_fixture_address(fixture, VM_FROM_DIRECTORY, "more", "more", 1000));
    g_assert_nonnull(registry_fixture_address(fixture, VM_FROM_DIRECTORY, "more", "more", 1001));
    g_assert_nonnull(registry_fixture_address(fixture, VM_FROM_KEY_FILE, "configured", "configured", 1000));
}

static gboolean
is_meant(gpointer add_data, gpointer user_data)
{
    return add_data == user_data;
}

static void
on_added(const char *path, const GError *error, gpointer user_data)
{
    g_assert_null(path);
    g_string_assign(user_data, error->message);
}

/* Who has asked for VMs has left the bus: their VMs alone are not waited for any more. */
static void
test_nobody_waits_any_more(RegistryFixture *fixture, gconstpointer unused)
{
    g_autoptr(GString) mine = g_string_new(NULL), yours = g_string_new(NULL);
    GString *const callers[] = { mine, yours };
    TestQemu *qemu;

    for (guint i = 0; i < G_N_ELEMENTS(callers); i++) {
        VmSpec spec = { .origin = VM_FROM_FD, .timeout = G_MAXUINT64 };
        qemu = test_qemu_new(fixture->main, 11, 1, &spec.fd);
        g_ptr_array_add(fixture->qemus, qemu);
        g_assert_true(vm_registry_add(fixture->registry, &spec, on_added, callers[i], NULL));
    }
    vm_registry_forget_waiting(fixture->registry, is_meant, mine);
    g_assert_cmpstr(mine->str, ==, "Nobody waits for the VM any more");
    g_assert_cmpstr(yours->str, ==, "");
    g_assert_cmpuint(vm_table_get_size(fixture->table), ==, 1);
    vm_registry_forget_waiting(fixture->registry, is_meant, yours);
}

/* A refused descriptor stays with nobody. */
static void
test_refused_descriptor_is_closed(RegistryFixture *fixture, gconstpointer unused)
{
    int ends[2];
    char byte;
    VmSpec spec = { .origin = VM_FROM_FD, .name = "a\nb", .timeout = G_MAXUINT64 };
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
    spec.fd = ends[0];
    g_assert_false(vm_registry_add(fixture->registry, &spec, on_added, NULL, &error));
    g_assert_nonnull(error);
    g_assert_cmpint(read(ends[1], &byte, 1), ==, 0);
    close(ends[1]);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    REGISTRY_FIXTURE_ADD("/vm-registry/comes-and-goes", test_comes_and_goes);
    REGISTRY_FIXTURE_ADD("/vm-registry/own-name", test_its_own_name);
    REGISTRY_FIXTURE_ADD("/vm-registry/uuid-of-another", test_uuid_of_another_as_name);
    REGISTRY_FIXTURE_ADD("/vm-registry/taken-name", test_taken_name);
    REGISTRY_FIXTURE_ADD("/vm-registry/key-file-goes-before", test_key_file_goes_before);
    REGISTRY_FIXTURE_ADD("/vm-registry/taken-monitor", test_taken_monitor);
    REGISTRY_FIXTURE_ADD("/vm-registry/removed-at-all-its-places", test_removed_at_all_its_places);
    if (!g_getenv("UNDER_VALGRIND")) /* 2,000 VMs take half a minute there */
        REGISTRY_FIXTURE_ADD("/vm-registry/room", test_room);
    REGISTRY_FIXTURE_ADD("/vm-registry/nobody-waits", test_nobody_waits_any_more);
    REGISTRY_FIXTURE_ADD("/vm-registry/refused-descriptor", test_refused_descriptor_is_closed);
    return g_test_run();
}
