/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names that a caller has given to descriptors (getfd). A monitor has one set of them, and keeps it beyond a
 * connection (7.2 to 11.1): so that nobody who comes by the same monitor finds another's, each caller's names begin in
 * QEMU with something that cannot be guessed. */
#pragma once

#include <json-glib/json-glib.h>

typedef struct FdNames FdNames;

FdNames *fd_names_new(void);
void fd_names_free(FdNames *names);

void fd_names_add(FdNames *names, const char *name);
void fd_names_remove(FdNames *names, const char *name);
void fd_names_clear(FdNames *names);
gboolean fd_names_is_empty(FdNames *names);
gboolean fd_names_is_full(FdNames *names); /* no name can be added */

/* @arguments as they are to be sent: the caller's names have become those in QEMU, wherever a command of QEMU 7.2 to 11.1
 * takes one (`fdname`, `fd`, `fds`, `vhostfd`, `vhostfds`, `sock-fds`, `str` of a socket's address, and `fd:NAME` in `uri` and
 * `protocol`). The result is a new reference.
 * @ret_used: owned, of strings: the names that QEMU forgets if the command succeeds; NULL: none. */
JsonNode *fd_names_translate(FdNames *names, const char *command, JsonNode *arguments, GPtrArray **ret_used);

/* Whether @text may hold a name as it is in QEMU, of any caller. */
gboolean fd_names_are_in(const char *text);

/* An error's text as the caller knows the names; NULL: as it is. */
char *fd_names_translate_back(FdNames *names, const char *text);

/* Copies of all names. */
GPtrArray *fd_names_dup(FdNames *names);
