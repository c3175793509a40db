/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `a{sv} options`: what methods take that may be left out. */
#pragma once

#include <glib.h>

#include "bus-libdbus.h"

/* An option, and the function that reads it. @signature: of the value; one of an integer type stands for all of them;
 * `v`: the function looks at the type itself. @value: of that type. @options: whatever the method keeps them in. */
typedef struct VardictRow {
    const char *name, *signature, *meaning;
    gboolean (*read)(DBusMessageIter *value, gpointer options, GError **error);
} VardictRow;

/* Reads the dictionary that @iter stands at, `a{sv}` or another with strings for keys; nothing where it stands behind
 * the last argument, because options may be left out. @rows end with one without a name. Fails with
 * BUS_ERROR_INVALID_ARGS, naming the option: one that no row has, or that is of another type, or what its row's
 * function says. */
gboolean vardict_read(DBusMessageIter *iter, const VardictRow *rows, gpointer options, GError **error);

/* An integer of whatever type. Fails with BUS_ERROR_INVALID_ARGS where it is negative. */
gboolean vardict_read_uint64(DBusMessageIter *value, const char *name, guint64 *ret_value, GError **error);

/* `timeout`: us, more than 0. */
gboolean vardict_read_timeout(DBusMessageIter *value, guint64 *ret_timeout, GError **error);
