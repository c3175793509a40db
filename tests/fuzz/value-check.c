/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "value-check.h"

#include <string.h>

#include "fuzz.h"
#include "json-same.h"
#include "value.h"

/* Behind the header, whose beginning tells its length (D-Bus spec, "Message Format"). */
static void
check_body(const char *message, int length, const GByteArray *bytes)
{
    guint32 body;

    memcpy(&body, message + 4, sizeof body);
    if (bytes->len != body || memcmp(message + length - body, bytes->data, body) != 0)
        fuzz_fail("%u bytes that are not the %u of the message", bytes->len, body);
}

/* As a bus would see it. */
static DBusMessage *
transmit(DBusMessage *message, const GByteArray *bytes)
{
    DBusError error = DBUS_ERROR_INIT;
    char *all = NULL;
    int length;

    dbus_message_set_serial(message, 1);
    g_assert_true(dbus_message_marshal(message, &all, &length));
    check_body(all, length, bytes);
    DBusMessage *copy = dbus_message_demarshal(all, length, &error);
    if (!copy)
        fuzz_fail("no message: %s", error.message);
    dbus_free(all);
    return copy;
}

static void
check_again(DBusMessage *message, const char *signature, const char *text, JsonNode *value)
{
    g_autoptr(GError) error = NULL;
    JsonCost cost = { 0 };
    DBusMessageIter iter;

    if (!g_str_equal(dbus_message_get_signature(message), signature))
        fuzz_fail("%s, not %s", dbus_message_get_signature(message), signature);
    dbus_message_iter_init(message, &iter);
    g_autoptr(JsonNode) again = value_read(&iter, "value", &cost, &error);
    if (!again)
        fuzz_fail("not read: %s", error->message);
    if (!json_is_same(value, again))
        fuzz_fail("%s is another value when read back as %s", text, signature);
}

void
value_check(const char *signature, const QmpType *type, const char *text, JsonNode *value)
{
    DBusMessage *message = dbus_message_new_signal("/a", "a.b", "C");
    g_autoptr(GError) error = NULL, other_error = NULL;
    g_autoptr(GByteArray) bytes = value_marshal(signature, type, text, "return", &other_error);

    if (value_append(message, signature, type, text, "return", /* ret_size= */ NULL, &error)) {
        g_assert_no_error(other_error);
        DBusMessage *copy = transmit(message, bytes);
        check_again(copy, signature, text, value);
        dbus_message_unref(copy);
    } else {
        g_assert_true(g_utf8_validate(error->message, -1, NULL) && !bytes);
        g_assert_cmpstr(other_error->message, ==, error->message);
    }
    dbus_message_unref(message);
}
