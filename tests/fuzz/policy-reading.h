/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A second reading of the rules by which arguments raise the class of a command. The words of the rules stand in policy/; here they
 * are read the slow and obvious way: sets of words, regular expressions, all places looked at and nothing left out early. The tables
 * of types are the same. */
#pragma once

#include <json-glib/json-glib.h>

#include "type-class.h"

PolicyClasses policy_reading(const char *command, JsonNode *arguments);

/* The parts: whether @text matches as a whole; whether @words, separated by blanks, have @word. */
gboolean policy_reading_matches(const char *text, const char *expression);
gboolean policy_reading_has_word(const char *words, const char *word);

/* A string that a C string can hold, or NULL; an object, or NULL. */
const char *policy_reading_get_string(JsonObject *object, const char *name);
JsonObject *policy_reading_get_object(JsonObject *object, const char *name);

/* Of the block nodes in a command's arguments, and of file names. policy-reading-block.c. */
PolicyClasses policy_reading_of_block(const char *command, JsonObject *arguments);

/* Of a thing of a type from @types, a PolicyTypes. policy-reading-types.c. */
PolicyClasses policy_reading_of_type(const PolicyTypes *types, const char *name, JsonObject *members);
PolicyClasses policy_reading_of_device(JsonObject *arguments);
