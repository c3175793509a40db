/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by whatever reads arguments of calls; owns nothing. */
#include "bus-integer.h"

gboolean
bus_integer_is(int type)
{
    switch (type) {
    case DBUS_TYPE_BYTE:
    case DBUS_TYPE_INT16:
    case DBUS_TYPE_UINT16:
    case DBUS_TYPE_INT32:
    case DBUS_TYPE_UINT32:
    case DBUS_TYPE_INT64:
    case DBUS_TYPE_UINT64:
        return TRUE;
    default:
        return FALSE;
    }
}

static BusInteger
from_signed(gint64 value)
{
    return (BusInteger){ .is_negative = value < 0, .value = (guint64)value };
}

/* Each type by the member of the union that libdbus fills. */
BusInteger
bus_integer_read(DBusMessageIter *iter)
{
    DBusBasicValue value;

    dbus_message_iter_get_basic(iter, &value);
    switch (dbus_message_iter_get_arg_type(iter)) {
    case DBUS_TYPE_BYTE:
        return from_signed(value.byt);
    case DBUS_TYPE_INT16:
        return from_signed(value.i16);
    case DBUS_TYPE_UINT16:
        return from_signed(value.u16);
    case DBUS_TYPE_INT32:
        return from_signed(value.i32);
    case DBUS_TYPE_UINT32:
        return from_signed(value.u32);
    case DBUS_TYPE_INT64:
        return from_signed(value.i64);
    default:
        return (BusInteger){ .value = value.u64 };
    }
}
