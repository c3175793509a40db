/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where in a key file something stands, which GLib does not tell of what it has read. */
#pragma once

#include <glib.h>

typedef struct KeyFileLines KeyFileLines;

/* Of @file, which is read when the first line is asked for. */
KeyFileLines *key_file_lines_new(const char *file);

/* Of a text. */
KeyFileLines *key_file_lines_new_from_text(const char *text);
void key_file_lines_free(KeyFileLines *lines);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(KeyFileLines, key_file_lines_free)

/* The line, from 1, of @key in [@group], or of the group itself (NULL); the last one, which counts. 0: there is none. */
guint key_file_lines_find(KeyFileLines *lines, const char *group, const char *key);

/* "FILE:LINE: " before the error; only FILE where it cannot be read any more. */
void key_file_lines_prefix_error(KeyFileLines *lines, GError **error, const char *group, const char *key);
