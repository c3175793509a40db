/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A reply that is put together of bytes is the one that libdbus would make, and nothing else passes. */
#include "bus-assemble.h"

#include <string.h>

static DBusMessage *
new_call(const char *sender, guint32 serial)
{
    DBusMessage *call = dbus_message_new_method_call(NULL, "/a", "a.b", "C");

    dbus_message_set_sender(call, sender);
    dbus_message_set_serial(call, serial);
    return call;
}

/* Also where the header needs no padding, or seven bytes of it. */
static void
test_as_libdbus_makes_it(void)
{
    static const char *const senders[] = { ":1.1", ":1.12", ":1.123", ":1.1234", ":1.12345", ":1.123456", ":1.1234567", ":1.12345678" };
    guint64 number = G_GUINT64_CONSTANT(0x123456789abcdef0);
    g_autoptr(GByteArray) body = g_byte_array_new();

    g_byte_array_append(body, (const guint8 *)&number, sizeof number);
    for (guint i = 0; i < G_N_ELEMENTS(senders); i++) {
        DBusMessage *call = new_call(senders[i], G_MAXUINT32 - i), *expected = dbus_message_new_method_return(call);
        DBusMessage *reply = bus_assemble_reply(senders[i], G_MAXUINT32 - i, "t", body);
        char *bytes[2];
        int length[2];

        g_assert_nonnull(reply);
        g_assert_cmpuint(dbus_message_get_serial(reply), ==, 0);
        dbus_message_append_args(expected, DBUS_TYPE_UINT64, &number, DBUS_TYPE_INVALID);
        dbus_message_set_serial(expected, 7);
        dbus_message_set_serial(reply, 7);
        g_assert_true(dbus_message_marshal(expected, &bytes[0], &length[0]));
        g_assert_true(dbus_message_marshal(reply, &bytes[1], &length[1]));
        g_assert_cmpmem(bytes[0], (gsize)length[0], bytes[1], (gsize)length[1]);
        dbus_free(bytes[0]);
        dbus_free(bytes[1]);
        dbus_message_unref(reply);
        dbus_message_unref(expected);
        dbus_message_unref(call);
    }
}

/* The bus would disconnect whoever sends such a message. */
static void
test_what_is_no_message(void)
{
    static const struct {
        const char *signature, *bytes;
        guint length;
    } wrong[] = {
        { "t", "1234567", 7 }, /* too short */
        { "t", "123456789", 9 }, /* too long */
        { "b", "\2\0\0\0", 4 }, /* no boolean */
        { "s", "\1\0\0\0\xff", 6 }, /* no UTF-8 */
        { "s", "\1\0\0\0ab", 6 }, /* not terminated */
        { "a{sv", "\0\0\0\0\0\0\0\0", 8 }, /* no signature */
        { "a{sv}", "\0\0\0\0\0\0\0\1", 8 }, /* padding that is none */
    };

    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(GByteArray) body = g_byte_array_new();
        g_byte_array_append(body, (const guint8 *)wrong[i].bytes, wrong[i].length);
        g_assert_null(bus_assemble_reply(":1.1", 1, wrong[i].signature, body));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus-assemble/as-libdbus-makes-it", test_as_libdbus_makes_it);
    g_test_add_func("/bus-assemble/what-is-no-message", test_what_is_no_message);
    return g_test_run();
}
