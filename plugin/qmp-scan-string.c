/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scanner's strings, the bulk of every large reply. Called by qmp-scan.c, which holds the state. */
#include "qmp-scan-string.h"

#include <string.h>

enum {
    PLAIN,
    ESCAPE, /* after a backslash */
    UNICODE, /* after \u */
};

static void
note_error(QmpScanString *string, gsize at, const char *error)
{
    if (string->error)
        return;
    string->error = error;
    string->error_at = at;
}

/* Eight bytes at a time; a word stops the run where it holds a quote, a backslash, a control or a non-ASCII character.
 */
static gsize
plain_run(const char *text, gsize length)
{
    const guint64 ones = G_GUINT64_CONSTANT(0x0101010101010101), tops = ones * 0x80;
    gsize at = 0;
    for (; length - at >= 8; at += 8) {
        guint64 word;
        memcpy(&word, text + at, 8);
        guint64 quote = word ^ (ones * '"'), backslash = word ^ (ones * '\\');
        guint64 special = (word - ones * 0x20) | (quote - ones) | (backslash - ones) | word;
        if ((special & tops) != 0)
            break;
    }
    for (; at < length; at++) {
        guchar c = (guchar)text[at];
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
    }
    return at;
}

/* The first byte of a UTF-8 sequence says what must follow (Unicode 15, table 3-7). */
static gboolean
utf8_begin(QmpScanString *string, guchar c)
{
    if (c < 0xc2 || c > 0xf4)
        return FALSE;
    string->utf8_left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    string->utf8_low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    string->utf8_high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    return TRUE;
}

/* As much of a UTF-8 sequence as is there, from @at; returns where it ends. */
static gsize
utf8_run(QmpScanString *string, const char *text, gsize length, gsize at)
{
    for (; at < length && string->utf8_left > 0; at++) {
        guchar c = (guchar)text[at];
        if (c < string->utf8_low || c > string->utf8_high) {
            note_error(string, at, "not UTF-8");
            string->utf8_left = 0;
            return at;
        }
        string->utf8_left--;
        string->utf8_low = 0x80;
        string->utf8_high = 0xbf;
    }
    return at;
}

static void
surrogate_alone(QmpScanString *string, gsize at)
{
    if (string->surrogate)
        note_error(string, at, "half of a surrogate pair");
    string->surrogate = FALSE;
}

/* Plain characters up to a quote or a backslash; returns where it stopped. */
static gsize
feed_plain(QmpScanString *string, const char *text, gsize length, gsize at)
{
    if (text[at] != '\\')
        surrogate_alone(string, at);
    while (at < length) {
        at = utf8_run(string, text, length, at);
        at += plain_run(text + at, length - at);
        if (at == length || text[at] == '"' || text[at] == '\\')
            break;
        if ((guchar)text[at] < 0x20)
            note_error(string, at, "a raw control character in a string");
        else if (!utf8_begin(string, (guchar)text[at]))
            note_error(string, at, "not UTF-8");
        at++;
    }
    return at;
}

/* The byte after a backslash. */
static gsize
feed_escape(QmpScanString *string, char c, gsize at)
{
    string->state = PLAIN;
    if (c == 'u') {
        string->state = UNICODE;
        string->unicode = string->unicode_digits = 0;
        return at + 1;
    }
    surrogate_alone(string, at);
    if (c != '\0' && strchr("\"\\/bfnrt", c))
        return at + 1;
    note_error(string, at, "an escape that JSON does not have");
    return at;
}

static gsize
feed_unicode(QmpScanString *string, char c, gsize at)
{
    if (!g_ascii_isxdigit(c)) {
        note_error(string, at, "\\u without four hexadecimal digits");
        string->state = PLAIN;
        string->surrogate = FALSE;
        return at;
    }
    string->unicode = (guint16)(string->unicode << 4 | g_ascii_xdigit_value(c));
    if (++string->unicode_digits < 4)
        return at + 1;
    string->state = PLAIN;
    gboolean high = (string->unicode & 0xfc00) == 0xd800, low = (string->unicode & 0xfc00) == 0xdc00;
    if (low != string->surrogate)
        note_error(string, at, "half of a surrogate pair");
    string->surrogate = high;
    return at + 1;
}

void
qmp_scan_string_begin(QmpScanString *string)
{
    string->state = PLAIN;
    string->utf8_left = 0;
    string->surrogate = FALSE;
}

gsize
qmp_scan_string_feed(QmpScanString *string, const char *text, gsize length, gboolean *ret_ended)
{
    string->error = NULL;
    *ret_ended = FALSE;
    gsize at = 0;
    while (at < length) {
        if (string->state == ESCAPE) {
            at = feed_escape(string, text[at], at);
            continue;
        }
        if (string->state == UNICODE) {
            at = feed_unicode(string, text[at], at);
            continue;
        }
        at = feed_plain(string, text, length, at);
        if (at == length)
            break;
        if (text[at++] == '"') {
            *ret_ended = TRUE;
            break;
        }
        string->state = ESCAPE;
    }
    return at;
}
