/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A command's arguments against the schema of the QEMU that is to get them, so that a mistake is told before anybody is
 * asked for a password, and with its place. */
#pragma once

#include "qmp-schema.h"

/* Fails with QMP_SCHEMA_ERROR_ARGUMENT, naming the place (`keys[0].data`), what is expected and what was given: a member that
 * is unknown or missing, a value of another type, a word that an enumeration has not. An integer will do where a number
 * is expected. Ranges are for QEMU to check: the schema has none. */
gboolean qmp_arguments_check(const QmpSchemaCommand *command, JsonObject *arguments, GError **error);
