/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of an object that has been parsed, if they are of the type that is expected: NULL or FALSE otherwise. For replies
 * of QEMU's: entities of its schema, character devices. */
#pragma once

#include <json-glib/json-glib.h>

/* All borrowed. */
const char *json_member_get_string(JsonObject *object, const char *name);
JsonArray *json_member_get_array(JsonObject *object, const char *name);
JsonObject *json_member_get_object(JsonObject *object, const char *name); /* @object may be NULL */
gboolean json_member_get_boolean(JsonObject *entity, const char *name);

/* 0 where it is no integer from 0 on; @object may be NULL. */
guint64 json_member_get_uint(JsonObject *object, const char *name);

/* FALSE where @node is no object, or the member no integer below 2^63. */
gboolean json_member_get_int(JsonNode *node, const char *name, gint64 *ret_value);

/* Element @i, if it is an object. */
JsonObject *json_member_get_object_at(JsonArray *array, guint i);

/* Whether the array @name has the string @word. */
gboolean json_member_has_word(JsonObject *object, const char *name, const char *word);
