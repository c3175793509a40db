/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A number inside JSON text, a chunk at a time: its grammar (RFC 8259, section 6) and its range. A part of
 * json-scan. */
#pragma once

#include <glib.h>

#include "json-dialect.h"

typedef struct JsonScanNumber {
    guint8 state;
    guint8 digit_20; /* the 20th significant digit */
    gboolean negative, exponent_negative;
    gint32 exponent; /* as written, without the sign; it stays at some 10^8 */
    guint64 magnitude; /* the first 19 significant digits */
    guint64 digits; /* how many significant digits there are */
    gint64 point; /* where the decimal point stands, in digits after the first significant one */
} JsonScanNumber;

void json_scan_number_begin(JsonScanNumber *number);

/* Takes what belongs to the number and returns how much that was; less than @length where it has ended. */
gsize json_scan_number_feed(JsonScanNumber *number, const char *text, gsize length);

/* Whether the text that was fed so far is a number. */
gboolean json_scan_number_is_complete(const JsonScanNumber *number);

/* The first violation of its range by a complete number, as static text; NULL: none. */
const char *json_scan_number_check(const JsonScanNumber *number, JsonDialect dialect);
