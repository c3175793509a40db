/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "bus-error.h"
#include "key-file.h"
#include "names.h"
#include "nearest.h"

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

/* One group while it is read. */
typedef struct Reading {
    GKeyFile *file; /* weak */
    const char *group; /* weak */
    const char *key; /* weak; that it is about */
    Config *config; /* weak */
    ConfigVm *vm; /* weak; NULL in the main group */
} Reading;

/* A key that a group may have. */
typedef struct KeyRow {
    const char *name;
    /* Errors say what is wrong with the value. */
    gboolean (*read)(const Reading *reading, const char *text, GError **error);
} KeyRow;

static gboolean
read_number(const char *text, guint64 least, guint64 most, gsize *value, GError **error)
{
    guint64 number;

    if (!g_ascii_string_to_unsigned(text, 10, least, most, &number, error))
        return FALSE;
    *value = number;
    return TRUE;
}

static gboolean
read_max_reply(const Reading *reading, const char *text, GError **error)
{
    return read_number(text, MAX_REPLY_LEAST, MAX_REPLY_MOST, &reading->config->max_reply, error);
}

static gboolean
read_max_monitors(const Reading *reading, const char *text, GError **error)
{
    gsize max_monitors;

    if (!read_number(text, 1, MAX_MONITORS_MOST, &max_monitors, error))
        return FALSE;
    reading->config->max_monitors = (guint)max_monitors;
    return TRUE;
}

static gboolean
read_idle_timeout(const Reading *reading, const char *text, GError **error)
{
    char *end;
    double seconds = g_ascii_strtod(text, &end);

    if (end == text || *end || !(seconds >= IDLE_TIMEOUT_LEAST && seconds <= IDLE_TIMEOUT_MOST)) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "\"%s\" is no number of seconds from %g to %g", text,
                    IDLE_TIMEOUT_LEAST, IDLE_TIMEOUT_MOST);
        return FALSE;
    }
    reading->config->idle_timeout = (guint64)(seconds * G_TIME_SPAN_SECOND);
    return TRUE;
}

/* One of two words. */
static gboolean
read_word(const char *text, const char *no, const char *yes, gboolean *ret_yes, GError **error)
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
config_read_isolation(const char *word, gboolean *ret_required, GError **error)
{
    return read_word(word, "preferred", "required", ret_required, error);
}

static gboolean
read_isolation(const Reading *reading, const char *text, GError **error)
{
    return config_read_isolation(
        text, reading->vm ? &reading->vm->isolation_required : &reading->config->isolation_required, error);
}

static gboolean
read_owner(const Reading *reading, const char *text, GError **error)
{
    return read_word(text, "allow", "polkit", &reading->config->owner_needs_polkit, error);
}

static gboolean
read_audit(const Reading *reading, const char *text, GError **error)
{
    return read_word(text, "changes", "all", &reading->config->audit_all, error);
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

static gboolean
read_address(const Reading *reading, const char *text, GError **error)
{
    reading->vm->address = qmp_address_parse(text, error);
    return reading->vm->address != NULL;
}

static gboolean
read_vm_spares(const Reading *reading, const char *text, GError **error)
{
    g_auto(GStrv) spares = g_key_file_get_string_list(reading->file, reading->group, reading->key, NULL, NULL);

    g_clear_pointer(&reading->vm->spares, g_ptr_array_unref);
    reading->vm->spares = config_read_spares((const char *const *)spares, error);
    return reading->vm->spares != NULL;
}

static char *
list_keys(const KeyRow *rows)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new();

    for (; rows->name; rows++)
        g_ptr_array_add(names, (gpointer)rows->name);
    g_ptr_array_add(names, NULL);
    return g_strjoinv(", ", (char **)names->pdata);
}

/* What the error about a key that is not among @rows ends with: all that are, and the one that was probably meant. */
static char *
describe_keys(const KeyRow *rows, const char *key)
{
    g_autofree char *known = list_keys(rows), *question = NULL;
    Nearest nearest;

    nearest_init(&nearest, key);
    for (; rows->name; rows++)
        nearest_offer(&nearest, rows->name);
    question = nearest_dup_question(&nearest);
    return g_strconcat(known, question, NULL);
}

static const KeyRow *
find_row(const KeyRow *rows, const char *key, GError **error)
{
    for (const KeyRow *row = rows; row->name; row++)
        if (g_str_equal(row->name, key))
            return row;
    g_autofree char *known = describe_keys(rows, key);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "there is no such key; there are %s", known);
    return NULL;
}

