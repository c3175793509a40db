/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names between QEMU and D-Bus: what a binding generator and a shell script rely on. */
#include "bus-error.h"
#include "names.h"

static void
test_member(void)
{
    static const struct {
        const char *qmp, *member;
    } names[] = {
        { "query-status", "QueryStatus" },
        { "device_add", "DeviceAdd" },
        { "BLOCK_IO_ERROR", "BlockIoError" },
        { "__com.redhat_drive_add", "ComRedhatDriveAdd" },
        { "x-blockdev-amend", "XBlockdevAmend" },
        { "ACPI_DEVICE_OST", "AcpiDeviceOst" },
        { "stop", "Stop" },
        { "STOP", "Stop" },
        { "query-cpus2", "QueryCpus2" },
        { "4over", NULL },
        { "", NULL },
        { "__--..", NULL },
        { "\xc3\xa9t\xc3\xa9", "T" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *member = names_member_from_qmp(names[i].qmp);
        g_assert_cmpstr(member, ==, names[i].member);
    }
}

static void
test_member_of_any_length(void)
{
    g_autofree char *longest = g_strnfill(255, 'a');
    g_autofree char *longer = g_strnfill(256, 'a');
    g_autofree char *member = names_member_from_qmp(longest);

    g_assert_cmpuint(strlen(member), ==, 255);
    g_assert_null(names_member_from_qmp(longer));
}

static void
test_path(void)
{
    static const struct {
        const char *name, *path;
    } paths[] = {
        { "web", "/org/qemu/Monitor1/vm/web" },
        { "web_1", "/org/qemu/Monitor1/vm/web_5f1" },
        { "a/b c", "/org/qemu/Monitor1/vm/a_2fb_20c" },
        { "\xc3\xa9", "/org/qemu/Monitor1/vm/_c3_a9" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *path = names_path_from_vm(paths[i].name);
        g_assert_cmpstr(path, ==, paths[i].path);
    }
}

static void
test_job_path(void)
{
    static const struct {
        const char *id;
        gboolean is_qmp;
        const char *path;
    } paths[] = {
        { "copy-1", TRUE, "/org/qemu/Monitor1/vm/a_20b/job/copy_2d1" },
        { "migration", FALSE, "/org/qemu/Monitor1/vm/a_20b/job/migration" },
        { "migration", TRUE, "/org/qemu/Monitor1/vm/a_20b/job/_6digration" },
        { "dump", TRUE, "/org/qemu/Monitor1/vm/a_20b/job/_64ump" },
        { "dumps", TRUE, "/org/qemu/Monitor1/vm/a_20b/job/dumps" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_autofree char *path = names_path_from_job("a b", paths[i].id, paths[i].is_qmp);
        g_assert_cmpstr(path, ==, paths[i].path);
    }
}

static void
test_vm_name(void)
{
    static const char *const bad[] = { "", "a\nb", "\x7f", "\xc2\x85", "\xff" };
    g_autofree char *longest = g_strnfill(VM_NAME_MAX, 'n');
    g_autofree char *longer = g_strnfill(VM_NAME_MAX + 1, 'n');

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(names_check_vm(bad[i], &error));
        g_assert_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
        g_assert_true(g_utf8_validate(error->message, -1, NULL));
    }
    for (gunichar c = 1; c <= 0xffff; c++) {
        char name[8] = { 0 };
        static const char controls[] = "\xd8\x9c \xe2\x80\x8e \xe2\x80\x8f \xe2\x80\xaa \xe2\x80\xab \xe2\x80\xac "
                                       "\xe2\x80\xad \xe2\x80\xae \xe2\x81\xa6 \xe2\x81\xa7 \xe2\x81\xa8 \xe2\x81\xa9";
        g_unichar_to_utf8(c, name);
        if (g_unichar_validate(c) && !g_unichar_iscntrl(c) && c != ' ')
            g_assert_true(names_check_vm(name, NULL) == (strstr(controls, name) == NULL));
    }
    g_assert_false(names_check_vm(longer, NULL));
    g_assert_true(names_check_vm(longest, NULL));
    g_assert_true(names_check_vm("Fenêtre 11 / Büro", NULL));
}

static void
test_uuid_as_a_name(void)
{
    const char *uuid = "01234567-89ab-4def-8123-456789abcdef";
    g_autoptr(GError) error = NULL;

    g_assert_true(names_check_own_uuid(uuid, uuid, NULL));
    g_assert_true(names_check_own_uuid("01234567-89AB-4DEF-8123-456789ABCDEF", uuid, NULL));
    g_assert_true(names_check_own_uuid("01234567", uuid, NULL));
    g_assert_true(names_check_own_uuid("web", "", NULL));
    g_assert_false(names_check_own_uuid(uuid, "", NULL));
    g_assert_false(names_check_own_uuid(NAMES_NIL_UUID, NAMES_NIL_UUID, NULL));
    g_assert_false(names_check_own_uuid(uuid, "11234567-89ab-4def-8123-456789abcdef", &error));
    g_assert_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
    g_assert_nonnull(strstr(error->message, uuid));
}

static void
test_command(void)
{
    static const char *const bad[] = { "", "query status", "quit\"", "quit\n", "é", "{}" };
    g_autofree char *longer = g_strnfill(256, 'n');

    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_false(names_check_command(bad[i], &error));
        g_assert_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
    }
    g_assert_false(names_check_command(longer, NULL));
    g_assert_true(names_check_command("__com.redhat_drive-add2", NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/names/member", test_member);
    g_test_add_func("/names/member-of-any-length", test_member_of_any_length);
    g_test_add_func("/names/path", test_path);
    g_test_add_func("/names/job-path", test_job_path);
    g_test_add_func("/names/vm-name", test_vm_name);
    g_test_add_func("/names/vm-name-uuid", test_uuid_as_a_name);
    g_test_add_func("/names/command", test_command);
    return g_test_run();
}
