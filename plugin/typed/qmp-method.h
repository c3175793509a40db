/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A method of org.qemu.Monitor1.QMP: which QMP command it is, and how the arguments of a call make that command's. */
#pragma once

#include <gio/gio.h>

#include "bus-call.h"
#include "qmp-schema.h"

typedef struct QmpMethod QmpMethod;

/* @info: as introspection.c makes it, or the contract has it; borrowed. @command: QEMU's own word on it, borrowed;
 * NULL: there is none, and QEMU has to check the arguments. */
QmpMethod *qmp_method_new(const GDBusMethodInfo *info, const QmpSchemaCommand *command);
void qmp_method_free(QmpMethod *method);

/* The QMP name of the command. */
const char *qmp_method_get_command(const QmpMethod *method);

/* The D-Bus type of the result, "" where there is none; and what the schema says of it, or NULL. */
const char *qmp_method_get_result(const QmpMethod *method, const QmpType **ret_type);

/* The values that a call brings, read from its message, which may go then. */
typedef struct QmpMethodValues QmpMethodValues;

/* @method: whose arguments they are, for their names in errors; NULL: not known yet. Fails as value_read() does; all
 * values together may be JSON_COST_OF_ARGUMENTS. */
QmpMethodValues *qmp_method_values_new(BusCall *call, const QmpMethod *method, GError **error);
void qmp_method_values_free(QmpMethodValues *values);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(QmpMethodValues, qmp_method_values_free)

/* Bytes of JSON that they make, about. Whether a descriptor is with them. */
gsize qmp_method_values_get_size(const QmpMethodValues *values);
gboolean qmp_method_values_has_fd(const QmpMethodValues *values);

/* The command's arguments, an object, or NULL where @call brings none; and the descriptor that goes with it, -1 where
 * there is none. Both are the caller's. Accepts the declared form, whether or not it has a trailing dictionary of
 * options; one dictionary of everything; nothing at all where nothing is required. Fails with BUS_ERROR_INVALID_ARGS
 * or QMP_SCHEMA_ERROR_ARGUMENT, naming the member. */
gboolean qmp_method_get_arguments(const QmpMethod *method, BusCall *call, QmpMethodValues *values,
                                  JsonNode **ret_arguments, int *ret_fd, GError **error);
