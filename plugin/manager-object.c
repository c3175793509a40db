/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "manager-object.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "errors.h"
#include "gate.h"
#include "names.h"
#include "registry.h"

static gboolean
is_allowed(BusCall *call, const char *vm, guint32 owner_uid, guint32 friend_uid)
{
    PolicyRequest request = {
        .command = bus_call_get_member(call),
        .vm = vm,
        .owner_uid = owner_uid,
        .friend_uid = friend_uid,
    };

    return gate_pass(call, request);
}

static gboolean
read_option(DBusMessageIter *entry, VmSpec *spec, GError **error)
{
    DBusMessageIter value;
    const char *name;

    dbus_message_iter_get_basic(entry, &name);
    dbus_message_iter_next(entry);
    dbus_message_iter_recurse(entry, &value);
    if (!g_str_equal(name, "timeout")) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.%s: no such option; there is `timeout`", name);
        return FALSE;
    }
    if (dbus_message_iter_get_arg_type(&value) != DBUS_TYPE_UINT64) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.timeout: `t` (microseconds) is expected");
        return FALSE;
    }
    dbus_message_iter_get_basic(&value, &spec->timeout);
    if (spec->timeout == 0)
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.timeout: 0 leaves no time");
    return spec->timeout > 0;
}

static gboolean
read_options(DBusMessageIter *iter, VmSpec *spec, GError **error)
{
    DBusMessageIter entries, entry;

    spec->timeout = VM_TIMEOUT_DEFAULT;
    dbus_message_iter_recurse(iter, &entries);
    for (; dbus_message_iter_get_arg_type(&entries) != DBUS_TYPE_INVALID; dbus_message_iter_next(&entries)) {
        dbus_message_iter_recurse(&entries, &entry);
        if (!read_option(&entry, spec, error))
            return FALSE;
    }
    return TRUE;
}

static void
on_added(const char *path, const GError *error, gpointer user_data)
{
    BusCall *call = user_data;

    if (error) {
        errors_fail(call, error);
        return;
    }
    DBusMessage *reply = bus_call_new_reply(call);
    dbus_message_append_args(reply, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID);
    bus_call_return(call, reply);
}

static gboolean
is_awaited_by(gpointer add_data, gpointer unique_name)
{
    BusCall *call = add_data;

    return bus_call_is_reply_expected(call) && g_str_equal(bus_call_get_sender(call), unique_name);
}

void
manager_object_drop_caller(Service *service, const char *unique_name)
{
    registry_forget_waiting(service->registry, is_awaited_by, (gpointer)unique_name);
}

static void
add(Service *service, BusCall *call, const VmSpec *spec)
{
    g_autoptr(GError) error = NULL;

    if (!registry_add(service->registry, spec, on_added, call, &error))
        errors_fail(call, error);
    else
        bus_call_drop_message(call);
}

static void
add_vm(BusCall *call, gpointer object_data)
{
    VmSpec spec = { .origin = VM_FROM_CALL, .added_by = bus_call_get_peer(call)->uid };
    g_autoptr(GError) error = NULL;
    g_autoptr(QmpAddress) address = NULL;
    const char *text;
    DBusMessageIter iter;

    dbus_message_iter_init(bus_call_get_message(call), &iter);
    dbus_message_iter_get_basic(&iter, &spec.name);
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &text);
    dbus_message_iter_next(&iter);
    if ((*spec.name && !names_check_vm(spec.name, &error)) || !(address = qmp_address_parse(text, &error)) ||
        !read_options(&iter, &spec, &error)) {
        errors_fail(call, error);
        return;
    }
    if (!is_allowed(call, *spec.name ? spec.name : NULL, service_get_uid(), BUS_PEER_NO_ID))
        return;
    spec.address = address;
    add(object_data, call, &spec);
}

static gboolean
check_socket(int fd, GError **error)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;
    int type = 0;
    socklen_t type_length = sizeof type;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_length) == 0 && type == SOCK_STREAM &&
        getpeername(fd, (struct sockaddr *)&peer, &length) == 0)
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "qmp: a connected stream socket is expected");
    return FALSE;
}

static void
add_vm_from_fd(BusCall *call, gpointer object_data)
{
    VmSpec spec = { .origin = VM_FROM_FD, .added_by = bus_call_get_peer(call)->uid };
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;

    dbus_message_iter_init(bus_call_get_message(call), &iter);
    dbus_message_iter_get_basic(&iter, &spec.name);
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &spec.fd); /* a duplicate of our own */
    dbus_message_iter_next(&iter);
    if ((*spec.name && !names_check_vm(spec.name, &error)) || !check_socket(spec.fd, &error) ||
        !read_options(&iter, &spec, &error)) {
        close(spec.fd);
        errors_fail(call, error);
    } else if (!is_allowed(call, *spec.name ? spec.name : NULL, service_get_uid(), BUS_PEER_NO_ID))
        close(spec.fd);
    else
        add(object_data, call, &spec);
}

static void
remove_vm(BusCall *call, gpointer object_data)
{
    Service *service = object_data;
    const char *path;
    Vm *vm;

    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID);
    vm = registry_get_by_path(service->registry, path);
    if (!vm) {
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_OBJECT, "There is no VM at %s", path);
        return;
    }
    if (!is_allowed(call, vm_get_name(vm), vm_get_owner_uid(vm), vm_get_added_by(vm)))
        return;
    registry_remove(service->registry, vm);
    bus_call_return(call, NULL);
}

static void
get_vm(BusCall *call, gpointer object_data)
{
    Service *service = object_data;
    const char *name_or_uuid;
    Vm *vm;

    dbus_message_get_args(bus_call_get_message(call), NULL, DBUS_TYPE_STRING, &name_or_uuid, DBUS_TYPE_INVALID);
    vm = registry_get_by_name_or_uuid(service->registry, name_or_uuid);
    if (!vm) {
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_OBJECT, "No connected VM has the name or UUID \"%s\"",
                           name_or_uuid);
        return;
    }
    g_autofree char *path = names_path_from_vm(vm_get_name(vm));
    on_added(path, /* error= */ NULL, call);
}

const BusMethod manager_object_methods[] = {
    { "AddVM", BUS_ACCESS_GATED, add_vm },
    { "AddVMFromFD", BUS_ACCESS_GATED, add_vm_from_fd },
    { "RemoveVM", BUS_ACCESS_GATED, remove_vm },
    { "GetVM", BUS_ACCESS_PUBLIC, get_vm },
    { 0 },
};

static void
get_version(DBusMessageIter *iter, gpointer object_data)
{
    const char *version = PROJECT_VERSION;
    dbus_message_iter_append_basic(iter, DBUS_TYPE_STRING, &version);
}

const BusProperty manager_object_properties[] = {
    { "Version", get_version },
    { 0 },
};

BusObject *
manager_object_new(Service *service)
{
    BusObject *object = bus_object_new(service->bus, MONITOR_PATH, service);

    bus_object_add_interface(object, service->manager_interface);
    bus_object_make_manager(object);
    bus_object_publish(object);
    return object;
}
