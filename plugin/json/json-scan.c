/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scanner: a state machine that takes its text in pieces of any size. JsonFramer feeds it what comes from a
 * socket, qmp-message and json-tree texts that are there as a whole. The scanner owns nothing.
 *
 * The idea: every step looks at the rest of the chunk in one state, uses up what belongs to that state and says how
 * much that was; nothing used means that the state has changed and the same byte is to be looked at again. So a
 * document in one piece and one in single bytes take the same path, and strings and numbers, the bulk of every large
 * reply, are walked through in loops of their own (json-scan-string.c, json-scan-number.c).
 *
 * After a violation of the grammar only strings and brackets are followed ("skipping"), until the next member of the
 * top-level object begins: so the `id` of a bad reply is found, whether it stands before or after the bad value. */
#include "json-scan.h"

#include <string.h>

enum {
    START,
    VALUE,
    VALUE_OR_END, /* after [ */
    NAME,
    NAME_OR_END, /* after { */
    COLON,
    AFTER, /* a value */
    STRING,
    LITERAL,
    NUMBER,
    SKIP,
    COMPLETE,
    LOST,
};

static const char *const literals[] = { "true", "false", "null" };

static gboolean
in_object(const JsonScan *scan)
{
    return scan->depth > 0 && (scan->objects[scan->depth / 8] & (1 << scan->depth % 8)) != 0;
}

static gboolean
in_top_level_object(const JsonScan *scan)
{
    return scan->depth == 1 && in_object(scan);
}

/* Notes the first violation; @at: bytes from scan->offset. */
static void
note_scan_error(JsonScan *scan, gsize at, const char *error)
{
    if (scan->error)
        return;
    scan->error = error;
    scan->error_offset = scan->offset + at;
}

/* The grammar is broken at the next byte. Outside of all brackets nothing tells where the document would end. */
static gsize
stop_scan(JsonScan *scan, gsize used, const char *error)
{
    note_scan_error(scan, used, error);
    scan->skipping = TRUE;
    scan->state = scan->depth == 0 ? LOST : SKIP;
    return used;
}

static gsize
lose_document(JsonScan *scan, const char *error)
{
    note_scan_error(scan, 0, error);
    scan->state = LOST;
    return 0;
}

static void
member_begin(JsonScan *scan)
{
    if (!in_top_level_object(scan) || scan->n_members == JSON_SCAN_MAX_MEMBERS)
        return;
    scan->members[scan->n_members].value = scan->offset;
    scan->member_open = TRUE;
}

static void
member_end(JsonScan *scan, gsize end)
{
    if (!scan->member_open || !in_top_level_object(scan))
        return;
    JsonScanMember *member = &scan->members[scan->n_members++];
    member->value_length = end - member->value;
    scan->member_open = FALSE;
}

/* A value ends @used bytes from here. */
static gsize
value_end(JsonScan *scan, gsize used)
{
    if (!scan->skipping)
        member_end(scan, scan->offset + used);
    if (scan->depth == 0)
        scan->state = COMPLETE;
    else
        scan->state = scan->skipping ? SKIP : AFTER;
    return used;
}

static gsize
bracket_open(JsonScan *scan, gboolean object)
{
    if (scan->depth == JSON_SCAN_MAX_DEPTH)
        return lose_document(scan, "nested deeper than 1024 levels");
    scan->depth++;
    guint8 bit = (guint8)(1 << scan->depth % 8);
    if (object)
        scan->objects[scan->depth / 8] |= bit;
    else
        scan->objects[scan->depth / 8] &= (guint8)~bit;
    if (!scan->skipping)
        scan->state = object ? NAME_OR_END : VALUE_OR_END;
    return 1;
}

static gsize
bracket_close(JsonScan *scan, gboolean object)
{
    if (in_object(scan) != object)
        return lose_document(scan, "a bracket that does not match");
    member_end(scan, scan->offset);
    scan->depth--;
    return value_end(scan, 1);
}

