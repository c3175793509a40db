/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by bus-call.c; owns nothing. The header is that of the D-Bus specification's chapter "Message Format". */
#include "bus-assemble.h"

#include <string.h>

#if G_BYTE_ORDER == G_LITTLE_ENDIAN
#define BYTE_ORDER_MARK DBUS_LITTLE_ENDIAN
#else
#define BYTE_ORDER_MARK DBUS_BIG_ENDIAN
#endif

static void
pad(GByteArray *bytes, guint alignment)
{
    static const guint8 zeros[8];

    g_byte_array_append(bytes, zeros, (alignment - bytes->len % alignment) % alignment);
}

static void
add_number(GByteArray *bytes, guint32 number)
{
    pad(bytes, sizeof number);
    g_byte_array_append(bytes, (const guint8 *)&number, sizeof number);
}

/* The code of a field of the header, and the type of its value. */
static void
begin_field(GByteArray *bytes, guint8 code, char type)
{
    const guint8 begin[] = { code, 1, (guint8)type, '\0' };

    pad(bytes, 8);
    g_byte_array_append(bytes, begin, sizeof begin);
}

static void
add_fields(GByteArray *bytes, const char *destination, guint32 serial, const char *signature)
{
    guint8 signature_length = (guint8)strlen(signature);

    begin_field(bytes, DBUS_HEADER_FIELD_DESTINATION, DBUS_TYPE_STRING);
    add_number(bytes, (guint32)strlen(destination));
    g_byte_array_append(bytes, (const guint8 *)destination, (guint)strlen(destination) + 1);
    begin_field(bytes, DBUS_HEADER_FIELD_REPLY_SERIAL, DBUS_TYPE_UINT32);
    add_number(bytes, serial);
    begin_field(bytes, DBUS_HEADER_FIELD_SIGNATURE, DBUS_TYPE_SIGNATURE);
    g_byte_array_append(bytes, &signature_length, 1);
    g_byte_array_append(bytes, (const guint8 *)signature, signature_length + 1u);
}

DBusMessage *
bus_assemble_reply(const char *destination, guint32 serial, const char *signature, const GByteArray *body)
{
    static const guint8 begin[] = { BYTE_ORDER_MARK, DBUS_MESSAGE_TYPE_METHOD_RETURN, DBUS_HEADER_FLAG_NO_REPLY_EXPECTED,
                                    DBUS_MAJOR_PROTOCOL_VERSION };
    g_autoptr(GByteArray) bytes = g_byte_array_sized_new(128 + body->len);
    guint fields_at;
    guint32 fields_length;
    DBusMessage *reply;

    g_byte_array_append(bytes, begin, sizeof begin);
    add_number(bytes, body->len);
    add_number(bytes, 1); /* the message's own serial: a message without one would not be read */
    add_number(bytes, 0);
    fields_at = bytes->len;
    add_fields(bytes, destination, serial, signature);
    fields_length = bytes->len - fields_at;
    memcpy(bytes->data + fields_at - sizeof fields_length, &fields_length, sizeof fields_length);
    pad(bytes, 8);
    g_byte_array_append(bytes, body->data, body->len);
    reply = dbus_message_demarshal((const char *)bytes->data, (int)bytes->len, /* error= */ NULL);
    if (reply)
        dbus_message_set_serial(reply, 0); /* the connection gives it one when it is sent */
    return reply;
}
