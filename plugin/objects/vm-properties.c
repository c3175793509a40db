/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The properties of org.qemu.Monitor1.VM, each from what is known without asking QEMU. module/service.c makes the
 * interface of them. */
#include "vm-object.h"

#include "caller-sessions.h"

static void
append_vm_string(DBusMessageIter *iter, const char *value)
{
    /* QEMU's own texts have been through the JSON reader, so they are UTF-8. */
    dbus_message_iter_append_basic(iter, DBUS_TYPE_STRING, &value);
}

static Vm *
get_vm(gpointer vm_context)
{
    return ((VmContext *)vm_context)->vm;
}

static QemuConnection *
get_qemu(gpointer object_data)
{
    return vm_get_qemu(get_vm(object_data));
}

static void
get_kind(DBusMessageIter *iter, gpointer object_data)
{
    append_vm_string(iter, qemu_connection_is_storage_daemon(get_qemu(object_data)) ? "storage-daemon" : "machine");
}

static void
get_name(DBusMessageIter *iter, gpointer object_data)
{
    append_vm_string(iter, vm_get_name(get_vm(object_data)));
}

static void
get_guest_name(DBusMessageIter *iter, gpointer object_data)
{
    append_vm_string(iter, qemu_connection_get_name(get_qemu(object_data)));
}

static void
get_uuid(DBusMessageIter *iter, gpointer object_data)
{
    append_vm_string(iter, qemu_connection_get_uuid(get_qemu(object_data)));
}

static void
get_vm_status(DBusMessageIter *iter, gpointer object_data)
{
    append_vm_string(iter, qemu_connection_get_status(get_qemu(object_data)));
}

static void
get_running(DBusMessageIter *iter, gpointer object_data)
{
    dbus_bool_t value = qemu_connection_is_running(get_qemu(object_data));
    dbus_message_iter_append_basic(iter, DBUS_TYPE_BOOLEAN, &value);
}

static void
get_version(DBusMessageIter *iter, gpointer object_data)
{
    append_vm_string(iter, qemu_connection_get_version(get_qemu(object_data)));
}

static void
get_package(DBusMessageIter *iter, gpointer object_data)
{
    append_vm_string(iter, qemu_connection_get_package(get_qemu(object_data)));
}

static void
get_target(DBusMessageIter *iter, gpointer object_data)
{
    append_vm_string(iter, qemu_connection_get_target(get_qemu(object_data)));
}

static void
get_address(DBusMessageIter *iter, gpointer object_data)
{
    const QmpAddress *address = vm_get_address(get_vm(object_data));
    append_vm_string(iter, address ? address->text : "fd");
}

static void
get_owner_uid(DBusMessageIter *iter, gpointer object_data)
{
    dbus_uint32_t value = vm_get_owner_uid(get_vm(object_data));
    dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT32, &value);
}

static void
get_pid(DBusMessageIter *iter, gpointer object_data)
{
    dbus_uint32_t value = qemu_connection_get_pid(get_qemu(object_data));
    dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT32, &value);
}

static void
get_since(DBusMessageIter *iter, gpointer object_data)
{
    dbus_uint64_t value = qemu_connection_get_since(get_qemu(object_data));
    dbus_message_iter_append_basic(iter, DBUS_TYPE_UINT64, &value);
}

static void
get_monitor_mode(DBusMessageIter *iter, gpointer object_data)
{
    append_vm_string(iter, monitor_pool_get_mode(caller_sessions_get_pool(((VmContext *)object_data)->sessions)));
}

const BusProperty vm_object_properties[] = {
    { "Kind", get_kind },
    { "Name", get_name },
    { "GuestName", get_guest_name },
    { "UUID", get_uuid },
    { "Status", get_vm_status },
    { "Running", get_running },
    { "QEMUVersion", get_version },
    { "QEMUPackage", get_package },
    { "Target", get_target },
    { "Address", get_address },
    { "OwnerUID", get_owner_uid },
    { "PID", get_pid },
    { "Since", get_since },
    { "MonitorMode", get_monitor_mode },
    { 0 },
};
