/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps of a QEMU. */
#include "order-step-funcs.h"

/* Commands that could be answered now. */
static guint
count_answerable(OrderQemu *qemu)
{
    return qemu && !order_qemu_is_stopped(qemu) ? order_qemu_count_held(qemu) : 0;
}

static guint
count_held(OrderWorld *world)
{
    return count_answerable(world->qemu) + count_answerable(world->former);
}

gboolean
order_is_qemu_asked(OrderWorld *world)
{
    return count_held(world) > 0;
}

/* As little as of what an agent has left to it a QEMU refuses of what was sent when its VM had been let go. */
gboolean
order_is_qemu_asked_by_somebody(OrderWorld *world)
{
    return count_answerable(world->qemu) > 0 && order_world_has_vm(world);
}

/* Where it is the same as to answer all, the step is none. */
gboolean
order_is_qemu_asked_more(OrderWorld *world)
{
    return count_held(world) > 1;
}

void
order_take_answer(OrderWorld *world)
{
    order_qemu_answer_all(world->qemu);
    if (world->former)
        order_qemu_answer_all(world->former);
}

void
order_take_answer_one(OrderWorld *world)
{
    if (count_answerable(world->qemu) > 0)
        order_qemu_answer_one(world->qemu);
    else
        order_qemu_answer_one(world->former);
}

void
order_take_refuse(OrderWorld *world)
{
    order_qemu_refuse_all(world->qemu);
}

/* One that listens may go before anybody has connected. */
gboolean
order_is_qemu_there(OrderWorld *world)
{
    return order_qemu_is_up(world->qemu) ||
           (world->kind->way == ORDER_WAY_ADDRESS && order_qemu_is_listening(world->qemu));
}

gboolean
order_is_qemu_awake(OrderWorld *world)
{
    return order_qemu_is_up(world->qemu) && !order_qemu_is_stopped(world->qemu);
}

gboolean
order_has_job(OrderWorld *world)
{
    return order_is_qemu_awake(world) && order_qemu_has_job(world->qemu);
}

void
order_take_job_ends(OrderWorld *world)
{
    order_qemu_end_job(world->qemu);
}

gboolean
order_is_plugged(OrderWorld *world)
{
    return order_is_qemu_awake(world) && order_qemu_count_plugged(world->qemu) > 0;
}

void
order_take_unplug(OrderWorld *world)
{
    order_qemu_drop_plugged(world->qemu);
}

void
order_take_go(OrderWorld *world)
{
    order_qemu_go(world->qemu);
}

void
order_take_event(OrderWorld *world)
{
    order_qemu_tell_event(world->qemu);
}

void
order_take_power_off(OrderWorld *world)
{
    order_qemu_power_off(world->qemu);
}

void
order_take_stall(OrderWorld *world)
{
    order_qemu_stop(world->qemu);
}

gboolean
order_is_qemu_stalled(OrderWorld *world)
{
    return order_qemu_is_stopped(world->qemu) && !order_qemu_has_gone(world->qemu);
}

void
order_take_go_on(OrderWorld *world)
{
    order_qemu_go_on(world->qemu);
}
