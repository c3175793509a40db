/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-add.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "order-vm.h"
#include "vm-record.h"

#define VM_NAME "web"

/* us; the timeout of a call that gives none. */
#define ADD_TIME ((gint64)10 * G_TIME_SPAN_SECOND)

/* @user: NULL: the option is not given. */
static void
append_options(DBusMessage *message, const char *user)
{
    const char *name = "user";
    DBusMessageIter iter, options, entry, value;

    dbus_message_iter_init_append(message, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &options);
    if (user) {
        dbus_message_iter_open_container(&options, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &name);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "s", &value);
        dbus_message_iter_append_basic(&value, DBUS_TYPE_STRING, &user);
        dbus_message_iter_close_container(&entry, &value);
        dbus_message_iter_close_container(&options, &entry);
    }
    dbus_message_iter_close_container(&iter, &options);
}

static void
call_add_vm(OrderWorld *world, OrderCaller *caller, const char *name, const char *path, const char *user)
{
    g_autofree char *address = g_strconcat("unix:", path, user ? ",server=on" : "", NULL);
    DBusMessage *message = order_world_new_call(world, ORDER_ROOT, ORDER_NAME ".Manager", "AddVM", DBUS_TYPE_STRING,
                                                &name, DBUS_TYPE_STRING, &address, DBUS_TYPE_INVALID);

    append_options(message, user);
    world->is_removed = FALSE;
    order_caller_send(caller, "AddVM", message);
}

void
order_add_named(OrderWorld *world)
{
    call_add_vm(world, world->a, VM_NAME, world->socket, /* user= */ NULL);
}

void
order_add_unnamed(OrderWorld *world)
{
    call_add_vm(world, world->a, "", world->socket, /* user= */ NULL);
}

void
order_add_elsewhere(OrderWorld *world)
{
    g_autofree char *path = g_strconcat(world->socket, "-elsewhere", NULL);

    call_add_vm(world, world->a, VM_NAME, path, /* user= */ NULL);
}

static char *
dup_own_path(OrderWorld *world)
{
    return g_strconcat(world->socket, "-of-agent", NULL);
}

static void
add_for_user(OrderWorld *world, const char *user)
{
    g_autofree char *path = dup_own_path(world);

    call_add_vm(world, world->a, VM_NAME, path, user);
}

void
order_add_for_user(OrderWorld *world)
{
    add_for_user(world, g_get_user_name());
}

void
order_add_for_nobody(OrderWorld *world)
{
    add_for_user(world, "no user has this name");
}

void
order_add_as_b(OrderWorld *world)
{
    if (!world->b)
        world->b = order_world_add_caller(world, "b");
    call_add_vm(world, world->b, VM_NAME, world->socket, /* user= */ NULL);
}

void
order_add_as_keeper(OrderWorld *world)
{
    call_add_vm(world, world->keeper, VM_NAME, world->socket, /* user= */ NULL);
}

gboolean
order_add_may_listen(OrderWorld *world)
{
    return world->kind->way == ORDER_WAY_ADDRESS && !order_qemu_has_gone(world->qemu) &&
           !order_qemu_is_listening(world->qemu);
}

void
order_add_listen(OrderWorld *world)
{
    order_qemu_listen_at(world->qemu, world->socket);
}

void
order_add_listen_mute(OrderWorld *world)
{
    order_add_listen(world);
    order_qemu_stop(world->qemu);
}

gboolean
order_add_may_leave_path(OrderWorld *world)
{
    return order_add_may_listen(world) && access(world->socket, F_OK) < 0;
}

void
order_add_leave_path(OrderWorld *world)
{
    OrderQemu *dead = order_qemu_new(world->kind->qemu);

    order_qemu_listen_at(dead, world->socket);
    order_qemu_free(dead);
}

gboolean
order_add_is_call(const OrderCall *call)
{
    return g_str_equal(call->what, "AddVM");
}

static guint
count_adding(OrderCaller *caller)
{
    guint n = 0;

    for (guint i = 0; caller && caller->connection && i < caller->calls->len; i++) {
        OrderCall *call = g_ptr_array_index(caller->calls, i);
        n += order_add_is_call(call) && call->n_answers == 0;
    }
    return n;
}

static guint
count_all_adding(OrderWorld *world)
{
    return count_adding(world->keeper) + count_adding(world->a) + count_adding(world->b);
}

static gboolean
is_vm_published(OrderWorld *world)
{
    return g_hash_table_contains(world->published, ORDER_VM_PATH);
}

gboolean
order_add_is_under_way(OrderWorld *world)
{
    return is_vm_published(world) || world->is_kept || count_all_adding(world) > 0;
}

static void
take_added(OrderWorld *world, OrderCaller *caller, OrderCall *call)
{
    const char *path = NULL;

    dbus_message_get_args(call->answer, NULL, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID);
    world->n_succeeded++;
    if (g_strcmp0(path, ORDER_VM_PATH) != 0)
        order_world_fail(world, "%s's AddVM has been answered by %s", caller->name, path);
    if (world->n_succeeded > world->n_came)
        order_world_fail(world, "%s's AddVM has succeeded, and there is no new VM", caller->name);
}

