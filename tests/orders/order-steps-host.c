/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps of polkit, of the host and of people who may do everything, and time. */
#include "order-checks.h"
#include "order-step-funcs.h"

/* us; longer than idle-timeout. */
#define IDLE_TIME ((gint64)11 * G_TIME_SPAN_SECOND)

/* us; after so long without a word QEMU counts as stuck. */
#define SILENT_TIME ((gint64)70 * G_TIME_SPAN_SECOND)

gboolean
order_is_polkit_asked(OrderWorld *world)
{
    return order_polkit_count_questions(world->polkit) > 0;
}

void
order_take_yes(OrderWorld *world)
{
    order_polkit_answer(world->polkit, ORDER_POLKIT_YES);
}

void
order_take_no(OrderWorld *world)
{
    order_polkit_answer(world->polkit, ORDER_POLKIT_NO);
}

void
order_take_challenge(OrderWorld *world)
{
    order_polkit_answer(world->polkit, ORDER_POLKIT_CHALLENGE);
}

gboolean
order_is_polkit_there(OrderWorld *world)
{
    return order_polkit_get_connection(world->polkit) != NULL;
}

void
order_take_polkit_leave(OrderWorld *world)
{
    order_polkit_leave(world->polkit);
}

gboolean
order_is_polkit_away(OrderWorld *world)
{
    return !order_is_polkit_there(world);
}

void
order_take_polkit_come(OrderWorld *world)
{
    order_polkit_join(world->polkit);
}

void
order_take_remove(OrderWorld *world)
{
    const char *path = ORDER_VM_PATH;

    order_caller_send(world->keeper, "RemoveVM",
                      order_world_new_call(world, ORDER_ROOT, ORDER_NAME ".Manager", "RemoveVM", DBUS_TYPE_OBJECT_PATH,
                                           &path, DBUS_TYPE_INVALID));
    world->is_removed = TRUE;
}

gboolean
order_is_name_free(OrderWorld *world)
{
    return !world->former && !order_world_has_vm(world) && world->host.instance && !world->host.is_stopping;
}

gboolean
order_is_host_running(OrderWorld *world)
{
    return world->host.instance && !world->host.is_stopping;
}

void
order_take_stop(OrderWorld *world)
{
    order_host_prepare_stop(&world->host);
}

void
order_take_reload(OrderWorld *world)
{
    world->is_reloaded = !world->is_reloaded;
    order_host_reload(&world->host, world->kind->config.asks_owner != world->is_reloaded);
}

gboolean
order_is_host_there(OrderWorld *world)
{
    return world->host.instance != NULL;
}

void
order_take_idle(OrderWorld *world)
{
    order_world_pass_time(world, IDLE_TIME);
    order_checks_after_idle(world);
}

void
order_take_silence(OrderWorld *world)
{
    order_world_pass_time(world, SILENT_TIME);
}
