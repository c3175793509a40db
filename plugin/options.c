/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by methods that have options, with a table of them; owns nothing. */
#include "options.h"

#include "bus-error.h"

/* "`isolation`, `spares` and `timeout`" */
static char *
list_names(const OptionRow *rows)
{
    GString *names = g_string_new(NULL);

    for (guint i = 0; rows[i].name; i++)
        g_string_append_printf(names, "%s`%s`", i == 0 ? "" : rows[i + 1].name ? ", " : " and ", rows[i].name);
    return g_string_free(names, FALSE);
}

static const OptionRow *
find_row(const OptionRow *rows, const char *name, GError **error)
{
    g_autofree char *names = NULL;

    for (const OptionRow *row = rows; row->name; row++)
        if (g_str_equal(row->name, name))
            return row;
    names = list_names(rows);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.%s: no such option; there %s %s", name,
                rows[1].name ? "are" : "is", names);
    return NULL;
}

static gboolean
check_signature(const OptionRow *row, DBusMessageIter *value, GError **error)
{
    char *signature = dbus_message_iter_get_signature(value);
    gboolean is_right = g_str_equal(signature, row->signature);

    dbus_free(signature);
    if (!is_right)
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.%s: `%s` (%s) is expected", row->name,
                    row->signature, row->meaning);
    return is_right;
}

static gboolean
read_option(DBusMessageIter *entry, const OptionRow *rows, gpointer options, GError **error)
{
    DBusMessageIter value;
    const OptionRow *row;
    const char *name;

    dbus_message_iter_get_basic(entry, &name);
    dbus_message_iter_next(entry);
    dbus_message_iter_recurse(entry, &value);
    row = find_row(rows, name, error);
    return row && check_signature(row, &value, error) && row->read(&value, options, error);
}

gboolean
options_read(DBusMessageIter *iter, const OptionRow *rows, gpointer options, GError **error)
{
    DBusMessageIter entries, entry;

    dbus_message_iter_recurse(iter, &entries);
    for (; dbus_message_iter_get_arg_type(&entries) != DBUS_TYPE_INVALID; dbus_message_iter_next(&entries)) {
        dbus_message_iter_recurse(&entries, &entry);
        if (!read_option(&entry, rows, options, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
options_read_timeout(DBusMessageIter *value, guint64 *ret_timeout, GError **error)
{
    dbus_uint64_t timeout;

    dbus_message_iter_get_basic(value, &timeout);
    if (timeout == 0) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.timeout: 0 leaves no time");
        return FALSE;
    }
    *ret_timeout = timeout;
    return TRUE;
}
