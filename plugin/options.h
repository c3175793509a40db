/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `a{sv} options`: what methods take that may be left out. */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>

/* What an option is, and how it is read. @value: of @signature. @options: whatever the method keeps them in. */
typedef struct OptionRow {
    const char *name, *signature, *meaning;
    gboolean (*read)(DBusMessageIter *value, gpointer options, GError **error);
} OptionRow;

/* Reads the dictionary that @iter stands at. @rows end with one without a name. Fails with BUS_ERROR_INVALID_ARGS, naming the
 * option: one that no row has, or that is of another type, or what its row's function says. */
gboolean options_read(DBusMessageIter *iter, const OptionRow *rows, gpointer options, GError **error);

/* `timeout` (t): us, more than 0. */
gboolean options_read_timeout(DBusMessageIter *value, guint64 *ret_timeout, GError **error);
