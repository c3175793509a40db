/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "introspection.h"

#include <string.h>

#include "names.h"
#include "value.h"

/* D-Bus spec, "Valid Signatures". */
#define MAX_SIGNATURE 255

#define DICTIONARY "a{sv}"

static void
add_annotation(GPtrArray *annotations, const char *key, const char *value)
{
    GDBusAnnotationInfo *annotation = g_new0(GDBusAnnotationInfo, 1);

    annotation->ref_count = 1;
    annotation->key = g_strdup(key);
    annotation->value = g_strdup(value);
    g_ptr_array_add(annotations, annotation);
}

/* An array as the infos hold them, NULL at its end; NULL where there is nothing in it. */
static gpointer
end_array(GPtrArray *array)
{
    gboolean is_empty = array->len == 0;

    g_ptr_array_add(array, NULL);
    if (!is_empty)
        return g_ptr_array_free(array, FALSE);
    g_ptr_array_free(array, TRUE);
    return NULL;
}

static GDBusArgInfo *
add_arg_info(GPtrArray *args, const char *name, const char *signature)
{
    GDBusArgInfo *arg = g_new0(GDBusArgInfo, 1);

    arg->ref_count = 1;
    arg->name = g_strdup(name);
    arg->signature = g_strdup(signature);
    g_ptr_array_add(args, arg);
    return arg;
}

static gboolean
has_arg(GPtrArray *args, const char *name)
{
    for (guint i = 0; i < args->len; i++)
        if (g_str_equal(((GDBusArgInfo *)g_ptr_array_index(args, i))->name, name))
            return TRUE;
    return FALSE;
}

static gboolean
is_reserved(const char *name)
{
    return g_str_equal(name, DESCRIBE_OPTIONS) || g_str_equal(name, DESCRIBE_ARGUMENTS);
}

static char *
append_underscore(char *name)
{
    char *longer = g_strconcat(name, "_", NULL);

    g_free(name);
    return longer;
}

/* Whoever reads the argument must know which member it is, and that it is one: some commands have a member called
 * `options`. */
static void
add_member(GPtrArray *args, const QmpMember *member, gboolean has_options)
{
    g_autoptr(GString) signature = g_string_new(NULL);
    g_autofree char *name = names_arg_from_qmp(member->name);
    gboolean is_misleading = is_reserved(name);
    GDBusArgInfo *arg;

    value_append_signature(signature, member->type);
    while (has_arg(args, name) || (is_misleading && has_options && is_reserved(name)))
        name = append_underscore(name);
    arg = add_arg_info(args, name, signature->str);
    if (!is_misleading && g_str_equal(name, member->name))
        return;
    GPtrArray *annotations = g_ptr_array_new();
    add_annotation(annotations, MONITOR_NAME_ANNOTATION, member->name);
    arg->annotations = end_array(annotations);
}

/* QMP says nowhere which commands want a descriptor beside them (SCM_RIGHTS). These do, in QEMU 7.2 to 11.1. */
static gboolean
takes_fd(const QmpSchemaCommand *command)
{
    return g_str_equal(command->name, "getfd") || g_str_equal(command->name, "add-fd");
}

static gboolean
takes_all_in_one(const QmpType *arguments)
{
    g_autoptr(GString) signature = g_string_new("h");
    const QmpMember *required = NULL;
    guint n_required = 0;

    for (guint i = 0; i < arguments->n_members; i++) {
        if (arguments->members[i].optional)
            continue;
        n_required++;
        required = &arguments->members[i];
        value_append_signature(signature, required->type);
    }
    return arguments->tag || (n_required == 1 && required->type->kind == QMP_TYPE_OBJECT) ||
           signature->len + strlen(DICTIONARY) > MAX_SIGNATURE;
}

static gpointer
describe_arguments(const QmpSchemaCommand *command)
{
    const QmpType *arguments = command->arguments;
    GPtrArray *args = g_ptr_array_new();
    gboolean has_options = command->open;

    if (takes_fd(command))
        add_arg_info(args, "fd", DBUS_TYPE_UNIX_FD_AS_STRING);
    if (takes_all_in_one(arguments)) {
        add_arg_info(args, DESCRIBE_ARGUMENTS, DICTIONARY);
        return end_array(args);
    }
    for (guint i = 0; i < arguments->n_members; i++)
        has_options |= arguments->members[i].optional;
    for (guint i = 0; i < arguments->n_members; i++)
        if (!arguments->members[i].optional)
            add_member(args, &arguments->members[i], has_options);
    if (has_options)
        add_arg_info(args, DESCRIBE_OPTIONS, DICTIONARY);
    return end_array(args);
}

static gpointer
describe_result(const QmpType *result)
{
    GPtrArray *args = g_ptr_array_new();
    g_autoptr(GString) signature = g_string_new(NULL);

    value_append_signature(signature, result);
    if (result->kind != QMP_TYPE_OBJECT || result->n_members > 0 || result->tag)
        add_arg_info(args, "result", signature->str);
    return end_array(args);
}

/* gdbus-codegen calls the blocking form of a method NAME_sync in C: BlockdevSnapshot's would be the other form of
 * BlockdevSnapshotSync. */
