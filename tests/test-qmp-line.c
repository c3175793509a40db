/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of a native session: a client that was written for QEMU's own socket compares, cuts and logs them letter by
 * letter. */
#include "qmp-line.h"

#include <string.h>

static QmpText
make_text(const char *text)
{
    return (QmpText){ text, strlen(text) };
}

static void
assert_line(GString *line, const char *expected)
{
    g_assert_cmpstr(line->str, ==, expected);
    g_string_free(line, TRUE);
}

/* QEMU puts the id behind a return and in front of an error, and so many clients have a look at the line's beginning. */
static void
test_ids(void)
{
    QmpText value = make_text("{\"running\": true}");

    assert_line(qmp_line_new_return(NULL, &value, FALSE), "{\"return\": {\"running\": true}}");
    assert_line(qmp_line_new_return("[1, \"a\"]", &value, FALSE),
                "{\"return\": {\"running\": true}, \"id\": [1, \"a\"]}");
    assert_line(qmp_line_new_error(NULL, "GenericError", "no"),
                "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}");
    assert_line(qmp_line_new_error("7", "GenericError", "no"),
                "{\"id\": 7, \"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}");
}

/* A number that no double holds must not change on its way, so QEMU's own text is not read again. */
static void
test_text_as_it_is(void)
{
    QmpText value = make_text("{\"a\":   18446744073709551615}");

    assert_line(qmp_line_new_return(NULL, &value, FALSE), "{\"return\": {\"a\":   18446744073709551615}}");
}

/* A value from a monitor with pretty=on, or one that the agent wrote, gets into one line with QEMU's spaces. */
static void
test_one_line(void)
{
    QmpText pretty = make_text("{\n    \"a\": [\n        1,\n        2\n    ]\n}"), own = make_text("{\"a\":[1,2]}");

    assert_line(qmp_line_new_return(NULL, &pretty, FALSE), "{\"return\": {\"a\": [1, 2]}}");
    assert_line(qmp_line_new_return(NULL, &own, TRUE), "{\"return\": {\"a\": [1, 2]}}");
}

/* An error's text holds what the caller wrote; a quote or a line feed in it must not end the line. */
static void
test_error_is_escaped(void)
{
    assert_line(qmp_line_new_error(NULL, "GenericError", "'a\"b\nc' is none"),
                "{\"error\": {\"class\": \"GenericError\", \"desc\": \"'a\\\"b\\nc' is none\"}}");
}

static void
test_event(void)
{
    QmpEvent event = { .name = "STOP", .timestamp = 1700000000 * G_GUINT64_CONSTANT(1000000) + 42 };

    assert_line(qmp_line_new_event(&event),
                "{\"timestamp\": {\"seconds\": 1700000000, \"microseconds\": 42}, \"event\": \"STOP\"}");
    event.data = make_text("{\"reason\": \"host-qmp-quit\"}");
    assert_line(qmp_line_new_event(&event),
                "{\"timestamp\": {\"seconds\": 1700000000, \"microseconds\": 42}, \"event\": \"STOP\", "
                "\"data\": {\"reason\": \"host-qmp-quit\"}}");
}

/* Only a greeting that offers "oob" makes a client ask for it. */
static void
test_greeting(void)
{
    QmpGreeting greeting = { .version = (char *)"{\"package\": \"\"}" };

    assert_line(qmp_line_new_greeting(&greeting),
                "{\"QMP\": {\"version\": {\"package\": \"\"}, \"capabilities\": []}}");
    greeting.oob = TRUE;
    assert_line(qmp_line_new_greeting(&greeting),
                "{\"QMP\": {\"version\": {\"package\": \"\"}, \"capabilities\": [\"oob\"]}}");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp-line/ids", test_ids);
    g_test_add_func("/qmp-line/text-as-it-is", test_text_as_it_is);
    g_test_add_func("/qmp-line/one-line", test_one_line);
    g_test_add_func("/qmp-line/error-is-escaped", test_error_is_escaped);
    g_test_add_func("/qmp-line/event", test_event);
    g_test_add_func("/qmp-line/greeting", test_greeting);
    return g_test_run();
}
