/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents out of a stream: a client that says nonsense must be understood again afterwards, however its bytes arrive. */
#include <string.h>

#include "json-framer.h"

/* Feeds @text in pieces of @piece bytes; each document, and a `?` for each loss, in order. */
static char *
cut(const char *text, gsize piece, JsonDialect dialect, gsize max)
{
    g_autoptr(GString) found = g_string_new(NULL);
    gsize length = strlen(text);
    JsonFramer framer;

    json_framer_init(&framer, dialect, max);
    for (gsize at = 0; at < length; at += piece) {
        /* With one byte behind it, and none of a neighbour's. */
        gsize n = MIN(piece, length - at), used = 0, more;
        g_autofree char *bytes = g_strndup(text + at, n);
        while (used < n) {
            JsonFramerResult result = json_framer_feed(&framer, bytes + used, n - used, &more);
            used += more;
            if (result == JSON_FRAMER_DOCUMENT)
                g_string_append_len(found, framer.text, (gssize)framer.scan.offset);
            if (result == JSON_FRAMER_DOCUMENT && framer.scan.error)
                g_string_append_c(found, '!');
            if (result == JSON_FRAMER_MORE)
                continue;
            g_string_append(found, result == JSON_FRAMER_DOCUMENT ? "|" : "?");
            if (result != JSON_FRAMER_DOCUMENT)
                json_framer_skip(&framer);
        }
    }
    json_framer_clear(&framer);
    return g_string_free(g_steal_pointer(&found), FALSE);
}

static void
assert_cut(const char *text, JsonDialect dialect, gsize max, const char *expected)
{
    for (gsize piece = 1; piece <= strlen(text); piece++) {
        g_autofree char *found = cut(text, piece, dialect, max);
        g_assert_cmpstr(found, ==, expected);
    }
}

static void
test_documents(void)
{
    assert_cut(" {\"a\": 1}\r\n{} [1,2]\t5 ", JSON_DIALECT_RFC8259, 100, "{\"a\": 1}|{}|[1,2]|5|");
    assert_cut("{'a':'\"'}{}", JSON_DIALECT_QEMU, 100, "{'a':'\"'}|{}|");
    assert_cut("{\"a\":inf}{}", JSON_DIALECT_RFC8259, 100, "{\"a\":inf}!|{}|");
    /* A number ends at the byte that ends all else. */
    assert_cut("5\xff{}5e3\x01{}[5\xff{}5e\x01{}", JSON_DIALECT_QEMU, 100, "5|?{}|5e3|?{}|?{}|?{}|");
}

static void
test_begins_anew(void)
{
    static const char *const garbage[] = {
        "}", "hello", "{\"a\":\"\xff", "{\"a\":\x01", "[1,2}", "{\"half\":'line\n", "nul", "@ \"x\":1, ]", "\xff", ":,:",
    };

    for (guint i = 0; i < G_N_ELEMENTS(garbage); i++) {
        g_autofree char *text = g_strdup_printf("%s\n{\"b\":2}", garbage[i]);
        assert_cut(text, JSON_DIALECT_QEMU, 100, "?{\"b\":2}|");
    }
    assert_cut("tru{\"b\":2}", JSON_DIALECT_QEMU, 100, "?{\"b\":2}|");
    assert_cut("[}{\"b\":2}", JSON_DIALECT_QEMU, 100, "?{\"b\":2}|");
}

static void
test_too_long(void)
{
    assert_cut("{\"a\":\"12345678\"}\n{\"b\":2}", JSON_DIALECT_QEMU, 10, "?{\"b\":2}|");
    assert_cut("{\"a\":1234}", JSON_DIALECT_RFC8259, 10, "{\"a\":1234}|");
}

static void
test_too_deep(void)
{
    g_autofree char *brackets = g_strnfill(JSON_SCAN_MAX_DEPTH + 1, '[');
    g_autofree char *text = g_strconcat(brackets, "\n{}", NULL);
    g_autofree char *found = cut(text, 1000, JSON_DIALECT_QEMU, 10000);

    g_assert_cmpstr(found, ==, "?{}|");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-framer/documents", test_documents);
    g_test_add_func("/json-framer/begins-anew", test_begins_anew);
    g_test_add_func("/json-framer/too-long", test_too_long);
    g_test_add_func("/json-framer/too-deep", test_too_deep);
    return g_test_run();
}
