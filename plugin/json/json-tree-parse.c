/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From JSON text to json-glib's trees. Called by whoever keeps a value: arguments, the schema; owns nothing.
 *
 * json-glib's own parser is not used: 1.6 wraps integers above 2^63-1, cuts strings at U+0000, keeps one of two
 * members of the same name, and is slower. The text is scanned first, so that the cursor can rely on it. */
#include <string.h>

#include "json-cost.h"
#include "json-cursor.h"
#include "json-dialect.h"
#include "json-scan.h"
#include "json-tree.h"

typedef struct Builder {
    const char *text; /* borrowed; where the document begins */
    JsonCursor cursor;
    JsonDialect dialect;
    JsonCost cost; /* of the values so far; their bytes are those of the text */
    const JsonCost *max;
    GError **error;
} Builder;

static JsonNode *build_value(Builder *builder);

static gboolean
check_builder_cost(Builder *builder)
{
    g_autofree char *excess = json_cost_find_excess(&builder->cost, builder->max);

    if (excess)
        g_set_error(builder->error, JSON_TREE_ERROR, JSON_TREE_ERROR_LIMIT, "%s, at byte %td", excess,
                    builder->cursor.at - builder->text);
    return !excess;
}

static JsonNode *
build_number(Builder *builder)
{
    JsonCursorNumber number = json_cursor_read_number(&builder->cursor);

    if (number.type == JSON_CURSOR_INT)
        return json_node_init_int(json_node_alloc(), number.i64);
    if (number.type == JSON_CURSOR_UINT)
        return json_tree_new_uint(number.u64);
    return json_node_init_double(json_node_alloc(), number.real);
}

static JsonNode *
build_string(Builder *builder)
{
    gsize length;
    g_autofree char *string = json_cursor_text_dup(json_cursor_read_string(&builder->cursor), &length);

    return json_tree_new_string_len(string, length);
}

static JsonNode *
build_array(Builder *builder)
{
    g_autoptr(JsonArray) array = json_array_new();

    json_cursor_enter(&builder->cursor);
    while (json_cursor_next_element(&builder->cursor)) {
        JsonNode *element = build_value(builder);
        if (!element)
            return NULL;
        json_array_add_element(array, element);
    }
    return json_node_init_array(json_node_alloc(), array);
}

static gboolean
fail_name(Builder *builder, const JsonCursorText *name, const char *before, const char *shown, const char *after)
{
    g_set_error(builder->error, JSON_TREE_ERROR, JSON_TREE_ERROR_INVALID, "%s%s%s at byte %td", before, shown, after,
                name->text - builder->text);
    return FALSE;
}

/* Owned; NULL with an error. */
static char *
dup_name(Builder *builder, JsonObject *object, const JsonCursorText *written)
{
    gsize length;
    g_autofree char *name = json_cursor_text_dup(*written, &length);

    if (memchr(name, '\0', length)) {
        g_autoptr(JsonNode) node = json_tree_new_string_len(name, length);
        if (builder->dialect != JSON_DIALECT_QEMU) {
            fail_name(builder, written, "U+0000 in the name of a member", "", "");
            return NULL;
        }
        g_free(name);
        name = g_strdup(json_tree_get_characters(node, &length));
    }
    json_cost_add_member(&builder->cost, json_object_get_size(object), /* length= */ 0);
    if (!check_builder_cost(builder))
        return NULL;
    if (json_object_has_member(object, name)) {
        g_autofree char *shown = g_utf8_substring(name, 0, MIN(100, g_utf8_strlen(name, -1)));
        fail_name(builder, written, "the member \"", shown, "\" is there twice,");
        return NULL;
    }
    return g_steal_pointer(&name);
}

static JsonNode *
build_object(Builder *builder)
{
    g_autoptr(JsonObject) object = json_object_new();
    JsonCursorText written;

    json_cursor_enter(&builder->cursor);
    while (json_cursor_next_member(&builder->cursor, &written)) {
        g_autofree char *name = dup_name(builder, object, &written);
        JsonNode *value = name ? build_value(builder) : NULL;
        if (!value)
            return NULL;
        json_object_set_member(object, name, value);
    }
    return json_node_init_object(json_node_alloc(), object);
}