static gboolean
read_key(const Reading *reading, const KeyRow *rows, GError **error)
{
    g_autofree char *text = g_key_file_get_string(reading->file, reading->group, reading->key, NULL);
    const KeyRow *row = find_row(rows, reading->key, error);

    if (row && row->read(reading, text ? text : "", error))
        return TRUE;
    g_prefix_error(error, "[%s] %s: ", reading->group, reading->key);
    return FALSE;
}

/* @ret_key: where an error is. */
static gboolean
read_keys(Reading *reading, const KeyRow *rows, char **ret_key, GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(reading->file, reading->group, NULL, NULL);

    for (char **key = keys; *key; key++) {
        reading->key = *key;
        if (read_key(reading, rows, error))
            continue;
        *ret_key = g_strdup(*key);
        return FALSE;
    }
    return TRUE;
}

static gboolean
read_main(Config *config, GKeyFile *file, char **ret_key, GError **error)
{
    static const KeyRow rows[] = {
        { "audit", read_audit },
        { "idle-timeout", read_idle_timeout },
        { "isolation", read_isolation },
        { "max-monitors", read_max_monitors },
        { "max-reply", read_max_reply },
        { "owner", read_owner },
        { 0 },
    };
    Reading reading = { .file = file, .group = MAIN_GROUP, .config = config };

    return read_keys(&reading, rows, ret_key, error);
}

static gboolean
read_vm(Config *config, GKeyFile *file, const char *group, char **ret_key, GError **error)
{
    static const KeyRow rows[] = {
        { "address", read_address },
        { "isolation", read_isolation },
        { "spares", read_vm_spares },
        { 0 },
    };
    const char *name = group + strlen(VM_GROUP_PREFIX);
    ConfigVm *vm;

    if (!names_check_vm(name, error)) {
        g_prefix_error(error, "[%s]: ", group);
        return FALSE;
    }
    vm = g_new0(ConfigVm, 1);
    g_ptr_array_add(config->vms, vm);
    vm->name = g_strdup(name);
    vm->isolation_required = config->isolation_required;
    vm->spares = config_read_spares(/* addresses= */ NULL, NULL);
    Reading reading = { .file = file, .group = group, .config = config, .vm = vm };
    if (!read_keys(&reading, rows, ret_key, error))
        return FALSE;
    if (!vm->address)
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "[%s]: its `address` is missing", group);
    return vm->address != NULL;
}

static gboolean
read_group(Config *config, GKeyFile *file, const char *group, char **ret_key, GError **error)
{
    if (g_str_equal(group, MAIN_GROUP))
        return TRUE; /* has been read first */
    if (g_str_has_prefix(group, VM_GROUP_PREFIX))
        return read_vm(config, file, group, ret_key, error);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                "[%s]: there is no such group; there are [" MAIN_GROUP "] and [" VM_GROUP_PREFIX "NAME]", group);
    return FALSE;
}

/* The group that holds for all is read first, wherever it stands. */
static gboolean
read_groups(Config *config, GKeyFile *file, char **ret_group, char **ret_key, GError **error)
{
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);

    if (g_key_file_has_group(file, MAIN_GROUP) && !read_main(config, file, ret_key, error)) {
        *ret_group = g_strdup(MAIN_GROUP);
        return FALSE;
    }
    for (char **group = groups; *group; group++) {
        if (read_group(config, file, *group, ret_key, error))
            continue;
        *ret_group = g_strdup(*group);
        return FALSE;
    }
    return TRUE;
}

Config *
config_new(GKeyFile *key_file, const char *path, GError **error)
{
    g_autoptr(Config) config = g_new0(Config, 1);
    g_autofree char *group = NULL, *key = NULL;

    config->max_reply = MAX_REPLY_DEFAULT;
    config->idle_timeout = IDLE_TIMEOUT_DEFAULT;
    config->max_monitors = MAX_MONITORS_DEFAULT;
    config->vms = g_ptr_array_new_with_free_func(config_vm_free);
    if (!key_file || read_groups(config, key_file, &group, &key, error))
        return g_steal_pointer(&config);
    if (path)
        key_file_prefix_error(error, path, group, key);
    return NULL;
}

void
config_free(Config *config)
{
    g_ptr_array_unref(config->vms);
    g_free(config);
}
