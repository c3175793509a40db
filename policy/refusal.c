/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "refusal.h"

#include "bus-peer.h"

void
refusal_set_error(const Refusal *refusal, BusErrorCode code, GError **error)
{
    g_autofree char *who =
        refusal->uid == BUS_PEER_NO_ID ? g_strdup(refusal->caller) : g_strdup_printf("User %u", refusal->uid);
    g_autofree char *where = refusal->vm ? g_strdup_printf(" on the VM \"%s\"", refusal->vm) : g_strdup("");

    g_set_error(error, BUS_ERROR, (int)code, "%s may not call %s%s: %s", who, refusal->command, where, refusal->why);
}
