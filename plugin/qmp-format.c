/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by qmp-server.c; owns nothing. A document is copied token by token, no tree is made of it: a reply may be of 32 MiB. */
#include "qmp-format.h"

#include <string.h>

#define END_OF_LINE "\r\n"

/* Bytes after which there are no lines any more: what is nested 1,000 deep gets 4,000 blanks a value. */
#define MAX_PRETTY (4u * 1024 * 1024)

typedef struct Writer {
    GString *json; /* weak */
    const char *at, *end;
    gboolean is_pretty;
    guint depth;
} Writer;

static void
append_unicode(GString *json, gunichar c)
{
    if (c > 0xffff)
        g_string_append_printf(json, "\\u%04X\\u%04X", 0xd800 + ((c - 0x10000) >> 10),
                               0xdc00 + ((c - 0x10000) & 0x3ff));
    else
        g_string_append_printf(json, "\\u%04X", c);
}

static void
append_ascii(GString *json, char c)
{
    static const char names[] = "\"\\bfnrt", values[] = "\"\\\b\f\n\r\t";
    const char *value = strchr(values, c);

    if (value) {
        g_string_append_c(json, '\\');
        g_string_append_c(json, names[value - values]);
    } else if (c < 0x20 || c == 0x7f) {
        append_unicode(json, (guchar)c);
    } else {
        g_string_append_c(json, c);
    }
}

/* A character that is not ASCII; returns what follows it. */
static const char *
append_wide(GString *json, const char *at, const char *end)
{
    gunichar c = g_utf8_get_char_validated(at, end - at);

    if (end - at >= 2 && memcmp(at, "\xc0\x80", 2) == 0) {
        append_unicode(json, 0);
        return at + 2;
    }
    if (c != (gunichar)-1 && c != (gunichar)-2) {
        append_unicode(json, c);
        return g_utf8_next_char(at);
    }
    append_unicode(json, 0xfffd);
    for (at++; at < end && ((guchar)*at & 0xc0) == 0x80;)
        at++;
    return at;
}

void
qmp_format_append_string(GString *json, const char *text)
{
    const char *end = text + strlen(text);

    g_string_append_c(json, '"');
    while (text < end) {
        if ((guchar)*text >= 0x80)
            text = append_wide(json, text, end);
        else
            append_ascii(json, *text++);
    }
    g_string_append_c(json, '"');
}

/* An escape stays one, written QEMU's way. */
static void
copy_escape(Writer *writer)
{
    gsize length = writer->at[1] == 'u' ? 6 : 2;

    g_string_append_len(writer->json, writer->at, 2);
    for (gsize i = 2; i < length; i++)
        g_string_append_c(writer->json, g_ascii_toupper(writer->at[i]));
    writer->at += length;
}

static void
copy_string(Writer *writer)
{
    g_string_append_c(writer->json, '"');
    for (writer->at++; *writer->at != '"';) {
        const char *plain = writer->at;
        while ((guchar)*writer->at >= 0x20 && (guchar)*writer->at < 0x7f && *writer->at != '"' && *writer->at != '\\')
            writer->at++;
        g_string_append_len(writer->json, plain, writer->at - plain);
        if (*writer->at == '\\')
            copy_escape(writer);
        else if ((guchar)*writer->at >= 0x80)
            writer->at = append_wide(writer->json, writer->at, writer->end);
        else if (*writer->at != '"')
            append_ascii(writer->json, *writer->at++);
    }
    g_string_append_c(writer->json, '"');
    writer->at++;
}

/* A number or a word. */
static void
copy_word(Writer *writer)
{
    const char *begin = writer->at;
    gsize length;

    while (writer->at < writer->end && (g_ascii_isalnum(*writer->at) || (*writer->at && strchr("+-.", *writer->at))))
        writer->at++;
    if (writer->at == begin)
        writer->at++; /* there is no such JSON */
    length = (gsize)(writer->at - begin);
    if (!g_ascii_isalpha(*begin) &&
        (memchr(begin, '.', length) || memchr(begin, 'e', length) || memchr(begin, 'E', length))) {
        char number[G_ASCII_DTOSTR_BUF_SIZE];
        g_autofree char *text = g_strndup(begin, length);
        g_string_append(writer->json, g_ascii_formatd(number, sizeof number, "%.17g", g_ascii_strtod(text, NULL)));
    } else {
        g_string_append_len(writer->json, begin, (gssize)length);
    }
}

static void
new_line(Writer *writer)
{
    if (!writer->is_pretty || writer->json->len > MAX_PRETTY)
        return;
    g_string_append(writer->json, END_OF_LINE);
    for (guint i = 0; i < writer->depth; i++)
        g_string_append(writer->json, "    ");
}

/* Brackets, commas and colons; new lines stand before what they are for, so that there is one in an empty object. */
static void
copy_structural(Writer *writer, gboolean *is_first)
{
    char c = *writer->at++;

    if (c == '}' || c == ']') {
        writer->depth--;
        new_line(writer);
    } else if ((c == '{' || c == '[') && *is_first) {
        new_line(writer);
    }
    g_string_append_c(writer->json, c);
    writer->depth += c == '{' || c == '[';
    if (c == ':' || (c == ',' && !writer->is_pretty))
        g_string_append_c(writer->json, ' ');
    *is_first = c == '{' || c == '[' || c == ',';
}

void
qmp_format_append(GString *json, const char *text, gsize length, gboolean is_pretty)
{
    Writer writer = { json, text, text + length, is_pretty, 0 };
    gboolean is_first = FALSE; /* a value or a member, on a line of its own */

    while (writer.at < writer.end) {
        if (strchr("{}[]:,", *writer.at)) {
            copy_structural(&writer, &is_first);
            continue;
        }
        if (strchr(" \t\r\n", *writer.at)) {
            writer.at++;
            continue;
        }
        if (is_first)
            new_line(&writer);
        is_first = FALSE;
        if (*writer.at == '"')
            copy_string(&writer);
        else
            copy_word(&writer);
    }
}
