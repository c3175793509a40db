/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cuts what comes from a socket into JSON documents. Holds text only while a document is incomplete. */
#pragma once

#include "json-scan.h"

typedef enum JsonFramerResult {
    JSON_FRAMER_MORE, /* all was used, and a document is under way, or none */
    JSON_FRAMER_DOCUMENT, /* one is complete; its scan may have an error */
    JSON_FRAMER_LOST, /* the text is no document, and its end cannot be found: see the scan's error */
    JSON_FRAMER_TOO_LONG, /* a document has more bytes than allowed */
} JsonFramerResult;

typedef struct JsonFramer {
    JsonScan scan; /* of the document; read it only */
    gsize max; /* bytes of one document */
    gboolean is_skipping;
    GByteArray *partial; /* owned; the document's text so far, where it did not come in one piece; NULL: none */
    const char *text; /* after JSON_FRAMER_DOCUMENT, until the next call: scan.offset bytes and one more */
} JsonFramer;

void json_framer_init(JsonFramer *framer, JsonDialect dialect, gsize max);
void json_framer_clear(JsonFramer *framer);

/* Takes bytes of @data until it has something to tell. *@ret_used: how many. After LOST and TOO_LONG the framer is
 * used up, unless json_framer_skip() is called. @data must be followed by a byte that belongs to the caller: a
 * JsonCursor looks at the one behind the document. */
JsonFramerResult json_framer_feed(JsonFramer *framer, const char *data, gsize length, gsize *ret_used);

/* No document is under way, and nothing is passed over: a new framer would do. */
gboolean json_framer_is_idle(const JsonFramer *framer);

/* After LOST or TOO_LONG: forgets the document, and passes over what follows up to an opening brace or the end of the
 * line, where a client begins anew. */
void json_framer_skip(JsonFramer *framer);
