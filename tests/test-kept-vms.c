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

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kept-vms/add-find-remove", test_add_find_remove);
    return g_test_run();
}
