/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by QmpChannel and QmpServer. A document that lies wholly in what was read is handed on where it stands: an idle
 * connection need hold none, nor a framer. */
#include "json-framer.h"

#include <string.h>

static void
append_partial(JsonFramer *framer, const char *text, gsize length)
{
    if (!framer->partial)
        framer->partial = g_byte_array_new();
    g_byte_array_append(framer->partial, (const guint8 *)text, (guint)length);
}

/* Forgets what was handed out. */
static void
begin_document(JsonFramer *framer)
{
    g_clear_pointer(&framer->partial, g_byte_array_unref);
    framer->text = NULL;
    json_scan_init(&framer->scan, framer->scan.dialect);
}

static JsonFramerResult
end_document(JsonFramer *framer, const char *begin)
{
    framer->text = begin;
    if (framer->partial) {
        append_partial(framer, "", 1);
        framer->text = (const char *)framer->partial->data;
    }
    return JSON_FRAMER_DOCUMENT;
}

static gsize
skip_garbage(JsonFramer *framer, const char *data, gsize length)
{
    gsize n = 0;

    while (n < length && data[n] != '{' && data[n] != '\n')
        n++;
    framer->is_skipping = n == length;
    return n;
}

/* The part of a document that stands at @text. */
static JsonFramerResult
feed_document(JsonFramer *framer, const char *text, gsize length, gsize *ret_used)
{
    gsize before = framer->scan.offset, seen;
    JsonScanResult result = json_scan_feed(&framer->scan, text, length, ret_used);
    const char *begin;

    /* White space in front belongs to no document. */
    seen = framer->scan.offset - before;
    begin = text + *ret_used - seen;
    if ((result != JSON_SCAN_DONE || framer->partial || framer->scan.offset > framer->max) && seen > 0)
        append_partial(framer, begin, seen);
    if (framer->scan.offset > framer->max)
        return JSON_FRAMER_TOO_LONG;
    if (result == JSON_SCAN_DONE)
        return end_document(framer, begin);
    return result == JSON_SCAN_LOST ? JSON_FRAMER_LOST : JSON_FRAMER_MORE;
}

JsonFramerResult
json_framer_feed(JsonFramer *framer, const char *data, gsize length, gsize *ret_used)
{
    gsize skipped = 0;
    JsonFramerResult result;

    if (framer->text)
        begin_document(framer);
    if (framer->is_skipping)
        skipped = skip_garbage(framer, data, length);
    result = feed_document(framer, data + skipped, length - skipped, ret_used);
    *ret_used += skipped;
    return result;
}

gboolean
json_framer_is_idle(const JsonFramer *framer)
{
    return framer->text || (framer->scan.offset == 0 && !framer->is_skipping);
}

void
json_framer_skip(JsonFramer *framer)
{
    begin_document(framer);
    framer->is_skipping = TRUE;
}

void
json_framer_init(JsonFramer *framer, JsonDialect dialect, gsize max)
{
    memset(framer, 0, sizeof(*framer));
    json_scan_init(&framer->scan, dialect);
    framer->max = max;
}

void
json_framer_clear(JsonFramer *framer)
{
    g_clear_pointer(&framer->partial, g_byte_array_unref);
}
