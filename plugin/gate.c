/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gate.h"

#include "errors.h"

gboolean
gate_pass(BusCall *call, PolicyRequest request)
{
    g_autoptr(GError) error = NULL;

    request.peer = bus_call_get_peer(call);
    if (policy_allows(&request, &error))
        return TRUE;
    errors_fail(call, error);
    return FALSE;
}
