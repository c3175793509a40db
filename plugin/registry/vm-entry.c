/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by a VM, and by VmRegistry. Owns the VM and its object. */
#include "vm-entry.h"

#include <unistd.h>

#include "authorization.h"
#include "bus-error.h"
#include "names.h"
#include "timer.h"
#include "vm-log.h"

struct VmEntry {
    const VmEntryShare *share; /* weak */
    Vm *vm; /* owned */
    VmObject *object; /* owned; while up */
    guint64 order;
    char *path; /* owned; NULL until it has a name */
    gboolean admitted;
    VmEntryState state;
    gint64 since; /* us since the epoch */
    char *error; /* owned; the last one's text; NULL: none */
    VmAddFunc func; /* until the outcome is told */
    gpointer add_data;
    GSource *add_timer; /* owned; while listening for a VM that somebody waits for */
    gboolean tried;
    gboolean was_up; /* once, at least */
    VmLog log;
};

static void
set_state(VmEntry *entry, VmEntryState state, const GError *error)
{
    if (entry->since == 0 || state != entry->state)
        entry->since = g_get_real_time();
    entry->state = state;
    g_free(entry->error);
    entry->error = error ? g_strdup(error->message) : NULL;
}

static void
set_tried(VmEntry *entry)
{
    if (entry->tried)
        return;
    entry->tried = TRUE;
    entry->share->funcs->on_tried(entry, entry->share->user_data);
}

static gboolean
on_vm_connected(Vm *vm, GError **error, gpointer user_data)
{
    VmEntry *entry = user_data;

    return entry->share->funcs->on_connected(entry, error, entry->share->user_data);
}

static gboolean
on_vm_up(Vm *vm, GError **error, gpointer user_data)
{
    VmEntry *entry = user_data;

    if (!entry->share->funcs->on_up(entry, error, entry->share->user_data))
        return FALSE;
    timer_stop(&entry->add_timer);
    entry->object = entry->share->objects->publish(entry->share->context, vm, entry->path);
    set_state(entry, VM_ENTRY_CONNECTED, /* error= */ NULL);
    vm_log_up(&entry->log, entry->share->context, vm);
    entry->was_up = TRUE;
    entry->share->funcs->on_published(entry, entry->share->user_data);

    VmAddFunc func = entry->func;
    entry->func = NULL;
    if (func)
        func(entry->path, NULL, entry->add_data);
    set_tried(entry);
    return TRUE;
}

static void
on_vm_changed(Vm *vm, gpointer user_data)
{
    VmEntry *entry = user_data;

    entry->share->objects->changed(entry->object);
}

static void
on_vm_event(Vm *vm, const QmpEvent *event, gpointer user_data)
{
    VmEntry *entry = user_data;

    entry->share->objects->event(entry->object, event);
}

static void
on_vm_stuck(Vm *vm, const GError *error, gpointer user_data)
{
    VmEntry *entry = user_data;

    if (!error) {
        log_line_within(vm_log_get_budget(entry->share->context, vm), entry->share->context->host, G_LOG_LEVEL_MESSAGE,
                        vm_get_name(vm), "VM \"%s\": QEMU answers again", vm_get_name(vm));
        set_state(entry, VM_ENTRY_CONNECTED, /* error= */ NULL);
        return;
    }
    log_line_within(vm_log_get_budget(entry->share->context, vm), entry->share->context->host, G_LOG_LEVEL_WARNING,
                    vm_get_name(vm), "VM \"%s\": %s", vm_get_name(vm), error->message);
    set_state(entry, VM_ENTRY_STUCK, error);
    entry->share->objects->fail_commands(entry->object, error);
}

static void
on_vm_ending(Vm *vm, gpointer user_data)
{
    VmEntry *entry = user_data;

    entry->share->objects->unpublish(entry->object);
}

static gboolean
goes_on(VmEntry *entry, VmDown how, const GError *error)
{
    const QmpAddress *address = vm_get_address(entry->vm);

    /* Whoever waits for an answer gets it, unless it was a stranger that connected to where we listen. */
    if (entry->func)
        return address && address->server && how == VM_DOWN_UNUSABLE && error->domain == QMP_ERROR;
    switch (vm_get_origin(entry->vm)) {
    case VM_FROM_CALL:
        if (vm_get_spec(entry->vm)->is_known && !entry->was_up)
            return TRUE;
        return address->server || (how == VM_DOWN_ENDED && g_error_matches(error, QMP_ERROR, QMP_ERROR_TIMED_OUT));
    case VM_FROM_FD:
        return FALSE;
    case VM_FROM_KEY_FILE:
        return TRUE;
    case VM_FROM_DIRECTORY:
        return access(address->path, F_OK) == 0;
    }
    g_return_val_if_reached(FALSE);
}

