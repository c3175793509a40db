/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arguments of a QMP command raise its class. */
#pragma once

#include <json-glib/json-glib.h>

#include "command-class.h"

/* The classes of @qmp_name with @arguments (an object; NULL: none), never none. HOST stands alone: it takes in all
 * others. The strings of @arguments are those of plugin/json/json-tree.h, where one that begins with U+FDD0 and a
 * quote holds U+0000: that is HOST, because QEMU reads it otherwise than C does. */
PolicyClasses policy_classes_of_command(const char *qmp_name, JsonNode *arguments);

/* The device, block node, job, … that @arguments name, for rules and for the log; NULL: none, or more than one that
 * QEMU may take. Borrowed. */
const char *policy_get_id(JsonNode *arguments);
