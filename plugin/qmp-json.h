/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON without loss: json-glib for trees, with the values that it cannot hold (integers above 2^63-1, strings with
 * U+0000) kept in it under a marker. Trees that pass through here must be read through here. */
#pragma once

#include <json-glib/json-glib.h>

typedef enum QmpJsonType {
    QMP_JSON_NULL,
    QMP_JSON_BOOLEAN,
    QMP_JSON_INT, /* -2^63 to 2^63-1 */
    QMP_JSON_UINT, /* 2^63 to 2^64-1 */
    QMP_JSON_DOUBLE,
    QMP_JSON_STRING,
    QMP_JSON_STRING_WITH_NUL, /* holds U+0000: can be written as JSON, cannot be read as a C string */
    QMP_JSON_ARRAY,
    QMP_JSON_OBJECT,
} QmpJsonType;

/* Parses exactly one document. Fails with QMP_ERROR_INVALID, naming the byte, where it is not JSON by the rules of
 * qmp_scan_feed(), is followed by anything but white space, names one member of an object twice, or has U+0000 in the
 * name of a member; with QMP_ERROR_LIMIT past QMP_COST_OF_REPLY. The names in the tree are as they were: the marker is for values only. */
JsonNode *qmp_json_parse(const char *text, gsize length, GError **error);

/* The same for the arguments of a caller's command. Fails with QMP_ERROR_LIMIT past QMP_COST_OF_ARGUMENTS. */
JsonNode *qmp_json_parse_arguments(const char *text, gsize length, GError **error);

/* Whether there are more than @max values in @text, members and elements counted, without making anything of them: a
 * value costs some 200 ns to parse and convert, and the main loop is held meanwhile. */
gboolean qmp_json_has_more_values(const char *text, gsize length, guint max);

/* Appends @node as compact JSON: no white space, shortest doubles that read back as the same double (never as an
 * integer), control characters below U+0020 escaped, everything else as UTF-8. Every byte costs QEMU 2.5 us. */
void qmp_json_append(GString *text, JsonNode *node);

QmpJsonType qmp_json_get_type(JsonNode *node);
gint64 qmp_json_get_int(JsonNode *node); /* of QMP_JSON_INT */
guint64 qmp_json_get_uint(JsonNode *node); /* of QMP_JSON_UINT, and of QMP_JSON_INT from 0 */
gdouble qmp_json_get_double(JsonNode *node); /* of QMP_JSON_DOUBLE, _INT and _UINT */
const char *qmp_json_get_string(JsonNode *node); /* of QMP_JSON_STRING; borrowed */

JsonNode *qmp_json_new_uint(guint64 value);
JsonNode *qmp_json_new_string(const char *value); /* UTF-8 */
JsonNode *qmp_json_new_string_with_nul(const char *escaped); /* as JSON text, with its quotes */

/* Appends @text as a JSON string, with the quotes. */
void qmp_json_append_string(GString *json, const char *text, gsize length);

/* What stands between the quotes of a string that qmp_scan_feed() found right, unescaped and terminated; it may hold
 * U+0000, so @ret_length (may be NULL) is its length. */
char *qmp_json_unescape(const char *text, gsize length, gsize *ret_length);
