/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How an order ends, and the rules that hold then: nothing is left of it. */
#pragma once

#include "order-world.h"

/* @how: one of order_ends. Lets everything go, and looks for left-overs. */
void order_ends_run(OrderWorld *world, const char *how);

/* NULL-terminated. */
extern const char *const order_ends[];
