/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rules that hold after every step of an order. A rule that is broken is a fault of the world. */
#pragma once

#include "order-world.h"

/* A signal that the module has sent. */
void order_checks_take_signal(OrderWorld *world, DBusMessage *signal);

void order_checks_after_step(OrderWorld *world);

/* Everybody has answered, and the VM is as it was. */
void order_checks_after_service(OrderWorld *world);

/* After more than idle-timeout: a caller with nothing under way has no monitor any more. */
void order_checks_after_idle(OrderWorld *world);
