/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A method of org.qemu.Monitor1.QMP is described by its introspection data alone: the annotation says which QMP
 * command it is, the arguments which members the command takes (one named `options` or `arguments` holds several,
 * by their QMP names), the out argument what it returns. */
#include "qmp-object.h"

#include <string.h>

#include "call.h"
#include "errors.h"
#include "names.h"
#include "value.h"

#define DICTIONARY "a{sv}"

static const char *
get_qmp_name(GDBusAnnotationInfo **annotations, const char *otherwise)
{
    const char *name = g_dbus_annotation_info_lookup(annotations, MONITOR_NAME_ANNOTATION);

    return name ? name : otherwise;
}

static gboolean
is_dictionary(const GDBusArgInfo *arg)
{
    return g_str_equal(arg->signature, DICTIONARY) &&
           (g_str_equal(arg->name, "options") || g_str_equal(arg->name, "arguments"));
}

/* What a caller may leave out altogether. */
static gboolean
is_optional(GDBusMethodInfo *method)
{
    return !method->in_args || !method->in_args[0] ||
           (is_dictionary(method->in_args[0]) && g_str_equal(method->in_args[0]->name, "options"));
}

static char *
get_signature(GDBusArgInfo **args)
{
    GString *signature = g_string_new(NULL);

    for (; args && *args; args++)
        g_string_append(signature, (*args)->signature);
    return g_string_free(signature, FALSE);
}

static gboolean
add_member(JsonObject *arguments, const char *name, JsonNode *value, GError **error)
{
    if (!json_object_has_member(arguments, name)) {
        json_object_set_member(arguments, name, value);
        return TRUE;
    }
    json_node_unref(value);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "%s is there twice", name);
    return FALSE;
}

static gboolean
add_members(JsonObject *arguments, JsonNode *members, GError **error)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *value;

    json_object_iter_init_ordered(&iter, json_node_get_object(members));
    while (json_object_iter_next_ordered(&iter, &name, &value))
        if (!add_member(arguments, name, json_node_ref(value), error))
            return FALSE;
    return TRUE;
}

static gboolean
read_argument(DBusMessageIter *iter, GDBusArgInfo *arg, JsonObject *arguments, GError **error)
{
    const char *name = get_qmp_name(arg->annotations, arg->name);
    JsonNode *value = value_read(iter, name, error);

    if (!value)
        return FALSE;
    if (!is_dictionary(arg))
        return add_member(arguments, name, value, error);
    g_autoptr(JsonNode) members = value;
    return add_members(arguments, members, error);
}

/* One by one, as Introspect says. */
static gboolean
read_arguments(DBusMessageIter *iter, GDBusMethodInfo *method, JsonObject *arguments, GError **error)
{
    for (GDBusArgInfo **arg = method->in_args; arg && *arg; arg++, dbus_message_iter_next(iter))
        if (!read_argument(iter, *arg, arguments, error))
            return FALSE;
    return TRUE;
}

/* All by their QMP names in one dictionary, which every method takes, so that a caller can be written once for every
 * QEMU. */
static gboolean
read_dictionary(DBusMessageIter *iter, JsonObject *arguments, GError **error)
{
    g_autoptr(JsonNode) members = value_read(iter, "arguments", error);

    return members && add_members(arguments, members, error);
}

static JsonNode *
read_call(BusCall *call, GDBusMethodInfo *method, GError **error)
{
    g_autoptr(JsonObject) arguments = json_object_new();
    g_autofree char *expected = get_signature(method->in_args);
    const char *given = bus_call_get_signature(call);
    DBusMessageIter iter;
    gboolean done;

    dbus_message_iter_init(bus_call_get_message(call), &iter);
    if (g_str_equal(given, expected))
        done = read_arguments(&iter, method, arguments, error);
    else if (g_str_equal(given, DICTIONARY))
        done = read_dictionary(&iter, arguments, error);
    else if (!*given && is_optional(method))
        done = TRUE;
    else {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "%s takes `%s` or `" DICTIONARY "`, the call has `%s`",
                    method->name, expected, given);
        done = FALSE;
    }
    return done ? json_node_init_object(json_node_alloc(), arguments) : NULL;
}

void
qmp_object_call(BusCall *call, gpointer object_data)
{
    Service *service = vm_object_get_service(object_data);
    GDBusInterfaceInfo *interface = bus_interface_get_info(service->qmp_interface);
    GDBusMethodInfo *method = g_dbus_interface_info_lookup_method(interface, bus_call_get_member(call));
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) arguments = NULL;

    if (!method) {
        bus_call_fail_code(call, BUS_ERROR_UNKNOWN_METHOD,
                           "%s is no method of " MONITOR_QMP_INTERFACE "; " MONITOR_VM_INTERFACE
                           ".Execute runs any command by its QMP name",
                           bus_call_get_member(call));
        return;
    }
    arguments = read_call(call, method, &error);
    if (error)
        errors_fail(call, error);
    else
        call_execute(object_data, call, get_qmp_name(method->annotations, method->name), arguments,
                     method->out_args && method->out_args[0] ? method->out_args[0]->signature : "");
}
