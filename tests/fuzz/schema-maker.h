/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schemas, and values by them, from bytes. */
#pragma once

#include "maker-bytes.h"
#include "qmp-schema.h"

/* A reply to query-qmp-schema: objects in objects, unions, enums, alternates, lists, commands and events; members, commands and
 * words whose names collide on D-Bus or mean something there. Some are no schema, as a hostile QEMU's. */
char *schema_maker_make(MakerBytes *bytes);

/* JSON that is nearly always a value of @type; NULL as @type: any value. */
void schema_maker_append_value(MakerBytes *bytes, GString *json, const QmpType *type, guint depth);
