/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of a call's life: what a caller, a QEMU, polkit, the host or time may do next. */
#pragma once

#include "order-world.h"

typedef struct OrderStep {
    const char *name;
    /* Whether the step means anything now. */
    gboolean (*is_possible)(OrderWorld *world);
    void (*take)(OrderWorld *world);
    gboolean is_for_all; /* not in random orders alone */
} OrderStep;

/* The last has no name. */
extern const OrderStep order_steps[];

/* NULL: there is no such step. */
const OrderStep *order_steps_find(const char *name);

/* Takes the step, and lets everybody run. FALSE: nobody has moved, and nobody waits for a time. */
gboolean order_step_take(const OrderStep *step, OrderWorld *world);
