/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus-dictionary.h"

void
bus_dictionary_append(DBusMessageIter *dictionary, const char *name, const char *signature, const void *value)
{
    DBusMessageIter entry, variant;

    dbus_message_iter_open_container(dictionary, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &name);
    dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, signature, &variant);
    dbus_message_iter_append_basic(&variant, signature[0], value);
    dbus_message_iter_close_container(&entry, &variant);
    dbus_message_iter_close_container(dictionary, &entry);
}
