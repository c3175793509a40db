/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The calls that callers make: one of each kind that goes its own way through the module. */
#pragma once

#include "order-world.h"

void order_calls_method(OrderWorld *world);
void order_calls_b_method(OrderWorld *world); /* the other caller comes for it */
void order_calls_execute(OrderWorld *world);
void order_calls_json(OrderWorld *world);
void order_calls_wait(OrderWorld *world);
void order_calls_wait_in_time(OrderWorld *world);
void order_calls_wait_stop(OrderWorld *world);
void order_calls_open(OrderWorld *world);
void order_calls_open_path(OrderWorld *world);
void order_calls_fdset(OrderWorld *world);
void order_calls_property(OrderWorld *world);
void order_calls_introspect(OrderWorld *world);
void order_calls_screenshot(OrderWorld *world);
void order_calls_display(OrderWorld *world);
void order_calls_list(OrderWorld *world);
void order_calls_objects(OrderWorld *world);
void order_calls_job_property(OrderWorld *world);
void order_calls_quiet(OrderWorld *world); /* nobody may be asked for a password */
void order_calls_subscribe(OrderWorld *world);
void order_calls_cancel(OrderWorld *world);
