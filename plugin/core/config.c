/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "bus-error.h"
#include "names.h"

#define MAIN_GROUP "qemu-monitor"
#define VM_GROUP_PREFIX "vm "

#define MAX_REPLY_DEFAULT (32u * 1024 * 1024)
#define MAX_REPLY_LEAST (64u * 1024) /* query-commands alone is 8 KiB */
#define MAX_REPLY_MOST (1024u * 1024 * 1024)

#define IDLE_TIMEOUT_DEFAULT ((guint64)10 * G_TIME_SPAN_SECOND)
#define IDLE_TIMEOUT_LEAST 0.001
#define IDLE_TIMEOUT_MOST 86400.0

#define MAX_MONITORS_DEFAULT 16
#define MAX_MONITORS_MOST 1000

#define MAX_SPARES 64

static void
config_vm_free(gpointer data)
{
    ConfigVm *vm = data;

    g_free(vm->name);
    g_clear_pointer(&vm->address, qmp_address_free);
    g_clear_pointer(&vm->spares, g_ptr_array_unref);
    g_free(vm);
}

static gboolean
check_keys(GKeyFile *file, const char *group, const char *const *known, GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(file, group, NULL, NULL);

    for (char **key = keys; *key; key++) {
        if (!g_strv_contains(known, *key)) {
            g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "[%s]: unknown key \"%s\"", group, *key);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
read_number(GKeyFile *file, const char *key, guint64 least, guint64 most, guint64 *value, GError **error)
{
    g_autofree char *text = g_key_file_get_string(file, MAIN_GROUP, key, NULL);

    if (!text || g_ascii_string_to_unsigned(text, 10, least, most, value, error))
        return TRUE;
    g_prefix_error(error, "[" MAIN_GROUP "] %s: ", key);
    return FALSE;
}

static gboolean
read_idle_timeout(Config *config, GKeyFile *file, GError **error)
{
    g_autofree char *text = g_key_file_get_string(file, MAIN_GROUP, "idle-timeout", NULL);
    char *end = NULL;
    double seconds = text ? g_ascii_strtod(text, &end) : 0;

    if (!text)
        return TRUE;
    if (end == text || *end || !(seconds >= IDLE_TIMEOUT_LEAST && seconds <= IDLE_TIMEOUT_MOST)) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                    "[" MAIN_GROUP "] idle-timeout: \"%s\" is no number of seconds from %g to %g", text,
                    IDLE_TIMEOUT_LEAST, IDLE_TIMEOUT_MOST);
        return FALSE;
    }
    config->idle_timeout = (guint64)(seconds * G_TIME_SPAN_SECOND);
    return TRUE;
}

gboolean
config_read_isolation(const char *word, gboolean *ret_required, GError **error)
{
    gboolean required = g_str_equal(word, "required");

    if (!required && !g_str_equal(word, "preferred")) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "isolation: `required` or `preferred` is expected");
        return FALSE;
    }
    *ret_required = required;
    return TRUE;
}

static gboolean
read_isolation(GKeyFile *file, const char *group, gboolean *required, GError **error)
{
    g_autofree char *text = g_key_file_get_string(file, group, "isolation", NULL);

    if (!text || config_read_isolation(text, required, error))
        return TRUE;
    g_prefix_error(error, "[%s] ", group);
    return FALSE;
}

static gboolean
read_owner(Config *config, GKeyFile *file, GError **error)
{
    g_autofree char *text = g_key_file_get_string(file, MAIN_GROUP, "owner", NULL);

    config->owner_needs_polkit = g_strcmp0(text, "polkit") == 0;
    if (!text || config->owner_needs_polkit || g_str_equal(text, "allow"))
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "[" MAIN_GROUP "] owner: `allow` or `polkit` is expected");
    return FALSE;
}

static gboolean
read_audit(Config *config, GKeyFile *file, GError **error)
{
    g_autofree char *text = g_key_file_get_string(file, MAIN_GROUP, "audit", NULL);

    config->audit_all = g_strcmp0(text, "all") == 0;
    if (!text || config->audit_all || g_str_equal(text, "changes"))
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "[" MAIN_GROUP "] audit: `changes` or `all` is expected");
    return FALSE;
}

