/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state file, of any bytes. Input: a byte of flags, one that chooses where a record that is added is cut, the file.
 * - The VMs that are restored from it are the same again when the agent has written the file anew, and so is the file.
 * - A record that was cut while it was added changes nothing; a whole one adds its VM, or takes one away.
 * - What is logged of it is text. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "vm-record.h"
#include "vm-state.h"

#define FLAG_HAS_STORE 1 /* the host keeps descriptors, and has every one that is asked for */
#define FLAG_ENDS 2 /* the record that is added ends the first VM */

typedef struct Run {
    ManagementHost host;
    char *directory, *state_directory, *path; /* owned */
} Run;

static void
check_log_fields(gpointer data, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
    for (gsize i = 0; i < n_fields; i++)
        if (!g_utf8_validate(fields[i].value, fields[i].length, NULL))
            fuzz_fail("logged: %s=%s", fields[i].key, (const char *)fields[i].value);
}

static gboolean
keep_no_fd(gpointer data, const char *name, int fd, gboolean is_only_way)
{
    return FALSE;
}

static int
take_any_fd(gpointer data, const char *name)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
drop_no_fd(gpointer data, const char *name)
{
}

/* A VM in words, with its connection's. */
static gboolean
list_restored(const VmSpec *spec, gpointer user_data)
{
    g_autoptr(VmRecord) record = vm_record_new(spec, spec->fd >= 0 ? g_strdup("kept") : NULL, g_strdup(spec->session));
    g_autofree char *text = vm_record_print(record);

    g_assert_true(spec->origin != VM_FROM_KEY_FILE && (spec->origin != VM_FROM_FD || spec->fd >= 0));
    g_string_append(user_data, text);
    if (spec->fd >= 0)
        close(spec->fd);
    return TRUE;
}

static void
note_taken_up(gpointer user_data)
{
}

static void
write_state_file(Run *run, const char *text, gsize length)
{
    g_assert_true(g_file_set_contents_full(run->path, text, (gssize)length, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

/* The VMs that the next agent has from the file. */
static char *
restore_all(Run *run)
{
    GString *all = g_string_new(NULL);
    VmState *state = vm_state_new(&run->host, run->directory);

    vm_state_restore(state, list_restored, note_taken_up, all);
    vm_state_free(state);
    return g_string_free(all, FALSE);
}

static char *
read_state_file(Run *run)
{
    char *text;

    g_assert_true(g_file_get_contents(run->path, &text, NULL, NULL));
    return text;
}

/* The record that is added: of a new VM; or that the first of @all has ended. */
static char *
make_record(guint flags, const char *all)
{
    const char *second = all[0] ? strstr(all + 1, "\n" VM_RECORD_HEADER) : NULL;
    g_autofree char *first = second ? g_strndup(all, (gsize)(second + 1 - all)) : g_strdup(all);
    g_autoptr(VmRecord) record = vm_record_parse(first, NULL);
    VmSpec spec = {
        .origin = VM_FROM_CALL, .name = "torn", .spares = g_ptr_array_new(), .timeout = 1234567, .added_by = 1000
    };
    g_autoptr(QmpAddress) address = qmp_address_parse("unix:/run/torn", NULL);
    g_autoptr(VmRecord) added = NULL;
    char *text;

    spec.address = address;
    added = vm_record_new(&spec, NULL, NULL);
    text = flags & FLAG_ENDS && record ? vm_record_print_end(record->spec->origin, record->spec->name)
                                       : vm_record_print(added);
    g_ptr_array_unref(spec.spares);
    return text;
}

static void
check_torn(Run *run, guint flags, guint8 where, const char *all)
{
    g_autofree char *whole = read_state_file(run), *record = make_record(flags, all);
    gsize length = strlen(record), cut = (gsize)where * (length + 1) / 256;
    g_autofree char *torn = g_strdup_printf("%s%.*s", whole, (int)cut, record);
    g_autofree char *longer = g_strconcat(whole, record, NULL);

    write_state_file(run, torn, strlen(torn));
    g_autofree char *same = restore_all(run);
    if (cut < length && !g_str_equal(same, all))
        fuzz_fail("a record cut after %zu bytes:\n%s\nmakes of\n%s\n%s", cut, record, all, same);
    write_state_file(run, longer, strlen(longer));
    g_autofree char *changed = restore_all(run);
    if (g_str_equal(changed, all) && !strstr(all, record))
        fuzz_fail("a record is lost:\n%s\nbehind\n%s", record, all);
}

static void
init_run(Run *run, guint flags)
{
    run->host =
        (ManagementHost){ .abi = MANAGEMENT_MODULE_ABI, .size = sizeof(ManagementHost), .log = check_log_fields };
    run->host.context = g_main_context_new();
    if (flags & FLAG_HAS_STORE) {
        run->host.keep_fd = keep_no_fd;
        run->host.take_fd = take_any_fd;
        run->host.drop_fd = drop_no_fd;
    }
    run->directory = g_dir_make_tmp("fuzz-state-XXXXXX", NULL);
    run->state_directory = g_build_filename(run->directory, "state", NULL);
    run->path = g_build_filename(run->state_directory, "vms", NULL);
    g_assert_cmpint(g_mkdir_with_parents(run->state_directory, 0700), ==, 0);
}

/* The file that was given may be kept aside. */
static void
clear_run(Run *run)
{
    g_autofree char *aside = g_strconcat(run->path, ".unread-1", NULL);

    unlink(aside);
    unlink(run->path);
    g_assert_cmpint(rmdir(run->state_directory), ==, 0);
    g_assert_cmpint(rmdir(run->directory), ==, 0);
    g_main_context_unref(run->host.context);
    g_free(run->directory);
    g_free(run->state_directory);
    g_free(run->path);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Run run;

    if (size < 2)
        return 0;
    init_run(&run, data[0]);
    write_state_file(&run, (const char *)data + 2, size - 2);
    g_autofree char *first = restore_all(&run), *first_file = read_state_file(&run);
    g_autofree char *second = restore_all(&run), *second_file = read_state_file(&run);
    if (!g_str_equal(first, second))
        fuzz_fail("restored were\n%s\nand then\n%s", first, second);
    g_assert_cmpstr(first_file, ==, second_file);
    check_torn(&run, data[0], data[1], first);
    clear_run(&run);
    return 0;
}
