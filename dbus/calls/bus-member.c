/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A member's XML is read once. bus-interface.c makes members and values of the tables' rows; bus-dispatch.c asks which
 * arguments a method takes. */
#include "bus-member.h"

#include <string.h>

#include "bus-body.h"

/* Whoever has nothing to say in it need not send an empty dictionary. */
static gboolean
may_be_left_out(const GDBusArgInfo *arg)
{
    return g_str_equal(arg->signature, "a{sv}") ||
           g_strcmp0(g_dbus_annotation_info_lookup(arg->annotations, BUS_OPTIONAL_ANNOTATION), "true") == 0;
}

static guint
count_required_args(GDBusArgInfo **args)
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

BusMember *
bus_member_new(const BusMethod *method, const GDBusMethodInfo *info)
{
    BusMember *member = g_new0(BusMember, 1);

    member->method = method;
    member->signature = join_signatures(info->in_args);
    member->n_required = count_required_args(info->in_args);
    return member;
}

void
bus_member_free(BusMember *member)
{
    g_free(member->signature);
    g_free(member);
}

/* An annotation of the interface holds for the properties that have none of their own. */
static BusEmits
get_emits(const GDBusInterfaceInfo *interface, const GDBusPropertyInfo *property)
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

BusValue
bus_value_make(const BusProperty *property, const GDBusInterfaceInfo *interface, const GDBusPropertyInfo *info)
{
    return (BusValue){
        .property = property,
        .signature = info->signature,
        .emits = get_emits(interface, info),
    };
}

gsize
bus_value_append(const BusValue *value, DBusMessageIter *iter, gpointer object_data)
{
    DBusBasicValue content = value->property->get(object_data);
    DBusMessageIter variant;

    dbus_message_iter_open_container(iter, DBUS_TYPE_VARIANT, value->signature, &variant);
    dbus_message_iter_append_basic(&variant, value->signature[0], &content);
    dbus_message_iter_close_container(iter, &variant);
    return 2 * BUS_BODY_WORD + (value->signature[0] == DBUS_TYPE_STRING ? strlen(content.str) : 0);
}

void
bus_value_append_entry(const BusValue *value, DBusMessageIter *iter, gpointer object_data)
{
    DBusMessageIter entry;

    dbus_message_iter_open_container(iter, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &value->property->name);
    bus_value_append(value, &entry, object_data);
    dbus_message_iter_close_container(iter, &entry);
}
