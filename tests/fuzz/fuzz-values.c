/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values both ways by any schema. Input: a schema (the reply to query-qmp-schema), a newline, a value. The value is what the schema's
 * first command returns: as its own D-Bus type and as a variant.
 * - Both are what value-check.h says.
 * - A value that the schema's first command would take as its arguments is an object of the members that it lists. */
#include <string.h>

#include "fuzz.h"
#include "json-tree.h"
#include "qmp-arguments.h"
#include "qmp-schema-parse.h"
#include "value-check.h"
#include "value.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size ? memchr(text, '\n', size) : NULL;
    g_autofree char *value = end ? g_strndup(end + 1, text + size - end - 1) : NULL;
    g_autoptr(JsonNode) node = end ? json_tree_parse(value, strlen(value), NULL) : NULL;
    g_autoptr(QmpSchema) schema = NULL;
    g_autoptr(GError) error = NULL;

    if (!end)
        return 0;
    schema = qmp_schema_parse(text, end - text, &error);
    g_assert_true(schema || g_utf8_validate(error->message, -1, NULL));
    if (!schema || schema->commands->len == 0 || !node)
        return 0;
    const QmpSchemaCommand *command = schema->commands->pdata[0];
    g_autoptr(GString) signature = g_string_new(NULL);
    value_append_signature(signature, command->result);
    g_assert_true(g_variant_type_string_is_valid(signature->str));
    value_check(signature->str, command->result, value, node);
    value_check("v", command->result, value, node);
    if (JSON_NODE_HOLDS_OBJECT(node))
        qmp_arguments_check(command, json_node_get_object(node), NULL);
    return 0;
}
