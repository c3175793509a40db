/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file that only the agent can have written, in a directory of its own below the run directory. The run directory may be
 * writable for a group (sticky, so that nobody removes what is another's): whoever is in it can make a file of any name there,
 * but not in a directory that is the agent's, 0700, and that it makes itself or finds so. Stateless. */
#pragma once

#include <glib.h>

/* Whether something of the directory's name is there, or may be: it cannot be looked at. */
gboolean state_file_has_directory(const char *run_directory);

/* The directory's path; NULL with an error where it cannot be had, or is somebody else's. To be freed. */
char *state_file_make_directory(const char *run_directory, GError **error);

/* Takes the directory for this process alone, until it closes *@lock (-1: none yet), which is replaced where the directory is another by
 * now. Fails with G_FILE_ERROR_AGAIN where another agent has taken it. */
gboolean state_file_lock(const char *directory, int *lock, GError **error);

/* Whether the directory is still the one that was taken with @lock (-1: none), and can be trusted. */
gboolean state_file_is_locked(const char *run_directory, int lock);

/* Closes *@lock if the directory has been removed, or moved: the kernel tells of the end of the run directory (inotify) when nobody has
 * anything in it open. Whether it has. */
gboolean state_file_unlock_moved(const char *run_directory, int *lock);

/* The text; NULL without an error: there is none. Fails where the file is not the agent's own, for nobody else to write, or has more
 * than @max bytes. */
char *state_file_read(const char *path, gsize max, GError **error);

/* Gives what is there a second name, so that no state_file_write() is the end of it: *@ret_aside, to be freed; NULL: nothing is there.
 * Fails where there are too many of these names. */
gboolean state_file_set_aside(const char *path, char **ret_aside, GError **error);

/* Puts @text in the place of what is there: all of it or, with an error, nothing. */
gboolean state_file_write(const char *path, const char *text, gsize length, GError **error);

/* Puts @text behind what is there, in the directory that was taken with @lock; with an error perhaps a part of it. */
gboolean state_file_append(int lock, const char *path, const char *text, gsize length, GError **error);
