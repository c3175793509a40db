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

/* What AddVM() takes as `options`. */
typedef struct AddOptions {
    guint64 timeout;
    GPtrArray *spares; /* owned; may be NULL */
    gboolean isolation_required;
} AddOptions;

static void
add_options_clear(AddOptions *options)
{
    g_clear_pointer(&options->spares, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AddOptions, add_options_clear)

static gboolean
read_timeout(DBusMessageIter *value, AddOptions *options, GError **error)
{
    dbus_message_iter_get_basic(value, &options->timeout);
    if (options->timeout == 0)
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.timeout: 0 leaves no time");
    return options->timeout > 0;
}

static gboolean
read_isolation(DBusMessageIter *value, AddOptions *options, GError **error)
{
    const char *word;

    dbus_message_iter_get_basic(value, &word);
    if (config_read_isolation(word, &options->isolation_required, error))
        return TRUE;
    g_prefix_error(error, "options.");
    return FALSE;
}

static gboolean
read_spares(DBusMessageIter *value, AddOptions *options, GError **error)
{
    g_autoptr(GPtrArray) addresses = g_ptr_array_new();
    DBusMessageIter elements;

    dbus_message_iter_recurse(value, &elements);
    for (; dbus_message_iter_get_arg_type(&elements) != DBUS_TYPE_INVALID; dbus_message_iter_next(&elements)) {
        const char *address;
        dbus_message_iter_get_basic(&elements, &address);
        g_ptr_array_add(addresses, (gpointer)address);
    }
    g_ptr_array_add(addresses, NULL);
    g_clear_pointer(&options->spares, g_ptr_array_unref);
    options->spares = config_read_spares((const char *const *)addresses->pdata, error);
    if (!options->spares)
        g_prefix_error(error, "options.");
    return options->spares != NULL;
}

static const struct {
    const char *name, *signature, *meaning;
    gboolean (*read)(DBusMessageIter *value, AddOptions *options, GError **error);
} option_rows[] = {
    { "isolation", "s", "`required` or `preferred`", read_isolation },
    { "spares", "as", "addresses", read_spares },
    { "timeout", "t", "microseconds", read_timeout },
};

static gboolean
read_option(DBusMessageIter *entry, AddOptions *options, GError **error)
{
    DBusMessageIter value;
    const char *name;

    dbus_message_iter_get_basic(entry, &name);
    dbus_message_iter_next(entry);
    dbus_message_iter_recurse(entry, &value);
    for (guint i = 0; i < G_N_ELEMENTS(option_rows); i++) {
        if (!g_str_equal(name, option_rows[i].name))
            continue;
        char *signature = dbus_message_iter_get_signature(&value);
        gboolean is_right = g_str_equal(signature, option_rows[i].signature);
        dbus_free(signature);
        if (is_right)
            return option_rows[i].read(&value, options, error);
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.%s: `%s` (%s) is expected", name,
                    option_rows[i].signature, option_rows[i].meaning);
        return FALSE;
    }
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                "options.%s: no such option; there are `isolation`, `spares` and `timeout`", name);
    return FALSE;
}

static gboolean
read_options(DBusMessageIter *iter, const Config *config, AddOptions *options, GError **error)
{
    DBusMessageIter entries, entry;

    *options = (AddOptions){ .timeout = VM_TIMEOUT_DEFAULT, .isolation_required = config->isolation_required };
    dbus_message_iter_recurse(iter, &entries);
    for (; dbus_message_iter_get_arg_type(&entries) != DBUS_TYPE_INVALID; dbus_message_iter_next(&entries)) {
        dbus_message_iter_recurse(&entries, &entry);
        if (!read_option(&entry, options, error))
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
add(Service *service, BusCall *call, VmSpec *spec, const AddOptions *options)
{
    g_autoptr(GError) error = NULL;

    spec->timeout = options->timeout;
    spec->spares = options->spares;
    spec->isolation_required = options->isolation_required;
    if (!registry_add(service->registry, spec, on_added, call, &error))
        errors_fail(call, error);
    else
        bus_call_drop_message(call);
}

static void
add_vm(BusCall *call, gpointer object_data)
{
    Service *service = object_data;
    VmSpec spec = { .origin = VM_FROM_CALL, .added_by = bus_call_get_peer(call)->uid };
    g_auto(AddOptions) options = { 0 };
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
        !read_options(&iter, service->config, &options, &error)) {
        errors_fail(call, error);
        return;
    }
    if (!is_allowed(call, *spec.name ? spec.name : NULL, service_get_uid(), BUS_PEER_NO_ID))
        return;
    spec.address = address;
    add(service, call, &spec, &options);
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
    Service *service = object_data;
    VmSpec spec = { .origin = VM_FROM_FD, .added_by = bus_call_get_peer(call)->uid };
    g_auto(AddOptions) options = { 0 };
    g_autoptr(GError) error = NULL;
    DBusMessageIter iter;

    dbus_message_iter_init(bus_call_get_message(call), &iter);
    dbus_message_iter_get_basic(&iter, &spec.name);
    dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &spec.fd); /* a duplicate of our own */
    dbus_message_iter_next(&iter);
    if ((*spec.name && !names_check_vm(spec.name, &error)) || !check_socket(spec.fd, &error) ||
        !read_options(&iter, service->config, &options, &error)) {
        close(spec.fd);
        errors_fail(call, error);
    } else if (!is_allowed(call, *spec.name ? spec.name : NULL, service_get_uid(), BUS_PEER_NO_ID))
        close(spec.fd);
    else
        add(service, call, &spec, &options);
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
