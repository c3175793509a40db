/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From JSON text to json-glib's trees. Called by whoever needs a value instead of its text; owns nothing.
 *
 * json-glib's own parser is not used: 1.6 wraps integers above 2^63-1, cuts strings at U+0000, keeps one of two
 * members of the same name, and is slower. The text is scanned first, so that what reads it here can rely on it. */
#include <string.h>

#include "qmp-cost.h"
#include "qmp-error.h"
#include "qmp-json.h"
#include "qmp-scan.h"

typedef struct Reader {
    const char *text; /* borrowed; scanned: nothing below looks for its end */
    const char *at;
    QmpCost cost; /* of the values so far; their bytes are those of the text */
    const QmpCost *max;
    GError **error;
} Reader;

static JsonNode *read_value(Reader *reader);

static gboolean
check_cost(Reader *reader)
{
    g_autofree char *excess = qmp_cost_find_excess(&reader->cost, reader->max);

    if (excess)
        g_set_error(reader->error, QMP_ERROR, QMP_ERROR_LIMIT, "%s, at byte %td", excess, reader->at - reader->text);
    return !excess;
}

static void
skip_space(Reader *reader)
{
    while (*reader->at == ' ' || *reader->at == '\n' || *reader->at == '\r' || *reader->at == '\t')
        reader->at++;
}

/* From the opening quote past the closing one. */
static void
skip_string(Reader *reader)
{
    for (reader->at++; *reader->at != '"'; reader->at++)
        if (*reader->at == '\\')
            reader->at++;
    reader->at++;
}

static guint
read_hex4(const char *text)
{
    guint value = 0;
    for (guint i = 0; i < 4; i++)
        value = value << 4 | (guint)g_ascii_xdigit_value(text[i]);
    return value;
}

/* An escape at @from, after its backslash; returns what follows it. */
static const char *
unescape_one(const char *from, char **to)
{
    static const char short_names[] = "bfnrt", short_values[] = "\b\f\n\r\t";
    if (*from != 'u') {
        const char *name = strchr(short_names, *from);
        *(*to)++ = name ? short_values[name - short_names] : *from;
        return from + 1;
    }
    gunichar c = read_hex4(from + 1);
    from += 5;
    if ((c & 0xfc00) == 0xd800) {
        c = 0x10000 + ((c & 0x3ff) << 10) + (read_hex4(from + 2) & 0x3ff);
        from += 6;
    }
    *to += g_unichar_to_utf8(c, *to);
    return from;
}

char *
qmp_json_unescape(const char *text, gsize length, gsize *ret_length)
{
    /* No escape is shorter than what it stands for. */
    char *string = g_malloc(length + 1), *to = string;
    const char *end = text + length;
    while (text < end) {
        const char *backslash = memchr(text, '\\', (gsize)(end - text));
        gsize plain = (gsize)((backslash ? backslash : end) - text);
        memcpy(to, text, plain);
        to += plain;
        text += plain;
        if (backslash)
            text = unescape_one(backslash + 1, &to);
    }
    *to = '\0';
    if (ret_length)
        *ret_length = (gsize)(to - string);
    return string;
}

static JsonNode *
read_string(Reader *reader)
{
    const char *begin = reader->at + 1;
    gsize length;
    skip_string(reader);
    g_autofree char *string = qmp_json_unescape(begin, (gsize)(reader->at - 1 - begin), &length);
    if (!memchr(string, '\0', length))
        return qmp_json_new_string(string);
    g_autofree char *escaped = g_strndup(begin - 1, (gsize)(reader->at - begin + 1));
    return qmp_json_new_string_with_nul(escaped);
}

static JsonNode *
read_number(Reader *reader)
{
    const char *begin = reader->at;
    gboolean real = FALSE;
    for (; *reader->at && strchr("+-.0123456789Ee", *reader->at); reader->at++)
        real |= strchr(".Ee", *reader->at) != NULL;
    if (real)
        return json_node_init_double(json_node_alloc(), g_ascii_strtod(begin, NULL));
    if (*begin == '-')
        return json_node_init_int(json_node_alloc(), g_ascii_strtoll(begin, NULL, 10));
    return qmp_json_new_uint(g_ascii_strtoull(begin, NULL, 10));
}

static JsonNode *
read_literal(Reader *reader)
{
    char first = *reader->at;
    reader->at += first == 'f' ? strlen("false") : strlen("true");
    if (first == 'n')
        return json_node_init_null(json_node_alloc());
    return json_node_init_boolean(json_node_alloc(), first == 't');
}

static JsonNode *
read_array(Reader *reader)
{
    g_autoptr(JsonArray) array = json_array_new();
    reader->at++;
    for (skip_space(reader); *reader->at != ']'; skip_space(reader)) {
        if (*reader->at == ',')
            reader->at++;
        JsonNode *element = read_value(reader);
        if (!element)
            return NULL;
        json_array_add_element(array, element);
    }
    reader->at++;
    return json_node_init_array(json_node_alloc(), array);
}

