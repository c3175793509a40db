/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The VM of a world, as somebody who may adds and removes it. */
#pragma once

#include "order-world.h"

/* A QEMU begins, and the module is told of it. */
void order_vm_add(OrderWorld *world);

/* Another QEMU gets the name of the one that has gone. */
void order_vm_replace_qemu(OrderWorld *world);

/* RemoveVM(). */
void order_vm_remove(OrderWorld *world);

/* The group of the key file comes, or goes. */
void order_vm_set_group(OrderWorld *world, gboolean has_group);

/* Nothing of it is left in the key file, nor, where there is a module, in that. */
void order_vm_forget(OrderWorld *world);
