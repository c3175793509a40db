/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One pass over raw JSON text (RFC 8259), a chunk at a time, before anything else looks at it. The scanner
 * finds where a document ends, whether it is JSON at all, and where the members of a top-level object stand, and
 * allocates nothing. */
#pragma once

#include "json-scan-number.h"
#include "json-scan-string.h"

/* QEMU's own limit, in what it reads (MAX_NESTING); json-glib 1.6 overflows the stack at some ten thousand. */
#define JSON_SCAN_MAX_DEPTH 1024

/* Members of the top-level object that are noted; QMP's messages have four at most. */
#define JSON_SCAN_MAX_MEMBERS 8

typedef enum JsonScanResult {
    JSON_SCAN_MORE, /* the document goes on in the next chunk */
    JSON_SCAN_DONE, /* complete (a bare number at the top level only with the byte after it, or json_scan_end()) */
    JSON_SCAN_LOST, /* no end can be found any more: brackets that do not match, too deep, not even JSON's first byte */
} JsonScanResult;

/* Where a member of the top-level object stands, in bytes from the start of the document. */
typedef struct JsonScanMember {
    gsize name, name_length; /* without the quotes, escapes as written */
    gsize value, value_length; /* without white space around */
} JsonScanMember;

typedef struct JsonScan {
    gsize offset; /* bytes seen, from the first byte that is not white space */
    const char
        *error; /* static text: the first violation of RFC 8259; with DONE, one whose end could still be found */
    gsize error_offset;
    JsonScanMember members[JSON_SCAN_MAX_MEMBERS];
    guint n_members;
    guint depth;
    /* the scanner's own from here on */
    guint8 dialect; /* a JsonDialect */
    guint8 state;
    guint8 literal, literal_at; /* which of true, false, null, and how much of it has been seen */
    gboolean in_name; /* the string is the name of a member */
    gboolean member_open; /* members[n_members].value is set, and its end is not */
    gboolean skipping; /* after an error: only strings and brackets are followed */
    JsonScanString string;
    JsonScanNumber number;
    guint8 objects[JSON_SCAN_MAX_DEPTH / 8 + 1]; /* a bit a level: an object, not an array */
} JsonScan;

void json_scan_init(JsonScan *scan, JsonDialect dialect);

/* Feeds @length bytes; *@ret_used is how many belong to this document (white space before it included): all of them
 * unless the result is DONE or LOST. Text that violates RFC 8259 but whose end can be found still ends in DONE, with
 * @error set: one bad reply of QEMU's (it prints `inf` for 1e400) must not end the session. Violations are: anything
 * outside the dialect (in RFC 8259 single quotes, comments, leading zeros, raw control characters), invalid UTF-8,
 * lone surrogates, integers outside -2^63 to 2^64-1, numbers that a double cannot hold. */
JsonScanResult json_scan_feed(JsonScan *scan, const char *data, gsize length, gsize *ret_used);

/* Says that no more comes: DONE if the text so far was a complete document. */
JsonScanResult json_scan_end(JsonScan *scan);
