/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directory in which sockets of VMs are found, and the agent's own are made. */
#pragma once

#include "management-module.h"

/* Where it is: $XDG_RUNTIME_DIR/qemu-monitor on a session bus, /run/qemu-monitor on the system bus. NULL: the environment does not
 * tell. */
char *run_directory_dup_path(const ManagementHost *host);

/* Makes it if it is not there. FALSE: it cannot be made, or somebody may write to it who must not. */
gboolean run_directory_make(const ManagementHost *host, const char *path, GError **error);
