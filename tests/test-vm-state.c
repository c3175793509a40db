/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Somebody puts a copy of the state directory in its place just when a VM goes: what breaks here has the agent use the record of a VM
 * that it has just read anew, or brings a VM back that was removed. */
#include "vm-state.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "test-qmp-peer.h"

typedef struct Fixture {
    GMainContext *main_context; /* ref */
    ManagementHost host;
    char *run_directory; /* owned; and the next two */
    char *directory;
    char *path;
    VmState *state; /* owned */
    GString *restored; /* owned; the names */
} Fixture;

static void
ignore_log(gpointer data, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
}

/* As another agent has left it. */
static void
make_directory(Fixture *fixture)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_assert_no_errno(g_mkdir(fixture->directory, 0700));
    for (const char *name = "abc"; *name; name++)
        g_string_append_printf(text, "[vm]\nname=%c\norigin=call\naddress=unix:/%c\nuser=1\ntimeout=1\nadded-by=1\n\n",
                               *name, *name);
    g_assert_true(
        g_file_set_contents_full(fixture->path, text->str, (gssize)text->len, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->main_context = g_main_context_new();
    fixture->host =
        (ManagementHost){ .size = sizeof fixture->host, .context = fixture->main_context, .log = ignore_log };
    fixture->run_directory = g_dir_make_tmp("test-vm-state-XXXXXX", NULL);
    fixture->directory = g_build_filename(fixture->run_directory, "state", NULL);
    fixture->path = g_build_filename(fixture->directory, "vms", NULL);
    fixture->restored = g_string_new(NULL);
    make_directory(fixture);
    fixture->state = vm_state_new(&fixture->host, fixture->run_directory);
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    g_unlink(fixture->path);
    g_assert_no_errno(g_rmdir(fixture->directory));
    g_assert_no_errno(g_rmdir(fixture->run_directory));
    g_string_free(fixture->restored, TRUE);
    g_free(fixture->path);
    g_free(fixture->directory);
    g_free(fixture->run_directory);
    g_main_context_unref(fixture->main_context);
}

static void
replace_directory(Fixture *fixture)
{
    g_autofree char *elsewhere = g_strconcat(fixture->directory, ".old", NULL);
    g_autofree char *path = g_build_filename(elsewhere, "vms", NULL);

    g_assert_no_errno(g_rename(fixture->directory, elsewhere));
    make_directory(fixture);
    g_assert_no_errno(g_unlink(path));
    g_assert_no_errno(g_rmdir(elsewhere));
}

static void
remove_vm(Fixture *fixture, const char *name)
{
    static const VmFuncs funcs = { 0 };
    VmSpec spec = { .origin = VM_FROM_CALL, .name = name, .fd = -1, .waits = TRUE };
    g_autofree char *text = g_strconcat("unix:/", name, NULL);
    g_autoptr(QmpAddress) address = qmp_address_parse(text, NULL);
    Vm *vm;

    spec.address = address;
    vm = vm_new(fixture->main_context, &spec, /* max_reply= */ 1, &funcs, /* user_data= */ NULL);
    vm_state_remove(fixture->state, vm);
    vm_free(vm);
}

/* Ends the agent. */
static void
assert_left(Fixture *fixture, const char *names)
{
    g_autofree char *text = NULL;

    vm_state_free(fixture->state);
    g_assert_true(g_file_get_contents(fixture->path, &text, NULL, NULL));
    for (const char *name = "abc"; *name; name++) {
        g_autofree char *line = g_strdup_printf("\nname=%c\n", *name);
        g_assert_cmpint(strstr(text, line) != NULL, ==, strchr(names, *name) != NULL);
    }
}

/* Before what was read is restored. */
static void
test_removed(Fixture *fixture, gconstpointer unused)
{
    remove_vm(fixture, "a");
    replace_directory(fixture);
    remove_vm(fixture, "b");
    assert_left(fixture, "ac");
}

static gboolean
on_restored(const VmSpec *spec, gpointer user_data)
{
    Fixture *fixture = user_data;

    g_string_append(fixture->restored, spec->name);
    if (*spec->name != 'b')
        return TRUE;
    replace_directory(fixture);
    remove_vm(fixture, "c");
    g_assert_cmpstr(spec->name, ==, "b");
    g_assert_cmpstr(spec->address->text, ==, "unix:/b");
    return TRUE;
}

/* While a VM is restored that another one gives way to. */
static void
test_gives_way(Fixture *fixture, gconstpointer unused)
{
    remove_vm(fixture, "a");
    vm_state_restore(fixture->state, on_restored, /* done= */ NULL, fixture);
    g_assert_cmpstr(fixture->restored->str, ==, "ba");
    assert_left(fixture, "ab");
}

static gboolean
note_restored(const VmSpec *spec, gpointer user_data)
{
    g_string_append(((Fixture *)user_data)->restored, spec->name);
    return TRUE;
}

/* When a VM goes that was never kept: what was read anew comes all the same, a moment later. */
static void
test_unkept(Fixture *fixture, gconstpointer unused)
{
    remove_vm(fixture, "a");
    vm_state_restore(fixture->state, note_restored, /* done= */ NULL, fixture);
    g_assert_cmpstr(fixture->restored->str, ==, "bc");
    replace_directory(fixture);
    remove_vm(fixture, "other");
    qmp_peer_wait_until(fixture->main_context, g_str_equal(fixture->restored->str, "bca"));
    assert_left(fixture, "abc");
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/vm-state/removed", test_removed);
    ADD("/vm-state/gives-way", test_gives_way);
    ADD("/vm-state/unkept", test_unkept);
    return g_test_run();
}
