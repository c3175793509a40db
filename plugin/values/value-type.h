/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which D-Bus type a JSON value becomes. A part of value-to-dbus. */
#pragma once

#include "json-cursor.h"
#include "qmp-type.h"

/* The type of QEMU's that the content of a variant is a value of; NULL: of none in particular. */
const QmpType *value_type_choose(const QmpType *type, JsonCursor value);

/* The signature of a variant's content, @type having been chosen. Nearly all are simple ones; NULL: an array, whose
 * signature (owned) is built; @array is moved to where that was clear. */
const char *value_type_get_simple_signature(const QmpType *type, JsonCursorType value);
char *value_type_dup_array_signature(const QmpType *type, JsonCursor *array);

/* Whether a value of that JSON type may be written as @signature; numbers, if they have room. */
gboolean value_type_may_be(JsonCursorType value, const char *signature);

/* Whether a number, which QEMU may have printed without a fraction, is the same as a double. */
gboolean value_type_is_exact_double(const JsonCursorNumber *number);
double value_type_get_double(const JsonCursorNumber *number);
