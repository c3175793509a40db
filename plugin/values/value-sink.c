/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by value-to-dbus.c for every value; owns the bytes. The bytes are those of the D-Bus specification's chapter
 * "Marshaling (Wire Format)", in the machine's own order. */
#include "value-sink.h"

#include <string.h>

#include "value.h"

/* Most replies that become bytes have some kB, and D-Bus's form of one is about as long as the text. */
#define FIRST_SIZE 4096

void
value_sink_init(ValueSink *sink, DBusMessage *message, ValueSpot *ret_root)
{
    sink->size = 0;
    sink->bytes = message ? NULL : g_byte_array_sized_new(FIRST_SIZE);
    if (message)
        dbus_message_iter_init_append(message, &ret_root->iter);
}

void
value_sink_clear(ValueSink *sink)
{
    g_clear_pointer(&sink->bytes, g_byte_array_unref);
}

GByteArray *
value_sink_get_bytes(ValueSink *sink)
{
    return g_byte_array_set_size(sink->bytes, (guint)sink->size);
}

/* More than is needed, so that few values have to ask for it. */
static void
make_room(GByteArray *bytes, gsize size)
{
    if (size > bytes->len)
        g_byte_array_set_size(bytes, (guint)MAX(2 * size, FIRST_SIZE));
}

/* Counts a value of @length bytes that is aligned to @alignment. Where there are bytes, *@ret_at is its place, behind the padding. */
static gboolean
take_place(ValueSink *sink, gsize alignment, gsize length, guint8 **ret_at)
{
    gsize begin = (sink->size + alignment - 1) & ~(alignment - 1), end = begin + length;

    if (end > VALUE_BODY_MAX)
        return FALSE;
    if (sink->bytes) {
        make_room(sink->bytes, end);
        for (gsize i = sink->size; i < begin; i++)
            sink->bytes->data[i] = 0;
        *ret_at = sink->bytes->data + begin;
    }
    sink->size = end;
    return TRUE;
}

static gsize
get_alignment(char type)
{
    switch (type) {
    case DBUS_TYPE_INT64:
    case DBUS_TYPE_UINT64:
    case DBUS_TYPE_DOUBLE:
    case DBUS_DICT_ENTRY_BEGIN_CHAR:
        return 8;
    case DBUS_TYPE_VARIANT:
    case DBUS_TYPE_SIGNATURE:
        return 1;
    default: /* strings, booleans, arrays: they begin with a number of four bytes */
        return 4;
    }
}

static gboolean
add_signature(ValueSink *sink, const char *signature, gsize length)
{
    guint8 *at;

    if (!take_place(sink, 1, 1 + length + 1, &at))
        return FALSE;
    if (sink->bytes) {
        at[0] = (guint8)length;
        memcpy(at + 1, signature, length + 1);
    }
    return TRUE;
}

/* The length is written when the array is closed, and does not count the padding before the first element. */
static gboolean
begin_array(ValueSink *sink, const char *signature, ValueSpot *ret_content)
{
    guint8 *unused;

    if (!take_place(sink, 4, 4, &unused))
        return FALSE;
    ret_content->is_array = TRUE;
    ret_content->length_at = sink->size - 4;
    if (!take_place(sink, get_alignment(signature[0]), 0, &unused))
        return FALSE;
    ret_content->begin = sink->size;
    return TRUE;
}

static gboolean
begin_container(ValueSink *sink, int type, const char *signature, ValueSpot *ret_content)
{
    guint8 *unused;

    if (type == DBUS_TYPE_ARRAY)
        return begin_array(sink, signature, ret_content);
    ret_content->is_array = FALSE;
    return type == DBUS_TYPE_VARIANT ? add_signature(sink, signature, strlen(signature))
                                     : take_place(sink, 8, 0, &unused);
}

gboolean
value_sink_open(ValueSink *sink, ValueSpot *spot, int type, const char *signature, ValueSpot *ret_content)
{
    if (!begin_container(sink, type, signature, ret_content))
        return FALSE;
    if (!sink->bytes)
        dbus_message_iter_open_container(&spot->iter, type, signature, &ret_content->iter);
    return TRUE;
}

void
value_sink_close(ValueSink *sink, ValueSpot *spot, ValueSpot *content)
{
    guint32 length;

    if (!sink->bytes) {
        dbus_message_iter_close_container(&spot->iter, &content->iter);
    } else if (content->is_array) {
        length = (guint32)(sink->size - content->begin);
        memcpy(sink->bytes->data + content->length_at, &length, sizeof length);
    }
}

void
value_sink_abandon(ValueSink *sink, ValueSpot *spot, ValueSpot *content)
{
    if (!sink->bytes)
        dbus_message_iter_abandon_container(&spot->iter, &content->iter);
}

gboolean
value_sink_put(ValueSink *sink, ValueSpot *spot, int type, const DBusBasicValue *value)
{
    gsize length = type == DBUS_TYPE_BOOLEAN ? sizeof value->bool_val : sizeof value->u64;
    guint8 *at;

    if (!take_place(sink, length, length, &at))
        return FALSE;
    if (!sink->bytes)
        return dbus_message_iter_append_basic(&spot->iter, type, value);
    memcpy(at, value, length);
    return TRUE;
}

gboolean
value_sink_put_text(ValueSink *sink, ValueSpot *spot, int type, const char *text, gsize length)
{
    guint32 told = (guint32)length;
    guint8 *at;

    if (type == DBUS_TYPE_SIGNATURE ? !add_signature(sink, text, length)
                                    : !take_place(sink, sizeof told, sizeof told + length + 1, &at))
        return FALSE;
    if (!sink->bytes)
        return dbus_message_iter_append_basic(&spot->iter, type, &text);
    if (type == DBUS_TYPE_STRING) {
        memcpy(at, &told, sizeof told);
        memcpy(at + sizeof told, text, length + 1);
    }
    return TRUE;
}
