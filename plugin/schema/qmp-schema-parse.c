/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reply is one array. Each entity is cut out of it, read as a small tree and forgotten, so that no tree of the whole
 * is ever there: it would take 6 MB. */
#include "qmp-schema-parse.h"

#include "json-tree.h"
#include "json-scan.h"
#include "qmp-schema-builder.h"

/* Bytes of a step: 0.5 ms. */
#define STEP (16u * 1024)

/* The largest of QEMU 11.1, an enum of all kinds of objects, is 12 kB. */
#define MAX_ENTITY (64u * 1024)

struct QmpSchemaParser {
    GBytes *bytes; /* ref */
    const char *text; /* of @bytes */
    gsize length, at;
    QmpSchemaBuilder *builder; /* owned */
};

static gboolean
fail_parse(QmpSchemaParser *parser, const char *what, GError **error)
{
    g_set_error(error, QMP_SCHEMA_ERROR, QMP_SCHEMA_ERROR_MALFORMED,
                "query-qmp-schema, at byte %" G_GSIZE_FORMAT ": %s", parser->at, what);
    return FALSE;
}

static char
next_char(QmpSchemaParser *parser)
{
    while (parser->at < parser->length && g_ascii_isspace(parser->text[parser->at]))
        parser->at++;
    return parser->at < parser->length ? parser->text[parser->at] : '\0';
}

static gboolean
read_entity(QmpSchemaParser *parser, GError **error)
{
    const char *text = parser->text + parser->at;
    g_autoptr(JsonNode) node = NULL;
    JsonScan scan;
    gsize used;
    json_scan_init(&scan, JSON_DIALECT_RFC8259);
    if (json_scan_feed(&scan, text, parser->length - parser->at, &used) != JSON_SCAN_DONE || used > MAX_ENTITY)
        return fail_parse(parser, "an entity that does not end, or is larger than any", error);
    node = json_tree_parse(text, used, error);
    if (!node)
        return FALSE;
    if (!JSON_NODE_HOLDS_OBJECT(node))
        return fail_parse(parser, "an entity that is no object", error);
    parser->at += used;
    return qmp_schema_builder_add(parser->builder, json_node_get_object(node), error);
}

/* One entity with the bracket or comma before it. @ret_end: there is none any more. */
static gboolean
take_entity(QmpSchemaParser *parser, gboolean *ret_end, GError **error)
{
    gboolean is_first = parser->at == 0;
    char c = next_char(parser);
    if (c != (is_first ? '[' : ',') && (is_first || c != ']'))
        return fail_parse(parser, "no array, or one that goes on in disorder", error);
    parser->at++;
    *ret_end = c == ']' || (is_first && next_char(parser) == ']');
    return *ret_end || read_entity(parser, error);
}

QmpSchemaStep
qmp_schema_parser_step(QmpSchemaParser *parser, QmpSchema **ret_schema, GError **error)
{
    gboolean at_end = FALSE;
    for (gsize begin = parser->at; parser->at - begin < STEP && !at_end;)
        if (!take_entity(parser, &at_end, error))
            return QMP_SCHEMA_FAILED;
    if (!at_end)
        return QMP_SCHEMA_MORE;
    *ret_schema = qmp_schema_builder_end(parser->builder, error);
    return *ret_schema ? QMP_SCHEMA_DONE : QMP_SCHEMA_FAILED;
}

QmpSchemaParser *
qmp_schema_parser_new(GBytes *text)
{
    QmpSchemaParser *parser = g_new0(QmpSchemaParser, 1);
    parser->bytes = g_bytes_ref(text);
    parser->text = g_bytes_get_data(text, &parser->length);
    parser->builder = qmp_schema_builder_new();
    return parser;
}

void
qmp_schema_parser_free(QmpSchemaParser *parser)
{
    qmp_schema_builder_free(parser->builder);
    g_bytes_unref(parser->bytes);
    g_free(parser);
}

QmpSchema *
qmp_schema_parse(const char *text, gsize length, GError **error)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(text, length);
    g_autoptr(QmpSchemaParser) parser = qmp_schema_parser_new(bytes);
    QmpSchema *schema = NULL;
    while (qmp_schema_parser_step(parser, &schema, error) == QMP_SCHEMA_MORE)
        ;
    return schema;
}
