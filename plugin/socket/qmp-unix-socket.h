/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's calls for a Unix address, paths that have no room in sun_path and abstract names included. Part of
 * QmpConnector. */
#pragma once

#include <sys/stat.h>

#include "qmp-address.h"

/* Whose file an address may lead to, where its path is a link. */
typedef enum QmpLinkRule {
    QMP_LINK_TO_ANY, /* whoever gave the address may lead anywhere */
    QMP_LINK_TO_OWN, /* a link of root's or the agent's own may; one of another user's leads to a socket of that user's */
} QmpLinkRule;

/* Connects the socket @fd. 0, or an errno: EXDEV where @rule forbids the link. A Unix socket connects at once or not at all. */
int qmp_unix_socket_connect(const QmpAddress *address, QmpLinkRule rule, int fd);

/* Binds @fd, with mode 0600 where it is a path, and over a socket that nobody listens on any more. NULL, or why it did not
 * work; also where the path is long, and the socket's own name as well (82 bytes). */
const char *qmp_unix_socket_bind(const QmpAddress *address, int fd);

/* Lets the user @uid connect to the socket @name, which the caller has just made in @directory (a descriptor, or AT_FDCWD) with
 * mode 0600: the file becomes that user's, or, where the agent may not give files away (no CAP_CHOWN), an entry of its access
 * control list names the user. Whatever else stands there by now is left alone. FALSE with errno set. @ret_status: of the
 * socket; unchanged where it is not the one that was made. */
gboolean qmp_unix_socket_give(int directory, const char *name, guint32 uid, struct stat *ret_status);

/* The uid of the process at the other end of a Unix socket (SO_PEERCRED). FALSE where the kernel cannot know (TCP). */
gboolean qmp_peer_get_uid(int fd, guint32 *ret_uid);

/* The process that listens, or has connected, at the other end of a Unix socket. FALSE where the kernel cannot know: TCP, a
 * pair, a process outside of our PID namespace. */
gboolean qmp_peer_get_pid(int fd, guint32 *ret_pid);
