/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names that a caller has given to descriptors (getfd). A monitor has one set of them: where callers share it, each
 * caller's names are others in QEMU. */
#pragma once

#include <json-glib/json-glib.h>

typedef struct FdNames FdNames;

/* @number: of the caller, among those of the VM. */
FdNames *fd_names_new(guint number);
void fd_names_free(FdNames *names);

void fd_names_add(FdNames *names, const char *name);
void fd_names_remove(FdNames *names, const char *name);
void fd_names_clear(FdNames *names);
gboolean fd_names_is_empty(FdNames *names);

/* @arguments as they are to be sent on a shared monitor: the caller's names have become those in QEMU, wherever a command
 * takes one (`fdname`, `fd`, `fds`, `vhostfd`, `vhostfds`, `str` of a socket's address, `fd:NAME` as a URI). The result is
 * a new reference. */
JsonNode *fd_names_translate(FdNames *names, const char *command, JsonNode *arguments);

/* Copies of all names. */
GPtrArray *fd_names_dup(FdNames *names);
