/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl-variant.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <string.h>

static void append_value(GString *json, GVariant *value);

static void
append_json_string(GString *json, const char *text)
{
    g_string_append_c(json, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            g_string_append_printf(json, "\\%c", *text);
        else if ((guchar)*text < ' ')
            g_string_append_printf(json, "\\u%04x", (guchar)*text);
        else
            g_string_append_c(json, *text);
    }
    g_string_append_c(json, '"');
}

/* With as many digits as it takes, and a point, so that it stays what it is. */
static void
append_double(GString *json, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    if (!isfinite(number)) {
        g_string_append(json, "null");
        return;
    }
    for (guint digits = 15; digits <= 17; digits++) {
        char format[] = "%.15g";
        format[3] = (char)('0' + digits - 10);
        g_ascii_formatd(text, sizeof text, format, number);
        if (g_ascii_strtod(text, NULL) == number)
            break;
    }
    g_string_append(json, text);
    if (!strpbrk(text, ".e"))
        g_string_append(json, ".0");
}

/* Whether @value is one. */
static gboolean
append_number(GString *json, GVariant *value)
{
    g_autofree char *text = NULL;

    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_DOUBLE:
        append_double(json, g_variant_get_double(value));
        return TRUE;
    case G_VARIANT_CLASS_BYTE:
        g_string_append_printf(json, "%u", g_variant_get_byte(value));
        return TRUE;
    case G_VARIANT_CLASS_INT16:
    case G_VARIANT_CLASS_UINT16:
    case G_VARIANT_CLASS_INT32:
    case G_VARIANT_CLASS_UINT32:
    case G_VARIANT_CLASS_INT64:
    case G_VARIANT_CLASS_UINT64:
    case G_VARIANT_CLASS_HANDLE:
        text = g_variant_print(value, /* type_annotate= */ FALSE);
        g_string_append(json, text);
        return TRUE;
    default:
        return FALSE;
    }
}

/* What a member's name is: a dictionary may have other keys than strings. */
static void
append_member_name(GString *json, GVariant *key)
{
    gboolean is_text = g_variant_is_of_type(key, G_VARIANT_TYPE_STRING) || g_variant_is_of_type(key, G_VARIANT_TYPE_OBJECT_PATH) ||
                       g_variant_is_of_type(key, G_VARIANT_TYPE_SIGNATURE);
    g_autofree char *text = is_text ? g_variant_dup_string(key, NULL) : g_variant_print(key, /* type_annotate= */ FALSE);

    append_json_string(json, text);
    g_string_append_c(json, ':');
}

static void
append_container(GString *json, GVariant *value)
{
    gboolean is_object = g_variant_is_of_type(value, G_VARIANT_TYPE_DICTIONARY);

    g_string_append_c(json, is_object ? '{' : '[');
    for (gsize i = 0; i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
        g_autoptr(GVariant) key = is_object ? g_variant_get_child_value(child, 0) : NULL;
        g_autoptr(GVariant) member = is_object ? g_variant_get_child_value(child, 1) : g_variant_ref(child);
        if (i > 0)
            g_string_append_c(json, ',');
        if (key)
            append_member_name(json, key);
        append_value(json, member);
    }
    g_string_append_c(json, is_object ? '}' : ']');
}

static void
append_value(GString *json, GVariant *value)
{
    g_autoptr(GVariant) inner = NULL;

    if (append_number(json, value))
        return;
    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_VARIANT:
        inner = g_variant_get_variant(value);
        append_value(json, inner);
        break;
    case G_VARIANT_CLASS_BOOLEAN:
        g_string_append(json, g_variant_get_boolean(value) ? "true" : "false");
        break;
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
        append_json_string(json, g_variant_get_string(value, NULL));
        break;
    case G_VARIANT_CLASS_SIGNATURE:
        if (*g_variant_get_string(value, NULL))
            append_json_string(json, g_variant_get_string(value, NULL));
        else
            g_string_append(json, "null");
        break;
    default:
        append_container(json, value);
        break;
    }
}

char *
ctl_variant_to_json(GVariant *value)
{
    GString *json = g_string_new(NULL);

    append_value(json, value);
    return g_string_free(json, FALSE);
}

/* Whether json-glib reads the number at @at as it is. @ret_length: of the number. */
static gboolean
is_exact_number(const char *at, gsize *ret_length)
{
    *ret_length = strspn(at, "+-.0123456789eE");
    for (gsize i = 0; i < *ret_length; i++)
        if (strchr(".eE", at[i]))
            return isfinite(g_ascii_strtod(at, NULL));
    errno = 0;
    g_ascii_strtoll(at, NULL, 10);
    return errno == 0;
}

/* `call` passes JSON on as it is, and the agent takes integers to 2^64-1. */
static void
set_number_error(const char *at, gsize length, GError **error)
{
    gboolean is_unsigned = strspn(at, "0123456789") == length;
    const char *hint = "";

    errno = 0;
    if (is_unsigned && g_ascii_strtoull(at, NULL, 10) > G_MAXINT64 && errno == 0)
        hint = " here; `call` takes it";
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%.*s is too large a number%s", (int)MIN(length, 100), at, hint);
}

static gboolean
check_numbers(const char *json, GError **error)
{
    gboolean is_inside = FALSE;

    for (const char *at = json; *at; at++) {
        gsize length = 0;
        if (is_inside && *at == '\\' && at[1])
            at++;
        else if (*at == '"')
            is_inside = !is_inside;
        else if (!is_inside && (g_ascii_isdigit(*at) || *at == '-') && !is_exact_number(at, &length)) {
            set_number_error(at, length, error);
            return FALSE;
        }
        at += length > 0 ? length - 1 : 0;
    }
    return TRUE;
}

GVariant *
ctl_variant_from_json(const char *json, GError **error)
{
    return check_numbers(json, error) ? json_gvariant_deserialize_data(json, -1, "a{sv}", error) : NULL;
}
