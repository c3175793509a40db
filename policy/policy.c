/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "policy.h"

#include "bus-error.h"

gboolean
policy_allows(const PolicyRequest *request, GError **error)
{
    guint32 uid = request->peer->uid;
    g_autofree char *who = NULL;
    g_autofree char *where = NULL;

    if (uid != BUS_PEER_NO_ID && (uid == request->owner_uid || uid == request->friend_uid))
        return TRUE;
    who = uid == BUS_PEER_NO_ID ? g_strdup_printf("%s, whom the bus cannot name,", request->peer->name)
                                : g_strdup_printf("User %u", uid);
    where = request->vm ? g_strdup_printf(" on the VM \"%s\"", request->vm) : g_strdup("");
    g_set_error(error, BUS_ERROR, BUS_ERROR_ACCESS_DENIED, "%s may not call %s%s", who, request->command, where);
    return FALSE;
}
