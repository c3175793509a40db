/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gate.h"

#include "errors.h"
#include "vm-object.h"

GateAnswer
gate_ask(VmObject *object, const GateQuestion *question, GateFunc func, gpointer user_data, GateTicket **ret_ticket,
         GError **error)
{
    Vm *vm = vm_object_get_vm(object);
    PolicyRequest request = {
        .peer = question->peer,
        .command = question->command,
        .vm = vm_get_name(vm),
        .owner_uid = vm_get_owner_uid(vm),
        .friend_uid = BUS_PEER_NO_ID,
    };

    return policy_allows(&request, error) ? GATE_OPEN : GATE_SHUT;
}

void
gate_ticket_cancel(GateTicket *ticket)
{
}

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