static gboolean
read_main(Config *config, GKeyFile *file, GError **error)
{
    static const char *const keys[] = { "audit",     "idle-timeout", "isolation", "max-monitors",
                                        "max-reply", "owner",        NULL };
    guint64 max_reply = config->max_reply, max_monitors = config->max_monitors;

    if (!check_keys(file, MAIN_GROUP, keys, error) ||
        !read_number(file, "max-reply", MAX_REPLY_LEAST, MAX_REPLY_MOST, &max_reply, error) ||
        !read_number(file, "max-monitors", 1, MAX_MONITORS_MOST, &max_monitors, error) ||
        !read_isolation(file, MAIN_GROUP, &config->isolation_required, error) ||
        !read_idle_timeout(config, file, error) || !read_owner(config, file, error) ||
        !read_audit(config, file, error))
        return FALSE;
    config->max_reply = max_reply;
    config->max_monitors = (guint)max_monitors;
    return TRUE;
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
config_read_spares(const char *const *addresses, GError **error)
{
    g_autoptr(GPtrArray) spares = g_ptr_array_new_with_free_func((GDestroyNotify)qmp_address_free);
    guint n = addresses ? g_strv_length((char **)addresses) : 0;

    if (n > MAX_SPARES) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "spares: %u, there may be %d", n, MAX_SPARES);
        return NULL;
    }
    for (; addresses && *addresses; addresses++) {
        QmpAddress *spare = read_spare(*addresses, error);
        if (!spare) {
            g_prefix_error(error, "spares: ");
            return NULL;
        }
        g_ptr_array_add(spares, spare);
    }
    return g_steal_pointer(&spares);
}

static gboolean
read_addresses(ConfigVm *vm, GKeyFile *file, const char *group, GError **error)
{
    g_autofree char *text = g_key_file_get_string(file, group, "address", error);
    g_auto(GStrv) spares = g_key_file_get_string_list(file, group, "spares", NULL, NULL);

    vm->address = text ? qmp_address_parse(text, error) : NULL;
    vm->spares = vm->address ? config_read_spares((const char *const *)spares, error) : NULL;
    if (vm->spares)
        return TRUE;
    g_prefix_error(error, "[%s]: ", group);
    return FALSE;
}

static gboolean
read_vm(Config *config, GKeyFile *file, const char *group, GError **error)
{
    static const char *const keys[] = { "address", "isolation", "spares", NULL };
    const char *name = group + strlen(VM_GROUP_PREFIX);
    ConfigVm *vm;

    if (!names_check_vm(name, error) || !check_keys(file, group, keys, error))
        return FALSE;
    vm = g_new0(ConfigVm, 1);
    g_ptr_array_add(config->vms, vm);
    vm->name = g_strdup(name);
    vm->isolation_required = config->isolation_required;
    return read_addresses(vm, file, group, error) && read_isolation(file, group, &vm->isolation_required, error);
}

static gboolean
read_group(Config *config, GKeyFile *file, const char *group, GError **error)
{
    if (g_str_equal(group, MAIN_GROUP))
        return TRUE; /* has been read first */
    if (g_str_has_prefix(group, VM_GROUP_PREFIX))
        return read_vm(config, file, group, error);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                "Unknown group [%s]: there are [" MAIN_GROUP "] and [vm NAME]", group);
    return FALSE;
}

Config *
config_new(GKeyFile *key_file, GError **error)
{
    g_autoptr(Config) config = g_new0(Config, 1);
    g_auto(GStrv) groups = key_file ? g_key_file_get_groups(key_file, NULL) : NULL;

    config->max_reply = MAX_REPLY_DEFAULT;
    config->idle_timeout = IDLE_TIMEOUT_DEFAULT;
    config->max_monitors = MAX_MONITORS_DEFAULT;
    config->vms = g_ptr_array_new_with_free_func(config_vm_free);
    if (key_file && g_key_file_has_group(key_file, MAIN_GROUP) && !read_main(config, key_file, error))
        return NULL;
    for (char **group = groups; group && *group; group++)
        if (!read_group(config, key_file, *group, error))
            return NULL;
    return g_steal_pointer(&config);
}

void
config_free(Config *config)
{
    g_ptr_array_unref(config->vms);
    g_free(config);
}
