/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by vm-object.c and vm-methods.c in objects/; owns the calls until they are answered, and the way by which they ask QEMU. */
#include "execute-and-wait-list.h"

#include "errors.h"
#include "json-tree.h"
#include "vardict.h"

/* Calls that wait, of one VM and of one caller on it: each holds the arguments of a command, so the bytes of their
 * JSON are limited too. A thousand are more than a VM has disks and devices. A user, who may have many connections, takes no
 * more than is left for all others: a dialog of the user's own that nobody answers makes a call wait for ever. */
static const QuotaLimits limits = {
    .of_caller = { .n = 128, .bytes = 1024 * 1024 },
    .of_all = { .n = 1024, .bytes = 8 * 1024 * 1024 },
};

/* Bytes of an event. An event that tells of an end has some 300. */
#define MAX_EVENT 65536

struct ExecuteAndWaitList {
    ExecuteAndWaitContext context;
};

static gboolean
take_room_for_call(ExecuteAndWaitList *list, BusCall *call, gsize size, QuotaShare *share, GError **error)
{
    const BusPeer *peer = bus_call_get_peer(call);
    Quota *quota = &list->context.quota;

    if (quota_take(quota, &limits, peer->name, peer->uid, size, share))
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED,
                "%u calls of yours wait at this VM, %u in all, with %zu bytes of arguments in all",
                quota_get_of_caller(quota, peer->name).n, quota->held.n, quota->held.bytes);
    return FALSE;
}

static gboolean
read_wait_timeout(DBusMessageIter *value, gpointer options, GError **error)
{
    return vardict_read_timeout(value, &((ExecuteAndWaitOptions *)options)->timeout, error);
}

gboolean
execute_and_wait_list_read_options(DBusMessageIter *iter, ExecuteAndWaitOptions *options, GError **error)
{
    static const VardictRow rows[] = { { "timeout", "t", "microseconds", read_wait_timeout }, { 0 } };

    return vardict_read(iter, rows, options, error);
}

void
execute_and_wait_list_start(ExecuteAndWaitList *list, BusCall *call, const char *command, JsonNode *arguments,
                            gsize size, const ExecuteAndWaitOptions *options)
{
    g_autoptr(GError) error = NULL;
    QuotaShare share;

    if (!take_room_for_call(list, call, size, &share, &error)) {
        errors_fail(call, error);
        return;
    }
    execute_and_wait_start(&list->context, call, command, arguments, options, &share);
}

void
execute_and_wait_list_note_event(ExecuteAndWaitList *list, const QmpEvent *event)
{
    g_autoptr(JsonNode) data = NULL;

    for (GList *i = list->context.calls.head; i; i = i->next) {
        if (!execute_and_wait_hears(i->data, event->name) || event->data.length > MAX_EVENT)
            continue;
        if (!data && event->data.text)
            data = json_tree_parse(event->data.text, event->data.length, NULL);
        execute_and_wait_note_event(i->data, event->name, data);
    }
}

void
execute_and_wait_list_note_job(ExecuteAndWaitList *list, JobKind kind, const char *id, const char *error)
{
    for (GList *i = list->context.calls.head; i; i = i->next)
        execute_and_wait_note_job(i->data, kind, id, error);
}

void
execute_and_wait_list_note_command(ExecuteAndWaitList *list, const char *command)
{
    for (GList *i = list->context.calls.head; i; i = i->next)
        execute_and_wait_note_command(i->data, command);
}

gboolean
execute_and_wait_list_is_empty(ExecuteAndWaitList *list)
{
    return list->context.calls.length == 0;
}

void
execute_and_wait_list_drop_caller(ExecuteAndWaitList *list, const char *unique_name)
{
    for (GList *i = list->context.calls.head, *next; i; i = next) {
        next = i->next;
        if (g_str_equal(execute_and_wait_get_peer(i->data)->name, unique_name))
            execute_and_wait_give_up(i->data);
    }
}

ExecuteAndWaitList *
execute_and_wait_list_new(VmContext *vm_context, Jobs *jobs)
{
    ExecuteAndWaitList *list = g_new0(ExecuteAndWaitList, 1);

    list->context.vm_context = vm_context;
    list->context.jobs = jobs;
    return list;
}

void
execute_and_wait_list_free(ExecuteAndWaitList *list)
{
    ExecuteAndWaitContext *context = &list->context;

    while (context->calls.head)
        execute_and_wait_tell_last(context->calls.head->data);
    g_free(list);
}
