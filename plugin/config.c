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

static void
config_vm_free(gpointer data)
{
    ConfigVm *vm = data;

    g_free(vm->name);
    qmp_address_free(vm->address);
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
read_main(Config *config, GKeyFile *file, GError **error)
{
    static const char *const keys[] = { "max-reply", NULL };
    g_autofree char *text = NULL;
    guint64 value;

    if (!check_keys(file, MAIN_GROUP, keys, error))
        return FALSE;
    text = g_key_file_get_string(file, MAIN_GROUP, "max-reply", NULL);
    if (!text)
        return TRUE;
    if (!g_ascii_string_to_unsigned(text, 10, MAX_REPLY_LEAST, MAX_REPLY_MOST, &value, error)) {
        g_prefix_error(error, "[" MAIN_GROUP "] max-reply: ");
        return FALSE;
    }
    config->max_reply = value;
    return TRUE;
}

static gboolean
read_vm(Config *config, GKeyFile *file, const char *group, GError **error)
{
    static const char *const keys[] = { "address", NULL };
    const char *name = group + strlen(VM_GROUP_PREFIX);
    g_autofree char *text = NULL;
    QmpAddress *address;

    if (!names_check_vm(name, error) || !check_keys(file, group, keys, error))
        return FALSE;
    text = g_key_file_get_string(file, group, "address", error);
    address = text ? qmp_address_parse(text, error) : NULL;
    if (!address) {
        g_prefix_error(error, "[%s]: ", group);
        return FALSE;
    }
    ConfigVm *vm = g_new0(ConfigVm, 1);
    vm->name = g_strdup(name);
    vm->address = address;
    g_ptr_array_add(config->vms, vm);
    return TRUE;
}

static gboolean
read_group(Config *config, GKeyFile *file, const char *group, GError **error)
{
    if (g_str_equal(group, MAIN_GROUP))
        return read_main(config, file, error);
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
    config->vms = g_ptr_array_new_with_free_func(config_vm_free);
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
