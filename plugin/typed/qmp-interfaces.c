/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-interfaces.h"

#include "names.h"
#include "nearest.h"

struct QmpInterfaces {
    guint refs;
    QmpSchema *schema; /* owned; NULL: not known, the contract stands for it */
    BusInterface *qmp; /* ref; its info is what the methods borrow from */
    BusInterface *events; /* ref */
    GHashTable *commands; /* of QmpSchemaCommand (the schema's), by name */
    GHashTable *methods; /* of Method, owned, by D-Bus name (the info's) */
    GHashTable *signals; /* QMP name → D-Bus name, both the info's */
    GHashTable *data; /* of QmpType (the schema's), by the event's name */
};

static QmpInterfaces *
new_empty(QmpSchema *schema)
{
    QmpInterfaces *interfaces = g_new0(QmpInterfaces, 1);

    interfaces->refs = 1;
    interfaces->schema = schema;
    interfaces->commands = g_hash_table_new(g_str_hash, g_str_equal);
    interfaces->methods = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)qmp_method_free);
    interfaces->signals = g_hash_table_new(g_str_hash, g_str_equal);
    interfaces->data = g_hash_table_new(g_str_hash, g_str_equal);
    return interfaces;
}

static void
index_schema(QmpInterfaces *interfaces)
{
    const QmpSchema *schema = interfaces->schema;

    for (guint i = 0; i < schema->commands->len; i++) {
        QmpSchemaCommand *command = g_ptr_array_index(schema->commands, i);
        g_hash_table_insert(interfaces->commands, (gpointer)command->name, command);
    }
    for (guint i = 0; i < schema->events->len; i++) {
        const QmpSchemaEvent *event = g_ptr_array_index(schema->events, i);
        g_hash_table_insert(interfaces->data, (gpointer)event->name, (gpointer)event->data);
    }
}

static void
index_members(QmpInterfaces *interfaces)
{
    GDBusMethodInfo **methods = bus_interface_get_info(interfaces->qmp)->methods;
    GDBusSignalInfo **signals = bus_interface_get_info(interfaces->events)->signals;

    for (; methods && *methods; methods++) {
        const char *command = introspection_get_qmp_name((*methods)->annotations);
        g_hash_table_insert(interfaces->methods, (*methods)->name,
                            qmp_method_new(*methods, g_hash_table_lookup(interfaces->commands, command)));
    }
    for (; signals && *signals; signals++)
        g_hash_table_insert(interfaces->signals, (gpointer)introspection_get_qmp_name((*signals)->annotations),
                            (*signals)->name);
}

static gboolean
set_infos(QmpInterfaces *interfaces, GDBusInterfaceInfo *qmp, GDBusInterfaceInfo *events, BusMethodFunc call,
          GError **error)
{
    if (!(interfaces->qmp = bus_interface_new(qmp, NULL, NULL, call, error)) ||
        !(interfaces->events = bus_interface_new(events, NULL, NULL, /* any= */ NULL, error)))
        return FALSE;
    index_members(interfaces);
    return TRUE;
}

QmpInterfaces *
qmp_interfaces_new(QmpSchema *schema, GDBusNodeInfo *contract, IntrospectionActionFunc get_action, BusMethodFunc call)
{
    QmpInterfaces *interfaces = new_empty(schema);
    GDBusInterfaceInfo *promised = g_dbus_node_info_lookup_interface(contract, MONITOR_QMP_INTERFACE);
    GDBusInterfaceInfo *qmp = introspection_commands(schema, promised, get_action);
    GDBusInterfaceInfo *events = introspection_events(schema, get_action);

    index_schema(interfaces);
    /* An interface that takes any method and has no properties cannot be wrong. */
    set_infos(interfaces, qmp, events, call, /* error= */ NULL);
    g_dbus_interface_info_unref(qmp);
    g_dbus_interface_info_unref(events);
    return interfaces;
}

QmpInterfaces *
qmp_interfaces_new_from_contract(GDBusNodeInfo *contract, BusMethodFunc call, GError **error)
{
    g_autoptr(QmpInterfaces) interfaces = new_empty(/* schema= */ NULL);

    if (!set_infos(interfaces, g_dbus_node_info_lookup_interface(contract, MONITOR_QMP_INTERFACE),
                   g_dbus_node_info_lookup_interface(contract, MONITOR_EVENTS_INTERFACE), call, error))
        return NULL;
    return g_steal_pointer(&interfaces);
}

