/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* D-Bus values from bytes, as any caller may send them: of each type that there is, with those that JSON has not. */
#pragma once

#include <dbus/dbus.h>

#include "maker-bytes.h"

/* Appends up to five values. */
void message_maker_append(MakerBytes *bytes, DBusMessage *message);
