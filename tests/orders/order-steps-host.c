/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Steps of polkit, of the host and of people who may do everything, and time. */
#include <glib/gstdio.h>

#include "order-add.h"
#include "order-checks.h"
#include "order-step-funcs.h"
#include "order-vm.h"

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

/* A QEMU listens where the one before has gone; a descriptor may be given as soon as the name is free. */
gboolean
order_is_name_free(OrderWorld *world)
{
    gboolean is_at_address = world->kind->way == ORDER_WAY_GROUP || world->kind->way == ORDER_WAY_ADDRESS;
    gboolean is_free = is_at_address ? order_qemu_has_gone(world->qemu) : !order_world_has_vm(world);

    return !world->former && is_free && order_is_host_running(world);
}

static gboolean
may_have_group(OrderWorld *world)
{
    return world->kind->way == ORDER_WAY_GROUP && order_is_host_running(world);
}

gboolean
order_has_group(OrderWorld *world)
{
    return may_have_group(world) && order_host_has_group(&world->host);
}

void
order_take_group_out(OrderWorld *world)
{
    order_vm_set_group(world, FALSE);
}

gboolean
order_has_no_group(OrderWorld *world)
{
    return may_have_group(world) && !order_host_has_group(&world->host);
}

void
order_take_group_in(OrderWorld *world)
{
    order_vm_set_group(world, TRUE);
}

gboolean
order_is_host_running(OrderWorld *world)
{
    return world->host.instance && !world->host.is_stopping;
}

void
order_take_reload(OrderWorld *world)
{
    world->is_reloaded = !world->is_reloaded;
    order_host_set_asks_owner(&world->host, world->kind->config.asks_owner != world->is_reloaded);
    order_host_reload(&world->host);
    /* A VM of the key file that a caller has removed is there again. */
    if (order_host_has_group(&world->host))
        world->is_removed = FALSE;
}

/* RemoveVM() may come before AddVM() is answered. */
gboolean
order_is_vm_told(OrderWorld *world)
{
    return world->kind->way == ORDER_WAY_ADDRESS ? order_is_host_running(world) && order_add_is_under_way(world)
                                                 : order_world_has_vm(world);
}

/* us; an agent that has lost its directory makes it anew by then. */
#define CLEAR_TIME ((gint64)G_TIME_SPAN_SECOND)

static char *
dup_state_directory(OrderWorld *world)
{
    return g_build_filename(world->directory, "qemu-monitor", "state", NULL);
}

gboolean
order_is_state_there(OrderWorld *world)
{
    g_autofree char *path = world->kind->config.has_store ? dup_state_directory(world) : NULL;

    return path && order_is_host_running(world) && g_file_test(path, G_FILE_TEST_IS_DIR);
}

/* Somebody moves the directory of the state file out of the way, and removes it then. */
void
order_take_clear(OrderWorld *world)
{
    g_autofree char *path = dup_state_directory(world), *elsewhere = g_strconcat(path, ".old", NULL);
    g_autofree char *file = g_build_filename(elsewhere, "vms", NULL);

    g_assert_no_errno(g_rename(path, elsewhere));
    g_remove(file);
    g_assert_no_errno(g_rmdir(elsewhere));
    order_world_pass_time(world, CLEAR_TIME);
}

gboolean
order_may_bus_end(OrderWorld *world)
{
    return world->kind->way == ORDER_WAY_ADDRESS && order_is_host_running(world);
}

void
order_take_bus_lost(OrderWorld *world)
{
    order_host_cut(&world->host);
}

gboolean
order_is_host_away(OrderWorld *world)
{
    return !world->host.instance;
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
