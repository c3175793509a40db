/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration that the agent hands to its modules: one key file each. Stateless. */
#pragma once

#include <glib.h>

/* Reads DIRECTORY/NAME.conf, @ret_path, into @ret_key_file; both are the caller's, and NULL where there is no such file. FALSE
 * with @error, which names the file and the line, where it cannot be read or understood. */
gboolean agent_config_load(const char *directory, const char *name, GKeyFile **ret_key_file, char **ret_path,
                           GError **error);
