/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by VmState; owns nothing. */
#include "host-store.h"

/* A host of before has no store. */
static gboolean
has_store(const ManagementHost *host)
{
    return host->size >= G_STRUCT_OFFSET(ManagementHost, take_fd) + sizeof host->take_fd && host->keep_fd;
}

char *
host_store_keep(const ManagementHost *host, int fd, gboolean is_only_one)
{
    g_autofree char *name = g_strdup_printf("vm-%08x%08x", g_random_int(), g_random_int());

    return has_store(host) && host->keep_fd(host->data, name, fd, is_only_one) ? g_steal_pointer(&name) : NULL;
}

int
host_store_take(const ManagementHost *host, const char *name)
{
    return has_store(host) ? host->take_fd(host->data, name) : -1;
}

void
host_store_drop(const ManagementHost *host, const char *name)
{
    if (name && has_store(host))
        host->drop_fd(host->data, name);
}