gboolean
qmp_interfaces_is_shared(QmpInterfaces *interfaces)
{
    return interfaces->refs > 1;
}

QmpInterfaces *
qmp_interfaces_ref(QmpInterfaces *interfaces)
{
    interfaces->refs++;
    return interfaces;
}

void
qmp_interfaces_unref(QmpInterfaces *interfaces)
{
    if (--interfaces->refs > 0)
        return;
    g_hash_table_unref(interfaces->commands);
    g_hash_table_unref(interfaces->methods);
    g_hash_table_unref(interfaces->signals);
    g_hash_table_unref(interfaces->data);
    g_clear_pointer(&interfaces->qmp, bus_interface_unref);
    g_clear_pointer(&interfaces->events, bus_interface_unref);
    g_clear_pointer(&interfaces->schema, qmp_schema_free);
    g_free(interfaces);
}

BusInterface *
qmp_interfaces_get_qmp(QmpInterfaces *interfaces)
{
    return interfaces->qmp;
}

BusInterface *
qmp_interfaces_get_events(QmpInterfaces *interfaces)
{
    return interfaces->events;
}

const QmpMethod *
qmp_interfaces_find_method(QmpInterfaces *interfaces, const char *member)
{
    return g_hash_table_lookup(interfaces->methods, member);
}

/* Where QEMU has not said which events it has, every one has a signal, by the rule for names. */
char *
qmp_interfaces_dup_signal(QmpInterfaces *interfaces, const char *event, const QmpType **ret_data)
{
    *ret_data = g_hash_table_lookup(interfaces->data, event);
    if (interfaces->schema)
        return g_strdup(g_hash_table_lookup(interfaces->signals, event));
    return names_member_from_qmp(event);
}

gboolean
qmp_interfaces_has_signal(QmpInterfaces *interfaces, const char *event)
{
    return g_hash_table_contains(interfaces->signals, event);
}

char *
qmp_interfaces_dup_hint(QmpInterfaces *interfaces, const char *command)
{
    GDBusMethodInfo **methods = bus_interface_get_info(interfaces->qmp)->methods;
    Nearest nearest;

    nearest_init(&nearest, command);
    for (; methods && *methods; methods++) {
        const char *known = introspection_get_qmp_name((*methods)->annotations);
        /* The command is there, and QEMU has another reason: before `-preconfig` is over most commands are not
         * found. */
        if (g_strcmp0(known, command) == 0)
            return g_strdup("");
        nearest_offer(&nearest, known);
    }
    return nearest_dup_question(&nearest);
}

const char *
qmp_interfaces_find_event(QmpInterfaces *interfaces, const char *name, GError **error)
{
    GDBusSignalInfo **signals = bus_interface_get_info(interfaces->events)->signals;
    g_autofree char *hint = NULL;
    Nearest nearest;

    nearest_init(&nearest, name);
    for (; signals && *signals; signals++) {
        const char *known = introspection_get_qmp_name((*signals)->annotations);
        if (g_str_equal(known, name) || g_str_equal((*signals)->name, name))
            return known;
        nearest_offer(&nearest, known);
    }
    hint = nearest_dup_question(&nearest);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "This VM's QEMU has no event %.255s%s", name, hint);
    return NULL;
}

gboolean
qmp_interfaces_has_monitor_object(QmpInterfaces *interfaces)
{
    const QmpSchemaCommand *object_add = g_hash_table_lookup(interfaces->commands, "object-add");
    const QmpType *arguments = object_add ? object_add->arguments : NULL;

    for (guint i = 0; arguments && i < arguments->n_members; i++) {
        const QmpMember *member = &arguments->members[i];
        if (g_str_equal(member->name, "qom-type") && member->type->kind == QMP_TYPE_ENUM)
            return g_strv_contains(member->type->values, "monitor-qmp");
    }
    return FALSE;
}

/* The out-of-band commands of QEMU 7.2 to 11.1, for a QEMU that answers nothing else, its schema included. */
static gboolean
is_known_as_oob(const char *command)
{
    static const char *const commands[] = { "migrate-pause", "migrate-recover", "query-yank", "yank", NULL };

    return g_strv_contains(commands, command);
}

gboolean
qmp_interfaces_is_oob(QmpInterfaces *interfaces, const char *command)
{
    const QmpSchemaCommand *known = g_hash_table_lookup(interfaces->commands, command);

    return interfaces->schema ? known && known->oob : is_known_as_oob(command);
}
