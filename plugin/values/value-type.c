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

/* The type of an array's elements: theirs if all have the same, "v" otherwise. */
static void append_natural_element(GString *signature, JsonCursor *array, gboolean is_outermost);

static const char *
get_natural_signature(const JsonCursor *value)
{
    return value_type_get_simple_signature(/* type= */ NULL, json_cursor_get_type(value));
}

/* Leaves the value behind. */
static void
append_natural(GString *signature, JsonCursor *value)
{
    const char *simple = get_natural_signature(value);

    g_string_append(signature, simple ? simple : DBUS_TYPE_ARRAY_AS_STRING);
    if (simple)
        json_cursor_skip(value);
    else
        append_natural_element(signature, value, /* is_outermost= */ FALSE);
}

/* Whether @value may have the type @element, as far as is seen without entering it. */
static gboolean
may_be_natural(const JsonCursor *value, const char *element)
{
    const char *simple = get_natural_signature(value);

    return simple ? g_str_equal(simple, element)
                  : element[0] == DBUS_TYPE_ARRAY && element[1] != DBUS_DICT_ENTRY_BEGIN_CHAR;
}

/* Whether @value has the type that the signature has from @start on. Leaves the value behind. */
static gboolean
is_as_first(GString *signature, gsize start, JsonCursor *value)
{
    gsize end = signature->len;
    gboolean is_same;

    if (!may_be_natural(value, signature->str + start)) {
        json_cursor_skip(value);
        return FALSE;
    }
    append_natural(signature, value);
    is_same =
        signature->len - end == end - start && memcmp(signature->str + start, signature->str + end, end - start) == 0;
    g_string_truncate(signature, end);
    return is_same;
}

/* Nobody needs the end of the outermost array. */
static void
append_natural_element(GString *signature, JsonCursor *array, gboolean is_outermost)
{
    gsize start = signature->len;
    gboolean is_uniform = TRUE;

    json_cursor_enter(array);
    while ((is_uniform || !is_outermost) && json_cursor_next_element(array)) {
        if (!is_uniform)
            json_cursor_skip(array);
        else if (signature->len == start)
            append_natural(signature, array);
        else
            is_uniform = is_as_first(signature, start, array);
    }
    if (!is_uniform)
        g_string_truncate(signature, start);
    if (signature->len == start)
        g_string_append_c(signature, DBUS_TYPE_VARIANT);
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

/* Whether a value can be appended by the signature of @type. Variants and dictionaries hold anything. */
static gboolean
fits(const QmpType *type, JsonCursor value)
{
    JsonCursorType is = json_cursor_get_type(&value);
    JsonCursorNumber number;

    if (type->kind == QMP_TYPE_ALTERNATE)
        return TRUE;
    if (!qmp_type_matches(type, is))
        return FALSE;
    if (type->kind == QMP_TYPE_INT)
        return is == JSON_CURSOR_INT;
    if (type->kind == QMP_TYPE_NUMBER) {
        number = json_cursor_read_number(&value);
        return value_type_is_exact_double(&number);
    }
    if (type->kind != QMP_TYPE_ARRAY)
        return TRUE;
    for (json_cursor_enter(&value); json_cursor_next_element(&value); json_cursor_skip(&value))
        if (!fits(type->element, value))
            return FALSE;
    return TRUE;
}

const QmpType *
value_type_choose(const QmpType *type, JsonCursor value)
{
    if (type && type->kind == QMP_TYPE_ALTERNATE)
        type = qmp_type_find_branch(type, json_cursor_get_type(&value));
    return type && type->kind != QMP_TYPE_ANY && fits(type, value) ? type : NULL;
}

char *
value_type_dup_array_signature(const QmpType *type, JsonCursor *array)
{
    GString *signature = g_string_sized_new(16);

    if (type) {
        value_append_signature(signature, type);
    } else {
        g_string_append(signature, DBUS_TYPE_ARRAY_AS_STRING);
        append_natural_element(signature, array, /* is_outermost= */ TRUE);
    }
    return g_string_free(signature, FALSE);
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
