/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where in a key file something stands, which GLib does not tell of what it has read. */
#pragma once

#include <glib.h>

/* The line, from 1, of @key in [@group], or of the group itself (NULL); the last one, which counts. 0: there is none. */
guint key_file_find_line(const char *text, const char *group, const char *key);

/* "FILE:LINE: " before the error; only FILE where it cannot be read any more. */
void key_file_prefix_error(GError **error, const char *file, const char *group, const char *key);
