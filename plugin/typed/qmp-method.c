/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A method is described by its introspection data, which is the contract's wherever that has it: the annotation says which QMP command it is, the arguments which
 * members the command takes (one named `options` or `arguments` without an annotation holds several, by their QMP
 * names), the out argument what it returns. The schema's command, where there is one, says what values they may have.
 *
 * Values are read before anything is known of the method, because they may have to wait until it is, and messages must
 * not be kept. */
#include "qmp-method.h"

#include <string.h>
#include <unistd.h>

#include "fd-reserve.h"
#include "introspection.h"
#include "names.h"
#include "qmp-arguments.h"
#include "value.h"

struct QmpMethod {
    const GDBusMethodInfo *info; /* weak */
    const QmpSchemaCommand *command; /* weak; NULL: QEMU's word is not known */
    const char *name; /* weak; the QMP command's */
    char *signature; /* owned; of the arguments, for errors */
    const char **members; /* owned array of weak; those that come one by one */
    guint n_members;
    gboolean takes_fd;
    gboolean needs_something; /* in `arguments` */
};

struct QmpMethodValues {
    GPtrArray *nodes; /* owned, of JsonNode; without the descriptor; NULL: none */
    gboolean ends_in_dictionary; /* by its D-Bus type, not by what a variant holds */
    JsonCost cost;
    int fd; /* owned; -1: none */
};

static gboolean
is_dictionary(const GDBusArgInfo *arg)
{
    return !introspection_get_qmp_name(arg->annotations) &&
           (g_str_equal(arg->name, DESCRIBE_OPTIONS) || g_str_equal(arg->name, DESCRIBE_ARGUMENTS));
}

static const char *
get_qmp_name(GDBusAnnotationInfo **annotations, const char *otherwise)
{
    const char *name = introspection_get_qmp_name(annotations);

    return name ? name : otherwise;
}

static void
add_method_arg(QmpMethod *method, GString *signature, GDBusArgInfo *arg)
{
    g_string_append(signature, arg->signature);
    if (g_str_equal(arg->signature, DBUS_TYPE_UNIX_FD_AS_STRING))
        method->takes_fd = TRUE;
    else if (!is_dictionary(arg))
        method->members[method->n_members++] = get_qmp_name(arg->annotations, arg->name);
}

static gboolean
needs_something(const QmpType *arguments)
{
    for (guint i = 0; i < arguments->n_members; i++)
        if (!arguments->members[i].optional)
            return TRUE;
    return arguments->tag != NULL;
}

QmpMethod *
qmp_method_new(const GDBusMethodInfo *info, const QmpSchemaCommand *command)
{
    QmpMethod *method = g_new0(QmpMethod, 1);
    GString *signature = g_string_new(NULL);
    guint n_args = info->in_args ? g_strv_length((char **)info->in_args) : 0;

    method->info = info;
    method->command = command;
    method->name = get_qmp_name(info->annotations, info->name);
    method->members = g_new(const char *, n_args);
    for (guint i = 0; i < n_args; i++)
        add_method_arg(method, signature, info->in_args[i]);
    method->signature = g_string_free(signature, FALSE);
    method->needs_something = command && needs_something(command->arguments);
    return method;
}

void
qmp_method_free(QmpMethod *method)
{
    g_free(method->signature);
    g_free(method->members);
    g_free(method);
}

const char *
qmp_method_get_command(const QmpMethod *method)
{
    return method->name;
}

const char *
qmp_method_get_result(const QmpMethod *method, const QmpType **ret_type)
{
    GDBusArgInfo **out = method->info->out_args;

    *ret_type = method->command ? method->command->result : NULL;
    return out && out[0] ? out[0]->signature : "";
}

static gboolean
is_dictionary_at(DBusMessageIter *iter)
{
    return dbus_message_iter_get_arg_type(iter) == DBUS_TYPE_ARRAY &&
           dbus_message_iter_get_element_type(iter) == DBUS_TYPE_DICT_ENTRY;
}

static gboolean
read_one(QmpMethodValues *values, DBusMessageIter *iter, const QmpMethod *method, GError **error)
{
    guint index = values->nodes ? values->nodes->len : 0;
    g_autofree char *number = NULL;
    const char *place = NULL;
    JsonNode *node;

    values->ends_in_dictionary = is_dictionary_at(iter);
    if (method && index < method->n_members)
        place = method->members[index];
    else if (!values->ends_in_dictionary)
        place = number = g_strdup_printf("argument %u", index + 1);
    node = value_read(iter, place, &values->cost, error);
    if (!node)
        return FALSE;
    if (!values->nodes)
        values->nodes = g_ptr_array_new_with_free_func((GDestroyNotify)json_node_unref);
    g_ptr_array_add(values->nodes, node);
    return TRUE;
}

