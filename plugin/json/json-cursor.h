/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads JSON text in order, without a tree. The text must have been found right by JsonScan, and be followed by a byte
 * that does not belong to it (a NUL will do): nothing here looks for its end. A cursor is a plain value: a copy of it looks
 * ahead.
 *
 *     JsonCursor cursor = json_cursor_at(text);
 *     json_cursor_enter(&cursor);
 *     while (json_cursor_next_member(&cursor, &name))
 *         …read or skip one value…
 */
#pragma once

#include <glib.h>

typedef struct JsonCursor {
    const char *at; /* borrowed text; the first byte of a value, or what stands between two */
} JsonCursor;

typedef enum JsonCursorType {
    JSON_CURSOR_NULL,
    JSON_CURSOR_BOOLEAN,
    JSON_CURSOR_INT, /* an integer from -2^63 to 2^63-1 */
    JSON_CURSOR_UINT, /* an integer from 2^63 to 2^64-1 */
    JSON_CURSOR_DOUBLE, /* a fraction; in JSON_DIALECT_QEMU also an integer that has no room in 64 bits */
    JSON_CURSOR_STRING,
    JSON_CURSOR_ARRAY,
    JSON_CURSOR_OBJECT,
} JsonCursorType;

/* The text between the quotes of a string, escapes as written. */
typedef struct JsonCursorText {
    const char *text;
    gsize length;
} JsonCursorText;

typedef struct JsonCursorNumber {
    JsonCursorType type; /* _INT, _UINT or _DOUBLE */
    union {
        gint64 i64;
        guint64 u64;
        double real;
    };
} JsonCursorNumber;

/* Stands at the value that @text begins with, behind white space. */
JsonCursor json_cursor_at(const char *text);

/* Of the value that the cursor stands at. */
JsonCursorType json_cursor_get_type(const JsonCursor *cursor);

/* Each of these reads the value of that type that the cursor stands at, and leaves the cursor behind it. */
JsonCursorNumber json_cursor_read_number(JsonCursor *cursor);
gboolean json_cursor_read_boolean(JsonCursor *cursor);
JsonCursorText json_cursor_read_string(JsonCursor *cursor);

/* Leaves any value behind. */
void json_cursor_skip(JsonCursor *cursor);

/* The same in parts, where the value may be a large one. *@depth: 0 before the first part. *@left: how many bytes may still be looked
 * at; those that were are taken off. FALSE: the value goes on, and the cursor stands inside it. A string is left behind whole. */
gboolean json_cursor_skip_part(JsonCursor *cursor, guint *depth, gsize *left);

/* Goes into an array or an object. Then next moves to the next element, or behind the name and the colon of the next
 * member; FALSE: there is none, and the cursor stands behind the array or object. */
void json_cursor_enter(JsonCursor *cursor);
gboolean json_cursor_next_element(JsonCursor *cursor);
gboolean json_cursor_next_member(JsonCursor *cursor, JsonCursorText *ret_name);

/* A search for a member of an object, in parts. */
typedef struct JsonCursorSearch {
    JsonCursor cursor; /* at the value, when the member has been found */
    guint depth; /* of the value that is being left behind */
    gboolean is_in_value;
    gboolean is_found;
} JsonCursorSearch;

/* @object: at its brace. @name: one whose letters need no escape in JSON. *@left: as above. FALSE: the search goes on. */
void json_cursor_search_begin(JsonCursorSearch *search, JsonCursor object);
gboolean json_cursor_search_part(JsonCursorSearch *search, const char *name, gsize *left);

/* A string without its escapes, terminated; U+0000 in it stays, so *@ret_length (may be NULL) is its length. Owned. */
char *json_cursor_text_dup(JsonCursorText text, gsize *ret_length);

gboolean json_cursor_text_equal(JsonCursorText text, const char *plain);
