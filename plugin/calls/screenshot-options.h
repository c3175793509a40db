/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options of Screenshot(): how they are read, and the arguments that screendump gets for them. */
#pragma once

#include <json-glib/json-glib.h>

#include "bus-libdbus.h"
#include "qemu-connection.h"

typedef struct PictureFormat {
    const char *name;
    const char *magic; /* at the beginning of each such file */
    const char *argument; /* of screendump; NULL: none, which every QEMU understands */
} PictureFormat;

typedef struct ScreenshotOptions {
    const PictureFormat *format;
    char *device; /* owned; NULL: the first */
    guint64 head;
    gboolean has_head;
} ScreenshotOptions;

/* Zeroed memory; to be cleared also where this fails, with BUS_ERROR_INVALID_ARGS, or QMP_ERROR_PROTOCOL where @qemu cannot write
 * the format. @iter: as for vardict_read(). */
gboolean screenshot_options_read(DBusMessageIter *iter, QemuConnection *qemu, ScreenshotOptions *ret_options,
                                 GError **error);
void screenshot_options_clear(ScreenshotOptions *options);

/* The arguments of screendump; owned. @path: NULL: none, for the policy: the file is none of the caller's. */
JsonNode *screenshot_options_make_arguments(const ScreenshotOptions *options, const char *path);