/* A duplicate of our own. */
static gboolean
take_method_fd(QmpMethodValues *values, DBusMessageIter *iter, GError **error)
{
    int fd = -1;

    dbus_message_iter_get_basic(iter, &fd);
    values->fd = fd_reserve_pass(fd);
    if (values->fd >= 0)
        return TRUE;
    g_set_error_literal(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "The agent has no descriptors left");
    return FALSE;
}

QmpMethodValues *
qmp_method_values_new(BusCall *call, const QmpMethod *method, GError **error)
{
    g_autoptr(QmpMethodValues) values = g_new0(QmpMethodValues, 1);
    DBusMessageIter iter;

    values->fd = -1;
    dbus_message_iter_init(bus_call_get_message(call), &iter);
    if (dbus_message_iter_get_arg_type(&iter) == DBUS_TYPE_UNIX_FD) {
        if (!take_method_fd(values, &iter, error))
            return NULL;
        dbus_message_iter_next(&iter);
    }
    for (; dbus_message_iter_get_arg_type(&iter) != DBUS_TYPE_INVALID; dbus_message_iter_next(&iter))
        if (!read_one(values, &iter, method, error))
            return NULL;
    return g_steal_pointer(&values);
}

void
qmp_method_values_free(QmpMethodValues *values)
{
    if (values->fd >= 0)
        close(values->fd);
    g_clear_pointer(&values->nodes, g_ptr_array_unref);
    g_free(values);
}

gsize
qmp_method_values_get_size(const QmpMethodValues *values)
{
    return values->cost.bytes;
}

gboolean
qmp_method_values_has_fd(const QmpMethodValues *values)
{
    return values->fd >= 0;
}

static gboolean
set_member(JsonObject *arguments, const char *name, JsonNode *value, GError **error)
{
    if (!json_object_has_member(arguments, name)) {
        json_object_set_member(arguments, name, json_node_ref(value));
        return TRUE;
    }
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "%s is there twice", name);
    return FALSE;
}

static gboolean
set_members(JsonObject *arguments, JsonNode *dictionary, GError **error)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *value;

    json_object_iter_init_ordered(&iter, json_node_get_object(dictionary));
    while (json_object_iter_next_ordered(&iter, &name, &value))
        if (!set_member(arguments, name, value, error))
            return FALSE;
    return TRUE;
}

/* Values one by one, then a dictionary if there is one more. */
static gboolean
arrange_arguments(const QmpMethod *method, BusCall *call, const QmpMethodValues *values, JsonObject *arguments,
                  GError **error)
{
    guint n_nodes = values->nodes ? values->nodes->len : 0, n_members = n_nodes - values->ends_in_dictionary;

    if (values->ends_in_dictionary && n_nodes == method->n_members && n_nodes != 1)
        n_members = n_nodes; /* the last member is an object */
    if (n_members != method->n_members && !(n_nodes == 1 && values->ends_in_dictionary)) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "%s takes `%s` or `%sa{sv}`, the call has `%s`",
                    method->info->name, method->signature, method->takes_fd ? "h" : "", bus_call_get_signature(call));
        return FALSE;
    }
    for (guint i = 0; i < n_members; i++)
        if (!set_member(arguments, method->members[i], g_ptr_array_index(values->nodes, i), error))
            return FALSE;
    return n_members == n_nodes || set_members(arguments, g_ptr_array_index(values->nodes, n_members), error);
}

static gboolean
check_fd(const QmpMethod *method, const QmpMethodValues *values, GError **error)
{
    if (method->takes_fd == (values->fd >= 0))
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                method->takes_fd ? "%s takes a file descriptor first: `%s`" : "%s takes no file descriptor: `%s`",
                method->info->name, method->signature);
    return FALSE;
}

/* Nothing comes and nothing is needed: the most frequent case by far. */
static gboolean
is_bare(const QmpMethod *method, const QmpMethodValues *values)
{
    return !values->nodes && (method->command ? !method->needs_something : method->n_members == 0);
}

gboolean
qmp_method_get_arguments(const QmpMethod *method, BusCall *call, QmpMethodValues *values, JsonNode **ret_arguments,
                         int *ret_fd, GError **error)
{
    g_autoptr(JsonObject) arguments = NULL;

    if (!check_fd(method, values, error))
        return FALSE;
    *ret_arguments = NULL;
    if (!is_bare(method, values)) {
        arguments = json_object_new();
        if (!arrange_arguments(method, call, values, arguments, error) ||
            (method->command && !qmp_arguments_check(method->command, arguments, error)))
            return FALSE;
        *ret_arguments = json_node_init_object(json_node_alloc(), arguments);
    }
    *ret_fd = values->fd;
    values->fd = -1;
    return TRUE;
}
