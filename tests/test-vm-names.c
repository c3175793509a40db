/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which VM has which name: what breaks here sends a caller's command to another VM. */
#include "vm-names.h"

#include "bus-error.h"

typedef struct Fixture {
    GMainContext *context; /* owned; never runs, so that nobody connects */
    VmNames *names; /* owned */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->context = g_main_context_new();
    fixture->names = vm_names_new();
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    vm_names_free(fixture->names);
    g_main_context_unref(fixture->context);
}

static Vm *
make_vm(Fixture *fixture, VmOrigin origin, const char *name)
{
    static const VmFuncs funcs = { 0 };
    g_autofree char *text = g_strdup_printf("unix:/nowhere/%s", name);
    g_autoptr(QmpAddress) address = qmp_address_parse(text, NULL);
    VmSpec spec = { .origin = origin, .name = name, .address = address, .timeout = G_MAXUINT64, .added_by = 7 };

    return vm_new(fixture->context, &spec, /* max_reply= */ 65536, &funcs, NULL);
}

static void
test_table(Fixture *fixture, gconstpointer unused)
{
    Vm *web = make_vm(fixture, VM_FROM_CALL, "web/1"), *db = make_vm(fixture, VM_FROM_CALL, "db");

    vm_names_add(fixture->names, web);
    vm_names_add(fixture->names, db);
    g_assert_true(vm_names_get_by_name(fixture->names, "web/1") == web);
    g_assert_true(vm_names_get_by_path(fixture->names, "/org/qemu/Monitor1/vm/web_2f1") == web);
    g_assert_null(vm_names_get_by_name(fixture->names, "WEB/1"));
    vm_names_remove(fixture->names, web);
    g_assert_null(vm_names_get_by_name(fixture->names, "web/1"));
    g_assert_null(vm_names_get_by_path(fixture->names, "/org/qemu/Monitor1/vm/web_2f1"));
    g_assert_true(vm_names_check(fixture->names, "web/1", NULL));
    g_assert_true(vm_names_get_by_name(fixture->names, "db") == db);
    vm_names_remove(fixture->names, db);
    vm_free(web);
    vm_free(db);
}

static void
test_check(Fixture *fixture, gconstpointer unused)
{
    static const struct {
        VmOrigin origin;
        const char *text;
        gboolean gives_way;
    } rows[] = {
        { VM_FROM_CALL, "The name \"web\" is taken by the VM that user 7 has added by AddVM", FALSE },
        { VM_FROM_KEY_FILE, "The name \"web\" is taken by the VM of that name in the key file", FALSE },
        { VM_FROM_DIRECTORY, "The name \"web\" is taken by the VM found at /nowhere/web", TRUE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        Vm *vm = make_vm(fixture, rows[i].origin, "web");
        g_autoptr(GError) error = NULL;
        vm_names_add(fixture->names, vm);
        g_assert_false(vm_names_check(fixture->names, "web", &error));
        g_assert_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS);
        g_assert_cmpstr(error->message, ==, rows[i].text);
        g_assert_cmpint(vm_names_goes_before(VM_FROM_CALL, vm), ==, rows[i].gives_way);
        g_assert_cmpint(vm_names_goes_before(VM_FROM_KEY_FILE, vm), ==, rows[i].gives_way);
        g_assert_false(vm_names_goes_before(VM_FROM_FD, vm));
        g_assert_false(vm_names_goes_before(VM_FROM_DIRECTORY, vm));
        vm_names_remove(fixture->names, vm);
        vm_free(vm);
    }
    g_assert_false(vm_names_check(fixture->names, "a\nb", NULL));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/vm-names/table", test_table);
    ADD("/vm-names/check", test_check);
    return g_test_run();
}
