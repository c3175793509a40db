/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where the values of a message go: into a message of libdbus's, by its iterators, or into bytes as D-Bus marshals them. A part
 * of value-to-dbus.
 *
 * An iterator looks at the signature of every container, and at the message's, as if it were the first one: a member of an
 * object takes 4,500 instructions. As bytes it takes 300, and 1,300 more where libdbus checks the message that is made of
 * the bytes (bus-assemble.h), which it does in one go. */
#pragma once

#include <glib.h>

#include "bus-libdbus.h"

typedef struct ValueSink {
    GByteArray *bytes; /* owned, with room for more; NULL: the values go into a message */
    gsize size; /* bytes so far, as D-Bus marshals them */
} ValueSink;

/* The message, or a container that is open in it: where the next value goes. */
typedef struct ValueSpot {
    DBusMessageIter iter;
    gboolean is_array; /* in the bytes: its length is written when it is closed */
    gsize length_at;
    gsize begin; /* where the length is counted from */
} ValueSpot;

/* @message: borrowed while values are put; NULL: bytes. */
void value_sink_init(ValueSink *sink, DBusMessage *message, ValueSpot *ret_root);
void value_sink_clear(ValueSink *sink);

/* All bytes that were put; borrowed. */
GByteArray *value_sink_get_bytes(ValueSink *sink);

/* These count the value before libdbus is given it. FALSE: it would be more than VALUE_BODY_MAX; nothing was put, or opened.
 *
 * @type: DBUS_TYPE_VARIANT, _ARRAY or _DICT_ENTRY; @signature: of the content; NULL: a dictionary's entry. What is open is closed,
 * or abandoned where the message will not be sent, in the reverse order. */
gboolean value_sink_open(ValueSink *sink, ValueSpot *spot, int type, const char *signature, ValueSpot *ret_content);
void value_sink_close(ValueSink *sink, ValueSpot *spot, ValueSpot *content);
void value_sink_abandon(ValueSink *sink, ValueSpot *spot, ValueSpot *content);

/* One value of a fixed size: dbus_bool_t or 8 bytes. */
gboolean value_sink_put(ValueSink *sink, ValueSpot *spot, int type, const DBusBasicValue *value);

/* @type: DBUS_TYPE_STRING or _SIGNATURE; @length: without the NUL behind @text. */
gboolean value_sink_put_text(ValueSink *sink, ValueSpot *spot, int type, const char *text, gsize length);
