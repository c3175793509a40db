/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is written down of a VM: what is lost or taken for something else here, a restart changes. */
#include "vm-record.h"

#include <string.h>

#define REST "user=0\ntimeout=5\nadded-by=1000\n"

static GPtrArray *
new_addresses(const char *text)
{
    GPtrArray *addresses = g_ptr_array_new_with_free_func((GDestroyNotify)qmp_address_free);

    g_ptr_array_add(addresses, qmp_address_parse(text, NULL));
    return addresses;
}

/* Names and addresses may have whatever a key file has a meaning for. */
static void
test_round_trip(void)
{
    g_autoptr(QmpAddress) address = qmp_address_parse("unix:/run/a;b\\c,,d,server=on", NULL);
    g_autoptr(GPtrArray) spares = new_addresses("unix:/run/x;y\\z");
    VmSpec spec = { .origin = VM_FROM_CALL,
                    .name = " [vm] \\n=#;ä",
                    .address = address,
                    .spares = spares,
                    .isolation_required = TRUE,
                    .user = 107,
                    .timeout = G_MAXUINT64,
                    .added_by = 1000,
                    .fd = 3 };
    g_autoptr(VmRecord) record = vm_record_new(&spec, g_strdup("vm-1"), g_strdup("{\"QMP\":{\"a\":\"\\n\"}}"));
    g_autofree char *text = vm_record_print(record);
    g_autoptr(VmRecord) again = vm_record_parse(text, NULL);
    const VmSpec *read = again->spec;

    g_assert_true(g_str_has_prefix(text, VM_RECORD_HEADER));
    g_assert_null(strstr(text + 1, "\n" VM_RECORD_HEADER));
    g_assert_cmpint(read->origin, ==, VM_FROM_CALL);
    g_assert_cmpstr(read->name, ==, spec.name);
    g_assert_cmpstr(read->address->text, ==, address->text);
    g_assert_true(read->address->server);
    g_assert_cmpuint(read->spares->len, ==, 1);
    g_assert_cmpstr(((QmpAddress *)read->spares->pdata[0])->path, ==, "/run/x;y\\z");
    g_assert_true(read->isolation_required && !read->isolation_is_default);
    g_assert_cmpuint(read->user, ==, 107);
    g_assert_cmpuint(read->timeout, ==, G_MAXUINT64);
    g_assert_cmpuint(read->added_by, ==, 1000);
    g_assert_cmpint(read->fd, ==, -1);
    g_assert_cmpstr(again->descriptor, ==, "vm-1");
    g_assert_cmpstr(again->session, ==, record->session);
}

/* What was the default is the default of the next agent. */
static void
test_default(void)
{
    VmSpec spec = { .origin = VM_FROM_FD, .name = "web", .isolation_required = TRUE, .isolation_is_default = TRUE };
    g_autoptr(VmRecord) record = vm_record_new(&spec, NULL, NULL);
    g_autofree char *text = vm_record_print(record);
    g_autoptr(VmRecord) again = vm_record_parse(text, NULL);

    g_assert_true(again->spec->isolation_is_default);
    g_assert_null(strstr(text, "isolation"));
    g_assert_null(again->spec->address);
    g_assert_null(again->descriptor);
}

/* Its maker's share is the same after a restart. */
static void
test_found(void)
{
    g_autoptr(QmpAddress) address = qmp_address_parse("unix:/run/qemu-monitor/web.sock", NULL);
    VmSpec spec = { .origin = VM_FROM_DIRECTORY, .name = "web", .address = address, .made_by = 1000 };
    g_autoptr(VmRecord) record = vm_record_new(&spec, g_strdup("vm-1"), g_strdup("session"));
    g_autofree char *text = vm_record_print(record);
    g_autoptr(VmRecord) read = vm_record_parse(text, NULL);

    g_assert_nonnull(read);
    g_assert_cmpint(read->spec->origin, ==, VM_FROM_DIRECTORY);
    g_assert_cmpuint(read->spec->made_by, ==, 1000);
}

