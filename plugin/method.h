/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A method of org.qemu.Monitor1.QMP: which QMP command it is, and how the arguments of a call make that command's. */
#pragma once

#include <gio/gio.h>

#include "bus-call.h"
#include "qmp-schema.h"

typedef struct Method Method;

/* @info: as describe.c makes it, or the contract has it; borrowed. @command: QEMU's own word on it, borrowed; NULL: there
 * is none, and QEMU has to check the arguments. */
Method *method_new(const GDBusMethodInfo *info, const QmpSchemaCommand *command);
void method_free(Method *method);

/* The QMP name of the command. */
const char *method_get_command(const Method *method);

/* The D-Bus type of the result, "" where there is none; and what the schema says of it, or NULL. */
const char *method_get_result(const Method *method, const QmpType **ret_type);

/* What a call brings, read from its message, which may go then. */
typedef struct MethodValues MethodValues;

/* @method: whose arguments they are, for their names in errors; NULL: not known yet. Fails as value_read() does; all
 * values together may be JSON_COST_OF_ARGUMENTS. */
MethodValues *method_values_new(BusCall *call, const Method *method, GError **error);
void method_values_free(MethodValues *values);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MethodValues, method_values_free)

/* Bytes of JSON that they make, about. Whether a descriptor is with them. */
gsize method_values_get_size(const MethodValues *values);
gboolean method_values_has_fd(const MethodValues *values);

/* The command's arguments, an object, or NULL where @call brings none; and the descriptor that goes with it, -1 where there
 * is none. Both are the caller's. Accepts the declared form, whether or not it has a trailing dictionary of options; one
 * dictionary of everything; nothing at all where nothing is required. Fails with BUS_ERROR_INVALID_ARGS or
 * QMP_ERROR_INVALID, naming the member. */
gboolean method_get_arguments(const Method *method, BusCall *call, MethodValues *values, JsonNode **ret_arguments,
                              int *ret_fd, GError **error);
