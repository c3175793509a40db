/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* AddVM() with the path of a socket: the calls, what becomes of the path, and the rules that hold for both. */
#pragma once

#include "order-world.h"

/* The calls: with a name; by the name that QEMU has; with the name, and a path where nobody ever listens. With the
 * name, and a path where the agent listens for a user's QEMU, which does not come; or for that of a user who is not. Another caller's;
 * and the keeper's. */
void order_add_named(OrderWorld *world);
void order_add_unnamed(OrderWorld *world);
void order_add_elsewhere(OrderWorld *world);
void order_add_for_user(OrderWorld *world);
void order_add_for_nobody(OrderWorld *world);
void order_add_as_b(OrderWorld *world);
void order_add_as_keeper(OrderWorld *world);

/* QEMU begins to listen at the path; or its process stops as soon as it does, so that connections are made and nobody greets. */
gboolean order_add_may_listen(OrderWorld *world);
void order_add_listen(OrderWorld *world);
void order_add_listen_mute(OrderWorld *world);

/* A path that is left by a QEMU which has died. */
gboolean order_add_may_leave_path(OrderWorld *world);
void order_add_leave_path(OrderWorld *world);

/* Whether there is something to be removed, or will be. */
gboolean order_add_is_under_way(OrderWorld *world);

gboolean order_add_is_call(const OrderCall *call);

/* Of a caller's AddVM(), or of RemoveVM(). */
void order_add_take_answer(OrderWorld *world, OrderCaller *caller, OrderCall *call);

/* The VM has come on the bus, or has left it. */
void order_add_note_vm(OrderWorld *world, gboolean is_there);

/* After a step. */
void order_add_check(OrderWorld *world);
