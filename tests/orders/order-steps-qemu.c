/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps of a QEMU. */
#include "order-step-funcs.h"

static guint
count_held(OrderWorld *world)
{
    return order_qemu_count_held(world->qemu) + (world->former ? order_qemu_count_held(world->former) : 0);
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
    return order_qemu_count_held(world->qemu) > 0 && order_world_has_vm(world);
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
    if (order_qemu_count_held(world->qemu) > 0)
        order_qemu_answer_one(world->qemu);
    else
        order_qemu_answer_one(world->former);
}

void
order_take_refuse(OrderWorld *world)
{
    order_qemu_refuse_all(world->qemu);
}

gboolean
order_has_job(OrderWorld *world)
{
    return order_qemu_is_up(world->qemu) && order_qemu_has_job(world->qemu);
}

void
order_take_job_ends(OrderWorld *world)
{
    order_qemu_end_job(world->qemu);
}

gboolean
order_is_plugged(OrderWorld *world)
{
    return order_qemu_count_plugged(world->qemu) > 0;
}

void
order_take_unplug(OrderWorld *world)
{
    order_qemu_drop_plugged(world->qemu);
}

gboolean
order_is_qemu_up(OrderWorld *world)
{
    return order_qemu_is_up(world->qemu);
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
