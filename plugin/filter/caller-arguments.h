/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A caller's arguments as QEMU gets them: with what tells theirs from others'. */
#pragma once

#include "fd-names.h"

/* The text, owned; NULL: there are none. @arguments: an object, or NULL. @tag: of fdsets. @ret_used: as
 * fd_names_translate(). */
char *caller_arguments_write(const char *command, JsonNode *arguments, FdNames *names, const char *tag,
                             GPtrArray **ret_used);
