/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a QMP server says: a message that is read wrongly gives a caller another's reply, or shows an event that was none. */
#include "qmp-message.h"

#include <string.h>

static void
read_message(QmpMessage *message, const char *text)
{
    JsonScan scan;
    gsize used;

    json_scan_init(&scan, JSON_DIALECT_RFC8259);
    json_scan_feed(&scan, text, strlen(text), &used);
    qmp_message_init(message, text, &scan);
}

static void
assert_text(QmpText text, const char *expected)
{
    g_autofree char *copy = text.text ? g_strndup(text.text, text.length) : NULL;

    g_assert_cmpstr(copy, ==, expected);
}

/* A caller who gets a reply: the value is QEMU's to the byte, in whatever order the members come. */
static void
test_reply(void)
{
    static const struct {
        const char *text, *value;
        int id;
    } cases[] = {
        { "{\"return\": {\"a\" : [1, 2]}, \"id\": 3}", "{\"a\" : [1, 2]}", 3 },
        { "{\"id\": 0, \"return\": \"\\u0041\"}", "\"\\u0041\"", 0 },
        { "{\"return\": 18446744073709551615}", "18446744073709551615", QMP_MESSAGE_NO_ID },
        { "{\"return\": null, \"id\": \"x\"}", "null", QMP_MESSAGE_FOREIGN_ID },
        { "{\"return\": 1, \"id\": -1}", "1", QMP_MESSAGE_FOREIGN_ID },
        { "{\"return\": 1, \"id\": 1.0}", "1", QMP_MESSAGE_FOREIGN_ID },
        { "{\"return\": 1, \"id\": 2147483647}", "1", QMP_MESSAGE_FOREIGN_ID },
        { "{\"return\": 1, \"id\": 18446744073709551615}", "1", QMP_MESSAGE_FOREIGN_ID },
        { "{\"return\": 1, \"id\": 2147483646}", "1", 2147483646 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(QmpMessage) message;
        read_message(&message, cases[i].text);
        g_assert_cmpint(message.type, ==, QMP_MESSAGE_REPLY);
        g_test_message("%s", cases[i].text);
        g_assert_null(message.problem);
        g_assert_cmpint(message.id, ==, cases[i].id);
        assert_text(message.reply.value, cases[i].value);
        g_assert_null(message.reply.error_class);
    }
}

/* A caller whose command fails: class and text are readable, whatever is in them. */
static void
test_error(void)
{
    g_auto(QmpMessage) message;

    read_message(&message, "{\"id\": 7, \"error\": {\"desc\": \"no \\u00e9\\u0000\", \"class\": \"C\"}}");
    g_assert_cmpint(message.type, ==, QMP_MESSAGE_REPLY);
    g_assert_null(message.problem);
    g_assert_cmpint(message.id, ==, 7);
    g_assert_null(message.reply.value.text);
    g_assert_cmpstr(message.reply.error_class, ==, "C");
    g_assert_true(g_utf8_validate(message.reply.error_text, -1, NULL));
    g_assert_true(g_str_has_prefix(message.reply.error_text, "no é\xef\xbf\xbd"));
}

/* Somebody who listens to events: name, data and QEMU's own stamp; the time of arrival where QEMU's clock had failed. */
static void
test_event(void)
{
    gint64 before = g_get_real_time();
    g_auto(QmpMessage) message, bare;
    QmpEvent *copy;

    read_message(&message, "{\"timestamp\": {\"seconds\": 12, \"microseconds\": 34}, \"event\": \"ST\\u004fP\", "
                           "\"data\": {\"a\": 1}}");
    g_assert_cmpint(message.type, ==, QMP_MESSAGE_EVENT);
    g_assert_null(message.problem);
    g_assert_cmpstr(message.event.name, ==, "STOP");
    g_assert_cmpuint(message.event.timestamp, ==, 12000034);
    assert_text(message.event.data, "{\"a\": 1}");
    copy = qmp_event_copy(&message.event);
    g_assert_cmpstr(copy->name, ==, "STOP");
    assert_text(copy->data, "{\"a\": 1}");
    g_assert_true(copy->data.text != message.event.data.text);
    qmp_event_free(copy);
    read_message(&bare, "{\"event\": \"STOP\", \"timestamp\": {\"seconds\": -1, \"microseconds\": -1}}");
    g_assert_null(bare.problem);
    g_assert_null(bare.event.data.text);
    g_assert_cmpuint(bare.event.timestamp, >=, (guint64)before);
    copy = qmp_event_copy(&bare.event);
    g_assert_null(copy->data.text);
    qmp_event_free(copy);
}

/* Somebody who looks at the version: all that QEMU tells, and the text of it as it stands. */
static void
test_greeting(void)
{
    g_auto(QmpMessage) message, plain;

    read_message(&message, "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 3, \"minor\": 1, \"major\": 11}, "
                           "\"package\": \"Debian\"}, \"capabilities\": [\"oob\"]}}");
    g_assert_cmpint(message.type, ==, QMP_MESSAGE_GREETING);
    g_assert_null(message.problem);
    g_assert_cmpuint(message.greeting.major, ==, 11);
    g_assert_cmpuint(message.greeting.minor, ==, 1);
    g_assert_cmpuint(message.greeting.micro, ==, 3);
    g_assert_cmpstr(message.greeting.package, ==, "Debian");
    g_assert_true(message.greeting.oob);
    g_assert_cmpstr(message.greeting.version, ==,
                    "{\"qemu\": {\"micro\": 3, \"minor\": 1, \"major\": 11}, \"package\": \"Debian\"}");
    read_message(&plain, "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, \"minor\": 0, \"major\": 8}}}}");
    g_assert_null(plain.problem);
    g_assert_cmpstr(plain.greeting.package, ==, "");
    g_assert_false(plain.greeting.oob);
}

/* A peer that lies or is broken: each is told what is wrong with it, and none is read past its end. */
static void
test_problems(void)
{
    g_autofree char *long_name = g_strnfill(256, 'E');
    g_autofree char *event = g_strdup_printf("{\"event\": \"%s\"}", long_name);
    g_autofree char *long_text = g_strnfill(70000, 'x');
    g_autofree char *error = g_strdup_printf("{\"error\": {\"class\": \"C\", \"desc\": \"%s\"}}", long_text);
    g_autofree char *padded =
        g_strdup_printf("{\"error\": {\"class\": \"C\", \"desc\": \"d\", \"more\": \"%s\"}}", long_text);
    g_autofree char *greeting = g_strdup_printf("{\"QMP\": {\"version\": {\"qemu\": {\"major\": 1, \"minor\": 0, "
                                                "\"micro\": 0}, \"package\": \"%.20000s\"}}}",
                                                long_text);
    const struct {
        const char *text;
        QmpMessageType type;
    } cases[] = {
        { "{}", QMP_MESSAGE_UNKNOWN },
        { "[]", QMP_MESSAGE_UNKNOWN },
        { "1", QMP_MESSAGE_UNKNOWN },
        { "\"return\"", QMP_MESSAGE_UNKNOWN },
        { "{\"a\": {\"return\": 1}}", QMP_MESSAGE_UNKNOWN },
        { "{\"return\": 1, \"return\": 2}", QMP_MESSAGE_REPLY },
        { "{\"return\": 1, \"id\": 1, \"id\": 2}", QMP_MESSAGE_REPLY },
        { "{\"return\": 1, \"error\": {\"class\": \"C\", \"desc\": \"d\"}}", QMP_MESSAGE_REPLY },
        { "{\"return\": tru}", QMP_MESSAGE_REPLY },
        { "{\"error\": 1}", QMP_MESSAGE_REPLY },
        { "{\"error\": {\"class\": \"C\"}}", QMP_MESSAGE_REPLY },
        { "{\"error\": {\"class\": 1, \"desc\": \"d\"}}", QMP_MESSAGE_REPLY },
        { "{\"event\": 1}", QMP_MESSAGE_EVENT },
        { "{\"event\": \"E\", \"data\": []}", QMP_MESSAGE_EVENT },
        { "{\"event\": \"E\", \"data\": null}", QMP_MESSAGE_EVENT },
        { "{\"QMP\": []}", QMP_MESSAGE_GREETING },
        { "{\"QMP\": {}}", QMP_MESSAGE_GREETING },
        { "{\"QMP\": {\"version\": {\"qemu\": {\"major\": -1, \"minor\": 0, \"micro\": 0}}}}", QMP_MESSAGE_GREETING },
        { "{\"QMP\": {\"version\": {\"qemu\": {\"major\": 1, \"minor\": \"0\", \"micro\": 0}}}}",
          QMP_MESSAGE_GREETING },
        { event, QMP_MESSAGE_EVENT },
        { error, QMP_MESSAGE_REPLY },
        { padded, QMP_MESSAGE_REPLY },
        { greeting, QMP_MESSAGE_GREETING },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(QmpMessage) message;
        g_test_message("%.80s", cases[i].text);
        read_message(&message, cases[i].text);
        g_assert_cmpint(message.type, ==, cases[i].type);
        g_assert_nonnull(message.problem);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp-message/reply", test_reply);
    g_test_add_func("/qmp-message/error", test_error);
    g_test_add_func("/qmp-message/event", test_event);
    g_test_add_func("/qmp-message/greeting", test_greeting);
    g_test_add_func("/qmp-message/problems", test_problems);
    return g_test_run();
}