static void
add_c_name(GPtrArray *annotations, const char *member)
{
    g_autofree char *name = g_strconcat(member, "Command", NULL);

    if (g_str_has_suffix(member, "Sync"))
        add_annotation(annotations, "org.gtk.GDBus.C.Name", name);
}

static gpointer
new_annotations(const char *member, const char *qmp_name, const char *action, gboolean deprecated, gboolean unstable)
{
    GPtrArray *annotations = g_ptr_array_new();

    add_annotation(annotations, MONITOR_NAME_ANNOTATION, qmp_name);
    add_annotation(annotations, MONITOR_ACTION_ANNOTATION, action);
    add_c_name(annotations, member);
    if (deprecated)
        add_annotation(annotations, "org.freedesktop.DBus.Deprecated", "true");
    if (unstable)
        add_annotation(annotations, MONITOR_UNSTABLE_ANNOTATION, "true");
    return end_array(annotations);
}

/* NULL where there can be none of that name, or there is one in @taken. */
static char *
choose_member(const char *qmp_name, GHashTable *taken)
{
    g_autofree char *member = names_check_command(qmp_name, NULL) ? names_member_from_qmp(qmp_name) : NULL;

    if (!member || !g_hash_table_add(taken, g_strdup(member)))
        return NULL;
    return g_steal_pointer(&member);
}

/* The contract's method for the command; NULL: the contract has none. */
static GDBusMethodInfo *
find_promised(GDBusInterfaceInfo *promised, const char *member, const char *command)
{
    GDBusMethodInfo *method = g_dbus_interface_info_lookup_method(promised, member);

    return method && g_strcmp0(introspection_get_qmp_name(method->annotations), command) == 0 ? method : NULL;
}

static gpointer
copy_args(GDBusArgInfo **args)
{
    GPtrArray *copies = g_ptr_array_new();

    for (; args && *args; args++)
        g_ptr_array_add(copies, g_dbus_arg_info_ref(*args));
    return end_array(copies);
}

static GDBusMethodInfo *
describe_command(const QmpSchemaCommand *command, GDBusInterfaceInfo *promised, IntrospectionActionFunc get_action,
                 GHashTable *taken)
{
    char *member = choose_member(command->name, taken);
    GDBusMethodInfo *method, *promise;

    if (!member)
        return NULL;
    promise = find_promised(promised, member, command->name);
    method = g_new0(GDBusMethodInfo, 1);
    method->ref_count = 1;
    method->name = member;
    method->in_args = promise ? copy_args(promise->in_args) : describe_arguments(command);
    method->out_args = promise ? copy_args(promise->out_args) : describe_result(command->result);
    method->annotations = new_annotations(member, command->name, get_action(command->name, command->unstable),
                                          command->deprecated, command->unstable);
    return method;
}

static GDBusSignalInfo *
describe_event(const QmpSchemaEvent *event, const char *action, GHashTable *taken)
{
    char *member = choose_member(event->name, taken);
    GPtrArray *args;
    GDBusSignalInfo *signal;

    if (!member)
        return NULL;
    args = g_ptr_array_new();
    add_arg_info(args, "data", DICTIONARY);
    add_arg_info(args, "timestamp", DBUS_TYPE_UINT64_AS_STRING);
    signal = g_new0(GDBusSignalInfo, 1);
    signal->ref_count = 1;
    signal->name = member;
    signal->args = end_array(args);
    signal->annotations = new_annotations(member, event->name, action, event->deprecated, event->unstable);
    return signal;
}

const char *
introspection_get_qmp_name(GDBusAnnotationInfo **annotations)
{
    return g_dbus_annotation_info_lookup(annotations, MONITOR_NAME_ANNOTATION);
}

static GDBusInterfaceInfo *
new_interface(const char *name)
{
    GDBusInterfaceInfo *interface = g_new0(GDBusInterfaceInfo, 1);

    interface->ref_count = 1;
    interface->name = g_strdup(name);
    return interface;
}

GDBusInterfaceInfo *
introspection_commands(const QmpSchema *schema, GDBusInterfaceInfo *promised, IntrospectionActionFunc get_action)
{
    GDBusInterfaceInfo *interface = new_interface(MONITOR_QMP_INTERFACE);
    g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *methods = g_ptr_array_new();

    for (guint i = 0; i < schema->commands->len; i++) {
        const QmpSchemaCommand *command = g_ptr_array_index(schema->commands, i);
        GDBusMethodInfo *method = describe_command(command, promised, get_action, taken);
        if (method)
            g_ptr_array_add(methods, method);
    }
    interface->methods = end_array(methods);
    return interface;
}

GDBusInterfaceInfo *
introspection_events(const QmpSchema *schema, IntrospectionActionFunc get_action)
{
    GDBusInterfaceInfo *interface = new_interface(MONITOR_EVENTS_INTERFACE);
    g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const char *action = get_action(/* command= */ NULL, /* is_unstable= */ FALSE);
    GPtrArray *signals = g_ptr_array_new();

    for (guint i = 0; i < schema->events->len; i++) {
        GDBusSignalInfo *signal = describe_event(g_ptr_array_index(schema->events, i), action, taken);
        if (signal)
            g_ptr_array_add(signals, signal);
    }
    interface->signals = end_array(signals);
    return interface;
}
