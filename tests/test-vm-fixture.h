/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM that is up on a scripted QEMU, for the tests of what is made on a VM. */
#pragma once

#include "test-qemu.h"
#include "vm.h"

typedef struct VmFixture {
    GMainContext *context; /* owned */
    TestQemu *qemu; /* owned */
    Vm *vm; /* owned; NULL when freed */
    gboolean is_up, is_down;
    void (*on_changed)(gpointer user_data); /* NULL: nobody asks */
    gpointer user_data;
} VmFixture;

/* QEMU is of that version, and up. */
void vm_fixture_set_up(VmFixture *fixture, guint major, guint minor, gboolean isolation_required);

/* Whatever stands on the VM must be gone. */
void vm_fixture_tear_down(VmFixture *fixture);

/* Runs until the control monitor has answered everything, and what that led to has happened. */
void vm_fixture_settle(VmFixture *fixture);
