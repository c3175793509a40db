/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What must be so after every step of an order, and at its end. A rule that is broken is a fault of the world. */
#pragma once

#include "order-world.h"

/* A signal that the module has sent. */
void order_checks_take_signal(OrderWorld *world, DBusMessage *signal);

void order_checks_after_step(OrderWorld *world);

/* After more than idle-timeout: whoever has nothing under way has no monitor any more. */
void order_checks_after_idle(OrderWorld *world);

/* @how: see order_checks_is_end(). Lets everything go, and looks at what is left. */
void order_checks_end(OrderWorld *world, const char *how);

/* NULL-terminated: the words for how an order ends. */
extern const char *const order_ends[];
