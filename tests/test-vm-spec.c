/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a VM was told outlives whoever told it. */
#include "vm-spec.h"

static void
test_copy(void)
{
    QmpAddress *address = qmp_address_parse("unix:/run/web.sock,server=on", NULL);
    GPtrArray *spares = g_ptr_array_new_with_free_func((GDestroyNotify)qmp_address_free);
    char *name = g_strdup("web");
    VmSpec spec = { .origin = VM_FROM_CALL,
                    .name = name,
                    .address = address,
                    .spares = spares,
                    .fd = 7,
                    .timeout = 5,
                    .added_by = 1000,
                    .user = 107,
                    .isolation_required = TRUE };
    VmSpec *copy;

    g_ptr_array_add(spares, qmp_address_parse("tcp:localhost:4444", NULL));
    copy = vm_spec_copy(&spec);
    g_free(name);
    qmp_address_free(address);
    g_ptr_array_unref(spares);
    g_assert_cmpstr(copy->name, ==, "web");
    g_assert_cmpstr(copy->address->path, ==, "/run/web.sock");
    g_assert_cmpuint(copy->spares->len, ==, 1);
    g_assert_cmpstr(((QmpAddress *)copy->spares->pdata[0])->host, ==, "localhost");
    g_assert_cmpint(copy->fd, ==, -1);
    g_assert_cmpuint(copy->timeout, ==, 5);
    g_assert_cmpuint(copy->added_by, ==, 1000);
    g_assert_cmpuint(copy->user, ==, 107);
    g_assert_true(copy->isolation_required);
    vm_spec_free(copy);
}

/* An empty name is none; a descriptor has no address. */
static void
test_nothing(void)
{
    VmSpec *copy = vm_spec_copy(&(VmSpec){ .origin = VM_FROM_FD, .name = "", .fd = 7 });

    g_assert_null(copy->name);
    g_assert_null(copy->address);
    g_assert_cmpuint(copy->spares->len, ==, 0);
    vm_spec_free(copy);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vm-spec/copy", test_copy);
    g_test_add_func("/vm-spec/nothing", test_nothing);
    return g_test_run();
}
