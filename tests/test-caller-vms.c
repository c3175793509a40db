/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which VMs hear that a caller has left: one that is forgotten here keeps the monitor of somebody who is gone. */
#include "caller-vms.h"

static CallerVms *vms_of_test; /* weak; for a VM that goes from inside */
static char a[] = "a", b[] = "b";

static void
note_left(gpointer vm, const char *caller)
{
    g_assert_cmpstr(caller, ==, ":1.1");
    *(char *)vm = '-';
}

static void
note_left_and_forget(gpointer vm, const char *caller)
{
    note_left(vm, caller);
    caller_vms_forget(vms_of_test, a);
    caller_vms_forget(vms_of_test, b);
}

static void
set_up(CallerVms **vms, gconstpointer unused)
{
    *vms = vms_of_test = caller_vms_new();
    *a = 'a';
    *b = 'b';
}

static void
tear_down(CallerVms **vms, gconstpointer unused)
{
    caller_vms_free(*vms);
}

static void
note(CallerVms **vms, const char *name, gpointer vm)
{
    BusPeer peer = { .name = (char *)name };

    caller_vms_note(*vms, &peer, vm);
}

static void
test_leave(CallerVms **vms, gconstpointer unused)
{
    note(vms, ":1.1", a);
    note(vms, ":1.1", a);
    note(vms, ":1.2", b);
    caller_vms_leave(*vms, ":1.1", note_left);
    g_assert_cmpstr(a, ==, "-");
    g_assert_cmpstr(b, ==, "b");
    *a = 'a';
    caller_vms_leave(*vms, ":1.1", note_left);
    caller_vms_leave(*vms, ":1.3", note_left);
    g_assert_cmpstr(a, ==, "a");
}

static void
test_forget(CallerVms **vms, gconstpointer unused)
{
    note(vms, ":1.1", a);
    note(vms, ":1.1", b);
    caller_vms_forget(*vms, a);
    caller_vms_leave(*vms, ":1.1", note_left);
    g_assert_cmpstr(a, ==, "a");
    g_assert_cmpstr(b, ==, "-");
}

/* A VM that goes because its caller has left takes another with it. */
static void
test_forget_from_inside(CallerVms **vms, gconstpointer unused)
{
    note(vms, ":1.1", a);
    note(vms, ":1.1", b);
    caller_vms_leave(*vms, ":1.1", note_left_and_forget);
    g_assert_cmpint((*a == '-') + (*b == '-'), ==, 1);
}

/* A caller who has left already leaves no second time: what is noted would stay for ever. */
static void
test_gone(CallerVms **vms, gconstpointer unused)
{
    BusPeer peer = { .name = (char *)":1.1", .is_gone = TRUE };

    caller_vms_note(*vms, &peer, a);
    caller_vms_leave(*vms, ":1.1", note_left);
    g_assert_cmpstr(a, ==, "a");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(path, func) g_test_add(path, CallerVms *, NULL, set_up, func, tear_down)
    ADD("/caller-vms/leave", test_leave);
    ADD("/caller-vms/forget", test_forget);
    ADD("/caller-vms/forget-from-inside", test_forget_from_inside);
    ADD("/caller-vms/gone", test_gone);
    return g_test_run();
}
