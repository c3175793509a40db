/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scanner: what it lets through reaches parsers and callers, and what it loses the end of ends a session. Every
 * text is fed whole, in two pieces split at every place, and in single bytes: a socket may deliver it in any of these.
 */
#include <string.h>

#include "json-scan.h"

typedef struct Completion {
    JsonScan scan;
    JsonScanResult result;
    gsize used;
} Completion;

/* Feeds @text in pieces that end at each of @cuts bytes and at the end. */
static Completion
scan_pieces(const char *text, gsize length, gsize step, gsize first)
{
    Completion outcome = { .result = JSON_SCAN_MORE };
    json_scan_init(&outcome.scan, JSON_DIALECT_RFC8259);
    gsize at = 0, piece = first;
    while (at < length && outcome.result == JSON_SCAN_MORE) {
        gsize used;
        /* A copy of its own, so that a sanitizer sees a byte too many. */
        gsize n = MIN(piece, length - at);
        g_autofree char *copy = g_memdup2(text + at, n);
        outcome.result = json_scan_feed(&outcome.scan, copy, n, &used);
        at += used;
        piece = step;
    }
    if (outcome.result == JSON_SCAN_MORE)
        outcome.result = json_scan_end(&outcome.scan);
    outcome.used = at;
    return outcome;
}

static void
assert_same(const char *text, const Completion *a, const Completion *b)
{
    if (a->result != b->result || a->used != b->used || a->scan.offset != b->scan.offset)
        g_error("chunking changes the end of %.200s", text);
    if (g_strcmp0(a->scan.error, b->scan.error) != 0 || a->scan.error_offset != b->scan.error_offset)
        g_error("chunking changes the error in %.200s: %s at %zu, %s at %zu", text, a->scan.error,
                a->scan.error_offset, b->scan.error, b->scan.error_offset);
    g_assert_cmpuint(a->scan.n_members, ==, b->scan.n_members);
    g_assert_cmpmem(a->scan.members, a->scan.n_members * sizeof(JsonScanMember), b->scan.members,
                    b->scan.n_members * sizeof(JsonScanMember));
}

/* The outcome of the whole, after all other ways gave the same. */
static Completion
scan_all_ways(const char *text, gsize length)
{
    Completion whole = scan_pieces(text, length, length, length);
    Completion bytes = scan_pieces(text, length, 1, 1);
    assert_same(text, &whole, &bytes);
    for (gsize cut = 1; cut < length; cut++) {
        Completion halves = scan_pieces(text, length, length, cut);
        assert_same(text, &whole, &halves);
    }
    return whole;
}

static const char *const good[] = {
    "{}",
    "[]",
    "\"\"",
    "true",
    "false",
    "null",
    "0",
    "-0",
    "12 ",
    "  {}",
    "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}}}}\r\n",
    "{\r\n    \"return\": {\r\n        \"a\": [\r\n            1,\r\n            2\r\n        ]\r\n    }\r\n}\r\n",
    "{\"timestamp\":{\"seconds\":1,\"microseconds\":2},\"event\":\"STOP\"}",
    "[1,-1,0.5,-0.5e1,1E+10,1e-400,0e999999999999,18446744073709551615,-9223372036854775808]",
    "[1.7976931348623157e308,179769313486231570000e288,-1.7976931348623157E+308]",
    "[0.00000000000000000000000000000000000000001e340]",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u00e9\\ud83d\\ude00\\uFDD0\"",
    "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xef\xbf\xbf \xed\x9f\xbf \xf4\x8f\xbf\xbf \x7f\"",
    "\"a plain text that is longer than a machine word, and then some\"",
    "[[[]],{\"a\":{\"b\":[{}]}},true,false,null]",
};

static void
test_good(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
        Completion outcome = scan_all_ways(good[i], strlen(good[i]));
        if (outcome.result != JSON_SCAN_DONE || outcome.scan.error)
            g_error("%s: %d, %s", good[i], outcome.result, outcome.scan.error);
    }
}

