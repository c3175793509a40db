/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON without loss: json-glib for trees, with the values that it cannot hold (integers above 2^63-1, strings with
 * U+0000) kept in it under a marker. Trees that are made here must be read here, and written by json-print. */
#pragma once

#include <json-glib/json-glib.h>

#include "json-cursor.h"
#include "json-dialect.h"

typedef enum JsonTreeType {
    JSON_TREE_NULL,
    JSON_TREE_BOOLEAN,
    JSON_TREE_INT, /* -2^63 to 2^63-1 */
    JSON_TREE_UINT, /* 2^63 to 2^64-1 */
    JSON_TREE_DOUBLE,
    JSON_TREE_STRING,
    JSON_TREE_STRING_WITH_NUL, /* holds U+0000: can be written as JSON, cannot be read as a C string */
    JSON_TREE_ARRAY,
    JSON_TREE_OBJECT,
} JsonTreeType;

/* Parses exactly one document. Fails with JSON_TREE_ERROR_INVALID, naming the byte, where it is not JSON by the rules
 * of json_scan_feed(), is followed by anything but white space, names one member of an object twice, or has U+0000 in
 * the name of a member; with JSON_TREE_ERROR_LIMIT past JSON_COST_OF_REPLY. The names in the tree are as they were:
 * the marker is for values only. */
JsonNode *json_tree_parse(const char *text, gsize length, GError **error);

/* The same for the arguments of a caller's command. Fails with JSON_TREE_ERROR_LIMIT past JSON_COST_OF_ARGUMENTS. */
JsonNode *json_tree_parse_arguments(const char *text, gsize length, GError **error);

/* QEMU's answer to a question of the agent's own. NULL: it is not right, or costs more than JSON_COST_OF_ANSWER. */
JsonNode *json_tree_parse_answer(const char *text, gsize length);

/* Makes the tree of a caller's command that JsonScan has found right in JSON_DIALECT_QEMU, and that a JsonCursor can
 * read. Fails as json_tree_parse_arguments(), but U+0000 in the name of a member is C0 80 there. */
JsonNode *json_tree_build_command(const char *text, GError **error);

JsonTreeType json_tree_get_type(JsonNode *node);
JsonCursorType json_tree_get_cursor_type(JsonNode *node); /* as a cursor has it at the text of that value */
gint64 json_tree_get_int(JsonNode *node); /* of JSON_TREE_INT */
guint64 json_tree_get_uint(JsonNode *node); /* of JSON_TREE_UINT, and of JSON_TREE_INT from 0 */
gdouble json_tree_get_double(JsonNode *node); /* of JSON_TREE_DOUBLE, _INT and _UINT */
const char *json_tree_get_string(JsonNode *node); /* of JSON_TREE_STRING; borrowed */

/* Of JSON_TREE_STRING and JSON_TREE_STRING_WITH_NUL; borrowed. U+0000 is C0 80. */
const char *json_tree_get_characters(JsonNode *node, gsize *ret_length);

JsonNode *json_tree_new_uint(guint64 value);
JsonNode *json_tree_new_string(const char *value); /* UTF-8 */
JsonNode *json_tree_new_string_len(const char *value, gsize length); /* UTF-8 that may hold U+0000 */

#define JSON_TREE_ERROR (json_tree_error_quark())

typedef enum JsonTreeErrorCode {
    JSON_TREE_ERROR_INVALID,
    JSON_TREE_ERROR_LIMIT, /* the text costs too much to read */
} JsonTreeErrorCode;

GQuark json_tree_error_quark(void);
