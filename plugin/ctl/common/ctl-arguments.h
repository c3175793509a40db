/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QMP command's arguments as words of a command line:
 *
 *     KEY=VALUE     of the type that the VM's schema has for KEY. Members of objects and elements of arrays are KEY.NAME and
 *                   KEY.0, as on QEMU's command line; booleans are on and off, true and false; integers may end in K, M, G or T.
 *     KEY:=JSON     exactly this value
 *     {…}           all arguments, the text of one JSON object
 *     @FILE         a descriptor that goes with the command
 */
#pragma once

#include "ctl-schema.h"

/* @schema: called when a bare word's type must be known. Returns the text of a JSON object, or NULL with @error, which names the
 * word. @ret_file: the FILE of an `@FILE`, NULL where there is none; borrowed from @words. */
char *ctl_read_arguments(Ctl *ctl, const char *path, const char *command, char **words, const char **ret_file, GError **error);

/* Likewise, with a schema that is there already. */
char *ctl_read_arguments_by(const CtlSchema *schema, const char *command, char **words, const char **ret_file, GError **error);
