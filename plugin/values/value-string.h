/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings of JSON text as libdbus takes them: without escapes, and terminated. A part of value-to-dbus. */
#pragma once

#include "json-cursor.h"

/* Room for one string at a time. */
typedef struct ValueString {
    GString *text; /* owned; of one that is long or has escapes; NULL: there was none yet */
    char room[256]; /* for the others */
} ValueString;

void value_string_init(ValueString *string);
void value_string_clear(ValueString *string);

/* Borrowed until the next call. *@ret_length: without the NUL at the end. *@ret_has_nul: the text has more behind that. */
const char *value_string_unescape(ValueString *string, JsonCursorText text, gsize *ret_length, gboolean *ret_has_nul);
