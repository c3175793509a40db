/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a step means anything now, and the step: of everybody but callers. See order-steps.c. */
#pragma once

#include "order-world.h"

/* order-steps-qemu.c */
gboolean order_is_qemu_asked(OrderWorld *world);
gboolean order_is_qemu_asked_by_somebody(OrderWorld *world);
gboolean order_is_qemu_asked_more(OrderWorld *world);
void order_take_answer(OrderWorld *world);
void order_take_answer_one(OrderWorld *world);
void order_take_refuse(OrderWorld *world);
gboolean order_has_job(OrderWorld *world);
void order_take_job_ends(OrderWorld *world);
gboolean order_is_plugged(OrderWorld *world);
void order_take_unplug(OrderWorld *world);
gboolean order_is_qemu_there(OrderWorld *world);
gboolean order_is_qemu_awake(OrderWorld *world);
void order_take_go(OrderWorld *world);
void order_take_event(OrderWorld *world);
void order_take_power_off(OrderWorld *world);
void order_take_stall(OrderWorld *world);
gboolean order_is_qemu_stalled(OrderWorld *world);
void order_take_go_on(OrderWorld *world);

/* order-steps-host.c */
gboolean order_is_polkit_asked(OrderWorld *world);
void order_take_yes(OrderWorld *world);
void order_take_no(OrderWorld *world);
void order_take_challenge(OrderWorld *world);
gboolean order_is_polkit_there(OrderWorld *world);
void order_take_polkit_leave(OrderWorld *world);
gboolean order_is_polkit_away(OrderWorld *world);
void order_take_polkit_come(OrderWorld *world);
gboolean order_is_name_free(OrderWorld *world);
gboolean order_has_group(OrderWorld *world);
void order_take_group_out(OrderWorld *world);
gboolean order_has_no_group(OrderWorld *world);
void order_take_group_in(OrderWorld *world);
gboolean order_is_host_running(OrderWorld *world);
void order_take_reload(OrderWorld *world);
gboolean order_is_vm_told(OrderWorld *world);
gboolean order_is_state_there(OrderWorld *world);
void order_take_clear(OrderWorld *world);
gboolean order_may_bus_end(OrderWorld *world);
void order_take_bus_lost(OrderWorld *world);
gboolean order_is_host_away(OrderWorld *world);
gboolean order_is_host_there(OrderWorld *world);
void order_take_idle(OrderWorld *world);
void order_take_silence(OrderWorld *world);