static JsonNode *
build_value(Builder *builder)
{
    json_cost_add_value(&builder->cost, /* bytes= */ 0);
    if (!check_builder_cost(builder))
        return NULL;
    switch (json_cursor_get_type(&builder->cursor)) {
    case JSON_CURSOR_OBJECT:
        return build_object(builder);
    case JSON_CURSOR_ARRAY:
        return build_array(builder);
    case JSON_CURSOR_STRING:
        return build_string(builder);
    case JSON_CURSOR_BOOLEAN:
        return json_node_init_boolean(json_node_alloc(), json_cursor_read_boolean(&builder->cursor));
    case JSON_CURSOR_NULL:
        json_cursor_skip(&builder->cursor);
        return json_node_init_null(json_node_alloc());
    case JSON_CURSOR_INT:
    case JSON_CURSOR_UINT:
    case JSON_CURSOR_DOUBLE:
        return build_number(builder);
    }
    g_return_val_if_reached(NULL);
}

static JsonNode *
build_tree(const char *text, JsonDialect dialect, const JsonCost *max, GError **error)
{
    Builder builder = { .text = text, .cursor = json_cursor_at(text), .dialect = dialect, .max = max, .error = error };

    return build_value(&builder);
}

JsonNode *
json_tree_build_command(const char *text, GError **error)
{
    return build_tree(text, JSON_DIALECT_QEMU, &JSON_COST_OF_ARGUMENTS, error);
}

/* Where @text stops to be exactly one document. */
static gboolean
check_document(const char *text, gsize length, GError **error)
{
    JsonScan scan;
    gsize used, begin = 0;
    json_scan_init(&scan, JSON_DIALECT_RFC8259);
    JsonScanResult result = json_scan_feed(&scan, text, length, &used);
    if (result == JSON_SCAN_MORE)
        result = json_scan_end(&scan);
    while (begin < length && json_is_space(text[begin]))
        begin++;
    if (scan.error) {
        g_set_error(error, JSON_TREE_ERROR, JSON_TREE_ERROR_INVALID, "%s at byte %zu", scan.error,
                    begin + scan.error_offset);
        return FALSE;
    }
    if (result != JSON_SCAN_DONE) {
        g_set_error(error, JSON_TREE_ERROR, JSON_TREE_ERROR_INVALID, "the text ends too early, at byte %zu", length);
        return FALSE;
    }
    while (used < length && json_is_space(text[used]))
        used++;
    if (used < length)
        g_set_error(error, JSON_TREE_ERROR, JSON_TREE_ERROR_INVALID, "more than one value, at byte %zu", used);
    return used == length;
}

static JsonNode *
parse_text(const char *text, gsize length, const JsonCost *max, GError **error)
{
    if (!check_document(text, length, error))
        return NULL;
    /* A number at the end of the text is read up to the first byte that does not belong to it. */
    g_autofree char *terminated = NULL;
    if (length > 0 && g_ascii_isdigit(text[length - 1]))
        text = terminated = g_strndup(text, length);
    return build_tree(text, JSON_DIALECT_RFC8259, max, error);
}

JsonNode *
json_tree_parse(const char *text, gsize length, GError **error)
{
    return parse_text(text, length, &JSON_COST_OF_REPLY, error);
}

/* Their length is known before any of them is read. */
JsonNode *
json_tree_parse_arguments(const char *text, gsize length, GError **error)
{
    const JsonCost *max = &JSON_COST_OF_ARGUMENTS;

    if (length <= max->bytes)
        return parse_text(text, length, max, error);
    g_set_error(error, JSON_TREE_ERROR, JSON_TREE_ERROR_LIMIT, "%zu bytes, a command may have %zu", length,
                max->bytes);
    return NULL;
}

JsonNode *
json_tree_parse_answer(const char *text, gsize length)
{
    const JsonCost *max = &JSON_COST_OF_ANSWER;

    return length <= max->bytes ? parse_text(text, length, max, /* error= */ NULL) : NULL;
}
