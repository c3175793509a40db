/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "qmp-type.h"

/* Has a value of QEMU's appended to a message as @signature, and ends the process unless
 * - a bus takes the message, and it has that signature,
 * - the value written as bytes (value_marshal()) is that of the message byte for byte, or fails in the same words,
 * - read back it is the value; a number may come back as a fraction of the same size. A value that costs more than the arguments of a
 *   command may (QEMU's results may) is refused for that.
 * @text: the value as JSON; @value: the same as a tree. */
void value_check(const char *signature, const QmpType *type, const char *text, JsonNode *value);

/* Whether a value costs more than JSON_COST_OF_ARGUMENTS, counted without value_read(). */
gboolean value_check_is_too_much(JsonNode *value);
