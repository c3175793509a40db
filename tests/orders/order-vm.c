/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-vm.h"

#include <unistd.h>

#include "order-add.h"

/* Of an abstract socket: nothing is left of it when its QEMU has gone, as little as of the test. */
static char *
dup_socket_name(guint number)
{
    return g_strdup_printf("test-orders-%d-%u", (int)getpid(), number);
}

static char *
dup_address(guint number)
{
    g_autofree char *name = dup_socket_name(number);

    return g_strdup_printf("unix:%s,abstract=on", name);
}

/* The group's address is the same for all QEMUs. */
#define CONTROL 0

static void
append_options(DBusMessage *message, const char *spare)
{
    const char *name = "spares";
    DBusMessageIter iter, options, entry, value, addresses;

    dbus_message_iter_init_append(message, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &options);
    if (spare) {
        dbus_message_iter_open_container(&options, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &name);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "as", &value);
        dbus_message_iter_open_container(&value, DBUS_TYPE_ARRAY, "s", &addresses);
        dbus_message_iter_append_basic(&addresses, DBUS_TYPE_STRING, &spare);
        dbus_message_iter_close_container(&value, &addresses);
        dbus_message_iter_close_container(&entry, &value);
        dbus_message_iter_close_container(&options, &entry);
    }
    dbus_message_iter_close_container(&iter, &options);
}

static void
call_add(OrderWorld *world, int fd, const char *spare)
{
    const char *name = "web";
    DBusMessage *message = order_world_new_call(world, ORDER_ROOT, ORDER_NAME ".Manager", "AddVMFromFD",
                                                DBUS_TYPE_STRING, &name, DBUS_TYPE_UNIX_FD, &fd, DBUS_TYPE_INVALID);

    append_options(message, spare);
    order_caller_send(world->keeper, "AddVMFromFD", message);
}

static void
add_by_fd(OrderWorld *world)
{
    g_autofree char *name = NULL, *spare = NULL;
    int fd = order_qemu_connect(world->qemu);

    if (world->kind->way == ORDER_WAY_SPARES) {
        name = dup_socket_name(++world->n_names);
        order_qemu_listen(world->qemu, name, /* is_spare= */ TRUE);
        spare = dup_address(world->n_names);
    }
    call_add(world, fd, spare);
    close(fd);
}

static void
add_by_group(OrderWorld *world)
{
    g_autofree char *name = dup_socket_name(CONTROL);

    order_qemu_listen(world->qemu, name, /* is_spare= */ FALSE);
    if (!order_host_has_group(&world->host))
        order_vm_set_group(world, TRUE);
}

static void
add_by_address(OrderWorld *world)
{
    order_qemu_listen_at(world->qemu, world->socket);
    order_add_as_keeper(world);
}

static void
tell_of_vm(OrderWorld *world)
{
    switch (world->kind->way) {
    case ORDER_WAY_GROUP:
        add_by_group(world);
        break;
    case ORDER_WAY_ADDRESS:
        add_by_address(world);
        break;
    case ORDER_WAY_FD:
    case ORDER_WAY_SPARES:
        add_by_fd(world);
        break;
    }
}

void
order_vm_begin(OrderWorld *world, OrderStage stage)
{
    world->qemu = order_qemu_new(world->kind->qemu);
    if (world->socket)
        unlink(world->socket);
    if (stage != ORDER_STAGE_NOTHING)
        tell_of_vm(world);
}

void
order_vm_replace_qemu(OrderWorld *world)
{
    world->former = g_steal_pointer(&world->qemu);
    world->is_removed = FALSE;
    if (world->kind->way == ORDER_WAY_ADDRESS) {
        world->qemu = order_qemu_new(world->kind->qemu);
        order_qemu_listen_at(world->qemu, world->socket);
    } else {
        order_vm_begin(world, ORDER_STAGE_ADDED);
    }
    order_qemu_set_holding(world->qemu, TRUE);
}

/* What was sent before is left to QEMU, also when the VM is there again soon. */
void
order_vm_let_go(OrderWorld *world)
{
    if (world->qemu)
        order_qemu_leave(world->qemu);
    world->is_removed = TRUE;
}

void
order_vm_remove(OrderWorld *world)
{
    const char *path = ORDER_VM_PATH;

    /* The name of a VM that is being added may be taken, or not: the answer tells. */
    if (world->kind->way != ORDER_WAY_ADDRESS)
        order_vm_let_go(world);
    order_caller_send(world->keeper, "RemoveVM",
                      order_world_new_call(world, ORDER_ROOT, ORDER_NAME ".Manager", "RemoveVM", DBUS_TYPE_OBJECT_PATH,
                                           &path, DBUS_TYPE_INVALID));
}

void
order_vm_set_group(OrderWorld *world, gboolean has_group)
{
    g_autofree char *address = has_group ? dup_address(CONTROL) : NULL;

    order_host_set_group(&world->host, address);
    if (has_group)
        world->is_removed = FALSE;
    else
        order_vm_let_go(world);
    if (world->host.instance && !world->host.is_stopping)
        order_host_reload(&world->host);
}

/* An agent that has a store finds the VM again, until somebody removes it. */
static gboolean
must_be_found_again(OrderWorld *world)
{
    return world->host.store && !world->host.instance;
}

void
order_vm_forget(OrderWorld *world)
{
    if (world->kind->way == ORDER_WAY_GROUP)
        order_vm_set_group(world, FALSE);
    if (must_be_found_again(world))
        order_world_start(world);
    if (order_world_has_vm(world) || (world->kind->way == ORDER_WAY_ADDRESS && world->host.instance))
        order_vm_remove(world);
}