static void
test_ended(void)
{
    g_autofree char *text = vm_record_print_end(VM_FROM_CALL, "a b\n");
    g_autoptr(VmRecord) read = vm_record_parse("[vm]\nname=a b\norigin=call\nended=true\n", NULL);

    g_assert_cmpstr(text, ==, "[vm]\nname=a b\\n\norigin=call\nended=true\n\n");
    g_assert_true(read->has_ended);
    g_assert_cmpstr(read->spec->name, ==, "a b");
    g_assert_null(vm_record_parse("[vm]\norigin=call\nended=true\n", NULL));
    g_assert_null(vm_record_parse("[vm]\nname=web\nended=true\n", NULL));
}

static void
test_broken(void)
{
    static const char *const broken[] = {
        "",
        "[vm]\n",
        "[vm]\nname=web\n",
        "[vm]\nname=\norigin=call\naddress=unix:/x\n" REST,
        "[vm]\nname=a\001\norigin=call\naddress=unix:/x\n" REST,
        "[vm]\nname=\xff\norigin=call\naddress=unix:/x\n" REST,
        "[vm]\nname=web\norigin=heaven\naddress=unix:/x\n" REST,
        "[vm]\nname=web\norigin=call\n" REST,
        "[vm]\nname=web\norigin=call\naddress=x\n" REST,
        "[vm]\nname=web\norigin=descriptor\naddress=unix:/x\n" REST,
        "[vm]\nname=web\norigin=call\naddress=unix:/x\nspares=x\n" REST,
        "[vm]\nname=web\norigin=call\naddress=unix:/x\nisolation=some\n" REST,
        "[vm]\nname=web\norigin=call\naddress=unix:/x\nuser=0\ntimeout=5\n",
        "[vm]\nname=web\norigin=call\naddress=unix:/x\nuser=-1\ntimeout=5\nadded-by=0\n",
        "[vm]\nname=web\norigin=call\naddress=unix:/x\nuser=0\ntimeout=5\nadded-by=4294967295\n",
        "[vm]\nname=web\norigin=call\naddress=unix:/x\nuser=0\ntimeout=soon\nadded-by=0\n",
        "[other]\nname=web\norigin=call\naddress=unix:/x\n" REST,
        "[vm]\nnonsense\nname=web\norigin=call\naddress=unix:/x\n" REST,
    };
    g_autoptr(VmRecord) whole = vm_record_parse("[vm]\nname=web\norigin=call\naddress=unix:/x\nnew=1\n" REST, NULL);

    g_assert_cmpstr(whole->spec->name, ==, "web");
    for (guint i = 0; i < G_N_ELEMENTS(broken); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(vm_record_parse(broken[i], &error));
        g_assert_nonnull(error);
    }
}

typedef struct Records {
    GString *names; /* owned; of those that were read, and a `!` for each that is broken */
} Records;

static void
on_record_noted(VmRecord *record, guint number, const GError *error, gpointer user_data)
{
    GString *names = ((Records *)user_data)->names;

    g_assert_true((record == NULL) == (error != NULL));
    g_string_append(names, record ? record->spec->name : "!");
    g_clear_pointer(&record, vm_record_free);
}

static VmRecordsFaults
read_names(const char *text, char **ret_names)
{
    Records records = { .names = g_string_new(NULL) };
    VmRecordsFaults faults = vm_records_read(text, on_record_noted, &records);

    *ret_names = g_string_free(records.names, FALSE);
    return faults;
}

/* A file that ends at any byte: the records before are whole, and there is no other than those. */
static void
test_records(void)
{
    const char *one = "[vm]\nname=a\norigin=call\naddress=unix:/x\n" REST "\n";
    const char *other = "[vm]\nname=b\norigin=call\naddress=unix:/y\n" REST "descriptor=d\nsession=s\n\n";
    g_autofree char *both = g_strconcat("# A comment.\n\n", one, other, NULL);
    gsize length = strlen(both), end_of_one = length - strlen(other);

    for (gsize i = strlen("# A comment.\n\n"); i <= length; i++) {
        g_autofree char *part = g_strndup(both, i), *names = NULL;
        VmRecordsFaults faults = read_names(part, &names);
        gboolean is_whole = g_str_has_suffix(part, "\n\n");
        g_assert_cmpstr(names, ==, i == length ? "ab" : i >= end_of_one ? "a" : "");
        g_assert_cmpuint(faults, ==, is_whole ? 0 : VM_RECORDS_TORN);
    }
}

