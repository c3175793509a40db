/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's store for descriptors, which outlives the process. A host may have none. */
#pragma once

#include "management-module.h"

/* Keeps a duplicate of @fd under a new name (owned), by which it is dropped, or taken by the next process. NULL: it is not kept.
 * @is_only_one: as for keep_fd(). */
char *host_store_keep(const ManagementHost *host, int fd, gboolean is_only_one);

/* -1: nothing of that name was kept. */
int host_store_take(const ManagementHost *host, const char *name);

/* @name: NULL: nothing was kept. */
void host_store_drop(const ManagementHost *host, const char *name);
