/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Makes a QmpSchema of the entities that query-qmp-schema lists, one after the other. */
#pragma once

#include "qmp-schema.h"

typedef struct QmpSchemaBuilder QmpSchemaBuilder;

QmpSchemaBuilder *qmp_schema_builder_new(void);
void qmp_schema_builder_free(QmpSchemaBuilder *builder);

/* Both fail with QMP_ERROR_PROTOCOL, naming what is wrong with which entity; then only freeing is left. */
gboolean qmp_schema_builder_add(QmpSchemaBuilder *builder, JsonObject *entity, GError **error);

/* All entities have been added. */
QmpSchema *qmp_schema_builder_end(QmpSchemaBuilder *builder, GError **error);
