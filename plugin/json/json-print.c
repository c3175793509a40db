/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by whoever sends JSON; owns nothing. A tree and a text are walked apart and written by the same few functions. Of a
 * text no tree is made: a reply may be of 32 MiB. */
#include "json-print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "json-cursor.h"
#include "json-tree.h"

/* Bytes after which there are no lines any more: a value that is nested 1,000 deep gets 4,000 blanks. */
#define MAX_PRETTY (4u * 1024 * 1024)

typedef struct Printer {
    GString *json; /* weak */
    JsonPrintStyle style;
    guint depth;
} Printer;

static void
print_unicode(GString *json, gunichar c)
{
    if (c > 0xffff)
        g_string_append_printf(json, "\\u%04X\\u%04X", 0xd800 + ((c - 0x10000) >> 10),
                               0xdc00 + ((c - 0x10000) & 0x3ff));
    else
        g_string_append_printf(json, "\\u%04X", c);
}

/* An ASCII character that stands for itself in no style, or not in QEMU's. */
static void
print_ascii(GString *json, char c)
{
    static const char names[] = "\"\\bfnrt", values[] = "\"\\\b\f\n\r\t";
    const char *value = c ? strchr(values, c) : NULL;

    if (value) {
        g_string_append_c(json, '\\');
        g_string_append_c(json, names[value - values]);
    } else {
        print_unicode(json, (guchar)c);
    }
}

/* A character that is not ASCII; returns what follows it. */
static const char *
print_wide(GString *json, const char *at, const char *end)
{
    gunichar c = g_utf8_get_char_validated(at, end - at);

    if (end - at >= 2 && memcmp(at, "\xc0\x80", 2) == 0) {
        print_unicode(json, 0);
        return at + 2;
    }
    if (c != (gunichar)-1 && c != (gunichar)-2) {
        print_unicode(json, c);
        return g_utf8_next_char(at);
    }
    print_unicode(json, 0xfffd);
    for (at++; at < end && ((guchar)*at & 0xc0) == 0x80;)
        at++;
    return at;
}

/* Whether a byte of a string is written as it is. UTF-8 has no C0; here it begins U+0000. */
static gboolean
is_unescaped(char c, JsonPrintStyle style)
{
    guchar byte = (guchar)c;

    return byte >= 0x20 && c != '"' && c != '\\' && (style == JSON_PRINT_COMPACT ? byte != 0xc0 : byte < 0x7f);
}

/* Writes characters from @at on that stand for themselves or become escapes, up to @end or a backslash that is one
 * already; returns where it stopped. */
static const char *
print_characters(GString *json, const char *at, const char *end, gboolean has_escapes, JsonPrintStyle style)
{
    while (at < end) {
        const char *plain = at;
        while (at < end && is_unescaped(*at, style))
            at++;
        g_string_append_len(json, plain, at - plain);
        if (at == end || (has_escapes && *at == '\\'))
            break;
        if ((guchar)*at >= 0x80)
            at = print_wide(json, at, end);
        else
            print_ascii(json, *at++);
    }
    return at;
}

void
json_print_string(GString *json, const char *text, gsize length, JsonPrintStyle style)
{
    g_string_append_c(json, '"');
    print_characters(json, text, text + length, /* has_escapes= */ FALSE, style);
    g_string_append_c(json, '"');
}

/* Escapes stay what they are, written QEMU's way. */
static void
print_written_string(GString *json, JsonCursorText text, JsonPrintStyle style)
{
    const char *at = text.text, *end = at + text.length;

    g_string_append_c(json, '"');
    while ((at = print_characters(json, at, end, /* has_escapes= */ TRUE, style)) < end) {
        gsize length = at[1] == 'u' ? 6 : 2;
        g_string_append_len(json, at, 2);
        for (gsize i = 2; i < length; i++)
            g_string_append_c(json, g_ascii_toupper(at[i]));
        at += length;
    }
    g_string_append_c(json, '"');
}

/* A double of ours is finite: the scanner and D-Bus callers' values are checked. `null` is what JavaScript makes of
 * the others. */
static void
print_shortest_double(GString *json, double value)
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
print_double(GString *json, double value, JsonPrintStyle style)
{
    char buffer[G_ASCII_DTOSTR_BUF_SIZE];

    if (style == JSON_PRINT_COMPACT)
        print_shortest_double(json, value);
    else
        g_string_append(json, g_ascii_formatd(buffer, sizeof(buffer), "%.17g", value));
}

static void
print_line(Printer *printer)
{
    if (printer->style != JSON_PRINT_QEMU_PRETTY || printer->json->len > MAX_PRETTY)
        return;
    g_string_append(printer->json, "\r\n");
    for (guint i = 0; i < printer->depth; i++)
        g_string_append(printer->json, "    ");
}

static void
print_open(Printer *printer, char bracket)
{
    g_string_append_c(printer->json, bracket);
    printer->depth++;
}