/* What json-glib or a lenient parser would take, and what would then mean something else to QEMU. */
static const char *const bad[] = {
    "{'a':1}",
    "[1,]",
    "{\"a\":1,}",
    "{,}",
    "[,]",
    "{\"a\"}",
    "{\"a\":}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "{a:1}",
    "{1:1}",
    "[1 2]",
    "[\"a\" \"b\"]",
    "[01]",
    "[-01]",
    "[+1]",
    "[.5]",
    "[1.]",
    "[1.e5]",
    "[1e]",
    "[1e+]",
    "[-]",
    "[--1]",
    "[0x10]",
    "[1_0]",
    "[inf]",
    "[nan]",
    "[-inf]",
    "[NaN]",
    "[Infinity]",
    "[True]",
    "[nul]",
    "[nulll]",
    "[tru e]",
    "[truefalse]",
    "[/* */1]",
    "[1// \n]",
    "[#\n1]",
    "[\"\n\"]",
    "[\"\t\"]",
    "[\"\x01\"]",
    "[\"\x1f\"]",
    "[\"\\x41\"]",
    "[\"\\'\"]",
    "[\"\\u12\"]",
    "[\"\\u123g\"]",
    "[\"\\u\"]",
    "[\"\\U0041\"]",
    "[\"\\ud800\"]",
    "[\"\\ud800x\"]",
    "[\"\\ud800\\n\"]",
    "[\"\\ud800\\ud800\"]",
    "[\"\\ud800\\u0041\"]",
    "[\"\\udc00\"]",
    "[\"\\udc00\\ud800\"]",
    "[\"\x80\"]",
    "[\"\xc0\x80\"]",
    "[\"\xc1\xbf\"]",
    "[\"\xc3\"]",
    "[\"\xc3(\"]",
    "[\"\xe0\x80\x80\"]",
    "[\"\xe2\x82\"]",
    "[\"\xed\xa0\x80\"]",
    "[\"\xf0\x80\x80\x80\"]",
    "[\"\xf4\x90\x80\x80\"]",
    "[\"\xf5\x80\x80\x80\"]",
    "[\"\xff\"]",
    "[\"\xf0\x9f\x98\"]",
    "[18446744073709551616]",
    "[-9223372036854775809]",
    "[99999999999999999999]",
    "[100000000000000000000000]",
    "[-18446744073709551615]",
    "[1e309]",
    "[-1e309]",
    "[1e400]",
    "[1.7976931348623159e308]",
    "[1.797693134862315807e308]",
    "[17976931348623159e292]",
    "[1e99999999999999999999]",
    "[0.0000001e316]",
    "[\f1]",
    "[\v1]",
    "[\xc2\xa0"
    "1]",
    "[\xef\xbb\xbf"
    "1]",
    "{\"a\":1;}",
    "[1;2]",
    "{\"a\":\"b}\"",
};

static void
test_bad(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        Completion outcome = scan_all_ways(bad[i], strlen(bad[i]));
        if (!outcome.scan.error && outcome.result == JSON_SCAN_DONE)
            g_error("passed: %s", bad[i]);
    }
    Completion nul = scan_all_ways("[\0]", 3);
    g_assert_nonnull(nul.scan.error);
    nul = scan_all_ways("[\"\\\0\"]", 6);
    g_assert_nonnull(nul.scan.error);
}

/* One bad reply must not end the session, nor cost the reply after it. */
static void
test_bad_ends(void)
{
    static const char *const texts[] = {
        "{\"return\": {\"x\": inf}, \"id\": 3}",
        "{\"id\": 3, \"return\": [nan, {\"id\": 4}]}",
        "{\"return\": inf, \"id\": 3}",
        "{\"return\": [01, \"}\", \"\\\"]\"], \"id\": 3}",
        "{\"return\": \"\xff\xff\", \"id\": 3}",
        "{\"return\": \"\\x\", \"id\": 3}",
        "{\"return\": 18446744073709551616, \"id\": 3}",
        "{\"return\": 'a, b', \"id\": 3}",
    };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *text = g_strconcat(texts[i], "{}", NULL);
        Completion outcome = scan_all_ways(text, strlen(text));
        g_assert_cmpint(outcome.result, ==, JSON_SCAN_DONE);
        g_assert_nonnull(outcome.scan.error);
        g_assert_cmpuint(outcome.used, ==, strlen(texts[i]));
        const JsonScanMember *member = NULL;
        for (guint j = 0; j < outcome.scan.n_members; j++)
            if (strncmp(text + outcome.scan.members[j].name, "id\"", 3) == 0)
                member = &outcome.scan.members[j];
        g_assert_nonnull(member);
        g_assert_cmpmem(text + member->value, member->value_length, "3", 1);
    }
}

/* Texts whose end nobody can tell: the session must end instead of waiting for ever. */
static void
test_lost(void)
{
    static const char *const texts[] = {
        "QEMU 7.2.22 monitor",
        "SSH-2.0-x",
        "HTTP/1.1 200 OK",
        "(qemu) ",
        "}",
        "]",
        ",",
        ":",
        "{]",
        "[}",
        "{\"a\":[}",
        "[1}",
        "{\"a\":1]",
        "tru ",
        "nul",
        "-x",
        "1.x",
        "\xef\xbb\xbf{}",
        "inf",
    };
    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        Completion outcome = scan_all_ways(texts[i], strlen(texts[i]));
        if (outcome.result == JSON_SCAN_DONE)
            g_error("passed: %s", texts[i]);
        if (!g_str_equal(texts[i], "nul"))
            g_assert_cmpint(outcome.result, ==, JSON_SCAN_LOST);
    }
}

