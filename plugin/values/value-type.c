/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by value-to-dbus.c for every value; owns nothing. */
#include "value-type.h"

#include <string.h>

#include "bus-libdbus.h"
#include "value.h"

void
value_append_signature(GString *signature, const QmpType *type)
{
    switch (type->kind) {
    case QMP_TYPE_ANY:
    case QMP_TYPE_ALTERNATE:
        g_string_append_c(signature, DBUS_TYPE_VARIANT);
        break;
    case QMP_TYPE_NULL:
        g_string_append_c(signature, DBUS_TYPE_SIGNATURE);
        break;
    case QMP_TYPE_BOOLEAN:
        g_string_append_c(signature, DBUS_TYPE_BOOLEAN);
        break;
    case QMP_TYPE_INT:
        g_string_append_c(signature, DBUS_TYPE_INT64);
        break;
    case QMP_TYPE_NUMBER:
        g_string_append_c(signature, DBUS_TYPE_DOUBLE);
        break;
    case QMP_TYPE_STRING:
    case QMP_TYPE_ENUM:
        g_string_append_c(signature, DBUS_TYPE_STRING);
        break;
    case QMP_TYPE_ARRAY:
        g_string_append_c(signature, DBUS_TYPE_ARRAY);
        value_append_signature(signature, type->element);
        break;
    case QMP_TYPE_OBJECT:
        g_string_append(signature, "a{sv}");
        break;
    }
}

const char *
value_type_get_simple_signature(const QmpType *type, JsonCursorType value)
{
    if (type && type->kind == QMP_TYPE_NUMBER)
        return DBUS_TYPE_DOUBLE_AS_STRING;
    switch (value) {
    case JSON_CURSOR_NULL:
        return DBUS_TYPE_SIGNATURE_AS_STRING;
    case JSON_CURSOR_BOOLEAN:
        return DBUS_TYPE_BOOLEAN_AS_STRING;
    case JSON_CURSOR_INT:
        return DBUS_TYPE_INT64_AS_STRING;
    case JSON_CURSOR_UINT:
        return DBUS_TYPE_UINT64_AS_STRING;
    case JSON_CURSOR_DOUBLE:
        return DBUS_TYPE_DOUBLE_AS_STRING;
    case JSON_CURSOR_STRING:
        return DBUS_TYPE_STRING_AS_STRING;
    case JSON_CURSOR_OBJECT:
        return "a{sv}";
    case JSON_CURSOR_ARRAY:
        break;
    }
    return NULL;
}

double
value_type_get_double(const JsonCursorNumber *number)
{
    if (number->type == JSON_CURSOR_INT)
        return (double)number->i64;
    return number->type == JSON_CURSOR_UINT ? (double)number->u64 : number->real;
}

gboolean
value_type_is_exact_double(const JsonCursorNumber *number)
{
    double value = value_type_get_double(number);

    if (number->type == JSON_CURSOR_INT)
        return value < 0x1p63 && (gint64)value == number->i64;
    return number->type != JSON_CURSOR_UINT || (value < 0x1p64 && (guint64)value == number->u64);
}

/* Variants and dictionaries hold anything. */
gboolean
value_type_fits(const QmpType *type, JsonCursor value)
{
    JsonCursorType is = json_cursor_get_type(&value);
    JsonCursorNumber number;

    if (type->kind == QMP_TYPE_ALTERNATE)
        return TRUE;
    if (!qmp_type_matches(type, is))
        return FALSE;
    if (type->kind == QMP_TYPE_INT)
        return is == JSON_CURSOR_INT;
    if (type->kind != QMP_TYPE_NUMBER)
        return TRUE;
    number = json_cursor_read_number(&value);
    return value_type_is_exact_double(&number);
}

const QmpType *
value_type_choose(const QmpType *type, JsonCursor value)
{
    if (type && type->kind == QMP_TYPE_ALTERNATE)
        type = qmp_type_find_branch(type, json_cursor_get_type(&value));
    return type && type->kind != QMP_TYPE_ANY && value_type_fits(type, value) ? type : NULL;
}

/* The first characters of the D-Bus types that a value can become. */
static const char *
get_possible_types(JsonCursorType value)
{
    switch (value) {
    case JSON_CURSOR_NULL:
        return "vg";
    case JSON_CURSOR_BOOLEAN:
        return "vb";
    case JSON_CURSOR_INT:
    case JSON_CURSOR_UINT:
        return "vxtd";
    case JSON_CURSOR_DOUBLE:
        return "vd";
    case JSON_CURSOR_STRING:
        return "vs";
    case JSON_CURSOR_OBJECT:
    case JSON_CURSOR_ARRAY:
        return "va";
    }
    g_return_val_if_reached("");
}

gboolean
value_type_may_be(JsonCursorType value, const char *signature)
{
    gboolean wants_object = signature[0] == DBUS_TYPE_ARRAY && signature[1] == DBUS_DICT_ENTRY_BEGIN_CHAR;

    if (!strchr(get_possible_types(value), signature[0]))
        return FALSE;
    return signature[0] != DBUS_TYPE_ARRAY || wants_object == (value == JSON_CURSOR_OBJECT);
}