static gboolean
on_vm_down(Vm *vm, VmDown how, const GError *error, gpointer user_data)
{
    VmEntry *entry = user_data;

    if (entry->object)
        entry->share->objects->free(g_steal_pointer(&entry->object), /* teardown= */ NULL);
    vm_log_down(&entry->log, entry->share->context, vm, how, error, entry->func != NULL);
    entry->share->funcs->on_down(entry, entry->share->user_data);
    if (!goes_on(entry, how, error)) {
        entry->share->funcs->on_over(entry, error, entry->share->user_data);
        return FALSE;
    }
    /* A BUS_ERROR is one of VmEntryFuncs. */
    set_state(entry, error->domain == BUS_ERROR ? VM_ENTRY_REFUSED : VM_ENTRY_WAITING, error);
    set_tried(entry);
    return TRUE;
}

static gboolean
is_listened_for(const QmpAddress *address)
{
    return address && address->server;
}

VmEntry *
vm_entry_new(const VmEntryShare *share, const VmSpec *spec, guint64 order)
{
    static const VmFuncs vm_funcs = { on_vm_connected, on_vm_up,     on_vm_changed, on_vm_event,
                                      on_vm_stuck,     on_vm_ending, on_vm_down };
    VmEntry *entry = g_new0(VmEntry, 1);
    VmSpec waiting = *spec;

    entry->share = share;
    entry->order = order;
    entry->tried = is_listened_for(spec->address);
    waiting.waits = TRUE;
    entry->vm = vm_new(share->context->host->context, &waiting, share->context->config->max_reply, &vm_funcs, entry);
    return entry;
}

void
vm_entry_admit(VmEntry *entry)
{
    entry->admitted = TRUE;
    set_state(entry, is_listened_for(vm_get_address(entry->vm)) ? VM_ENTRY_WAITING : VM_ENTRY_CONNECTING,
              /* error= */ NULL);
    vm_poke(entry->vm);
}

void
vm_entry_refuse(VmEntry *entry, gboolean is_final, const GError *error)
{
    if (g_strcmp0(entry->error, error->message) != 0)
        log_line_within(vm_log_get_budget(entry->share->context, entry->vm), entry->share->context->host,
                        is_final ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_MESSAGE, /* vm= */ NULL,
                        "%s is not taken up%s: %s", vm_get_address(entry->vm)->text, is_final ? "" : " now",
                        error->message);
    set_state(entry, VM_ENTRY_REFUSED, error);
    set_tried(entry);
}

void
vm_entry_free(VmEntry *entry, const GError *error)
{
    VmAddFunc func = entry->func;
    gpointer add_data = entry->add_data;

    entry->func = NULL;
    set_tried(entry);
    timer_stop(&entry->add_timer);
    if (entry->object) {
        entry->share->objects->free(entry->object, entry->share->teardown);
    } else {
        authorization_vm_gone(entry->share->context, entry->vm);
        vm_free(entry->vm);
    }
    g_free(entry->path);
    g_free(entry->error);
    g_free(entry);
    if (func)
        func(NULL, error, add_data);
}

static gboolean
on_add_timeout(gpointer user_data)
{
    VmEntry *entry = user_data;
    g_autoptr(GError) error = g_error_new(QMP_ERROR, QMP_ERROR_TIMED_OUT, "No QEMU connected to %s in time",
                                          vm_get_address(entry->vm)->text);

    entry->share->funcs->on_over(entry, error, entry->share->user_data);
    return G_SOURCE_REMOVE;
}

void
vm_entry_await(VmEntry *entry, const VmSpec *spec, VmAddFunc func, gpointer user_data)
{
    entry->func = func;
    entry->add_data = user_data;
    if (is_listened_for(spec->address) && spec->timeout != G_MAXUINT64)
        entry->add_timer = timer_start(entry->share->context->host->context, spec->timeout, on_add_timeout, entry);
}

gpointer
vm_entry_get_add_data(VmEntry *entry)
{
    return entry->func ? entry->add_data : NULL;
}

void
vm_entry_grant_name(VmEntry *entry, const char *name)
{
    vm_set_name(entry->vm, name);
    entry->path = names_path_from_vm(name);
}

Vm *
vm_entry_get_vm(VmEntry *entry)
{
    return entry->vm;
}

guint64
vm_entry_get_order(VmEntry *entry)
{
    return entry->order;
}

const char *
vm_entry_get_wanted_name(VmEntry *entry)
{
    return vm_get_spec(entry->vm)->name;
}

gboolean
vm_entry_is_connected(VmEntry *entry)
{
    return entry->object != NULL;
}

const char *
vm_entry_get_path(VmEntry *entry)
{
    return entry->path;
}

gboolean
vm_entry_is_tried(VmEntry *entry)
{
    return entry->tried;
}

gboolean
vm_entry_is_admitted(VmEntry *entry)
{
    return entry->admitted;
}

void
vm_entry_look(VmEntry *entry)
{
    if (entry->object)
        entry->share->objects->look(entry->object);
}

void
vm_entry_reconfigured(VmEntry *entry)
{
    if (entry->object)
        entry->share->objects->reconfigured(entry->object);
}

VmEntryState
vm_entry_get_state(VmEntry *entry)
{
    return entry->state;
}

guint64
vm_entry_get_since(VmEntry *entry)
{
    return (guint64)entry->since;
}

const char *
vm_entry_get_error(VmEntry *entry)
{
    return entry->error ? entry->error : "";
}
