/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VM of a world, as somebody who may adds and removes it. */
#pragma once

#include "order-world.h"

/* A QEMU begins, and the module is told of it; or, with ORDER_STAGE_NOTHING, the QEMU is there, listens nowhere, and nobody tells. */
void order_vm_begin(OrderWorld *world, OrderStage stage);

/* Another QEMU gets the name, or listens at the path, of the one that has gone. */
void order_vm_replace_qemu(OrderWorld *world);

/* Nobody wants the VM any more. */
void order_vm_let_go(OrderWorld *world);

/* RemoveVM(). */
void order_vm_remove(OrderWorld *world);

/* The group of the key file comes, or goes. */
void order_vm_set_group(OrderWorld *world, gboolean has_group);

/* Nothing of it is left in the key file, nor, where there is a module, in that. */
void order_vm_forget(OrderWorld *world);
