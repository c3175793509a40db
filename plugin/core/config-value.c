/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config-value.h"

#include <pwd.h>

#include "bus-error.h"

/* Of one VM. Each monitor that is attached makes every command of its QEMU 20 us slower. */
#define MAX_SPARES 64

gboolean
config_value_read_word(const char *text, const char *no, const char *yes, gboolean *ret_yes, GError **error)
{
    gboolean is_yes = g_str_equal(text, yes);

    if (!is_yes && !g_str_equal(text, no)) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "`%s` or `%s` is expected", no, yes);
        return FALSE;
    }
    *ret_yes = is_yes;
    return TRUE;
}

gboolean
config_value_read_isolation(const char *word, gboolean *ret_required, GError **error)
{
    return config_value_read_word(word, "preferred", "required", ret_required, error);
}

static QmpAddress *
read_spare(const char *text, GError **error)
{
    g_autoptr(QmpAddress) address = qmp_address_parse(text, error);

    if (!address)
        return NULL;
    if (!address->server)
        return g_steal_pointer(&address);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "%s: a spare is connected to, so QEMU must listen", text);
    return NULL;
}

GPtrArray *
config_value_read_spares(const char *const *addresses, GError **error)
{
    g_autoptr(GPtrArray) spares = g_ptr_array_new_with_free_func((GDestroyNotify)qmp_address_free);
    guint n = addresses ? g_strv_length((char **)addresses) : 0;

    if (n > MAX_SPARES) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "%u addresses, there may be %d", n, MAX_SPARES);
        return NULL;
    }
    for (; addresses && *addresses; addresses++) {
        QmpAddress *spare = read_spare(*addresses, error);
        if (!spare)
            return NULL;
        g_ptr_array_add(spares, spare);
    }
    return g_steal_pointer(&spares);
}

/* A database entry of a user; longer ones are no user's. */
#define USER_ENTRY_SIZE 16384

static gboolean
find_user(const char *name, guint32 *ret_uid)
{
    g_autofree char *buffer = g_malloc(USER_ENTRY_SIZE);
    struct passwd entry, *found;

    if (getpwnam_r(name, &entry, buffer, USER_ENTRY_SIZE, &found) != 0 || !found)
        return FALSE;
    *ret_uid = found->pw_uid;
    return TRUE;
}

gboolean
config_value_read_user(const char *text, guint32 *ret_uid, GError **error)
{
    guint64 number;

    /* The greatest of them stands for no user at all. */
    if (g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT32 - 1, &number, NULL)) {
        *ret_uid = (guint32)number;
        return TRUE;
    }
    if (find_user(text, ret_uid))
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "\"%.255s\" is no user, and no uid either", text);
    return FALSE;
}

gboolean
config_value_check_user(const QmpAddress *address, GError **error)
{
    if (address && address->server && address->type == QMP_ADDRESS_UNIX)
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                "`user` says whose QEMU may connect, for a `unix:` address with `,server=on`");
    return FALSE;
}
