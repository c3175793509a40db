/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A value at once, for whoever has a short one: every step of a writer (value-to-dbus.c), one after the other. */
#include "value-writer.h"

static gboolean
take_all_steps(ValueWriter *writer, GError **error)
{
    ValueStep step;

    do
        step = value_writer_step(writer, error);
    while (step == VALUE_MORE);
    return step == VALUE_DONE;
}

GByteArray *
value_marshal(const char *signature, const QmpType *type, const char *text, const char *place, GError **error)
{
    GByteArray *bytes = NULL;
    ValueWriter writer;

    value_writer_init(&writer, /* message= */ NULL, signature, type, text, place);
    if (take_all_steps(&writer, error))
        bytes = g_byte_array_ref(value_writer_get_bytes(&writer));
    value_writer_clear(&writer);
    return bytes;
}

gboolean
value_append(DBusMessage *message, const char *signature, const QmpType *type, const char *text, const char *place,
             gsize *ret_size, GError **error)
{
    ValueWriter writer;
    gboolean is_right;

    value_writer_init(&writer, message, signature, type, text, place);
    is_right = take_all_steps(&writer, error);
    value_writer_clear(&writer);
    if (ret_size)
        *ret_size = value_writer_get_size(&writer);
    return is_right;
}
