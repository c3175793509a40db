/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A number inside JSON text, a chunk at a time: its grammar (RFC 8259, section 6) and its range. A part of
 * qmp-scan. */
#pragma once

#include <glib.h>

typedef struct QmpScanNumber {
    guint8 state;
    guint8 digit_20; /* the 20th significant digit */
    gboolean negative, exponent_negative;
    gint32 exponent; /* as written, without the sign; it stays at some 10^8 */
    guint64 magnitude; /* the first 19 significant digits */
    guint64 digits; /* how many significant digits there are */
    gint64 point; /* where the decimal point stands, in digits after the first significant one */
} QmpScanNumber;

void qmp_scan_number_begin(QmpScanNumber *number);

/* Takes what belongs to the number and returns how much that was; less than @length where it has ended. */
gsize qmp_scan_number_feed(QmpScanNumber *number, const char *text, gsize length);

/* What was fed so far is a number. */
gboolean qmp_scan_number_is_complete(const QmpScanNumber *number);

/* What is wrong with the range of a complete number, as static text; NULL: nothing. */
const char *qmp_scan_number_check(const QmpScanNumber *number);