static gsize
string_end(JsonScan *scan, gsize used)
{
    if (!scan->in_name)
        return value_end(scan, used);
    if (in_top_level_object(scan) && scan->n_members < JSON_SCAN_MAX_MEMBERS) {
        JsonScanMember *member = &scan->members[scan->n_members];
        member->name_length = scan->offset + used - 1 - member->name;
    }
    scan->state = COLON;
    return used;
}

/* @text: begins with the quote. */
static gsize
string_begin(JsonScan *scan, const char *text, gsize length, gboolean in_name)
{
    gsize plain = json_scan_string_skip_plain(text + 1, length - 1, text[0]);

    scan->in_name = in_name;
    if (in_name && in_top_level_object(scan) && scan->n_members < JSON_SCAN_MAX_MEMBERS)
        scan->members[scan->n_members].name = scan->offset + 1;
    if (plain > 0)
        return string_end(scan, 1 + plain);
    scan->state = STRING;
    json_scan_string_begin(&scan->string, scan->dialect, text[0]);
    return 1;
}

static gsize
number_begin(JsonScan *scan)
{
    json_scan_number_begin(&scan->number);
    scan->state = NUMBER;
    return 0;
}

static gboolean
is_quote(const JsonScan *scan, char c)
{
    return c == '"' || (c == '\'' && scan->dialect == JSON_DIALECT_QEMU);
}

/* The bytes that a value can begin with. */
static gsize
step_value(JsonScan *scan, const char *text, gsize length)
{
    char c = text[0];

    if (json_is_space(c))
        return 1;
    if (c == ']' && scan->state == VALUE_OR_END)
        return bracket_close(scan, FALSE);
    member_begin(scan);
    if (is_quote(scan, c))
        return string_begin(scan, text, length, FALSE);
    switch (c) {
    case '{':
    case '[':
        return bracket_open(scan, c == '{');
    case 't':
    case 'f':
    case 'n':
        scan->literal = c == 't' ? 0 : c == 'f' ? 1 : 2;
        scan->literal_at = 1;
        scan->state = LITERAL;
        return 1;
    default:
        if (g_ascii_isdigit(c) || c == '-')
            return number_begin(scan);
        return stop_scan(scan, 0, "a value was expected");
    }
}

static gsize
step_name(JsonScan *scan, const char *text, gsize length)
{
    char c = text[0];

    if (json_is_space(c))
        return 1;
    if (is_quote(scan, c))
        return string_begin(scan, text, length, TRUE);
    if (c == '}' && scan->state == NAME_OR_END)
        return bracket_close(scan, TRUE);
    return stop_scan(scan, 0, "the name of a member was expected");
}

/* QEMU writes a space behind each colon and comma. */
static gsize
with_space(const char *text, gsize length)
{
    return length > 1 && text[1] == ' ' ? 2 : 1;
}

static gsize
step_colon(JsonScan *scan, const char *text, gsize length)
{
    char c = text[0];

    if (json_is_space(c))
        return 1;
    if (c != ':')
        return stop_scan(scan, 0, "a colon was expected");
    scan->state = VALUE;
    return with_space(text, length);
}

static gsize
step_after(JsonScan *scan, const char *text, gsize length)
{
    char c = text[0];

    if (json_is_space(c))
        return 1;
    if (c == '}' || c == ']')
        return bracket_close(scan, c == '}');
    if (c != ',')
        return stop_scan(scan, 0, "a comma or a closing bracket was expected");
    scan->state = in_object(scan) ? NAME : VALUE;
    return with_space(text, length);
}

static gsize
step_skip(JsonScan *scan, const char *text, gsize length)
{
    char c = text[0];

    if (is_quote(scan, c))
        return string_begin(scan, text, length, FALSE);
    if (c == '{' || c == '[')
        return bracket_open(scan, c == '{');
    if (c == '}' || c == ']')
        return bracket_close(scan, c == '}');
    if (c == ',' && in_top_level_object(scan)) {
        member_end(scan, scan->offset);
        scan->skipping = FALSE;
        scan->state = NAME;
    }
    return 1;
}