/* The same of a file that an older agent has written: there a record that ends with a line may be taken for a broken one. */
static void
test_older_records(void)
{
    const char *one = "[vm]\nname=a\norigin=call\naddress=unix:/x\n" REST;
    const char *other = "[vm]\nname=b\norigin=call\naddress=unix:/y\n" REST;
    g_autofree char *both = g_strconcat("# A comment.\n", one, other, NULL);
    gsize length = strlen(both), end_of_one = length - strlen(other);

    for (gsize i = 0; i <= length; i++) {
        g_autofree char *part = g_strndup(both, i), *names = NULL;
        read_names(part, &names);
        if (i == length)
            g_assert_cmpstr(names, ==, "ab");
        else if (i >= end_of_one)
            g_assert_true(g_str_equal(names, "a") || g_str_equal(names, "a!"));
        else
            g_assert_true(g_str_equal(names, "") || g_str_equal(names, "!"));
    }
}

/* A file that no agent writes is not read for as long as that takes: its reader has not begun to answer anybody. */
static void
test_too_many_records(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *names = NULL;

    for (guint i = 0; i < VM_RECORDS_MAX + 2; i++)
        g_string_append(text, "[vm]\n");
    g_assert_cmpuint(read_names(text->str, &names), ==, VM_RECORDS_BROKEN | VM_RECORDS_TOO_MANY);
    g_assert_cmpuint(strlen(names), ==, 30000);
}

static void
test_too_many_lines(void)
{
    g_autoptr(GString) text = g_string_new("[vm]\nname=web\norigin=call\naddress=unix:/x\n" REST);
    g_autoptr(VmRecord) record = NULL;
    g_autoptr(GError) error = NULL;

    for (guint i = 7; i < 32; i++)
        g_string_append_printf(text, "later-%u=x\n", i);
    record = vm_record_parse(text->str, NULL);
    g_assert_nonnull(record);
    g_string_append(text, "later-32=x\n");
    g_assert_null(vm_record_parse(text->str, &error));
    g_assert_cmpstr(error->message, ==, "it has more than 32 lines");
}

static void
test_records_faults(void)
{
    static const struct {
        const char *text, *names;
        guint faults;
    } cases[] = {
        { "", "", 0 },
        { "# text\n\n#\n", "", 0 },
        { "# text", "", 0 },
        { "text\n", "", VM_RECORDS_BROKEN },
        { "#\ntext\n[vm]\n", "!", VM_RECORDS_BROKEN },
        { "[vm]\n[vm]\n[vm]\n", "!!!", VM_RECORDS_BROKEN },
        { "[vm]\nname=a\norigin=call\nended=true\n[vm]\nname", "a", VM_RECORDS_TORN },
        { "[vm]\nname=a\norigin=call\nended=true\n[v", "a", VM_RECORDS_TORN },
        { "[vm]\nname=a\n[vm]\nname=b\norigin=call\nended=true\n", "!b", VM_RECORDS_BROKEN },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *names = NULL;
        g_test_message("%u", i);
        g_assert_cmpuint(read_names(cases[i].text, &names), ==, cases[i].faults);
        g_assert_cmpstr(names, ==, cases[i].names);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vm-record/round-trip", test_round_trip);
    g_test_add_func("/vm-record/default", test_default);
    g_test_add_func("/vm-record/found", test_found);
    g_test_add_func("/vm-record/ended", test_ended);
    g_test_add_func("/vm-record/broken", test_broken);
    g_test_add_func("/vm-record/records", test_records);
    g_test_add_func("/vm-record/older-records", test_older_records);
    g_test_add_func("/vm-record/too-many-records", test_too_many_records);
    g_test_add_func("/vm-record/too-many-lines", test_too_many_lines);
    g_test_add_func("/vm-record/records-faults", test_records_faults);
    return g_test_run();
}
