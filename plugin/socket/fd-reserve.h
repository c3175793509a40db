/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process's last descriptors are kept free for the message bus: libdbus leaves the bus when a message brings descriptors that
 * the process has no room for, and any caller may send such a message. A file that stays open for longer than one function
 * comes through here; the kernel always gives the lowest free number, so the number tells how many are left. */
#pragma once

#include <glib.h>

/* @fd: what the kernel has just given, or -1 with errno. Gives @fd back; -1, with EMFILE in errno and @fd closed, where it is one of
 * the bus's. */
int fd_reserve_pass(int fd);

/* The same of two, as of socketpair(): whether both may be kept; if not, both are closed. @result: what the kernel returned. */
gboolean fd_reserve_pass_pair(int result, const int fds[2]);

/* Whether one more would be let through; if not, errno says why. For accept(), by which a connection that must wait would be lost.
 * @fd: any that is open. */
gboolean fd_reserve_has_room(int fd);
