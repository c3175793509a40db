/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may do what. Deny by default: a caller is allowed only where a rule below says so. */
#pragma once

#include <glib.h>

#include "bus-peer.h"

/* A question to the policy: may @peer do this? Nothing in it is kept. */
typedef struct PolicyRequest {
    const BusPeer *peer; /* the caller, with the uid that the bus vouches for */
    const char *command; /* what they want to do: a QMP command, or a method's name */
    const char *vm; /* the name of the VM they want to do it to, or NULL */
    guint32 owner_uid; /* the user whose thing it is: the owner of a VM could attach a debugger to it */
    guint32 friend_uid; /* another user who may, for example who added the VM; BUS_PEER_NO_ID: nobody */
} PolicyRequest;

/* TRUE: allowed. FALSE: refused, with BUS_ERROR_ACCESS_DENIED that says who was refused what. A caller whose uid
 * the bus does not tell is refused. */
gboolean policy_allows(const PolicyRequest *request, GError **error);
