/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* D-Bus to JSON. libdbus has validated what arrives: strings are UTF-8, nothing nests deeper than 64. */
#include <math.h>
#include <string.h>

#include "bus-error.h"
#include "bus-integer.h"
#include "json-tree.h"
#include "json-value-path.h"
#include "value.h"

typedef struct Walk {
    JsonCost *cost; /* of the values so far */
    GError **error;
} Walk;

static JsonNode *G_GNUC_PRINTF(3, 4) fail_read(Walk *walk, const JsonValuePath *place, const char *format, ...)
{
    g_autofree char *where = json_value_path_to_text(place);
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(walk->error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "%s %s", where, what);
    return NULL;
}

/* Before anything is made of what has been counted. */
static gboolean
check_read_cost(Walk *walk, const JsonValuePath *place)
{
    g_autofree char *excess = json_cost_find_excess(walk->cost, &JSON_COST_OF_ARGUMENTS);
    g_autofree char *where = NULL;

    if (!excess)
        return TRUE;
    where = json_value_path_to_text(place);
    g_set_error(walk->error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "%s is beyond what a command may have: %s", where,
                excess);
    return FALSE;
}

static JsonNode *read_dbus_value(Walk *walk, DBusMessageIter *iter, const JsonValuePath *place);

static JsonNode *
read_dbus_integer(DBusMessageIter *iter)
{
    BusInteger integer = bus_integer_read(iter);

    if (integer.is_negative)
        return json_node_init_int(json_node_alloc(), (gint64)integer.value);
    return json_tree_new_uint(integer.value);
}

static JsonNode *
read_dbus_double(Walk *walk, DBusMessageIter *iter, const JsonValuePath *place)
{
    double value;

    dbus_message_iter_get_basic(iter, &value);
    if (!isfinite(value))
        return fail_read(walk, place, "is %s, which JSON has no number for", isnan(value) ? "NaN" : "infinite");
    return json_node_init_double(json_node_alloc(), value);
}

static JsonNode *
read_dbus_boolean(DBusMessageIter *iter)
{
    dbus_bool_t value;

    dbus_message_iter_get_basic(iter, &value);
    return json_node_init_boolean(json_node_alloc(), value);
}

static JsonNode *
read_dbus_string(Walk *walk, DBusMessageIter *iter, const JsonValuePath *place)
{
    const char *value;

    dbus_message_iter_get_basic(iter, &value);
    walk->cost->bytes += strlen(value);
    return check_read_cost(walk, place) ? json_tree_new_string(value) : NULL;
}

static JsonNode *
read_dbus_null(Walk *walk, DBusMessageIter *iter, const JsonValuePath *place)
{
    const char *value;

    dbus_message_iter_get_basic(iter, &value);
    if (*value)
        return fail_read(walk, place, "is the signature `%s`; JSON has only null, which is the empty one", value);
    return json_node_init_null(json_node_alloc());
}

static gboolean
read_dbus_member(Walk *walk, DBusMessageIter *entry, JsonObject *object, const JsonValuePath *place)
{
    JsonValuePath member = { .up = place };
    JsonNode *value;

    dbus_message_iter_get_basic(entry, &member.member);
    json_cost_add_member(walk->cost, json_object_get_size(object), strlen(member.member));
    if (!check_read_cost(walk, &member))
        return FALSE;
    if (json_object_has_member(object, member.member)) {
        fail_read(walk, &member, "is there twice");
        return FALSE;
    }
    dbus_message_iter_next(entry);
    value = read_dbus_value(walk, entry, &member);
    if (value)
        json_object_set_member(object, member.member, value);
    return value != NULL;
}

static JsonNode *
read_dbus_dictionary(Walk *walk, DBusMessageIter *entries, const JsonValuePath *place)
{
    g_autoptr(JsonObject) object = json_object_new();
    DBusMessageIter entry;

    for (; dbus_message_iter_get_arg_type(entries) != DBUS_TYPE_INVALID; dbus_message_iter_next(entries)) {
        dbus_message_iter_recurse(entries, &entry);
        if (dbus_message_iter_get_arg_type(&entry) != DBUS_TYPE_STRING)
            return fail_read(walk, place, "has keys that are no strings");
        if (!read_dbus_member(walk, &entry, object, place))
            return NULL;
    }
    return json_node_init_object(json_node_alloc(), object);
}

static JsonNode *
read_dbus_array(Walk *walk, DBusMessageIter *elements, const JsonValuePath *place)
{
    g_autoptr(JsonArray) array = json_array_new();

    while (dbus_message_iter_get_arg_type(elements) != DBUS_TYPE_INVALID) {
        JsonValuePath element = { .up = place, .element = json_array_get_length(array) };
        JsonNode *value = read_dbus_value(walk, elements, &element);
        if (!value)
            return NULL;
        json_array_add_element(array, value);
        dbus_message_iter_next(elements);
    }
    return json_node_init_array(json_node_alloc(), array);
}

static JsonNode *
read_dbus_container(Walk *walk, DBusMessageIter *iter, int type, const JsonValuePath *place)
{
    DBusMessageIter content;

    if (type == DBUS_TYPE_STRUCT)
        return fail_read(walk, place, "is a struct, which JSON has not");
    dbus_message_iter_recurse(iter, &content);
    if (type == DBUS_TYPE_VARIANT)
        return read_dbus_value(walk, &content, place);
    /* The type of the elements is known also where there are none. */
    if (dbus_message_iter_get_element_type(iter) == DBUS_TYPE_DICT_ENTRY)
        return read_dbus_dictionary(walk, &content, place);
    return read_dbus_array(walk, &content, place);
}

static JsonNode *
read_dbus_value(Walk *walk, DBusMessageIter *iter, const JsonValuePath *place)
{
    int type = dbus_message_iter_get_arg_type(iter);

    /* The shortest: a digit and a comma. */
    if (type != DBUS_TYPE_VARIANT) {
        json_cost_add_value(walk->cost, 2);
        if (!check_read_cost(walk, place))
            return NULL;
    }
    if (dbus_type_is_container(type))
        return read_dbus_container(walk, iter, type, place);
    switch (type) {
    case DBUS_TYPE_STRING:
    case DBUS_TYPE_OBJECT_PATH:
        return read_dbus_string(walk, iter, place);
    case DBUS_TYPE_BOOLEAN:
        return read_dbus_boolean(iter);
    case DBUS_TYPE_DOUBLE:
        return read_dbus_double(walk, iter, place);
    case DBUS_TYPE_SIGNATURE:
        return read_dbus_null(walk, iter, place);
    case DBUS_TYPE_UNIX_FD:
        return fail_read(walk, place, "is a file descriptor, which JSON has not");
    default:
        return read_dbus_integer(iter);
    }
}

JsonNode *
value_read(DBusMessageIter *iter, const char *place, JsonCost *cost, GError **error)
{
    Walk walk = { .cost = cost, .error = error };
    JsonValuePath outermost = { .member = place };

    return read_dbus_value(&walk, iter, place ? &outermost : NULL);
}
