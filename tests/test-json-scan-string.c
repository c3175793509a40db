/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings: QEMU answers text that it cannot read without an id, so that such text must be found before. */
#include <string.h>

#include "json-scan-string.h"

typedef enum Verdict {
    RIGHT,
    WRONG, /* with an end that was found */
    LOST,
} Verdict;

/* @text: behind the opening quote, with the closing one. */
static Verdict
scan(const char *text, gsize length, gsize piece, JsonDialect dialect, char quote)
{
    JsonScanString string;
    gboolean has_ended = FALSE, is_wrong = FALSE;

    json_scan_string_begin(&string, dialect, quote);
    for (gsize at = 0; at < length && !string.is_lost; at += piece) {
        g_assert_false(has_ended);
        json_scan_string_feed(&string, text + at, MIN(piece, length - at), &has_ended);
        is_wrong |= string.error != NULL;
    }
    g_assert_cmpint(has_ended, ==, !string.is_lost);
    return string.is_lost ? LOST : is_wrong ? WRONG : RIGHT;
}

static void
assert_verdict(const char *text, JsonDialect dialect, char quote, Verdict verdict)
{
    for (gsize piece = 1; piece <= strlen(text); piece++)
        g_assert_cmpint(scan(text, strlen(text), piece, dialect, quote), ==, verdict);
}

static void
test_both(void)
{
    static const JsonDialect dialects[] = { JSON_DIALECT_RFC8259, JSON_DIALECT_QEMU };

    for (guint i = 0; i < G_N_ELEMENTS(dialects); i++) {
        assert_verdict("plain text, longer than a word\"", dialects[i], '"', RIGHT);
        assert_verdict("\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"", dialects[i], '"', RIGHT);
        assert_verdict("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"", dialects[i], '"', RIGHT);
        assert_verdict("\\q\"", dialects[i], '"', WRONG);
        assert_verdict("\\u12g4\"", dialects[i], '"', WRONG);
        assert_verdict("\\ud800\"", dialects[i], '"', WRONG);
        assert_verdict("\\ud800x\"", dialects[i], '"', WRONG);
        assert_verdict("\\ude00\"", dialects[i], '"', WRONG);
        assert_verdict("\xc3\"", dialects[i], '"', WRONG);
        assert_verdict("\x80\"", dialects[i], '"', WRONG);
        assert_verdict("\xe0\x80\x80\"", dialects[i], '"', WRONG);
        assert_verdict("\xed\xa0\x80\"", dialects[i], '"', WRONG);
        assert_verdict("\xf4\x90\x80\x80\"", dialects[i], '"', WRONG);
    }
}

static void
test_apart(void)
{
    assert_verdict("\xc0\x80\"", JSON_DIALECT_RFC8259, '"', WRONG);
    assert_verdict("\xc0\x80\"", JSON_DIALECT_QEMU, '"', RIGHT);
    assert_verdict("\xc0\x81\"", JSON_DIALECT_QEMU, '"', WRONG);
    assert_verdict("it\\'s \"q\"'", JSON_DIALECT_QEMU, '\'', RIGHT);
    assert_verdict("\\'\"", JSON_DIALECT_RFC8259, '"', WRONG);
    assert_verdict("a\nb\"", JSON_DIALECT_RFC8259, '"', WRONG);
    assert_verdict("a\nb\"", JSON_DIALECT_QEMU, '"', LOST);
    assert_verdict("a\xff\"", JSON_DIALECT_QEMU, '"', LOST);
    assert_verdict("\\\n\"", JSON_DIALECT_QEMU, '"', LOST);
}

/* QEMU refuses all sixty-six. */
static void
test_noncharacters(void)
{
    static const char *const texts[] = {
        "\xef\xb7\x90\"", "\xef\xb7\xaf\"", "\xef\xbf\xbe\"", "\xef\xbf\xbf\"", "\xf0\x9f\xbf\xbe\"", "\xf4\x8f\xbf\xbf\"",
        "\\ufdd0\"", "\\uFFFE\"", "\\ud83f\\udffe\"", "\\udbff\\udfff\"",
    };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        assert_verdict(texts[i], JSON_DIALECT_QEMU, '"', WRONG);
        assert_verdict(texts[i], JSON_DIALECT_RFC8259, '"', RIGHT);
    }
    assert_verdict("\xef\xb7\x8f\xef\xb7\xb0\xef\xbf\xbd\\ufffd\\ud83f\\udffd\"", JSON_DIALECT_QEMU, '"', RIGHT);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-scan-string/both-dialects", test_both);
    g_test_add_func("/json-scan-string/dialects-apart", test_apart);
    g_test_add_func("/json-scan-string/noncharacters", test_noncharacters);
    return g_test_run();
}
