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

    g_assert_cmpstr(text, ==, "[vm]\nname=a b\\n\norigin=call\nended=true\n");
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

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vm-record/round-trip", test_round_trip);
    g_test_add_func("/vm-record/default", test_default);
    g_test_add_func("/vm-record/found", test_found);
    g_test_add_func("/vm-record/ended", test_ended);
    g_test_add_func("/vm-record/broken", test_broken);
    return g_test_run();
}