static void
test_members(void)
{
    const char *text =
        " \n{ \"return\" : [ 1 , {\"id\":9} ] ,\"a\":-1.5e3, \"b\\n\":\"x\\\"y\" ,\"c\":null,\"id\": 12 } ";
    static const char *const expected[][2] = {
        { "return", "[ 1 , {\"id\":9} ]" },
        { "a", "-1.5e3" },
        { "b\\n", "\"x\\\"y\"" },
        { "c", "null" },
        { "id", "12" },
    };
    Completion outcome = scan_all_ways(text, strlen(text));
    const char *document = text + 2;
    g_assert_cmpuint(outcome.scan.n_members, ==, G_N_ELEMENTS(expected));
    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        const JsonScanMember *member = &outcome.scan.members[i];
        g_assert_cmpmem(document + member->name, member->name_length, expected[i][0], strlen(expected[i][0]));
        g_assert_cmpmem(document + member->value, member->value_length, expected[i][1], strlen(expected[i][1]));
    }
    text = "{\"1\":1,\"2\":2,\"3\":3,\"4\":4,\"5\":5,\"6\":6,\"7\":7,\"8\":8,\"9\":9,\"10\":10}";
    outcome = scan_all_ways(text, strlen(text));
    g_assert_cmpuint(outcome.scan.n_members, ==, JSON_SCAN_MAX_MEMBERS);
    g_assert_null(outcome.scan.error);
    text = "[{\"id\":1}]";
    g_assert_cmpuint(scan_all_ways(text, strlen(text)).scan.n_members, ==, 0);
}

/* Documents without anything between them: each must end at its own last byte. */
static void
test_many(void)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        g_string_append_printf(text, "%s%s", good[i], strpbrk(good[i], "[{\"") ? "" : " ");
    for (gsize step = 1; step <= text->len; step += step < 70 ? 1 : text->len / 7) {
        guint n = 0;
        JsonScan scan;
        json_scan_init(&scan, JSON_DIALECT_RFC8259);
        for (gsize at = 0, end = step; at < text->len; end = MIN(end + step, text->len))
            while (at < end) {
                gsize used;
                if (json_scan_feed(&scan, text->str + at, end - at, &used) == JSON_SCAN_DONE) {
                    g_assert_null(scan.error);
                    json_scan_init(&scan, JSON_DIALECT_RFC8259);
                    n++;
                }
                at += used;
            }
        g_assert_cmpuint(n, ==, G_N_ELEMENTS(good));
    }
}

static char *
nested(guint depth, const char *open, const char *close)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < depth; i++)
        g_string_append(text, open);
    for (guint i = 0; i < depth; i++)
        g_string_append(text, close);
    return g_string_free(text, FALSE);
}

/* One level more would overflow some parser's stack, one less would refuse what QEMU may send. */
static void
test_depth(void)
{
    g_autofree char *fits = nested(JSON_SCAN_MAX_DEPTH, "[", "]");
    g_autofree char *deep = nested(JSON_SCAN_MAX_DEPTH + 1, "[", "]");
    g_autofree char *very_deep = nested(200000, "[", "]");
    Completion outcome = scan_pieces(fits, strlen(fits), 1, 1);
    g_assert_cmpint(outcome.result, ==, JSON_SCAN_DONE);
    g_assert_null(outcome.scan.error);
    outcome = scan_pieces(deep, strlen(deep), 1, 1);
    g_assert_cmpint(outcome.result, ==, JSON_SCAN_LOST);
    outcome = scan_pieces(very_deep, strlen(very_deep), G_MAXSIZE, G_MAXSIZE);
    g_assert_cmpint(outcome.result, ==, JSON_SCAN_LOST);
    g_assert_cmpuint(outcome.scan.offset, ==, JSON_SCAN_MAX_DEPTH);
}

/* Whatever a peer invents, the chunks in which it comes must not matter. */
static void
test_mutations(void)
{
    for (guint round = 0; round < 3000; round++) {
        const char *model = good[g_test_rand_int_range(0, G_N_ELEMENTS(good))];
        gsize length = strlen(model);
        g_autofree char *text = g_memdup2(model, length + 1);
        for (int n = g_test_rand_int_range(1, 4); n > 0; n--) {
            static const char bytes[] = "{}[]\",:\\u0d8 tfn-1.eE\n\x80\xc3\xe0\xff";
            text[g_test_rand_int_range(0, (gint32)length)] = bytes[g_test_rand_int_range(0, sizeof(bytes))];
        }
        scan_all_ways(text, length);
    }
}

int
main(int argc, char *argv[])
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-scan/good", test_good);
    g_test_add_func("/json-scan/bad", test_bad);
    g_test_add_func("/json-scan/bad-ends", test_bad_ends);
    g_test_add_func("/json-scan/lost", test_lost);
    g_test_add_func("/json-scan/members", test_members);
    g_test_add_func("/json-scan/many", test_many);
    g_test_add_func("/json-scan/depth", test_depth);
    g_test_add_func("/json-scan/mutations", test_mutations);
    return g_test_run();
}
