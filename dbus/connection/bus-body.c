/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libdbus tells the length of a message only with a copy of its bytes. Every array begins with its own length, though, so
 * that few things have to be looked at: what is not in an array is as long as a signature, which is 255 bytes at most,
 * or is counted one by one and adds to the sum. */
#include "bus-body.h"

#include <string.h>

static gsize add_values(gsize size, DBusMessageIter *iter, gsize max);

static gsize
measure_string(DBusMessageIter *iter, gsize max)
{
    const char *string;

    dbus_message_iter_get_basic(iter, &string);
    return BUS_BODY_WORD + strnlen(string, max);
}

static gsize
measure_array(DBusMessageIter *iter)
{
    DBusMessageIter elements;
    int length;

    dbus_message_iter_recurse(iter, &elements);
    /* Deprecated because nobody would want to know that. */
    G_GNUC_BEGIN_IGNORE_DEPRECATIONS
    length = dbus_message_iter_get_array_len(&elements);
    G_GNUC_END_IGNORE_DEPRECATIONS
    return BUS_BODY_WORD + (gsize)length;
}

static gsize
add_value(gsize size, DBusMessageIter *iter, int type, gsize max)
{
    DBusMessageIter content;

    switch (type) {
    case DBUS_TYPE_STRING:
    case DBUS_TYPE_OBJECT_PATH:
    case DBUS_TYPE_SIGNATURE:
        return size + measure_string(iter, max);
    case DBUS_TYPE_ARRAY:
        return size + measure_array(iter);
    case DBUS_TYPE_VARIANT:
    case DBUS_TYPE_STRUCT:
        dbus_message_iter_recurse(iter, &content);
        return add_values(size + BUS_BODY_WORD, &content, max);
    default:
        return size + BUS_BODY_WORD;
    }
}

static gsize
add_values(gsize size, DBusMessageIter *iter, gsize max)
{
    int type;

    for (; size <= max && (type = dbus_message_iter_get_arg_type(iter)) != DBUS_TYPE_INVALID;
         dbus_message_iter_next(iter))
        size = add_value(size, iter, type, max);
    return size;
}

gsize
bus_body_measure(DBusMessage *message, gsize max)
{
    DBusMessageIter iter;

    dbus_message_iter_init(message, &iter);
    return add_values(0, &iter, max);
}
