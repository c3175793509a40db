/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by json-tree-parse.c, json-print.c and whoever needs a few values of a text; owns nothing. Containers are skipped
 * by their brackets and strings alone. */
#include "json-cursor.h"

#include <errno.h>
#include <string.h>

#include "json-dialect.h"

/* A walk over a string, or over a container, looks at these bytes only. Large values are walked over before they are read. */
enum {
    STOPS_STRING = 1,
    STOPS_CONTAINER = 2,
};
static const guint8 stops[256] = {
    ['"'] = STOPS_STRING | STOPS_CONTAINER,
    ['\''] = STOPS_STRING | STOPS_CONTAINER,
    ['\\'] = STOPS_STRING,
    ['{'] = STOPS_CONTAINER,
    ['}'] = STOPS_CONTAINER,
    ['['] = STOPS_CONTAINER,
    [']'] = STOPS_CONTAINER,
};

static const char *
find_string_stop(const char *text)
{
    while (!(stops[(guchar)*text] & STOPS_STRING))
        text++;
    return text;
}

/* Where the next one is, or @most. */
static gsize
find_container_stop(const char *text, gsize most)
{
    gsize n = 0;

    while (n < most && !(stops[(guchar)text[n]] & STOPS_CONTAINER))
        n++;
    return n;
}

static void
skip_space(JsonCursor *cursor)
{
    while (json_is_space(*cursor->at))
        cursor->at++;
}

JsonCursor
json_cursor_at(const char *text)
{
    JsonCursor cursor = { text };

    skip_space(&cursor);
    return cursor;
}