/* Before each element or member. */
static void
print_comma(Printer *printer, gboolean is_first)
{
    if (!is_first)
        g_string_append(printer->json, printer->style == JSON_PRINT_QEMU ? ", " : ",");
    print_line(printer);
}

static void
print_colon(Printer *printer)
{
    g_string_append(printer->json, printer->style == JSON_PRINT_COMPACT ? ":" : ": ");
}

/* QEMU has a line of its own for this bracket also where the object or array is empty. */
static void
print_close(Printer *printer, char bracket)
{
    printer->depth--;
    print_line(printer);
    g_string_append_c(printer->json, bracket);
}

static void print_node(Printer *printer, JsonNode *node);

static void
print_object(Printer *printer, JsonObject *object)
{
    JsonObjectIter iter;
    const char *name;
    JsonNode *value;
    gboolean is_first = TRUE;

    print_open(printer, '{');
    json_object_iter_init_ordered(&iter, object);
    while (json_object_iter_next_ordered(&iter, &name, &value)) {
        print_comma(printer, is_first);
        is_first = FALSE;
        json_print_string(printer->json, name, strlen(name), printer->style);
        print_colon(printer);
        print_node(printer, value);
    }
    print_close(printer, '}');
}

static void
print_array(Printer *printer, JsonArray *array)
{
    print_open(printer, '[');
    for (guint i = 0; i < json_array_get_length(array); i++) {
        print_comma(printer, i == 0);
        print_node(printer, json_array_get_element(array, i));
    }
    print_close(printer, ']');
}

static void
print_node(Printer *printer, JsonNode *node)
{
    const char *string;
    gsize length;

    switch (json_tree_get_type(node)) {
    case JSON_TREE_NULL:
        g_string_append(printer->json, "null");
        break;
    case JSON_TREE_BOOLEAN:
        g_string_append(printer->json, json_node_get_boolean(node) ? "true" : "false");
        break;
    case JSON_TREE_INT:
        g_string_append_printf(printer->json, "%" G_GINT64_FORMAT, json_tree_get_int(node));
        break;
    case JSON_TREE_UINT:
        g_string_append_printf(printer->json, "%" G_GUINT64_FORMAT, json_tree_get_uint(node));
        break;
    case JSON_TREE_DOUBLE:
        print_double(printer->json, json_tree_get_double(node), printer->style);
        break;
    case JSON_TREE_STRING:
    case JSON_TREE_STRING_WITH_NUL:
        string = json_tree_get_characters(node, &length);
        json_print_string(printer->json, string, length, printer->style);
        break;
    case JSON_TREE_ARRAY:
        print_array(printer, json_node_get_array(node));
        break;
    case JSON_TREE_OBJECT:
        print_object(printer, json_node_get_object(node));
        break;
    }
}

void
json_print_node(GString *json, JsonNode *node, JsonPrintStyle style)
{
    Printer printer = { .json = json, .style = style };

    print_node(&printer, node);
}

static void print_value(Printer *printer, JsonCursor *cursor);

static void
print_written_object(Printer *printer, JsonCursor *cursor)
{
    JsonCursorText name;

    print_open(printer, '{');
    json_cursor_enter(cursor);
    for (gboolean is_first = TRUE; json_cursor_next_member(cursor, &name); is_first = FALSE) {
        print_comma(printer, is_first);
        print_written_string(printer->json, name, printer->style);
        print_colon(printer);
        print_value(printer, cursor);
    }
    print_close(printer, '}');
}

static void
print_written_array(Printer *printer, JsonCursor *cursor)
{
    print_open(printer, '[');
    json_cursor_enter(cursor);
    for (gboolean is_first = TRUE; json_cursor_next_element(cursor); is_first = FALSE) {
        print_comma(printer, is_first);
        print_value(printer, cursor);
    }
    print_close(printer, ']');
}

static void
print_value(Printer *printer, JsonCursor *cursor)
{
    const char *begin = cursor->at;

    switch (json_cursor_get_type(cursor)) {
    case JSON_CURSOR_OBJECT:
        print_written_object(printer, cursor);
        break;
    case JSON_CURSOR_ARRAY:
        print_written_array(printer, cursor);
        break;
    case JSON_CURSOR_STRING:
        print_written_string(printer->json, json_cursor_read_string(cursor), printer->style);
        break;
    case JSON_CURSOR_DOUBLE:
        print_double(printer->json, json_cursor_read_number(cursor).real, printer->style);
        break;
    case JSON_CURSOR_NULL:
    case JSON_CURSOR_BOOLEAN:
    case JSON_CURSOR_INT:
    case JSON_CURSOR_UINT:
        json_cursor_skip(cursor);
        g_string_append_len(printer->json, begin, cursor->at - begin);
        break;
    }
}

void
json_print_text(GString *json, const char *text, JsonPrintStyle style)
{
    Printer printer = { .json = json, .style = style };
    JsonCursor cursor = json_cursor_at(text);

    print_value(&printer, &cursor);
}
