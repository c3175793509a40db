/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by vm-object.c and vm-methods.c in objects/; owns the calls until they are answered, and the way by which they ask QEMU. */
#include "execute-and-wait-list.h"

#include "errors.h"
#include "json-tree.h"

/* Calls that wait, of one VM and of one caller on it: each holds the arguments of a command, so the bytes of their
 * JSON are limited too. A thousand are more than a VM has disks and devices. A user, who may have many connections, takes no
 * more than is left for all others: a dialog of the user's own that nobody answers makes a call wait for ever. */
#define MAX_WAITS 1024
#define MAX_WAITS_OF_CALLER 128
#define MAX_BYTES (8u * 1024 * 1024)
#define MAX_BYTES_OF_CALLER (1024u * 1024)

/* Bytes of an event. An event that tells of an end has some 300. */
#define MAX_EVENT 65536

struct ExecuteAndWaitList {
    ExecuteAndWaitContext context;
};

static gboolean
has_room_for_call(ExecuteAndWaitList *list, BusCall *call, gsize size, GError **error)
{
    const BusPeer *peer = bus_call_get_peer(call);
    guint n = 0, n_of_user = 0;
    gsize bytes = size, bytes_of_caller = size, bytes_of_user = 0;

    for (GList *i = list->context.calls.head; i; i = i->next) {
        const BusPeer *other = execute_and_wait_get_peer(i->data);
        gsize of_call = execute_and_wait_get_size(i->data);
        gboolean is_callers = g_str_equal(other->name, peer->name), is_users = other->uid == peer->uid;
        n += is_callers;
        n_of_user += is_users;
        bytes += of_call;
        bytes_of_caller += is_callers ? of_call : 0;
        bytes_of_user += is_users ? of_call : 0;
    }
    if (n < MAX_WAITS_OF_CALLER && n_of_user + list->context.calls.length < MAX_WAITS &&
        bytes_of_caller <= MAX_BYTES_OF_CALLER && bytes_of_user + bytes <= MAX_BYTES)
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED,
                "%u calls of yours wait at this VM, %u in all, with %zu bytes of arguments in all", n,
                list->context.calls.length, bytes - size);
    return FALSE;
}

void
execute_and_wait_list_start(ExecuteAndWaitList *list, BusCall *call, const char *command, JsonNode *arguments,
                            gsize size, const ExecuteAndWaitOptions *options)
{
    g_autoptr(GError) error = NULL;

    if (!has_room_for_call(list, call, size, &error)) {
        errors_fail(call, error);
        return;
    }
    execute_and_wait_start(&list->context, call, command, arguments, size, options);
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
