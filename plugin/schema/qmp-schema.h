/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QEMU's schema, as it tells it itself (query-qmp-schema): commands and events. A schema does not change once it
 * is made; whatever is reached through it lives as long as it does. */
#pragma once

#include "qmp-type.h"

#define QMP_SCHEMA_ERROR (qmp_schema_error_quark())

typedef enum QmpSchemaErrorCode {
    QMP_SCHEMA_ERROR_ARGUMENT, /* an argument is not what the command takes */
    QMP_SCHEMA_ERROR_MALFORMED, /* QEMU's text is no schema */
} QmpSchemaErrorCode;

GQuark qmp_schema_error_quark(void);

typedef struct QmpSchemaCommand {
    const char *name;
    const QmpType *arguments; /* an object */
    const QmpType *result;
    gboolean oob; /* may be executed out of band */
    gboolean open; /* takes members that the schema does not list */
    gboolean deprecated, unstable;
} QmpSchemaCommand;

typedef struct QmpSchemaEvent {
    const char *name;
    const QmpType *data; /* an object */
    gboolean deprecated, unstable;
} QmpSchemaEvent;

typedef struct QmpSchema {
    GPtrArray *commands; /* of QmpSchemaCommand, in QEMU's order */
    GPtrArray *events; /* of QmpSchemaEvent, in QEMU's order */
    GPtrArray *blocks; /* private, as all that follows: what is freed with it */
    GStringChunk *strings;
} QmpSchema;

void qmp_schema_free(QmpSchema *schema);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpSchema, qmp_schema_free)
