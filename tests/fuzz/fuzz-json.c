/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scanner, the framer, the cursor, the tree and the printer. Input: a byte that chooses the dialect, one that chooses the size
 * of the pieces in which the text comes, the text.
 * - In whatever pieces a text comes, the documents in it are the same.
 * - A document that is right is the same value again after it was printed, in each style, from the tree and from the text. */
#include <string.h>

#include "fuzz.h"
#include "json-framer.h"
#include "json-print.h"
#include "json-same.h"
#include "json-tree.h"

/* The documents of a text that comes in pieces of that size; behind each what is wrong with it, and for each loss a `?`. */
static char *
cut(const char *text, gsize length, gsize piece, JsonDialect dialect, gsize max)
{
    GString *found = g_string_new(NULL);
    JsonFramer framer;

    json_framer_init(&framer, dialect, max);
    for (gsize at = 0; at < length; at += piece) {
        gsize n = MIN(piece, length - at), used = 0, more;
        /* With one byte behind it, and none of a neighbour's. */
        g_autofree char *bytes = g_malloc0(n + 1);
        memcpy(bytes, text + at, n);
        while (used < n) {
            JsonFramerResult result = json_framer_feed(&framer, bytes + used, n - used, &more);
            used += more;
            g_assert_cmpuint(used, <=, n);
            if (result == JSON_FRAMER_DOCUMENT) {
                g_string_append_len(found, framer.text, (gssize)framer.scan.offset);
                g_string_append_printf(found, "|%s|", framer.scan.error ? framer.scan.error : "");
            } else if (result != JSON_FRAMER_MORE) {
                g_string_append_printf(found, "?%d", result);
                json_framer_skip(&framer);
            }
        }
    }
    json_framer_clear(&framer);
    return g_string_free(found, FALSE);
}

static char *
print(JsonNode *node, JsonPrintStyle style)
{
    GString *json = g_string_new(NULL);

    json_print_node(json, node, style);
    return g_string_free(json, FALSE);
}

/* A text that was printed is the value still. */
static void
assert_same(const char *text, JsonNode *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonNode) node = json_tree_parse(text, strlen(text), &error);

    if (!node)
        fuzz_fail("printed as %s: %s", text, error->message);
    if (!json_is_same(node, expected))
        fuzz_fail("%s is another value", text);
}

static void
check_document(const char *text, gsize length)
{
    static const JsonPrintStyle styles[] = { JSON_PRINT_COMPACT, JSON_PRINT_QEMU, JSON_PRINT_QEMU_PRETTY };
    g_autoptr(JsonNode) node = json_tree_parse(text, length, NULL);

    if (!node)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(styles); i++) {
        g_autofree char *of_tree = print(node, styles[i]);
        g_autoptr(GString) of_text = g_string_new(NULL);
        json_print_text(of_text, text, styles[i]);
        assert_same(of_tree, node);
        assert_same(of_text->str, node);
    }
}

/* What a caller's native session makes of the first document. */
static void
check_command(const char *text, gsize length)
{
    JsonScan scan;
    gsize used;

    json_scan_init(&scan, JSON_DIALECT_QEMU);
    if (json_scan_feed(&scan, text, length, &used) == JSON_SCAN_DONE && !scan.error) {
        g_autofree char *document = g_strndup(text + used - scan.offset, scan.offset);
        g_autoptr(JsonNode) node = json_tree_build_command(document, NULL);
        g_autofree char *compact = node ? print(node, JSON_PRINT_COMPACT) : NULL;
        /* Read as a command again: the name of a member may hold U+0000 there, and nowhere else. */
        g_autoptr(JsonNode) again = compact ? json_tree_build_command(compact, NULL) : NULL;
        if (compact && (!again || !json_is_same(again, node)))
            fuzz_fail("%s is another value", compact);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    JsonDialect dialect = data[0] & 1 ? JSON_DIALECT_QEMU : JSON_DIALECT_RFC8259;
    gsize piece = data[1] % 64 + 1, length = size - 2;
    g_autofree char *text = g_malloc0(length + 1);
    memcpy(text, data + 2, length);

    g_autofree char *whole = cut(text, length, MAX(length, 1), dialect, /* max= */ length);
    g_autofree char *pieces = cut(text, length, piece, dialect, /* max= */ length);
    /* Where a document that is too long is given up depends on the pieces. */
    g_free(cut(text, length, piece, dialect, /* max= */ 64));
    if (!g_str_equal(whole, pieces))
        fuzz_fail("in one piece %s, in pieces of %zu %s", whole, piece, pieces);
    check_document(text, length);
    check_command(text, length);
    return 0;
}
