/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A call that is too long to be read must not be read to find that out. */
#include <string.h>

#include "bus-body.h"
#include "test-bus-object-fixture.h"

static void
on_any(BusCall *call, gpointer user_data)
{
    ((ObjectFixture *)user_data)->calls++;
    bus_call_return(call, NULL);
}

static const ObjectTables tables = TABLES_OF_ANY(on_any);

/* Whatever it is made of, and whichever method it is for. */
static void
test_long_calls_are_refused_unread(ObjectFixture *fixture, gconstpointer data)
{
    static const char *const written[] = {
        "('TEXT',)",   "('TEXT', 'TEXT')",    "(<'TEXT'>,)", "(<<('a', ('TEXT', 1))>>,)",
        "(['TEXT'],)", "({'a': <'TEXT'>},)", "(b'TEXT',)",
    };
    g_autofree char *text = g_strnfill(2 << 20, 'x');

    for (guint i = 0; i < G_N_ELEMENTS(written); i++) {
        g_autoptr(GString) whole = g_string_new(written[i]);
        g_string_replace(whole, "TEXT", text, 0);
        assert_error(fixture, PATH, ANY, "Call", g_variant_new_parsed(whole->str), "LimitsExceeded", "1048576", "");
        assert_error(fixture, PATH, PROPERTIES, "Get", g_variant_new_parsed(whole->str), "LimitsExceeded", "", "");
    }
    g_assert_cmpuint(fixture->calls, ==, 0);
    assert_reply(fixture, PATH, ANY, "Call", NULL, "()");
}

/* As long as it is on the wire, but for padding. */
static void
test_measure(void)
{
    DBusMessage *message = dbus_message_new_signal("/a", "a.b", "C");
    g_autofree char *text = g_strnfill(1000, 'x');
    const char *const texts[] = { text, text, text };
    const char *const *list = texts;

    dbus_message_append_args(message, DBUS_TYPE_STRING, &text, DBUS_TYPE_ARRAY, DBUS_TYPE_STRING, &list, 3,
                             DBUS_TYPE_INVALID);
    g_assert_cmpuint(bus_body_measure(message, 100000), >=, 4000);
    g_assert_cmpuint(bus_body_measure(message, 100000), <=, 4100);
    g_assert_cmpuint(bus_body_measure(message, 100), >, 100);
    dbus_message_unref(message);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/bus-body/long-calls-are-refused-unread", test_long_calls_are_refused_unread);
    g_test_add_func("/bus-body/measure", test_measure);
    return g_test_run();
}
