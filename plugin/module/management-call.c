/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Made by the Manager's methods that are gated; owns the call until it is answered. */
#include "management-call.h"

#include <unistd.h>

#include "errors.h"
#include "qmp-connector.h"
#include "qmp-unix-socket.h"

struct ManagementCalls {
    Context *context; /* weak */
    VmRegistry *registry; /* weak */
    GQueue waiting; /* of ManagementCall, by their own links */
    Quota quota; /* of these */
};

/* As many descriptors may be held, and dialogs be waited for; of one user, and of all. */
static const QuotaLimits limits = { .of_user = { .n = 16 }, .of_all = { .n = 64 } };

static void
management_call_free(ManagementCall *management)
{
    g_queue_unlink(&management->calls->waiting, &management->link);
    quota_share_return(&management->share);
    g_free(management->name);
    g_clear_pointer(&management->address, qmp_address_free);
    add_options_clear(&management->options);
    if (management->fd >= 0)
        close(management->fd);
    g_free(management);
}

ManagementCall *
management_call_new(ManagementCalls *calls, BusCall *call, gpointer object_data,
                    void (*then)(ManagementCall *management))
{
    ManagementCall *management = g_new0(ManagementCall, 1);

    management->calls = calls;
    management->object_data = object_data;
    management->call = call;
    management->then = then;
    management->fd = -1;
    management->link.data = management;
    g_queue_push_tail_link(&calls->waiting, &management->link);
    return management;
}

static void
on_management_authorized(const GError *error, gpointer user_data)
{
    ManagementCall *management = user_data;

    if (error)
        errors_fail(management->call, error);
    else
        management->then(management);
    management_call_free(management);
}

static gboolean
take_management_room(ManagementCall *management, GError **error)
{
    const BusPeer *peer = bus_call_get_peer(management->call);
    Quota *quota = &management->calls->quota;

    if (quota_take(quota, &limits, peer->name, peer->uid, /* bytes= */ 0, &management->share))
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED, "%u calls of yours wait already, %u in all",
                quota_get_of_user(quota, peer->uid).n, quota->held.n);
    return FALSE;
}

/* VMs that one user may give without leave. Each holds a descriptor or two of the agent's, which may have 1,024 as a rule,
 * and their names are taken for all others. */
#define MAX_GIVEN_BY_USER 64

/* The caller, if it is a QEMU of their own that they give (as the kernel tells, which is whoever made the socket or connected
 * it), and they have not had their share. */
static guint32
find_giver(ManagementCall *management)
{
    guint32 caller = bus_call_get_peer(management->call)->uid, uid;

    if (management->fd < 0 || !qmp_peer_get_uid(management->fd, &uid) || uid != caller)
        return BUS_PEER_NO_ID;
    if (vm_table_count_given_by(vm_registry_get_table(management->calls->registry), caller) >= MAX_GIVEN_BY_USER)
        return BUS_PEER_NO_ID;
    return caller;
}

void
management_call_ask(ManagementCall *management, const char *vm_name)
{
    BusCall *call = management->call;
    AuthorizationManagement question = {
        .peer = bus_call_get_peer(call),
        .is_interactive = bus_call_is_interactive(call),
        .method = bus_call_get_member(call),
        .name = vm_name,
        .vm = management->entry ? vm_entry_get_vm(management->entry) : NULL,
        .giver = find_giver(management),
    };
    g_autoptr(GError) error = NULL;
    AuthorizationAnswer answer = AUTHORIZATION_REFUSED;

    if (take_management_room(management, &error))
        answer = authorization_ask_management(management->calls->context, &question, on_management_authorized,
                                              management, &management->authorization, &error);
    if (answer != AUTHORIZATION_ASKED)
        on_management_authorized(error, management);
    else
        bus_call_drop_message(call);
}

void
management_call_fail(ManagementCall *management, const GError *error)
{
    on_management_authorized(error, management);
}

/* While the policy is asked nothing has been done for anybody. @unique_name: NULL: all. */
static void
drop_waiting(ManagementCalls *calls, const char *unique_name)
{
    g_autoptr(GError) error = g_error_new_literal(QMP_ERROR, QMP_ERROR_DISCONNECTED,
                                                  unique_name ? "The caller has left" : "The agent is stopping");

    for (GList *i = calls->waiting.head, *next; i; i = next) {
        ManagementCall *management = i->data;
        next = i->next;
        if (unique_name && !g_str_equal(bus_call_get_sender(management->call), unique_name))
            continue;
        authorization_ticket_cancel(management->authorization);
        management_call_fail(management, error);
    }
}

void
management_calls_drop_caller(ManagementCalls *calls, const char *unique_name)
{
    drop_waiting(calls, unique_name);
}

ManagementCalls *
management_calls_new(Context *context, VmRegistry *registry)
{
    ManagementCalls *calls = g_new0(ManagementCalls, 1);

    calls->context = context;
    calls->registry = registry;
    return calls;
}

void
management_calls_free(ManagementCalls *calls)
{
    drop_waiting(calls, /* unique_name= */ NULL);
    g_free(calls);
}
