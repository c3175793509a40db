/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values in json-glib's trees, and trees to JSON text. Called by whoever needs a value instead of its text; owns
 * nothing.
 *
 * What a JsonNode cannot hold is kept as a string that begins with a marker, the noncharacter U+FDD0 (by Unicode's
 * rules never exchanged), and what follows says what it is:
 *
 *     a digit     an integer from 2^63 to 2^64-1
 *     a quote     the JSON text of a string that holds U+0000
 *     U+FDD0      a string that itself begins with U+FDD0 */
#include "qmp-json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MARKER "\xef\xb7\x90"
#define MARKER_LENGTH 3

static JsonNode *
node_from_string(const char *string)
{
    return json_node_init_string(json_node_alloc(), string);
}

/* What follows the marker; NULL where there is none. */
static const char *
marked(JsonNode *node)
{
    const char *string = json_node_get_string(node);
    return strncmp(string, MARKER, MARKER_LENGTH) == 0 ? string + MARKER_LENGTH : NULL;
}

static QmpJsonType
get_string_type(JsonNode *node)
{
    const char *rest = marked(node);
    if (rest && g_ascii_isdigit(*rest))
        return QMP_JSON_UINT;
    return rest && *rest == '"' ? QMP_JSON_STRING_WITH_NUL : QMP_JSON_STRING;
}

QmpJsonType
qmp_json_get_type(JsonNode *node)
{
    switch (json_node_get_node_type(node)) {
    case JSON_NODE_OBJECT:
        return QMP_JSON_OBJECT;
    case JSON_NODE_ARRAY:
        return QMP_JSON_ARRAY;
    case JSON_NODE_NULL:
        return QMP_JSON_NULL;
    case JSON_NODE_VALUE:
        break;
    }
    GType type = json_node_get_value_type(node);
    if (type == G_TYPE_BOOLEAN)
        return QMP_JSON_BOOLEAN;
    if (type == G_TYPE_STRING)
        return get_string_type(node);
    return type == G_TYPE_INT64 ? QMP_JSON_INT : QMP_JSON_DOUBLE;
}

gint64
qmp_json_get_int(JsonNode *node)
{
    return json_node_get_int(node);
}

guint64
qmp_json_get_uint(JsonNode *node)
{
    if (qmp_json_get_type(node) == QMP_JSON_UINT)
        return g_ascii_strtoull(marked(node), NULL, 10);
    return (guint64)json_node_get_int(node);
}

gdouble
qmp_json_get_double(JsonNode *node)
{
    if (qmp_json_get_type(node) == QMP_JSON_UINT)
        return (gdouble)qmp_json_get_uint(node);
    return json_node_get_double(node);
}

const char *
qmp_json_get_string(JsonNode *node)
{
    const char *rest = marked(node);
    return rest ? rest : json_node_get_string(node);
}

JsonNode *
qmp_json_new_uint(guint64 value)
{
    if (value <= G_MAXINT64)
        return json_node_init_int(json_node_alloc(), (gint64)value);
    g_autofree char *string = g_strdup_printf(MARKER "%" G_GUINT64_FORMAT, value);
    return node_from_string(string);
}

JsonNode *
qmp_json_new_string(const char *value)
{
    if (strncmp(value, MARKER, MARKER_LENGTH) != 0)
        return node_from_string(value);
    g_autofree char *string = g_strconcat(MARKER, value, NULL);
    return node_from_string(string);
}

JsonNode *
qmp_json_new_string_with_nul(const char *escaped)
{
    g_autofree char *string = g_strconcat(MARKER, escaped, NULL);
    return node_from_string(string);
}

static void
append_control(GString *json, char c)
{
    static const char short_names[] = "btnfr", short_values[] = "\b\t\n\f\r";
    const char *value = strchr(short_values, c);
    if (c != '\0' && value)
        g_string_append_printf(json, "\\%c", short_names[value - short_values]);
    else
        g_string_append_printf(json, "\\u%04x", c);
}

void
qmp_json_append_string(GString *json, const char *text, gsize length)
{
    const char *end = text + length;
    g_string_append_c(json, '"');
    while (text < end) {
        const char *plain = text;
        while (text < end && (guchar)*text >= 0x20 && *text != '"' && *text != '\\')
            text++;
        g_string_append_len(json, plain, text - plain);
        if (text == end)
            break;
        if ((guchar)*text < 0x20) {
            append_control(json, *text);
        } else {
            g_string_append_c(json, '\\');
            g_string_append_c(json, *text);
        }
        text++;
    }
    g_string_append_c(json, '"');
}

/* A double of ours is finite: the scanner and D-Bus callers' values are checked. `null` is what JavaScript makes of
 * the others. */
static void
append_double(GString *json, gdouble value)
{
    char buffer[G_ASCII_DTOSTR_BUF_SIZE];
    static const char *const formats[] = { "%.15g", "%.16g", "%.17g" };
    if (!isfinite(value)) {
        g_string_append(json, "null");
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        g_ascii_formatd(buffer, sizeof(buffer), formats[i], value);
        if (g_ascii_strtod(buffer, NULL) == value)
            break;
    }
    const char *exponent = strchr(buffer, 'e');
    if (exponent) {
        g_string_append_len(json, buffer, exponent + 1 - buffer);
        g_string_append_printf(json, "%d", atoi(exponent + 1));
        return;
    }
    g_string_append(json, buffer);
    if (!strchr(buffer, '.'))
        g_string_append(json, ".0");
}

static void
append_object(GString *json, JsonObject *object)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *value;
    char before = '{';
    json_object_iter_init_ordered(&iter, object);
    while (json_object_iter_next_ordered(&iter, &name, &value)) {
        g_string_append_c(json, before);
        qmp_json_append_string(json, name, strlen(name));
        g_string_append_c(json, ':');
        qmp_json_append(json, value);
        before = ',';
    }
    g_string_append(json, before == '{' ? "{}" : "}");
}

static void
append_array(GString *json, JsonArray *array)
{
    g_string_append_c(json, '[');
    for (guint i = 0; i < json_array_get_length(array); i++) {
        if (i > 0)
            g_string_append_c(json, ',');
        qmp_json_append(json, json_array_get_element(array, i));
    }
    g_string_append_c(json, ']');
}

void
qmp_json_append(GString *text, JsonNode *node)
{
    switch (qmp_json_get_type(node)) {
    case QMP_JSON_NULL:
        g_string_append(text, "null");
        break;
    case QMP_JSON_BOOLEAN:
        g_string_append(text, json_node_get_boolean(node) ? "true" : "false");
        break;
    case QMP_JSON_INT:
        g_string_append_printf(text, "%" G_GINT64_FORMAT, json_node_get_int(node));
        break;
    case QMP_JSON_UINT:
        g_string_append(text, marked(node));
        break;
    case QMP_JSON_DOUBLE:
        append_double(text, json_node_get_double(node));
        break;
    case QMP_JSON_STRING:
        qmp_json_append_string(text, qmp_json_get_string(node), strlen(qmp_json_get_string(node)));
        break;
    case QMP_JSON_STRING_WITH_NUL:
        g_string_append(text, marked(node));
        break;
    case QMP_JSON_ARRAY:
        append_array(text, json_node_get_array(node));
        break;
    case QMP_JSON_OBJECT:
        append_object(text, json_node_get_object(node));
        break;
    }
}
