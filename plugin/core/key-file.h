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

/* @group has @key more than once. @first: the line of the first one. */
typedef void (*KeyFileRepeatedFunc)(const char *group, const char *key, guint first, gpointer user_data);

/* Once for each line that repeats a key of its group. GLib reads groups of one name as one group, and takes the last value. */
void key_file_lines_foreach_repeated(KeyFileLines *lines, KeyFileRepeatedFunc func, gpointer user_data);

/* "FILE:LINE: " before the error; only FILE where it cannot be read any more. */
void key_file_lines_prefix_error(KeyFileLines *lines, GError **error, const char *group, const char *key);
