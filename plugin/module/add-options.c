/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by the Manager's methods. Owns nothing. */
#include "add-options.h"

#include <unistd.h>

#include "bus-error.h"
#include "bus-integer.h"
#include "config-value.h"
#include "vardict.h"
#include "vm.h"

static gboolean
read_add_timeout(DBusMessageIter *value, gpointer user_data, GError **error)
{
    AddOptions *options = user_data;

    return vardict_read_timeout(value, &options->timeout, error);
}

static gboolean
read_add_isolation(DBusMessageIter *value, gpointer user_data, GError **error)
{
    AddOptions *options = user_data;
    const char *word;

    dbus_message_iter_get_basic(value, &word);
    options->isolation_is_default = FALSE;
    if (config_value_read_isolation(word, &options->isolation_required, error))
        return TRUE;
    g_prefix_error(error, "options.isolation: ");
    return FALSE;
}

static gboolean
read_add_spares(DBusMessageIter *value, gpointer user_data, GError **error)
{
    AddOptions *options = user_data;
    g_autoptr(GPtrArray) addresses = g_ptr_array_new();
    DBusMessageIter elements;

    dbus_message_iter_recurse(value, &elements);
    for (; dbus_message_iter_get_arg_type(&elements) != DBUS_TYPE_INVALID; dbus_message_iter_next(&elements)) {
        const char *address;
        dbus_message_iter_get_basic(&elements, &address);
        g_ptr_array_add(addresses, (gpointer)address);
    }
    g_ptr_array_add(addresses, NULL);
    g_clear_pointer(&options->spares, g_ptr_array_unref);
    options->spares = config_value_read_spares((const char *const *)addresses->pdata, error);
    if (!options->spares)
        g_prefix_error(error, "options.spares: ");
    return options->spares != NULL;
}

/* A name, or a uid as text or as an integer. NULL: neither, or negative. */
static char *
dup_user_text(DBusMessageIter *value, GError **error)
{
    int type = dbus_message_iter_get_arg_type(value);
    const char *text;
    guint64 uid;

    if (type == DBUS_TYPE_STRING) {
        dbus_message_iter_get_basic(value, &text);
        return g_strdup(text);
    }
    if (bus_integer_is(type))
        return vardict_read_uint64(value, "user", &uid, error) ? g_strdup_printf("%" G_GUINT64_FORMAT, uid) : NULL;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                "options.user: a name (s) or a uid (an integer) is expected");
    return NULL;
}

static gboolean
read_add_user(DBusMessageIter *value, gpointer user_data, GError **error)
{
    AddOptions *options = user_data;

    g_free(options->user_text);
    options->user_text = dup_user_text(value, error);
    if (!options->user_text)
        return FALSE;
    if (*options->user_text)
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.user: it is empty");
    return FALSE;
}

static const VardictRow add_option_rows[] = {
    { "isolation", "s", "`required` or `preferred`", read_add_isolation },
    { "spares", "as", "addresses", read_add_spares },
    { "timeout", "t", "microseconds", read_add_timeout },
    { "user", "v", "a name or a uid", read_add_user },
    { 0 },
};

gboolean
add_options_read(AddOptions *options, DBusMessageIter *iter, const Config *config, const QmpAddress *address,
                 GError **error)
{
    *options = (AddOptions){
        .timeout = VM_TIMEOUT_DEFAULT,
        .isolation_required = config->isolation_required,
        .isolation_is_default = TRUE,
        .user = geteuid(),
    };
    if (!vardict_read(iter, add_option_rows, options, error))
        return FALSE;
    if (!options->user_text || config_value_check_user(address, error))
        return TRUE;
    g_prefix_error(error, "options.user: ");
    return FALSE;
}

gboolean
add_options_find_user(AddOptions *options, GError **error)
{
    if (!options->user_text || config_value_read_user(options->user_text, &options->user, error))
        return TRUE;
    g_prefix_error(error, "options.user: ");
    return FALSE;
}

void
add_options_clear(AddOptions *options)
{
    g_clear_pointer(&options->user_text, g_free);
    g_clear_pointer(&options->spares, g_ptr_array_unref);
}
