/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which D-Bus type a JSON value becomes. A part of value-to-dbus. */
#pragma once

#include "json-cursor.h"
#include "qmp-type.h"

/* Whether a value can be appended by the signature of @type, as far as its elements do not matter. */
gboolean value_type_fits(const QmpType *type, JsonCursor value);

/* The type of QEMU's that the content of a variant is a value of; of an array, if its elements agree (value-look.h). NULL: of none
 * in particular. */
const QmpType *value_type_choose(const QmpType *type, JsonCursor value);

/* The signature of a variant's content, @type having been chosen. NULL: an array, whose elements decide. */
const char *value_type_get_simple_signature(const QmpType *type, JsonCursorType value);

/* Whether a value of that JSON type may be written as @signature; numbers, if they have room. */
gboolean value_type_may_be(JsonCursorType value, const char *signature);

/* Whether a number, which QEMU may have printed without a fraction, is the same as a double. */
gboolean value_type_is_exact_double(const JsonCursorNumber *number);
double value_type_get_double(const JsonCursorNumber *number);
