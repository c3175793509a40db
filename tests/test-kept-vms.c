/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two VMs of one name and of different origin are two; what is removed is gone, and the others stay in their order. */
#include "kept-vms.h"

static KeptVm *
add_named(KeptVms *vms, VmOrigin origin, const char *name)
{
    VmSpec spec = { .origin = origin, .name = name, .fd = -1 };
    g_autoptr(GPtrArray) spares = g_ptr_array_new();
    g_autoptr(VmRecord) record = NULL;

    spec.spares = spares;
    record = vm_record_new(&spec, g_strdup("vm-1"), /* session= */ NULL);
    return kept_vms_add(vms, record);
}

static void
test_add_find_remove(void)
{
    KeptVms vms;
    KeptVm *call, *found, *other;

    kept_vms_init(&vms);
    call = add_named(&vms, VM_FROM_CALL, "web");
    found = add_named(&vms, VM_FROM_DIRECTORY, "web");
    other = add_named(&vms, VM_FROM_CALL, "db");
    g_assert_true(kept_vms_find(&vms, VM_FROM_CALL, "web") == call);
    g_assert_true(kept_vms_find(&vms, VM_FROM_DIRECTORY, "web") == found);
    g_assert_null(kept_vms_find(&vms, VM_FROM_KEY_FILE, "web"));
    g_assert_null(kept_vms_find(&vms, VM_FROM_CALL, /* name= */ NULL));
    g_assert_cmpstr(found->descriptor, ==, "vm-1");
    kept_vms_remove(&vms, found);
    g_assert_null(kept_vms_find(&vms, VM_FROM_DIRECTORY, "web"));
    g_assert_true(vms.all.head->data == call && vms.all.tail->data == other && vms.all.length == 2);
    kept_vms_clear(&vms);
}

static char dropped[256]; /* names of descriptors */

static gboolean
keep_fd(gpointer data, const char *name, int fd, gboolean is_only_one)
{
    return TRUE;
}

static int
take_fd(gpointer data, const char *name)
{
    return -1;
}

static void
drop_fd(gpointer data, const char *name)
{
    g_strlcat(dropped, name, sizeof dropped);
    g_strlcat(dropped, " ", sizeof dropped);
}

static gboolean
take_record(KeptVms *vms, VmOrigin origin, const char *name, const char *descriptor, gboolean has_ended)
{
    static const ManagementHost host = {
        .size = sizeof host, .keep_fd = keep_fd, .take_fd = take_fd, .drop_fd = drop_fd
    };
    VmSpec spec = { .origin = origin, .name = name, .fd = -1 };
    g_autoptr(GPtrArray) spares = g_ptr_array_new();
    VmRecord *record;

    spec.spares = spares;
    record = vm_record_new(&spec, g_strdup(descriptor), /* session= */ NULL);
    record->has_ended = has_ended;
    return kept_vms_take_record(vms, &host, record);
}

/* A VM that is there goes before a record of it, whose descriptor nobody needs, unless it is the VM's own. */
static void
test_take_record(void)
{
    KeptVms vms;

    kept_vms_init(&vms);
    add_named(&vms, VM_FROM_CALL, "web");
    g_assert_false(take_record(&vms, VM_FROM_CALL, "web", "vm-1", /* has_ended= */ FALSE));
    g_assert_cmpstr(dropped, ==, "");
    g_assert_false(take_record(&vms, VM_FROM_CALL, "web", "vm-2", /* has_ended= */ FALSE));
    g_assert_false(take_record(&vms, VM_FROM_CALL, "web", /* descriptor= */ NULL, /* has_ended= */ TRUE));
    g_assert_cmpstr(dropped, ==, "vm-2 ");
    g_assert_true(take_record(&vms, VM_FROM_CALL, "db", "vm-3", /* has_ended= */ FALSE));
    g_assert_true(take_record(&vms, VM_FROM_CALL, "db", "vm-4", /* has_ended= */ FALSE));
    g_assert_cmpuint(vms.all.length, ==, 2);
    g_assert_cmpstr(kept_vms_find(&vms, VM_FROM_CALL, "db")->descriptor, ==, "vm-4");
    g_assert_false(take_record(&vms, VM_FROM_CALL, "db", /* descriptor= */ NULL, /* has_ended= */ TRUE));
    g_assert_cmpuint(vms.all.length, ==, 1);
    g_assert_cmpstr(dropped, ==, "vm-2 ");
    kept_vms_clear(&vms);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kept-vms/add-find-remove", test_add_find_remove);
    g_test_add_func("/kept-vms/take-record", test_take_record);
    return g_test_run();
}
