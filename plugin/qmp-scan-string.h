/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A string inside JSON text, a chunk at a time: where it ends, whether its escapes and its UTF-8 are right. A part of
 * qmp-scan. */
#pragma once

#include <glib.h>

typedef struct QmpScanString {
    const char *error; /* static text: what the last call of qmp_scan_string_feed() found wrong first */
    gsize error_at; /* bytes from where that call began */
    guint8 state;
    guint8 unicode_digits; /* of an escape, seen so far */
    guint8 utf8_left, utf8_low, utf8_high; /* bytes that a UTF-8 sequence still needs, and the range of the next one */
    guint16 unicode; /* what an escape says */
    gboolean surrogate; /* a high surrogate has come, its low one must follow */
} QmpScanString;

/* After the opening quote. */
void qmp_scan_string_begin(QmpScanString *string);

/* Takes what belongs to the string and returns how much that was; @ret_ended: the closing quote was in it. A violation
 * is noted and does not end the string. */
gsize qmp_scan_string_feed(QmpScanString *string, const char *text, gsize length, gboolean *ret_ended);
