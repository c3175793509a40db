/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A string inside JSON text, a chunk at a time: where it ends, whether its escapes and its UTF-8 are right. A part of
 * json-scan. */
#pragma once

#include <glib.h>

#include "json-dialect.h"

typedef struct JsonScanString {
    const char *error; /* static text: what the last call of json_scan_string_feed() found wrong first */
    gsize error_at; /* bytes from where that call began */
    gboolean is_lost; /* the string holds a byte after which its end cannot be found (JSON_DIALECT_QEMU) */
    char quote;
    guint8 dialect; /* a JsonDialect */
    guint8 state;
    guint8 unicode_digits; /* of an escape, seen so far */
    guint8 utf8_left, utf8_low, utf8_high; /* bytes that a UTF-8 sequence still needs, and the range of the next one */
    gunichar character; /* as far as that sequence has told it */
    guint16 unicode; /* as far as an escape has told it */
    guint16 surrogate; /* the high surrogate that has come, its low one must follow; 0: none */
} JsonScanString;

/* The bytes of a string, closing @quote included, that ends in @text and has neither escapes nor anything but printable ASCII, as
 * nearly all have; 0: the string is another one. */
gsize json_scan_string_skip_plain(const char *text, gsize length, char quote);

/* After the opening @quote. */
void json_scan_string_begin(JsonScanString *string, JsonDialect dialect, char quote);

/* Takes what belongs to the string and returns how much that was; @ret_ended: the closing quote was in it. A violation
 * is noted and does not end the string. */
gsize json_scan_string_feed(JsonScanString *string, const char *text, gsize length, gboolean *ret_ended);
