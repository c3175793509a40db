/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "screenshot-options.h"

#include <string.h>

#include "bus-error.h"
#include "json-tree.h"
#include "nearest.h"
#include "qmp-error.h"
#include "vardict.h"

/* Bytes of a device's id; people's have some 10. */
#define MAX_DEVICE 512

static const PictureFormat formats[] = {
    { "png", "\x89PNG\r\n\x1a\n", "png" },
    { "ppm", "P6\n", NULL },
};

static gboolean
read_format(DBusMessageIter *value, gpointer options, GError **error)
{
    const char *name;
    Nearest nearest;
    g_autofree char *question = NULL;

    dbus_message_iter_get_basic(value, &name);
    nearest_init(&nearest, name);
    for (guint i = 0; i < G_N_ELEMENTS(formats); i++) {
        nearest_offer(&nearest, formats[i].name);
        if (g_str_equal(name, formats[i].name)) {
            ((ScreenshotOptions *)options)->format = &formats[i];
            return TRUE;
        }
    }
    question = nearest_dup_question(&nearest);
    g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.format: \"%.100s\" is neither `png` nor `ppm`%s",
                name, question);
    return FALSE;
}

static gboolean
read_device(DBusMessageIter *value, gpointer screenshot_options, GError **error)
{
    ScreenshotOptions *options = screenshot_options;
    const char *device;

    dbus_message_iter_get_basic(value, &device);
    if (strlen(device) > MAX_DEVICE) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_INVALID_ARGS, "options.device: %zu bytes, no device's id is that long",
                    strlen(device));
        return FALSE;
    }
    g_free(options->device);
    options->device = g_strdup(device);
    return TRUE;
}

static gboolean
read_head(DBusMessageIter *value, gpointer screenshot_options, GError **error)
{
    ScreenshotOptions *options = screenshot_options;

    options->has_head = TRUE;
    return vardict_read_uint64(value, "head", &options->head, error);
}

static const VardictRow screenshot_rows[] = {
    { "device", "s", "the id of a display device", read_device },
    { "format", "s", "`png` or `ppm`", read_format },
    { "head", "x", "a screen of the device", read_head },
    { 0 },
};

static gboolean
check_screen(const PictureFormat *format, QemuConnection *qemu, GError **error)
{
    if (qemu_connection_is_storage_daemon(qemu)) {
        g_set_error_literal(error, QMP_ERROR, QMP_ERROR_PROTOCOL, "A storage daemon has no screen");
        return FALSE;
    }
    if (!format->argument || qemu_connection_is_at_least(qemu, 7, 1))
        return TRUE;
    g_set_error(error, QMP_ERROR, QMP_ERROR_PROTOCOL,
                "options.format: QEMU %s writes no `%s`, which takes QEMU 7.1; it writes `ppm`",
                qemu_connection_get_version(qemu), format->name);
    return FALSE;
}

gboolean
screenshot_options_read(DBusMessageIter *iter, QemuConnection *qemu, ScreenshotOptions *ret_options, GError **error)
{
    ret_options->format = &formats[0];
    return vardict_read(iter, screenshot_rows, ret_options, error) && check_screen(ret_options->format, qemu, error);
}

void
screenshot_options_clear(ScreenshotOptions *options)
{
    g_clear_pointer(&options->device, g_free);
}

JsonNode *
screenshot_options_make_arguments(const ScreenshotOptions *options, const char *path)
{
    g_autoptr(JsonObject) arguments = json_object_new();

    if (path)
        json_object_set_member(arguments, "filename", json_tree_new_string(path));
    if (options->device)
        json_object_set_member(arguments, "device", json_tree_new_string(options->device));
    if (options->has_head)
        json_object_set_member(arguments, "head", json_tree_new_uint(options->head));
    if (options->format->argument)
        json_object_set_member(arguments, "format", json_tree_new_string(options->format->argument));
    return json_node_init_object(json_node_alloc(), arguments);
}
