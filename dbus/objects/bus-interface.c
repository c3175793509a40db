/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An interface: what its XML says, joined with the tables of functions. Whoever implements objects makes one and adds
 * it to them; bus-dispatch.c finds methods in it, bus-properties.c values, bus-introspect.c the XML. */
#include "bus-interface.h"

#include <string.h>

/* The changes that an object has not told yet are one guint64 an interface. */
#define MAX_PROPERTIES 64

struct BusInterface {
    guint refs; /* the maker's, one for each object that has it, one for each call */
    GDBusInterfaceInfo *info; /* ref */
    GHashTable *members; /* name (the row's) → BusMember, owned: the methods with a row */
    BusMethod any_row; /* call is NULL: there is none */
    BusMember any;
    BusValue *values; /* owned */
    guint n_values;
    char *xml; /* owned; NULL before it is asked for */
};

static gboolean
add_method(BusInterface *interface, const BusMethod *method, GError **error)
{
    GDBusMethodInfo *info = g_dbus_interface_info_lookup_method(interface->info, method->name);

    if (!info || g_hash_table_contains(interface->members, method->name)) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_FAILED, "%s.%s is %s", interface->info->name, method->name,
                    info ? "in the table twice" : "not a method in the XML");
        return FALSE;
    }
    g_hash_table_insert(interface->members, (gpointer)method->name, bus_member_new(method, info));
    return TRUE;
}

static gboolean
add_methods(BusInterface *interface, const BusMethod *methods, GError **error)
{
    for (; methods && methods->name; methods++)
        if (!add_method(interface, methods, error))
            return FALSE;
    for (GDBusMethodInfo **info = interface->info->methods; !interface->any_row.call && info && *info; info++) {
        if (g_hash_table_contains(interface->members, (*info)->name))
            continue;
        g_set_error(error, BUS_ERROR, BUS_ERROR_FAILED, "%s.%s has no function", interface->info->name, (*info)->name);
        return FALSE;
    }
    return TRUE;
}

static const BusProperty *
find_property_row(const BusProperty *properties, const char *name)
{
    for (; properties && properties->name; properties++)
        if (g_str_equal(properties->name, name))
            return properties;
    return NULL;
}

/* Object paths and signatures would be checked by libdbus, which ends the process where they are wrong. */
static gboolean
is_basic_value(const char *signature)
{
    return signature[1] == '\0' && strchr("ybnqiuxtds", signature[0]);
}

static gboolean
add_property(BusInterface *interface, GDBusPropertyInfo *info, const BusProperty *row, GError **error)
{
    const char *wrong = NULL;

    if (!row)
        wrong = "has no function";
    else if (!is_basic_value(info->signature))
        wrong = "has no basic type";
    else if (info->flags != G_DBUS_PROPERTY_INFO_FLAGS_READABLE)
        wrong = "is not read-only";
    else if (interface->n_values == MAX_PROPERTIES)
        wrong = "is one property too many";
    if (wrong) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_FAILED, "%s.%s %s", interface->info->name, info->name, wrong);
        return FALSE;
    }
    interface->values[interface->n_values++] = bus_value_make(row, interface->info, info);
    return TRUE;
}

static gboolean
add_properties(BusInterface *interface, const BusProperty *properties, GError **error)
{
    interface->values = g_new0(BusValue, MAX_PROPERTIES);
    for (GDBusPropertyInfo **info = interface->info->properties; info && *info; info++)
        if (!add_property(interface, *info, find_property_row(properties, (*info)->name), error))
            return FALSE;
    interface->values = g_renew(BusValue, interface->values, interface->n_values);
    for (; properties && properties->name; properties++) {
        if (g_dbus_interface_info_lookup_property(interface->info, properties->name))
            continue;
        g_set_error(error, BUS_ERROR, BUS_ERROR_FAILED, "%s.%s is not a property in the XML", interface->info->name,
                    properties->name);
        return FALSE;
    }
    return TRUE;
}

BusInterface *
bus_interface_new(GDBusInterfaceInfo *info, const BusMethod *methods, const BusProperty *properties, BusMethodFunc any,
                  GError **error)
{
    BusInterface *interface = g_new0(BusInterface, 1);

    interface->refs = 1;
    interface->info = g_dbus_interface_info_ref(info);
    interface->members = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)bus_member_free);
    interface->any_row = (BusMethod){ .access = BUS_ACCESS_GATED, .call = any };
    interface->any.method = &interface->any_row;
    if (!add_methods(interface, methods, error) || !add_properties(interface, properties, error))
        g_clear_pointer(&interface, bus_interface_unref);
    return interface;
}

BusInterface *
bus_interface_ref(BusInterface *interface)
{
    interface->refs++;
    return interface;
}

void
bus_interface_unref(BusInterface *interface)
{
    if (--interface->refs > 0)
        return;
    g_hash_table_unref(interface->members);
    g_dbus_interface_info_unref(interface->info);
    g_free(interface->values);
    g_free(interface->xml);
    g_free(interface);
}

const char *
bus_interface_get_name(BusInterface *interface)
{
    return interface->info->name;
}

GDBusInterfaceInfo *
bus_interface_get_info(BusInterface *interface)
{
    return interface->info;
}

/* A call that names no interface goes to an interface that takes anything only where its XML lists the member: it
 * would otherwise take what is meant for the ones after it. */
const BusMember *
bus_interface_find(BusInterface *interface, const char *member, gboolean named)
{
    const BusMember *found = g_hash_table_lookup(interface->members, member);

    if (found || !interface->any_row.call)
        return found;
    return named || g_dbus_interface_info_lookup_method(interface->info, member) ? &interface->any : NULL;
}

const BusValue *
bus_interface_get_values(BusInterface *interface, guint *ret_count)
{
    *ret_count = interface->n_values;
    return interface->values;
}

const BusValue *
bus_interface_find_value(BusInterface *interface, const char *name, guint *ret_index)
{
    for (guint i = 0; i < interface->n_values; i++) {
        if (!g_str_equal(interface->values[i].property->name, name))
            continue;
        *ret_index = i;
        return &interface->values[i];
    }
    return NULL;
}

void
bus_interface_append_values(BusInterface *interface, DBusMessageIter *iter, gpointer object_data)
{
    DBusMessageIter entries;

    dbus_message_iter_open_container(iter, DBUS_TYPE_ARRAY, "{sv}", &entries);
    for (guint i = 0; i < interface->n_values; i++)
        bus_value_append_entry(&interface->values[i], &entries, object_data);
    dbus_message_iter_close_container(iter, &entries);
}

const char *
bus_interface_get_xml(BusInterface *interface)
{
    GString *xml;

    if (!interface->xml) {
        xml = g_string_new(NULL);
        g_dbus_interface_info_generate_xml(interface->info, 2, xml);
        interface->xml = g_string_free(xml, FALSE);
    }
    return interface->xml;
}
