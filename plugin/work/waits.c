/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by work.c; owns the calls until they are answered, and the way by which they ask QEMU. */
#include "waits.h"

#include "errors.h"
#include "json-tree.h"

/* Of one VM, and of one caller on it: each holds the arguments of a command, of so many bytes of JSON together. */
#define MAX_WAITS 1024
#define MAX_WAITS_OF_CALLER 128
#define MAX_BYTES (8u * 1024 * 1024)
#define MAX_BYTES_OF_CALLER (1024u * 1024)

/* Bytes. Those that end something are some 300. */
#define MAX_EVENT 65536

struct Waits {
    WaitContext context;
};

static gboolean
has_room(Waits *waits, BusCall *call, gsize size, GError **error)
{
    guint n = 0;
    gsize bytes = size, bytes_of_caller = size;

    for (GList *i = waits->context.waits.head; i; i = i->next) {
        gboolean is_callers = g_str_equal(wait_get_caller(i->data), bus_call_get_sender(call));
        n += is_callers;
        bytes += wait_get_size(i->data);
        bytes_of_caller += is_callers ? wait_get_size(i->data) : 0;
    }
    if (n < MAX_WAITS_OF_CALLER && waits->context.waits.length < MAX_WAITS && bytes <= MAX_BYTES &&
        bytes_of_caller <= MAX_BYTES_OF_CALLER)
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_LIMITS_EXCEEDED,
                "%u calls of yours wait at this VM, %u in all, with %zu bytes of arguments in all", n,
                waits->context.waits.length, bytes - size);
    return FALSE;
}

/* Behind it answers wait as replies to callers do, until signals have gone out and the run state is known. */
static void
make_gate(WaitContext *context)
{
    QemuConnection *qemu = vm_get_qemu(context->vm_context->vm);

    if (context->barrier)
        return;
    context->barrier = reply_barrier_new(qemu_connection_get_control(qemu));
    reply_barriers_add(qemu_connection_get_barriers(qemu), context->barrier);
}

void
waits_execute(Waits *waits, BusCall *call, const char *command, JsonNode *arguments, gsize size,
              const WaitOptions *options)
{
    g_autoptr(GError) error = NULL;

    if (!has_room(waits, call, size, &error)) {
        errors_fail(call, error);
        return;
    }
    make_gate(&waits->context);
    wait_start(&waits->context, call, command, arguments, size, options);
}

void
waits_event(Waits *waits, const QmpEvent *event)
{
    g_autoptr(JsonNode) data = NULL;

    for (GList *i = waits->context.waits.head; i; i = i->next) {
        if (!wait_hears(i->data, event->name) || event->data.length > MAX_EVENT)
            continue;
        if (!data && event->data.text)
            data = json_tree_parse(event->data.text, event->data.length, NULL);
        wait_note_event(i->data, event->name, data);
    }
}

void
waits_job_finished(Waits *waits, JobKind kind, const char *id, const char *error)
{
    for (GList *i = waits->context.waits.head; i; i = i->next)
        wait_note_job(i->data, kind, id, error);
}

void
waits_command_done(Waits *waits, const char *command)
{
    for (GList *i = waits->context.waits.head; i; i = i->next)
        wait_note_command(i->data, command);
}

gboolean
waits_is_busy(Waits *waits)
{
    return waits->context.waits.length > 0;
}

void
waits_drop_caller(Waits *waits, const char *unique_name)
{
    for (GList *i = waits->context.waits.head, *next; i; i = next) {
        next = i->next;
        if (g_str_equal(wait_get_caller(i->data), unique_name))
            wait_give_up(i->data);
    }
}

Waits *
waits_new(VmContext *vm_context, Jobs *jobs)
{
    Waits *waits = g_new0(Waits, 1);

    waits->context.vm_context = vm_context;
    waits->context.jobs = jobs;
    return waits;
}

void
waits_free(Waits *waits)
{
    WaitContext *context = &waits->context;

    while (context->waits.head)
        wait_tell_last(context->waits.head->data);
    if (context->barrier) {
        reply_barriers_remove(qemu_connection_get_barriers(vm_get_qemu(context->vm_context->vm)), context->barrier);
        reply_barrier_free(context->barrier);
    }
    g_free(waits);
}
