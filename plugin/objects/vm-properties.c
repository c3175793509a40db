/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The properties of org.qemu.Monitor1.VM, each from what is known without asking QEMU. module/service.c makes the
 * interface of them. */
#include "vm-object.h"

#include "caller-sessions.h"

/* QEMU's own texts have been through the JSON reader, so they are UTF-8. */
static DBusBasicValue
make_vm_text(const char *text)
{
    return (DBusBasicValue){ .str = (char *)text };
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

static DBusBasicValue
get_kind(gpointer object_data)
{
    return make_vm_text(qemu_connection_is_storage_daemon(get_qemu(object_data)) ? "storage-daemon" : "machine");
}

static DBusBasicValue
get_name(gpointer object_data)
{
    return make_vm_text(vm_get_name(get_vm(object_data)));
}

static DBusBasicValue
get_guest_name(gpointer object_data)
{
    return make_vm_text(qemu_connection_get_name(get_qemu(object_data)));
}

static DBusBasicValue
get_uuid(gpointer object_data)
{
    return make_vm_text(qemu_connection_get_uuid(get_qemu(object_data)));
}

static DBusBasicValue
get_vm_status(gpointer object_data)
{
    return make_vm_text(qemu_connection_get_status(get_qemu(object_data)));
}

static DBusBasicValue
get_running(gpointer object_data)
{
    return (DBusBasicValue){ .bool_val = qemu_connection_is_running(get_qemu(object_data)) };
}

static DBusBasicValue
get_version(gpointer object_data)
{
    return make_vm_text(qemu_connection_get_version(get_qemu(object_data)));
}

static DBusBasicValue
get_package(gpointer object_data)
{
    return make_vm_text(qemu_connection_get_package(get_qemu(object_data)));
}

static DBusBasicValue
get_target(gpointer object_data)
{
    return make_vm_text(qemu_connection_get_target(get_qemu(object_data)));
}

static DBusBasicValue
get_address(gpointer object_data)
{
    const QmpAddress *address = vm_get_address(get_vm(object_data));
    return make_vm_text(address ? address->text : "fd");
}

static DBusBasicValue
get_owner_uid(gpointer object_data)
{
    return (DBusBasicValue){ .u32 = vm_get_owner_uid(get_vm(object_data)) };
}

static DBusBasicValue
get_pid(gpointer object_data)
{
    return (DBusBasicValue){ .u32 = qemu_connection_get_pid(get_qemu(object_data)) };
}

static DBusBasicValue
get_since(gpointer object_data)
{
    return (DBusBasicValue){ .u64 = qemu_connection_get_since(get_qemu(object_data)) };
}

static DBusBasicValue
get_monitor_mode(gpointer object_data)
{
    return make_vm_text(monitor_pool_get_mode(caller_sessions_get_pool(((VmContext *)object_data)->sessions)));
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