void
order_add_take_answer(OrderWorld *world, OrderCaller *caller, OrderCall *call)
{
    if (world->kind->way != ORDER_WAY_ADDRESS || order_call_get_error(call))
        return;
    if (order_add_is_call(call))
        take_added(world, caller, call);
    if (!g_str_equal(call->what, "RemoveVM"))
        return;
    order_vm_let_go(world);
    world->is_kept = FALSE;
}

/* An agent that ends takes its VMs off the bus, and keeps their records. */
void
order_add_note_vm(OrderWorld *world, gboolean is_there)
{
    world->n_came += is_there;
    /* A call may have waited for polkit while the VM before was removed. */
    if (is_there && world->socket)
        world->is_removed = FALSE;
    if (is_there)
        world->is_kept = world->host.store != NULL;
    else if (world->host.instance && !world->host.is_stopping)
        world->is_kept = FALSE;
}

/* Of several records the last counts. */
static void
on_record(VmRecord *record, guint number, const GError *error, gpointer user_data)
{
    gboolean *has_record = user_data;

    g_assert_no_error(error);
    if (record->spec->origin == VM_FROM_CALL && g_str_equal(record->spec->name, VM_NAME))
        *has_record = !record->has_ended;
    vm_record_free(record);
}

static gboolean
is_recorded(OrderWorld *world)
{
    g_autofree char *path = g_build_filename(world->directory, "qemu-monitor", "state", "vms", NULL), *text = NULL;
    gboolean has_record = FALSE;

    if (!g_file_get_contents(path, &text, /* length= */ NULL, /* error= */ NULL))
        return FALSE;
    if (vm_records_read(text, on_record, &has_record) != 0)
        order_world_fail(world, "%s is broken", path);
    return has_record;
}

static void
check_record(OrderWorld *world)
{
    gboolean has_record = world->host.store && is_recorded(world);

    if (has_record != world->is_kept)
        order_world_fail(world, has_record ? "a VM that nobody has is recorded" : "the VM is not recorded");
}

/* From when on nobody but QEMU is waited for. */
static void
check_in_time(OrderWorld *world, OrderCaller *caller)
{
    for (guint i = 0; caller && caller->connection && i < caller->calls->len; i++) {
        OrderCall *call = g_ptr_array_index(caller->calls, i);
        if (order_add_is_call(call) && call->n_answers == 0 &&
            g_get_monotonic_time() - MAX(call->sent_at, world->asked_at) > ADD_TIME)
            order_world_fail(world, "%s's AddVM is not answered in time", caller->name);
    }
}

static void
check_calls_of_all(OrderWorld *world)
{
    if (order_polkit_count_questions(world->polkit) > 0)
        world->asked_at = g_get_monotonic_time();
    check_in_time(world, world->keeper);
    check_in_time(world, world->a);
    check_in_time(world, world->b);
    if (!world->host.instance && count_all_adding(world) > 0)
        order_world_fail(world, "AddVM is not answered, and the agent has ended");
    if (is_vm_published(world) && world->n_succeeded == 0 && !world->has_stopped)
        order_world_fail(world, "the VM is there, and nobody's AddVM has succeeded");
}

/* VMs that ListVMs() tells. */
static guint
count_listed(OrderWorld *world)
{
    OrderCall *call = order_caller_send(
        world->keeper, "ListVMs",
        order_world_new_call(world, ORDER_ROOT, ORDER_NAME ".Manager", "ListVMs", DBUS_TYPE_INVALID));
    DBusMessageIter iter, vms;
    guint n = 0;

    order_world_settle(world);
    if (!call->answer || !dbus_message_has_signature(call->answer, "aa{sv}")) {
        order_world_fail(world, "ListVMs is not answered");
        return 0;
    }
    dbus_message_iter_init(call->answer, &iter);
    for (dbus_message_iter_recurse(&iter, &vms); dbus_message_iter_get_arg_type(&vms) != DBUS_TYPE_INVALID;
         dbus_message_iter_next(&vms))
        n++;
    return n;
}

/* The agent listens for nobody but those who wait. */
static void
check_own_path(OrderWorld *world)
{
    g_autofree char *path = dup_own_path(world);

    if (count_all_adding(world) == 0 && access(path, F_OK) == 0)
        order_world_fail(world, "the agent's socket is left, and nobody waits for its QEMU");
}

/* Every VM of the list is one that is there, that an agent before has had, or that somebody is waiting for. */
static void
check_list(OrderWorld *world)
{
    guint n_most = count_all_adding(world) + (is_vm_published(world) || world->is_kept);
    guint n = count_listed(world);

    if (n > n_most || (n == 0 && is_vm_published(world)))
        order_world_fail(world, "%u VMs are listed, and %u can be there", n, n_most);
}

void
order_add_check(OrderWorld *world)
{
    check_calls_of_all(world);
    check_record(world);
    check_own_path(world);
    if (world->host.instance && !world->host.is_stopping)
        check_list(world);
}
