/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scanner's strings, the bulk of every large reply. Called by json-scan.c, which holds the state. */
#include "json-scan-string.h"

#include <string.h>

enum {
    PLAIN,
    ESCAPE, /* after a backslash */
    UNICODE, /* after \u */
};

static void
note_string_error(JsonScanString *string, gsize at, const char *error)
{
    if (string->error)
        return;
    string->error = error;
    string->error_at = at;
}

/* Eight bytes at a time; a word ends the run where it holds a quote, a backslash, a control or a non-ASCII character, the first
 * of which has the lowest bit that is left in `special`. */
static gsize
plain_run(const char *text, gsize length, char end)
{
    const guint64 ones = G_GUINT64_CONSTANT(0x0101010101010101), tops = ones * 0x80;
    gsize at = 0;
    for (; length - at >= 8; at += 8) {
        guint64 word;
        memcpy(&word, text + at, 8);
        word = GUINT64_FROM_LE(word);
        guint64 quote = word ^ (ones * (guchar)end), backslash = word ^ (ones * '\\');
        guint64 special = ((word - ones * 0x20) | (quote - ones) | (backslash - ones) | word) & tops;
        if (special != 0)
            return at + (gsize)__builtin_ctzll(special) / 8;
    }
    for (; at < length; at++) {
        guchar c = (guchar)text[at];
        if (c < 0x20 || c >= 0x80 || text[at] == end || c == '\\')
            break;
    }
    return at;
}

/* The first byte of a UTF-8 sequence says what must follow (Unicode 15, table 3-7; C0 80 is QEMU's U+0000). */
static gboolean
utf8_begin(JsonScanString *string, guchar c)
{
    gboolean is_nul = c == 0xc0 && string->dialect == JSON_DIALECT_QEMU;
    if (!is_nul && (c < 0xc2 || c > 0xf4))
        return FALSE;
    string->character = c & (c < 0xe0 ? 0x1f : c < 0xf0 ? 0x0f : 0x07);
    string->utf8_left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    string->utf8_low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    string->utf8_high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : is_nul ? 0x80 : 0xbf;
    return TRUE;
}

static void
check_character(JsonScanString *string, gsize at, gunichar c)
{
    if (string->dialect == JSON_DIALECT_QEMU && ((c >= 0xfdd0 && c <= 0xfdef) || (c & 0xfffe) == 0xfffe))
        note_string_error(string, at, "a noncharacter");
}

/* As much of a UTF-8 sequence as is there, from @at; returns where it ends. */
static gsize
utf8_run(JsonScanString *string, const char *text, gsize length, gsize at)
{
    for (; at < length && string->utf8_left > 0; at++) {
        guchar c = (guchar)text[at];
        if (c < string->utf8_low || c > string->utf8_high) {
            note_string_error(string, at, "not UTF-8");
            string->utf8_left = 0;
            return at;
        }
        string->utf8_left--;
        string->character = string->character << 6 | (c & 0x3f);
        string->utf8_low = 0x80;
        string->utf8_high = 0xbf;
        if (string->utf8_left == 0)
            check_character(string, at, string->character);
    }
    return at;
}

static void
surrogate_alone(JsonScanString *string, gsize at)
{
    if (string->surrogate)
        note_string_error(string, at, "half of a surrogate pair");
    string->surrogate = 0;
}

/* Nobody can tell where a string ends that QEMU has given up: at these bytes its reader begins anew. */
static gboolean
is_unreadable_in_string(const JsonScanString *string, char c)
{
    return string->dialect == JSON_DIALECT_QEMU && ((guchar)c < 0x20 || (guchar)c >= 0xfe);
}

static gsize
lose_string(JsonScanString *string, gsize at)
{
    note_string_error(string, at, "a control character, FE or FF in a string");
    string->is_lost = TRUE;
    return at;
}

/* Plain characters up to a quote or a backslash; returns where it stopped. */
static gsize
feed_plain(JsonScanString *string, const char *text, gsize length, gsize at)
{
    if (text[at] != '\\')
        surrogate_alone(string, at);
    while (at < length) {
        at = utf8_run(string, text, length, at);
        at += plain_run(text + at, length - at, string->quote);
        if (at == length || text[at] == string->quote || text[at] == '\\')
            break;
        if (is_unreadable_in_string(string, text[at]))
            return lose_string(string, at);
        if ((guchar)text[at] < 0x20)
            note_string_error(string, at, "a raw control character in a string");
        else if (!utf8_begin(string, (guchar)text[at]))
            note_string_error(string, at, "not UTF-8");
        at++;
    }
    return at;
}

/* The byte after a backslash. */
static gsize
feed_escape(JsonScanString *string, char c, gsize at)
{
    string->state = PLAIN;
    if (c == 'u') {
        string->state = UNICODE;
        string->unicode = string->unicode_digits = 0;
        return at + 1;
    }
    surrogate_alone(string, at);
    if (c != '\0' && strchr(string->dialect == JSON_DIALECT_QEMU ? "\"'\\/bfnrt" : "\"\\/bfnrt", c))
        return at + 1;
    if (is_unreadable_in_string(string, c))
        return lose_string(string, at);
    note_string_error(string, at, "an escape that JSON does not have");
    return at;
}

static gsize
feed_unicode(JsonScanString *string, char c, gsize at)
{
    if (!g_ascii_isxdigit(c)) {
        note_string_error(string, at, "\\u without four hexadecimal digits");
        string->state = PLAIN;
        string->surrogate = 0;
        return at;
    }
    string->unicode = (guint16)(string->unicode << 4 | g_ascii_xdigit_value(c));
    if (++string->unicode_digits < 4)
        return at + 1;
    string->state = PLAIN;
    gboolean high = (string->unicode & 0xfc00) == 0xd800, low = (string->unicode & 0xfc00) == 0xdc00;
    gunichar top = low ? 0x10000 + ((string->surrogate & 0x3ffu) << 10) : 0;
    if (low != (string->surrogate != 0))
        note_string_error(string, at, "half of a surrogate pair");
    if (!high)
        check_character(string, at, low ? top + (string->unicode & 0x3ff) : string->unicode);
    string->surrogate = high ? string->unicode : 0;
    return at + 1;
}

void
json_scan_string_begin(JsonScanString *string, JsonDialect dialect, char quote)
{
    string->dialect = (guint8)dialect;
    string->quote = quote;
    string->is_lost = FALSE;
    string->state = PLAIN;
    string->utf8_left = 0;
    string->surrogate = 0;
}

gsize
json_scan_string_skip_plain(const char *text, gsize length, char quote)
{
    gsize end = plain_run(text, length, quote);

    return end < length && text[end] == quote ? end + 1 : 0;
}

gsize
json_scan_string_feed(JsonScanString *string, const char *text, gsize length, gboolean *ret_ended)
{
    string->error = NULL;
    *ret_ended = FALSE;
    gsize at = 0;
    while (at < length && !string->is_lost) {
        if (string->state == ESCAPE) {
            at = feed_escape(string, text[at], at);
            continue;
        }
        if (string->state == UNICODE) {
            at = feed_unicode(string, text[at], at);
            continue;
        }
        at = feed_plain(string, text, length, at);
        if (at == length || string->is_lost)
            break;
        if (text[at++] == string->quote) {
            *ret_ended = TRUE;
            break;
        }
        string->state = ESCAPE;
    }
    return at;
}