static gsize
step_literal(JsonScan *scan, char c)
{
    const char *literal = literals[scan->literal];
    if (c != literal[scan->literal_at])
        return stop_scan(scan, 0, "a value was expected");
    scan->literal_at++;
    return literal[scan->literal_at] == '\0' ? value_end(scan, 1) : 1;
}

static gsize
step_string(JsonScan *scan, const char *text, gsize length)
{
    gboolean ended;
    gsize used = json_scan_string_feed(&scan->string, text, length, &ended);
    if (scan->string.error)
        note_scan_error(scan, scan->string.error_at, scan->string.error);
    if (scan->string.is_lost) {
        scan->state = LOST;
        return used;
    }
    return ended ? string_end(scan, used) : used;
}

static gsize
number_end(JsonScan *scan, gsize used)
{
    if (!json_scan_number_is_complete(&scan->number))
        return stop_scan(scan, used, "a digit was expected");
    const char *error = json_scan_number_check(&scan->number, scan->dialect);
    if (error)
        note_scan_error(scan, used, error);
    return value_end(scan, used);
}

static gsize
step_number(JsonScan *scan, const char *text, gsize length)
{
    gsize used = json_scan_number_feed(&scan->number, text, length);
    return used < length ? number_end(scan, used) : used;
}

/* A byte at which QEMU's reader gives up what came before. A number it ends first, as any byte that is not the number's. */
static gboolean
is_unreadable_outside(const JsonScan *scan, char c)
{
    return scan->dialect == JSON_DIALECT_QEMU && scan->state != STRING && scan->state != NUMBER && !json_is_space(c) &&
           ((guchar)c < 0x20 || (guchar)c >= 0xfe);
}

static gsize
step_scan(JsonScan *scan, const char *text, gsize length)
{
    if (is_unreadable_outside(scan, text[0]))
        return lose_document(scan, "a control character, FE or FF");
    switch (scan->state) {
    case START:
    case VALUE:
    case VALUE_OR_END:
        return step_value(scan, text, length);
    case NAME:
    case NAME_OR_END:
        return step_name(scan, text, length);
    case COLON:
        return step_colon(scan, text, length);
    case AFTER:
        return step_after(scan, text, length);
    case STRING:
        return step_string(scan, text, length);
    case LITERAL:
        return step_literal(scan, text[0]);
    case SKIP:
        return step_skip(scan, text, length);
    default: /* NUMBER */
        return step_number(scan, text, length);
    }
}

void
json_scan_init(JsonScan *scan, JsonDialect dialect)
{
    /* The bits of a level are set when it is entered. */
    memset(scan, 0, G_STRUCT_OFFSET(JsonScan, objects));
    scan->dialect = (guint8)dialect;
}

JsonScanResult
json_scan_feed(JsonScan *scan, const char *data, gsize length, gsize *ret_used)
{
    gsize at = 0;
    while (at < length && scan->state == START && json_is_space(data[at]))
        at++;
    while (at < length && scan->state < COMPLETE) {
        gsize used = step_scan(scan, data + at, length - at);
        scan->offset += used;
        at += used;
    }
    *ret_used = at;
    return scan->state == COMPLETE ? JSON_SCAN_DONE : scan->state == LOST ? JSON_SCAN_LOST : JSON_SCAN_MORE;
}

JsonScanResult
json_scan_end(JsonScan *scan)
{
    if (scan->state == NUMBER && scan->depth == 0 && json_scan_number_is_complete(&scan->number))
        number_end(scan, 0);
    return scan->state == COMPLETE ? JSON_SCAN_DONE : scan->state == LOST ? JSON_SCAN_LOST : JSON_SCAN_MORE;
}
