/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by methods that have options, with a table of them; owns nothing. */
#include "vardict.h"

#include "bus-error.h"
#include "bus-integer.h"
#include "nearest.h"

/* "; did you mean timeout?" */
static char *
dup_question(const VardictRow *rows, const char *name)
{
    Nearest nearest;

    nearest_init(&nearest, name);
    for (const VardictRow *row = rows; row->name; row++)
        nearest_offer(&nearest, row->name);
    return nearest_dup_question(&nearest);
}

/* "`isolation`, `spares` and `timeout`" */
static char *
list_names(const VardictRow *rows)
{
    GString *names = g_string_new(NULL);

    for (guint i = 0; rows[i].name; i++)
        g_string_append_printf(names, "%s`%s`", i == 0 ? "" : rows[i + 1].name ? ", " : " and ", rows[i].name);
    return g_string_free(names, FALSE);
}

static const VardictRow *
find_vardict_row(const VardictRow *rows, const char *name, GError **error)
{
    g_autofree char *names = NULL, *question = NULL;

    for (const VardictRow *row = rows; row->name; row++)
        if (g_str_equal(row->name, name))
            return row;
    if (!rows[0].name) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.%.255s: no such option; there are none", name);
        return NULL;
    }
    names = list_names(rows);
    question = dup_question(rows, name);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.%.255s: no such option; there %s %s%s", name,
                rows[1].name ? "are" : "is", names, question);
    return NULL;
}

static gboolean
check_signature(const VardictRow *row, DBusMessageIter *value, GError **error)
{
    char *signature = dbus_message_iter_get_signature(value);
    gboolean is_integer = bus_integer_is(row->signature[0]);
    gboolean is_right = is_integer ? bus_integer_is(dbus_message_iter_get_arg_type(value))
                                   : g_str_equal(signature, row->signature) || g_str_equal(row->signature, "v");

    if (!is_right)
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.%s: `%s` (%s%s) is expected, `%s` was given",
                    row->name, row->signature, is_integer ? "an integer: " : "", row->meaning, signature);
    dbus_free(signature);
    return is_right;
}

/* Finds the value in the variant, or in the variants in it; `a{ss}` has no variant. */
static void
enter_variants(DBusMessageIter *iter, DBusMessageIter *ret_value)
{
    *ret_value = *iter;
    while (dbus_message_iter_get_arg_type(ret_value) == DBUS_TYPE_VARIANT) {
        DBusMessageIter variant = *ret_value;
        dbus_message_iter_recurse(&variant, ret_value);
    }
}

static gboolean
read_vardict_entry(DBusMessageIter *entry, const VardictRow *rows, gpointer options, GError **error)
{
    DBusMessageIter value;
    const VardictRow *row;
    const char *name;

    dbus_message_iter_get_basic(entry, &name);
    dbus_message_iter_next(entry);
    enter_variants(entry, &value);
    row = find_vardict_row(rows, name, error);
    return row && check_signature(row, &value, error) && row->read(&value, options, error);
}

gboolean
vardict_read(DBusMessageIter *iter, const VardictRow *rows, gpointer options, GError **error)
{
    DBusMessageIter entries, entry;

    if (dbus_message_iter_get_arg_type(iter) == DBUS_TYPE_INVALID)
        return TRUE;
    dbus_message_iter_recurse(iter, &entries);
    for (; dbus_message_iter_get_arg_type(&entries) != DBUS_TYPE_INVALID; dbus_message_iter_next(&entries)) {
        dbus_message_iter_recurse(&entries, &entry);
        if (!read_vardict_entry(&entry, rows, options, error))
            return FALSE;
    }
    return TRUE;
}

gboolean
vardict_read_uint64(DBusMessageIter *value, const char *name, guint64 *ret_value, GError **error)
{
    BusInteger integer = bus_integer_read(value);

    if (integer.is_negative) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.%s: %" G_GINT64_FORMAT " is negative", name,
                    (gint64)integer.value);
        return FALSE;
    }
    *ret_value = integer.value;
    return TRUE;
}

gboolean
vardict_read_timeout(DBusMessageIter *value, guint64 *ret_timeout, GError **error)
{
    guint64 timeout;

    if (!vardict_read_uint64(value, "timeout", &timeout, error))
        return FALSE;
    if (timeout == 0) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.timeout: 0 leaves no time");
        return FALSE;
    }
    *ret_timeout = timeout;
    return TRUE;
}