static gboolean
is_in_number(char c)
{
    return g_ascii_isdigit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Most numbers are short: what cannot overflow needs no look at its value. */
static JsonCursorType
get_number_type(const char *text)
{
    const char *end = text;
    gboolean is_negative = *text == '-';

    for (; is_in_number(*end); end++)
        if (*end == '.' || *end == 'e' || *end == 'E')
            return JSON_CURSOR_DOUBLE;
    if (end - text < 19)
        return JSON_CURSOR_INT;
    errno = 0;
    if (is_negative)
        g_ascii_strtoll(text, NULL, 10);
    else if (g_ascii_strtoull(text, NULL, 10) > G_MAXINT64 && errno == 0)
        return JSON_CURSOR_UINT;
    return errno == 0 ? JSON_CURSOR_INT : JSON_CURSOR_DOUBLE;
}

JsonCursorType
json_cursor_get_type(const JsonCursor *cursor)
{
    switch (*cursor->at) {
    case '{':
        return JSON_CURSOR_OBJECT;
    case '[':
        return JSON_CURSOR_ARRAY;
    case '"':
    case '\'':
        return JSON_CURSOR_STRING;
    case 't':
    case 'f':
        return JSON_CURSOR_BOOLEAN;
    case 'n':
        return JSON_CURSOR_NULL;
    default:
        return get_number_type(cursor->at);
    }
}

static void
skip_number(JsonCursor *cursor)
{
    while (is_in_number(*cursor->at))
        cursor->at++;
}

JsonCursorNumber
json_cursor_read_number(JsonCursor *cursor)
{
    JsonCursorNumber number = { .type = get_number_type(cursor->at) };

    if (number.type == JSON_CURSOR_INT)
        number.i64 = g_ascii_strtoll(cursor->at, NULL, 10);
    else if (number.type == JSON_CURSOR_UINT)
        number.u64 = g_ascii_strtoull(cursor->at, NULL, 10);
    else
        number.real = g_ascii_strtod(cursor->at, NULL);
    skip_number(cursor);
    return number;
}

gboolean
json_cursor_read_boolean(JsonCursor *cursor)
{
    gboolean value = *cursor->at == 't';

    cursor->at += strlen(value ? "true" : "false");
    return value;
}

JsonCursorText
json_cursor_read_string(JsonCursor *cursor)
{
    char quote = *cursor->at++;
    JsonCursorText text = { .text = cursor->at };

    while (*(cursor->at = find_string_stop(cursor->at)) != quote)
        cursor->at += *cursor->at == '\\' ? 2 : 1;
    text.length = (gsize)(cursor->at++ - text.text);
    return text;
}

/* A bracket, or a string whole. */
static void
pass_container_stop(JsonCursor *cursor, guint *depth)
{
    char c = *cursor->at;

    if (c == '"' || c == '\'') {
        json_cursor_read_string(cursor);
        return;
    }
    *depth += c == '{' || c == '[';
    *depth -= c == '}' || c == ']';
    cursor->at++;
}

/* What was looked at. */
static void
take_off(gsize *left, const char *begin, const char *end)
{
    *left -= MIN(*left, (gsize)(end - begin));
}

static void
walk_container(JsonCursor *cursor, guint *depth, gsize *left)
{
    while (*left > 0) {
        const char *begin = cursor->at;
        gsize n = find_container_stop(begin, *left);
        cursor->at += n;
        if (n < *left)
            pass_container_stop(cursor, depth);
        take_off(left, begin, cursor->at);
        if (*depth == 0)
            return;
    }
}

static void
skip_scalar(JsonCursor *cursor)
{
    switch (*cursor->at) {
    case '"':
    case '\'':
        json_cursor_read_string(cursor);
        break;
    case 't':
    case 'f':
        json_cursor_read_boolean(cursor);
        break;
    case 'n':
        cursor->at += strlen("null");
        break;
    default:
        skip_number(cursor);
    }
}

gboolean
json_cursor_skip_part(JsonCursor *cursor, guint *depth, gsize *left)
{
    const char *begin = cursor->at;

    if (*depth > 0 || *begin == '{' || *begin == '[') {
        walk_container(cursor, depth, left);
        return *depth == 0 && cursor->at != begin;
    }
    skip_scalar(cursor);
    take_off(left, begin, cursor->at);
    return TRUE;
}

void
json_cursor_skip(JsonCursor *cursor)
{
    gsize all = G_MAXSIZE;
    guint depth = 0;

    json_cursor_skip_part(cursor, &depth, &all);
}

void
json_cursor_enter(JsonCursor *cursor)
{
    cursor->at++;
}

/* To what follows a comma, or behind the closing bracket. */
static gboolean
move_on(JsonCursor *cursor)
{
    skip_space(cursor);
    if (*cursor->at == ']' || *cursor->at == '}') {
        cursor->at++;
        return FALSE;
    }
    cursor->at += *cursor->at == ',';
    skip_space(cursor);
    return TRUE;
}

gboolean
json_cursor_next_element(JsonCursor *cursor)
{
    return move_on(cursor);
}

gboolean
json_cursor_next_member(JsonCursor *cursor, JsonCursorText *ret_name)
{
    if (!move_on(cursor))
        return FALSE;
    *ret_name = json_cursor_read_string(cursor);
    skip_space(cursor);
    cursor->at++;
    skip_space(cursor);
    return TRUE;
}

void
json_cursor_search_begin(JsonCursorSearch *search, JsonCursor object)
{
    *search = (JsonCursorSearch){ .cursor = object };
    json_cursor_enter(&search->cursor);
}

/* TRUE: the search is over. */
static gboolean
try_next_member(JsonCursorSearch *search, const char *name)
{
    JsonCursorText member;

    if (!json_cursor_next_member(&search->cursor, &member))
        return TRUE;
    search->is_found = json_cursor_text_equal(member, name);
    search->is_in_value = !search->is_found;
    return search->is_found;
}

gboolean
json_cursor_search_part(JsonCursorSearch *search, const char *name, gsize *left)
{
    while (*left > 0) {
        const char *begin = search->cursor.at;
        if (search->is_in_value) {
            search->is_in_value = !json_cursor_skip_part(&search->cursor, &search->depth, left);
            continue;
        }
        if (try_next_member(search, name))
            return TRUE;
        take_off(left, begin, search->cursor.at);
    }
    return FALSE;
}

gboolean
json_cursor_text_equal(JsonCursorText text, const char *plain)
{
    return strlen(plain) == text.length && memcmp(text.text, plain, text.length) == 0;
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

/* Only JSON_DIALECT_QEMU has U+0000 written so; no valid UTF-8 holds this pair. */
static gsize
replace_nuls(char *string, gsize length)
{
    gsize to = 0;

    for (gsize from = 0; from < length; from++) {
        gboolean is_nul = (guchar)string[from] == 0xc0;
        string[to++] = is_nul ? '\0' : string[from];
        from += is_nul;
    }
    string[to] = '\0';
    return to;
}

char *
json_cursor_text_dup(JsonCursorText text, gsize *ret_length)
{
    /* No escape is shorter than what it stands for. */
    char *string = g_malloc(text.length + 1), *to = string;
    const char *at = text.text, *end = at + text.length;
    gsize length;

    while (at < end) {
        const char *backslash = memchr(at, '\\', (gsize)(end - at));
        gsize plain = (gsize)((backslash ? backslash : end) - at);
        memcpy(to, at, plain);
        to += plain;
        at += plain;
        if (backslash)
            at = unescape_one(backslash + 1, &to);
    }
    *to = '\0';
    length = (gsize)(to - string);
    if (memchr(string, 0xc0, length))
        length = replace_nuls(string, length);
    if (ret_length)
        *ret_length = length;
    return string;
}
