/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The memory file that a QEMU writes a picture of its screen to, and the sealed copy that a caller gets. The copy is nobody's but
 * the caller's: QEMU may keep its file open, and the file serves for the next picture then. */
#pragma once

#include <glib.h>

/* Bytes of a picture. That of an 8k screen (7680 x 4320) has 100 MB as PPM. */
#define PICTURE_MAX_SIZE (128u * 1024 * 1024)

typedef struct PictureFile PictureFile;

/* Empty. Fails with BUS_ERROR_LIMITS_EXCEEDED. */
PictureFile *picture_file_new(GError **error);
void picture_file_free(PictureFile *file);

/* A descriptor to write with, for QEMU; owned. All of them share one position. -1: the agent has no descriptors left. */
int picture_file_dup_writer(PictureFile *file);

/* Empty again, for another picture by the same descriptors. */
void picture_file_reset(PictureFile *file);

/* Whether more was written than a picture has. From then on the file cannot grow any more, and is of no use. */
gboolean picture_file_check_size(PictureFile *file);

typedef struct PictureCopy PictureCopy;

/* Once, unless freed; never from inside. @fd: sealed, read-only, from its beginning, owned by whoever is told; -1 with @error:
 * BUS_ERROR_LIMITS_EXCEEDED, or QMP_ERROR_PROTOCOL where what there is does not begin as @magic does. */
typedef void (*PictureCopyFunc)(int fd, const GError *error, gpointer user_data);

/* Copies @file a piece at a time, with the main loop free in between. @file must not change meanwhile, and outlive it. */
PictureCopy *picture_copy_new(GMainContext *context, PictureFile *file, const char *magic, PictureCopyFunc func,
                              gpointer user_data);
void picture_copy_free(PictureCopy *copy);
