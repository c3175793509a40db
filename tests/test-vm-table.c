/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMs are found by what callers know of them: a wrong answer here has a command run in another VM. */
#include "test-registry-fixture.h"

#define UUID_A "aaaaaaaa-1234-1234-1234-123456789abc"
#define UUID_B "bbbbbbbb-1234-1234-1234-123456789abc"

static void
test_by_name_and_path(RegistryFixture *fixture, gconstpointer unused)
{
    VmEntry *entry;

    registry_fixture_give(fixture, "a b", "", UUID_A, 1000, NULL);
    registry_fixture_wait_connected(fixture, 1);
    entry = vm_table_get_by_name(fixture->table, "a b");
    g_assert_nonnull(entry);
    g_assert_cmpstr(vm_entry_get_path(entry), ==, "/org/qemu/Monitor1/vm/a_20b");
    g_assert_true(vm_table_get_by_path(fixture->table, "/org/qemu/Monitor1/vm/a_20b") == entry);
    g_assert_null(vm_table_get_by_path(fixture->table, "/org/qemu/Monitor1/vm/a"));
    g_assert_null(vm_table_get_by_name(fixture->table, NULL));
    g_assert_null(vm_table_get_by_name(fixture->table, ""));
}

static void
test_by_uuid(RegistryFixture *fixture, gconstpointer unused)
{
    registry_fixture_give(fixture, "a", "", UUID_A, 1000, NULL);
    registry_fixture_give(fixture, "b", "", UUID_B, 1000, NULL);
    registry_fixture_wait_connected(fixture, 2);
    g_assert_true(vm_table_get_by_name_or_uuid(fixture->table, "AAAAAAAA-1234-1234-1234-123456789ABC") ==
                  vm_table_get_by_name(fixture->table, "a"));
    g_assert_true(vm_table_get_by_name_or_uuid(fixture->table, "b") == vm_table_get_by_name(fixture->table, "b"));
    g_assert_null(vm_table_get_by_name_or_uuid(fixture->table, "00000000-0000-0000-0000-000000000000"));
    /* A copy of a VM has its UUID too: who is meant cannot be known. */
    registry_fixture_give(fixture, "copy", "", UUID_A, 1000, NULL);
    registry_fixture_wait_connected(fixture, 3);
    g_assert_null(vm_table_get_by_name_or_uuid(fixture->table, UUID_A));
}

/* A VM that is not connected has a name, and no object that a caller could be sent to. */
static void
test_not_connected(RegistryFixture *fixture, gconstpointer unused)
{
    VmEntry *entry = registry_fixture_address(fixture, VM_FROM_KEY_FILE, "web", "qmp", 0);

    g_assert_true(vm_table_get_by_name(fixture->table, "web") == entry);
    g_assert_null(vm_table_get_by_name_or_uuid(fixture->table, "web"));
    g_assert_true(vm_table_get_by_socket(fixture->table, "/nowhere/qmp") == entry);
    g_assert_null(vm_table_get_by_socket(fixture->table, "/nowhere"));
}

static void
test_counts(RegistryFixture *fixture, gconstpointer unused)
{
    g_autoptr(GPtrArray) list = NULL;
    guint n_of_user;

    registry_fixture_give(fixture, "z", "", UUID_A, 1000, NULL);
    registry_fixture_give(fixture, "y", "", UUID_B, 1001, NULL);
    registry_fixture_address(fixture, VM_FROM_DIRECTORY, "x", "x", 1000);
    registry_fixture_address(fixture, VM_FROM_DIRECTORY, "w", "w", 1001);
    registry_fixture_address(fixture, VM_FROM_KEY_FILE, "v", "v", 0);
    g_assert_cmpuint(vm_table_count_given_by(fixture->table, 1000), ==, 1);
    g_assert_cmpuint(vm_table_count_given_by(fixture->table, 1002), ==, 0);
    g_assert_cmpuint(vm_table_count_found(fixture->table, 1001, &n_of_user), ==, 2);
    g_assert_cmpuint(n_of_user, ==, 1);
    g_assert_cmpuint(vm_table_get_size(fixture->table), ==, 5);
    list = vm_table_list(fixture->table);
    for (guint i = 0; i < list->len; i++)
        g_assert_cmpuint(vm_entry_get_order(list->pdata[i]), ==, i + 1);
}

/* The configured VM is the group's, not that of whoever else bears the name. */
static void
test_configured(RegistryFixture *fixture, gconstpointer unused)
{
    VmEntry *refused;

    registry_fixture_give(fixture, "web", "", UUID_A, 1000, NULL);
    registry_fixture_wait_connected(fixture, 1);
    g_assert_null(vm_table_get_configured(fixture->table, "web"));
    refused = registry_fixture_address(fixture, VM_FROM_KEY_FILE, "web", "qmp", 0);
    g_assert_true(vm_table_get_configured(fixture->table, "web") == refused);
    g_assert_false(vm_table_get_by_name(fixture->table, "web") == refused);
}

/* News reach every object that there is. */
static void
test_news(RegistryFixture *fixture, gconstpointer unused)
{
    registry_fixture_give(fixture, "a", "", UUID_A, 1000, NULL);
    registry_fixture_expect(fixture, "a published settled ");
    registry_fixture_address(fixture, VM_FROM_KEY_FILE, "b", "b", 0);
    vm_table_look(fixture->table);
    vm_table_reconfigured(fixture->table, &(Config){ .isolation_required = TRUE });
    g_assert_true(g_str_has_prefix(fixture->log->str, "looked reconfigured "));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    REGISTRY_FIXTURE_ADD("/vm-table/name-and-path", test_by_name_and_path);
    REGISTRY_FIXTURE_ADD("/vm-table/uuid", test_by_uuid);
    REGISTRY_FIXTURE_ADD("/vm-table/not-connected", test_not_connected);
    REGISTRY_FIXTURE_ADD("/vm-table/counts", test_counts);
    REGISTRY_FIXTURE_ADD("/vm-table/configured", test_configured);
    REGISTRY_FIXTURE_ADD("/vm-table/news", test_news);
    return g_test_run();
}