/* The name of a member and its colon. */
static char *
read_name(Reader *reader, JsonObject *object)
{
    const char *begin = reader->at + 1;
    gsize length;
    skip_string(reader);
    g_autofree char *name = qmp_json_unescape(begin, (gsize)(reader->at - 1 - begin), &length);
    if (memchr(name, '\0', length)) {
        g_set_error(reader->error, QMP_ERROR, QMP_ERROR_INVALID, "U+0000 in the name of a member at byte %td",
                    begin - reader->text);
        return NULL;
    }
    qmp_cost_add_member(&reader->cost, json_object_get_size(object), /* length= */ 0);
    if (!check_cost(reader))
        return NULL;
    if (json_object_has_member(object, name)) {
        g_autofree char *shown = g_utf8_substring(name, 0, MIN(100, g_utf8_strlen(name, -1)));
        g_set_error(reader->error, QMP_ERROR, QMP_ERROR_INVALID, "the member \"%s\" is there twice, at byte %td",
                    shown, begin - reader->text);
        return NULL;
    }
    skip_space(reader);
    reader->at++;
    return g_steal_pointer(&name);
}

static JsonNode *
read_object(Reader *reader)
{
    g_autoptr(JsonObject) object = json_object_new();
    reader->at++;
    for (skip_space(reader); *reader->at != '}'; skip_space(reader)) {
        if (*reader->at == ',')
            reader->at++;
        skip_space(reader);
        g_autofree char *name = read_name(reader, object);
        JsonNode *value = name ? read_value(reader) : NULL;
        if (!value)
            return NULL;
        json_object_set_member(object, name, value);
    }
    reader->at++;
    return json_node_init_object(json_node_alloc(), object);
}

static JsonNode *
read_value(Reader *reader)
{
    skip_space(reader);
    qmp_cost_add_value(&reader->cost, /* bytes= */ 0);
    if (!check_cost(reader))
        return NULL;
    switch (*reader->at) {
    case '{':
        return read_object(reader);
    case '[':
        return read_array(reader);
    case '"':
        return read_string(reader);
    case 't':
    case 'f':
    case 'n':
        return read_literal(reader);
    default:
        return read_number(reader);
    }
}

/* Where @text stops to be exactly one document. */
static gboolean
check(const char *text, gsize length, GError **error)
{
    QmpScan scan;
    gsize used;
    qmp_scan_init(&scan);
    QmpScanResult result = qmp_scan_feed(&scan, text, length, &used);
    if (result == QMP_SCAN_MORE)
        result = qmp_scan_end(&scan);
    gsize begin = 0;
    while (begin < length && strchr(" \n\r\t", text[begin]) && text[begin])
        begin++;
    if (scan.error) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_INVALID, "%s at byte %zu", scan.error, begin + scan.error_offset);
        return FALSE;
    }
    if (result != QMP_SCAN_DONE) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_INVALID, "the text ends too early, at byte %zu", length);
        return FALSE;
    }
    while (used < length && text[used] && strchr(" \n\r\t", text[used]))
        used++;
    if (used < length)
        g_set_error(error, QMP_ERROR, QMP_ERROR_INVALID, "more than one value, at byte %zu", used);
    return used == length;
}

static JsonNode *
parse(const char *text, gsize length, const QmpCost *max, GError **error)
{
    if (!check(text, length, error))
        return NULL;
    /* A number at the end of the text is read up to the first byte that does not belong to it. */
    g_autofree char *terminated = NULL;
    if (length > 0 && g_ascii_isdigit(text[length - 1]))
        text = terminated = g_strndup(text, length);
    Reader reader = { .text = text, .at = text, .max = max, .error = error };
    return read_value(&reader);
}

JsonNode *
qmp_json_parse(const char *text, gsize length, GError **error)
{
    return parse(text, length, &QMP_COST_OF_REPLY, error);
}

/* Their length is known before any of them is read. */
JsonNode *
qmp_json_parse_arguments(const char *text, gsize length, GError **error)
{
    const QmpCost *max = &QMP_COST_OF_ARGUMENTS;

    if (length <= max->bytes)
        return parse(text, length, max, error);
    g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT, "%zu bytes, a command may have %zu", length, max->bytes);
    return NULL;
}

gboolean
qmp_json_has_more_values(const char *text, gsize length, guint max)
{
    const char *end = text + length;
    guint n = 0;

    /* The shortest value is a digit and a comma. */
    if (length / 2 < max)
        return FALSE;
    for (const char *c = text; c < end && n <= max; c++) {
        if (*c == '"') {
            for (c++; c < end && *c != '"'; c++)
                c += *c == '\\';
        } else {
            n += *c == ',' || *c == '[' || *c == '{';
        }
    }
    return n > max;
}
