/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Modules that an agent must refuse, one a build: wrong in their symbol's name (BAD_SYMBOL), their ABI number
 * (BAD_ABI) or their size (BAD_SIZE). Loaded by test-agent.py; never started. */
#include <gmodule.h>

#include "management-module.h"

extern const ManagementModule BAD_SYMBOL;

static gpointer
start(const ManagementHost *host, GError **error)
{
    g_abort();
}

static void
stop(gpointer instance)
{
    g_abort();
}

G_MODULE_EXPORT const ManagementModule BAD_SYMBOL = {
    .abi = BAD_ABI,
    .size = BAD_SIZE,
    .name = "bad",
    .description = "Must not be started",
    .start = start,
    .stop = stop,
};
