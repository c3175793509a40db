/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the reply to query-qmp-schema to a QmpSchema, a slice at a time: the whole of QEMU 11.1's (248 kB) takes longer
 * than others should wait. */
#pragma once

#include "qmp-schema.h"

/* Larger replies should not be given to it: eight times what QEMU 11.1 sends. */
#define QMP_SCHEMA_MAX (2u * 1024 * 1024)

typedef struct QmpSchemaParser QmpSchemaParser;

/* Keeps @text. */
QmpSchemaParser *qmp_schema_parser_new(GBytes *text);
void qmp_schema_parser_free(QmpSchemaParser *parser);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpSchemaParser, qmp_schema_parser_free)

typedef enum QmpSchemaStep {
    QMP_SCHEMA_MORE, /* call again */
    QMP_SCHEMA_DONE, /* *@ret_schema is set, the caller's; the parser has nothing left */
    QMP_SCHEMA_FAILED, /* QMP_ERROR_PROTOCOL or _INVALID, naming what is wrong where */
} QmpSchemaStep;

/* Takes about a millisecond, and five where an entity is as large as it may be. */
QmpSchemaStep qmp_schema_parser_step(QmpSchemaParser *parser, QmpSchema **ret_schema, GError **error);

/* All steps at once. */
QmpSchema *qmp_schema_parse(const char *text, gsize length, GError **error);
