/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values as bytes: what the D-Bus specification says of them, and no more of them than a message may have. test-value.c compares
 * whole values with what libdbus makes of them. */
#include "value-sink.h"

#include "value.h"

static void
assert_bytes(ValueSink *sink, const char *bytes, gsize length)
{
    const GByteArray *all = value_sink_get_bytes(sink);

    g_assert_cmpuint(sink->size, ==, length);
    g_assert_cmpmem(all->data, all->len, bytes, length);
}

/* The padding before the first element is there also where there is none. */
static void
test_containers(void)
{
    DBusBasicValue value = { .u64 = 0 };
    ValueSpot root, array, entry, variant;
    ValueSink sink;

    value_sink_init(&sink, /* message= */ NULL, &root);
    g_assert_true(value_sink_open(&sink, &root, DBUS_TYPE_ARRAY, "{sv}", &array));
    g_assert_true(value_sink_open(&sink, &array, DBUS_TYPE_DICT_ENTRY, NULL, &entry));
    g_assert_true(value_sink_put_text(&sink, &entry, DBUS_TYPE_STRING, "a", 1));
    g_assert_true(value_sink_open(&sink, &entry, DBUS_TYPE_VARIANT, "t", &variant));
    value.u64 = 0;
    g_assert_true(value_sink_put(&sink, &variant, DBUS_TYPE_UINT64, &value));
    value_sink_close(&sink, &entry, &variant);
    value_sink_close(&sink, &array, &entry);
    value_sink_close(&sink, &root, &array);
    g_assert_true(value_sink_open(&sink, &root, DBUS_TYPE_ARRAY, "x", &array));
    value_sink_close(&sink, &root, &array);
#if G_BYTE_ORDER == G_LITTLE_ENDIAN
    assert_bytes(&sink, "\30\0\0\0\0\0\0\0\1\0\0\0a\0\1t\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 40);
#endif
    value_sink_clear(&sink);
}

/* What does not fit is neither put nor counted, and a shorter value still fits. */
static void
test_largest(void)
{
    g_autofree char *text = g_strnfill(VALUE_BODY_MAX, 'x');
    DBusBasicValue value = { .bool_val = TRUE };
    ValueSpot root, container;
    ValueSink sink;

    value_sink_init(&sink, /* message= */ NULL, &root);
    g_assert_false(value_sink_put_text(&sink, &root, DBUS_TYPE_STRING, text, VALUE_BODY_MAX - 4));
    g_assert_cmpuint(sink.size, ==, 0);
    g_assert_true(value_sink_put_text(&sink, &root, DBUS_TYPE_STRING, text, VALUE_BODY_MAX - 9));
    g_assert_false(value_sink_put(&sink, &root, DBUS_TYPE_UINT64, &value));
    g_assert_false(value_sink_open(&sink, &root, DBUS_TYPE_VARIANT, "aas", &container));
    g_assert_true(value_sink_put(&sink, &root, DBUS_TYPE_BOOLEAN, &value));
    g_assert_false(value_sink_put_text(&sink, &root, DBUS_TYPE_SIGNATURE, "", 0));
    g_assert_cmpuint(value_sink_get_bytes(&sink)->len, ==, VALUE_BODY_MAX);
    value_sink_clear(&sink);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/value-sink/containers", test_containers);
    g_test_add_func("/value-sink/largest", test_largest);
    return g_test_run();
}
