/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <string.h>

#include "bus-error.h"
#include "config-value.h"
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

static void
config_vm_free(gpointer data)
{
    ConfigVm *vm = data;

    g_free(vm->name);
    g_clear_pointer(&vm->address, qmp_address_free);
    g_clear_pointer(&vm->spares, g_ptr_array_unref);
    g_free(vm);
}

static void
config_problem_free(gpointer data)
{
    ConfigProblem *problem = data;

    g_free(problem->vm);
    g_free(problem->text);
    g_free(problem);
}

/* One group while it is read. */
typedef struct Reading {
    GKeyFile *file; /* weak */
    KeyFileLines *lines; /* weak; NULL: the file's name is not known */
    const char *group; /* weak */
    const char *key; /* weak; that it is about; NULL: the group itself */
    Config *config; /* weak */
    ConfigVm *vm; /* weak; NULL in the main group */
} Reading;

/* A key that a group may have. */
typedef struct KeyRow {
    const char *name;
    /* Errors say what is wrong with the value. */
    gboolean (*read)(const Reading *reading, const char *text, GError **error);
    /* Whoever wrote it wants to be safe from something: nothing goes on without what they meant. */
    gboolean is_protecting;
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

static gboolean
read_isolation_key(const Reading *reading, const char *text, GError **error)
{
    if (reading->vm)
        reading->vm->isolation_is_default = FALSE;
    return config_value_read_isolation(
        text, reading->vm ? &reading->vm->isolation_required : &reading->config->isolation_required, error);
}

static gboolean
read_owner(const Reading *reading, const char *text, GError **error)
{
    return config_value_read_word(text, "allow", "polkit", &reading->config->owner_needs_polkit, error);
}

static gboolean
read_audit(const Reading *reading, const char *text, GError **error)
{
    return config_value_read_word(text, "changes", "all", &reading->config->audit_all, error);
}

static gboolean
read_address_key(const Reading *reading, const char *text, GError **error)
{
    /* A key may stand twice, and the last one counts. */
    g_clear_pointer(&reading->vm->address, qmp_address_free);
    reading->vm->address = qmp_address_parse(text, error);
    return reading->vm->address != NULL;
}

static gboolean
read_vm_spares(const Reading *reading, const char *text, GError **error)
{
    g_auto(GStrv) spares = g_key_file_get_string_list(reading->file, reading->group, reading->key, NULL, NULL);

    g_clear_pointer(&reading->vm->spares, g_ptr_array_unref);
    reading->vm->spares = config_value_read_spares((const char *const *)spares, error);
    return reading->vm->spares != NULL;
}

static gboolean
read_vm_user(const Reading *reading, const char *text, GError **error)
{
    reading->vm->has_user = config_value_read_user(text, &reading->vm->user, error);
    return reading->vm->has_user;
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

/* The end of the error about a key that is not among @rows: all that are, and the one that was probably meant. */
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
find_key_row(const KeyRow *rows, const char *key, GError **error)
{
    for (const KeyRow *row = rows; row->name; row++)
        if (g_str_equal(row->name, key))
            return row;
    g_autofree char *known = describe_keys(rows, key);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "there is no such key; there are %s", known);
    return NULL;
}

/* "FILE:LINE: [GROUP] KEY: " before the error. */
static void
prefix_place(const Reading *reading, GError **error)
{
    if (reading->key)
        g_prefix_error(error, "[%s] %s: ", reading->group, reading->key);
    else
        g_prefix_error(error, "[%s]: ", reading->group);
    if (reading->lines)
        key_file_lines_prefix_error(reading->lines, error, reading->group, reading->key);
}

/* Takes @error. */
static void
add_problem(const Reading *reading, gboolean is_error, GError *error)
{
    ConfigProblem *problem = g_new0(ConfigProblem, 1);

    prefix_place(reading, &error);
    problem->is_error = is_error;
    problem->vm = reading->vm ? g_strdup(reading->vm->name) : NULL;
    problem->text = g_strdup(error->message);
    g_ptr_array_add(reading->config->problems, problem);
    g_error_free(error);
}

static const KeyRow main_rows[] = {
    { "audit", read_audit, FALSE },
    { "idle-timeout", read_idle_timeout, FALSE },
    { "isolation", read_isolation_key, TRUE },
    { "max-monitors", read_max_monitors, FALSE },
    { "max-reply", read_max_reply, FALSE },
    { "owner", read_owner, TRUE },
    { 0 },
};

static const KeyRow vm_rows[] = {
    { "address", read_address_key, FALSE },
    { "isolation", read_isolation_key, TRUE },
    { "spares", read_vm_spares, FALSE },
    { "user", read_vm_user, FALSE },
    { 0 },
};

/* Whether a key that is unknown where it stands probably means one that protects: `ownr`, or `owner` in the wrong group. */
static gboolean
means_protecting_key(const char *key)
{
    Nearest nearest;
    const char *meant;

    nearest_init(&nearest, key);
    for (const KeyRow *row = main_rows; row->name; row++)
        nearest_offer(&nearest, row->name);
    for (const KeyRow *row = vm_rows; row->name; row++)
        nearest_offer(&nearest, row->name);
    meant = nearest_get(&nearest);
    for (const KeyRow *row = main_rows; meant && row->name; row++)
        if (row->is_protecting && g_str_equal(row->name, meant))
            return TRUE;
    return FALSE;
}

/* Nobody is left unprotected by a key that stands in a group which nobody reads. */
static gboolean
check_unknown_group(Reading *reading, GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(reading->file, reading->group, NULL, NULL);
    g_autoptr(GError) problem =
        g_error_new(BUS_ERROR, BUS_ERROR_INVALID_ARGS,
                    "there is no such group; there are [" MAIN_GROUP "] and [" VM_GROUP_PREFIX "NAME]");

    for (char **key = keys; *key; key++) {
        if (!means_protecting_key(*key))
            continue;
        reading->key = *key;
        prefix_place(reading, &problem);
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    add_problem(reading, /* is_error= */ FALSE, g_steal_pointer(&problem));
    return TRUE;
}

/* @ret_is_whole: whether every value could be read. Fails where one that protects could not, or where its key is misspelt. */
static gboolean
read_keys(Reading *reading, const KeyRow *rows, gboolean *ret_is_whole, GError **error)
{
    g_auto(GStrv) keys = g_key_file_get_keys(reading->file, reading->group, NULL, NULL);

    *ret_is_whole = TRUE;
    for (char **key = keys; *key; key++) {
        g_autofree char *text = g_key_file_get_string(reading->file, reading->group, *key, NULL);
        g_autoptr(GError) problem = NULL;
        reading->key = *key;
        const KeyRow *row = find_key_row(rows, *key, &problem);
        if (row && row->read(reading, text ? text : "", &problem))
            continue;
        if (row ? row->is_protecting : means_protecting_key(*key)) {
            prefix_place(reading, &problem);
            g_propagate_error(error, g_steal_pointer(&problem));
            return FALSE;
        }
        *ret_is_whole &= !row;
        add_problem(reading, /* is_error= */ row != NULL, g_steal_pointer(&problem));
    }
    reading->key = NULL;
    return TRUE;
}

/* A VM without a usable name is no VM. */
static ConfigVm *
config_vm_new(const Config *config, const char *name, GError **error)
{
    ConfigVm *vm;

    if (!names_check_vm(name, error))
        return NULL;
    vm = g_new0(ConfigVm, 1);
    vm->name = g_strdup(name);
    vm->isolation_required = config->isolation_required;
    vm->user = geteuid();
    vm->isolation_is_default = TRUE;
    vm->spares = config_value_read_spares(/* addresses= */ NULL, NULL);
    return vm;
}

/* Takes the VM up, or says why not. Fails as read_keys(). */
static gboolean
read_vm(Reading *reading, GError **error)
{
    g_autoptr(GError) problem = NULL;
    ConfigVm *vm = reading->vm = config_vm_new(reading->config, reading->group + strlen(VM_GROUP_PREFIX), &problem);
    gboolean is_whole = FALSE, may_go_on = TRUE;

    if (vm)
        may_go_on = read_keys(reading, vm_rows, &is_whole, error);
    if (may_go_on && is_whole && !vm->address) {
        g_autofree char *known = list_keys(vm_rows);
        problem = g_error_new(BUS_ERROR, BUS_ERROR_INVALID_ARGS, "its `address` is missing; the keys are %s", known);
    }
    if (may_go_on && is_whole && vm->address && vm->has_user)
        is_whole = config_value_check_user(vm->address, &problem);
    if (problem)
        add_problem(reading, /* is_error= */ TRUE, g_steal_pointer(&problem));
    if (may_go_on && is_whole && vm->address)
        g_ptr_array_add(reading->config->vms, vm);
    else if (vm)
        config_vm_free(vm);
    return may_go_on;
}

static gboolean
read_group(Reading *reading, GError **error)
{
    if (g_str_equal(reading->group, MAIN_GROUP))
        return TRUE; /* has been read first */
    if (g_str_has_prefix(reading->group, VM_GROUP_PREFIX))
        return read_vm(reading, error);
    return check_unknown_group(reading, error);
}

/* A group that was copied and not renamed takes another one's place: both are one to GLib. */
static void
add_repeated_key(const char *group, const char *key, guint first, gpointer user_data)
{
    Reading reading = *(const Reading *)user_data;

    reading.group = group;
    reading.key = key;
    add_problem(&reading, /* is_error= */ FALSE,
                g_error_new(BUS_ERROR, BUS_ERROR_INVALID_ARGS, "stands in line %u already; the last one counts", first));
}

/* The group that holds for all is read first, wherever it stands. */
static gboolean
read_groups(Config *config, GKeyFile *file, const char *path, GError **error)
{
    g_auto(GStrv) groups = g_key_file_get_groups(file, NULL);
    g_autoptr(KeyFileLines) lines = path ? key_file_lines_new(path) : NULL;
    Reading main_group = { .file = file, .lines = lines, .group = MAIN_GROUP, .config = config };
    gboolean is_whole;

    if (g_key_file_has_group(file, MAIN_GROUP) && !read_keys(&main_group, main_rows, &is_whole, error))
        return FALSE;
    for (char **group = groups; *group; group++) {
        Reading reading = { .file = file, .lines = lines, .group = *group, .config = config };
        if (!read_group(&reading, error))
            return FALSE;
    }
    if (lines)
        key_file_lines_foreach_repeated(lines, add_repeated_key, &main_group);
    return TRUE;
}

Config *
config_new(GKeyFile *key_file, const char *path, GError **error)
{
    g_autoptr(Config) config = g_new0(Config, 1);

    config->max_reply = MAX_REPLY_DEFAULT;
    config->idle_timeout = IDLE_TIMEOUT_DEFAULT;
    config->max_monitors = MAX_MONITORS_DEFAULT;
    config->vms = g_ptr_array_new_with_free_func(config_vm_free);
    config->problems = g_ptr_array_new_with_free_func(config_problem_free);
    return !key_file || read_groups(config, key_file, path, error) ? g_steal_pointer(&config) : NULL;
}

void
config_free(Config *config)
{
    g_ptr_array_unref(config->vms);
    g_ptr_array_unref(config->problems);
    g_free(config);
}
