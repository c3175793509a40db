/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An interface: what its XML says, joined with the tables of functions. Whoever implements objects makes one and adds
 * it to them; bus-tree.c finds methods in it, bus-properties.c values, bus-introspect.c the XML. */
#include "bus-private.h"

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

static void
member_free(BusMember *member)
{
    g_free(member->signature);
    g_free(member);
}

/* Whoever has nothing to say in it need not send an empty dictionary. */
static gboolean
may_be_left_out(const GDBusArgInfo *arg)
{
    return g_str_equal(arg->signature, "a{sv}") ||
           g_strcmp0(g_dbus_annotation_info_lookup(arg->annotations, BUS_OPTIONAL_ANNOTATION), "true") == 0;
}

static guint
count_required(GDBusArgInfo **args)
{
    guint n = args ? g_strv_length((char **)args) : 0;

    while (n > 0 && may_be_left_out(args[n - 1]))
        n--;
    return n;
}

/* The one complete type that @iter stands at. */
static gboolean
is_taken(DBusSignatureIter *declared, DBusSignatureIter *given)
{
    char *wanted = dbus_signature_iter_get_signature(declared), *sent = dbus_signature_iter_get_signature(given);
    gboolean is_dictionary = g_str_equal(wanted, "a{sv}") && g_str_has_prefix(sent, "a{s");
    gboolean is_same = g_str_equal(wanted, sent);

    dbus_free(wanted);
    dbus_free(sent);
    return is_same || is_dictionary;
}

gboolean
bus_member_takes(const BusMember *member, const char *signature)
{
    DBusSignatureIter declared, given;
    gboolean has_declared = *member->signature, has_given = *signature;
    guint n = 0;

    if (g_str_equal(member->signature, signature))
        return TRUE;
    dbus_signature_iter_init(&declared, member->signature);
    dbus_signature_iter_init(&given, signature);
    for (; has_declared && has_given; n++) {
        if (!is_taken(&declared, &given))
            return FALSE;
        has_declared = dbus_signature_iter_next(&declared);
        has_given = dbus_signature_iter_next(&given);
    }
    return !has_given && n >= member->n_required;
}

static char *
join_signatures(GDBusArgInfo **args)
{
    GString *joined = g_string_new(NULL);

    for (; args && *args; args++)
        g_string_append(joined, (*args)->signature);
    return g_string_free(joined, FALSE);
}

static gboolean
add_method(BusInterface *interface, const BusMethod *method, GError **error)
{
    GDBusMethodInfo *info = g_dbus_interface_info_lookup_method(interface->info, method->name);
    BusMember *member;

    if (!info || g_hash_table_contains(interface->members, method->name)) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_FAILED, "%s.%s is %s", interface->info->name, method->name,
                    info ? "in the table twice" : "not a method in the XML");
        return FALSE;
    }
    member = g_new0(BusMember, 1);
    member->method = method;
    member->signature = join_signatures(info->in_args);
    member->n_required = count_required(info->in_args);
    g_hash_table_insert(interface->members, (gpointer)method->name, member);
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

/* An annotation of the interface holds for the properties that have none of their own. */
static BusEmits
get_emits(GDBusInterfaceInfo *interface, GDBusPropertyInfo *property)
{
    const char *key = "org.freedesktop.DBus.Property.EmitsChangedSignal";
    const char *value = g_dbus_annotation_info_lookup(property->annotations, key);

    if (!value)
        value = g_dbus_annotation_info_lookup(interface->annotations, key);
    if (g_strcmp0(value, "invalidates") == 0)
        return BUS_EMITS_INVALIDATION;
    if (g_strcmp0(value, "const") == 0 || g_strcmp0(value, "false") == 0)
        return BUS_EMITS_NOTHING;
    return BUS_EMITS_VALUE;
}

static const BusProperty *
find_row(const BusProperty *properties, const char *name)
{
    for (; properties && properties->name; properties++)
        if (g_str_equal(properties->name, name))
            return properties;
    return NULL;
}

static gboolean
add_property(BusInterface *interface, GDBusPropertyInfo *info, const BusProperty *row, GError **error)
{
    const char *wrong = NULL;

    if (!row)
        wrong = "has no function";
    else if (info->flags != G_DBUS_PROPERTY_INFO_FLAGS_READABLE)
        wrong = "is not read-only";
    else if (interface->n_values == MAX_PROPERTIES)
        wrong = "is one property too many";
    if (wrong) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_FAILED, "%s.%s %s", interface->info->name, info->name, wrong);
        return FALSE;
    }
    interface->values[interface->n_values++] = (BusValue){
        .property = row,
        .signature = info->signature,
        .emits = get_emits(interface->info, info),
    };
    return TRUE;
}

static gboolean
add_properties(BusInterface *interface, const BusProperty *properties, GError **error)
{
    interface->values = g_new0(BusValue, MAX_PROPERTIES);
    for (GDBusPropertyInfo **info = interface->info->properties; info && *info; info++)
        if (!add_property(interface, *info, find_row(properties, (*info)->name), error))
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
    interface->members = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)member_free);
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
