/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by the service. At every change a record is added at the end of the file, before a caller is told: a caller who was told
 * that a VM is there, or has gone, finds it so after a crash. Of several records of one VM the last counts. The whole file, which
 * with 10,000 VMs has 2 MB, is written anew when records have stood for WRITE_TIME in it that nobody needs. A record that is broken
 * costs its own VM. Of a file that was not read whole nothing is overwritten: it is kept aside. The file has one agent: a second one
 * in the same run directory, on another bus or about to hear that the name is taken, leaves it alone. */
#include "vm-state.h"

#include <string.h>
#include <unistd.h>

#include "host-store.h"
#include "kept-vms.h"
#include "state-file.h"
#include "timer.h"

#define FILE_NAME "vms"
#define COMMENT "# The VMs of the agent that runs, for the next one. Written by it at every change.\n" VM_RECORD_END

/* 10,000 VMs with long addresses and some spares. */
#define MAX_FILE ((gsize)64 * 1024 * 1024)

/* A thousand VMs that go at once add 60 kB, and the file is written anew a few times. */
#define WRITE_TIME (100 * G_TIME_SPAN_MILLISECOND)

/* After a write that failed: a file system that was full may have room again, and nothing else may change until the next start. */
#define RETRY_TIME (2 * G_TIME_SPAN_SECOND)

/* An agent that ends lets go of the directory within two seconds; the next one, which a call has started meanwhile, waits for it,
 * and nobody can call it until then: they would find a part of the VMs. */
#define LOCK_TIME (100 * G_TIME_SPAN_MILLISECOND)
#define LOCK_TRIES 30u

/* Broken records that are logged one by one. A file may have a million. */
#define MAX_BROKEN_LINES 10u

struct VmState {
    const ManagementHost *host; /* weak */
    char *run_directory; /* owned; NULL: no file is kept */
    char *path; /* owned; NULL: there is no file yet */
    int lock; /* owned; of the directory; -1: not had yet */
    KeptVms vms;
    gboolean is_read; /* what the agent before has left is known: it may be written over */
    gboolean is_unread; /* not all of that could be read: it is kept aside first */
    guint n_broken; /* records among that */
    gboolean has_file; /* written by this agent, so that records can be added */
    gboolean has_failed; /* the last write; the next failure says nothing new */
    guint n_locked; /* how often the directory was another agent's */
    gboolean has_records; /* some that were read are to be restored */
    VmStateFunc restore; /* NULL: nothing is restored yet, or any more */
    VmStateDoneFunc taken_up; /* NULL: has been called */
    gpointer restore_data;
    GSource *write_timer; /* owned; while the file has records that nobody needs, or lacks some that could not be written */
};

/* FALSE: there is no directory that can be trusted, or it is another agent's. Somebody may have removed or moved the directory that was
 * taken before: in another one there may be what another agent has left meanwhile. */
static gboolean
find_file(VmState *state, GError **error)
{
    g_autofree char *directory = state_file_make_directory(state->run_directory, error);
    int before = state->lock;

    if (!directory || !state_file_lock(directory, &state->lock, error))
        return FALSE;
    if (state->lock != before)
        state->is_read = FALSE;
    g_free(state->path);
    state->path = g_build_filename(directory, FILE_NAME, NULL);
    return TRUE;
}

static void
log_broken(VmState *state, guint number, const GError *error)
{
    if (state->n_broken++ < MAX_BROKEN_LINES)
        log_line(state->host, G_LOG_LEVEL_CRITICAL, /* vm= */ NULL, "%s: record %u is broken, and its VM is lost: %s",
                 state->path, number, error->message);
}

static void
on_record(VmRecord *record, guint number, const GError *error, gpointer user_data)
{
    VmState *state = user_data;

    if (record)
        state->has_records |= kept_vms_take_record(&state->vms, state->host, record);
    else
        log_broken(state, number, error);
}

static void
read_records(VmState *state, const char *text)
{
    VmRecordsFaults faults = vm_records_read(text, on_record, state);

    state->is_unread = (faults & (VM_RECORDS_BROKEN | VM_RECORDS_TOO_MANY)) != 0;
    if (faults & VM_RECORDS_TORN)
        log_line(state->host, G_LOG_LEVEL_WARNING, /* vm= */ NULL,
                 "%s: the last record was not written to its end, and does not count", state->path);
    if (faults & VM_RECORDS_TOO_MANY)
        log_line(state->host, G_LOG_LEVEL_CRITICAL, /* vm= */ NULL,
                 "%s: it has more than %u records, and the VMs of the rest are lost", state->path, VM_RECORDS_MAX);
    if (state->n_broken > MAX_BROKEN_LINES)
        log_line(state->host, G_LOG_LEVEL_CRITICAL, /* vm= */ NULL, "%s: %u more records are broken", state->path,
                 state->n_broken - MAX_BROKEN_LINES);
}

static void
read_state(VmState *state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = state_file_read(state->path, MAX_FILE, &error);

    state->is_unread = error != NULL;
    if (error)
        log_line(state->host, G_LOG_LEVEL_CRITICAL, /* vm= */ NULL, "The VMs that were added by call are lost: %s",
                 error->message);
    if (text)
        read_records(state, text);
    else if (!error)
        g_clear_pointer(&state->path, g_free); /* no file, and none is needed yet */
}

/* FALSE: the agent before may have left something, which cannot be had yet, or nothing can be written. The directory is made in any
 * case, so that a second agent meets the lock of one that keeps no VM yet; a directory that is not there and cannot be made has nothing
 * to read. */
static gboolean
take_up_state(VmState *state, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (find_file(state, &problem)) {
        if (!state->is_read)
            read_state(state);
    } else if (state->is_read || state_file_has_directory(state->run_directory)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return FALSE;
    }
    state->is_read = TRUE;
    return TRUE;
}

/* The administrator may find the VMs in what no agent can read, or what kept it from being read may go by. */
static gboolean
keep_unread(VmState *state, GError **error)
{
    g_autofree char *aside = NULL;

    if (!state->is_unread)
        return TRUE;
    if (!state_file_set_aside(state->path, &aside, error))
        return FALSE;
    state->is_unread = FALSE;
    if (aside)
        log_line(state->host, G_LOG_LEVEL_MESSAGE, /* vm= */ NULL, "%s was not read whole: it is kept as %s",
                 state->path, aside);
    return TRUE;
}

static gboolean
write_all_records(VmState *state, GError **error)
{
    g_autoptr(GString) text = g_string_new(COMMENT);

    if (!take_up_state(state, error))
        return FALSE;
    for (GList *i = state->vms.all.head; i; i = i->next)
        g_string_append(text, ((KeptVm *)i->data)->text);
    return (state->path || find_file(state, error)) && keep_unread(state, error) &&
           state_file_write(state->path, text->str, text->len, error);
}

static gboolean on_write_due(gpointer user_data);
static gboolean restore_all(VmState *state);

static void
write_later(VmState *state)
{
    if (!state->write_timer)
        state->write_timer = timer_start(state->host->context, WRITE_TIME, on_write_due, state);
}

/* Somebody may have removed the directory, which is made anew then. What another agent keeps is for its successor alone. */
static void
fail_write(VmState *state, const GError *error)
{
    gboolean is_locked = g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_AGAIN);

    g_clear_pointer(&state->path, g_free);
    if (is_locked && ++state->n_locked < LOCK_TRIES) {
        state->write_timer = timer_start(state->host->context, LOCK_TIME, on_write_due, state);
        return;
    }
    if (!state->has_failed)
        log_line(state->host, G_LOG_LEVEL_CRITICAL, /* vm= */ NULL,
                 "What was added or removed by call will be lost at a restart: %s", error->message);
    state->has_failed = TRUE;
    if (is_locked)
        g_clear_pointer(&state->run_directory, g_free);
    else
        state->write_timer = timer_start(state->host->context, RETRY_TIME, on_write_due, state);
}

static void
write_state(VmState *state)
{
    g_autoptr(GError) error = NULL;

    timer_stop(&state->write_timer);
    if (!state->run_directory || (state->is_read && !state->path && state->vms.all.length == 0 && !state->has_failed &&
                                  state->n_locked == 0))
        return;
    state->has_file = write_all_records(state, &error);
    if (error) {
        fail_write(state, error);
        return;
    }
    if (state->has_failed)
        log_line(state->host, G_LOG_LEVEL_MESSAGE, /* vm= */ NULL, "%s is written again: nothing will be lost",
                 state->path);
    state->has_failed = FALSE;
    state->n_locked = 0;
}

/* Whether the file is the one that this agent has written. */
static gboolean
is_own_file(VmState *state)
{
    return state->has_file && state->is_read && state_file_is_locked(state->run_directory, state->lock);
}

/* What could not be added may be there in part: the file is written anew. Before it is read, and while another agent has it, that waits
 * for on_write_due(): inside a call nothing is restored. */
static void
append_record(VmState *state, const char *text)
{
    if (state->run_directory && (!state->is_read || state->n_locked > 0))
        return;
    if (!is_own_file(state) || !state_file_append(state->lock, state->path, text, strlen(text), /* error= */ NULL))
        write_state(state);
    if (state->has_records)
        write_later(state);
}

static void
write_and_restore(VmState *state)
{
    write_state(state);
    if (state->restore && restore_all(state))
        write_state(state);
}

static void
tell_taken_up(VmState *state)
{
    VmStateDoneFunc func = state->taken_up;

    if (!func || (state->run_directory && !state->is_read && !state->has_failed))
        return;
    state->taken_up = NULL;
    func(state->restore_data);
}

static gboolean
on_write_due(gpointer user_data)
{
    write_and_restore(user_data);
    tell_taken_up(user_data);
    return G_SOURCE_REMOVE;
}

/* @is_anew: there is a record of the same VM in the file. */
static void
put_text(VmState *state, const char *text, gboolean is_anew)
{
    append_record(state, text);
    if (is_anew)
        write_later(state);
}

VmState *
vm_state_new(const ManagementHost *host, const char *run_directory)
{
    VmState *state = g_new0(VmState, 1);
    g_autoptr(GError) error = NULL;

    state->host = host;
    state->lock = -1;
    kept_vms_init(&state->vms);
    state->run_directory = g_strdup(run_directory);
    if (run_directory && !take_up_state(state, &error))
        fail_write(state, error);
    return state;
}

void
vm_state_set_directory(VmState *state, const char *run_directory)
{
    g_return_if_fail(!state->run_directory);
    state->run_directory = g_strdup(run_directory);
    write_and_restore(state);
}

void
vm_state_look(VmState *state)
{
    if (!state->run_directory || !state_file_unlock_moved(state->run_directory, &state->lock))
        return;
    g_clear_pointer(&state->path, g_free);
    write_later(state);
}

void
vm_state_free(VmState *state)
{
    state->restore = NULL;
    state->n_locked = LOCK_TRIES;
    if (state->write_timer && (state->is_read || state->vms.all.length > 0))
        write_state(state);
    timer_stop(&state->write_timer);
    kept_vms_clear(&state->vms);
    if (state->lock >= 0)
        close(state->lock);
    g_free(state->run_directory);
    g_free(state->path);
    g_free(state);
}

void
vm_state_resume(VmState *state, VmSpec *spec)
{
    KeptVm *kept = kept_vms_find(&state->vms, spec->origin, spec->name);

    if (!kept || !kept->record || !g_str_equal(kept->record->spec->address->text, spec->address->text))
        return;
    kept_vm_take_connection(kept, state->host, spec);
    kept->is_resumed = spec->session != NULL;
}

/* Whether it can be added again. It counts as one that is there from here on: the file may be read again, from another directory,
 * when it takes the place of another VM, and @kept stays then. */
static gboolean
restore_kept(VmState *state, KeptVm *kept)
{
    g_autoptr(VmRecord) record = NULL;
    VmSpec spec = *kept->record->spec;

    kept_vm_take_connection(kept, state->host, &spec);
    record = g_steal_pointer(&kept->record);
    if (spec.origin == VM_FROM_FD && spec.fd < 0) {
        log_line(state->host, G_LOG_LEVEL_MESSAGE, spec.name,
                 "VM \"%s\" was given as a descriptor, which nobody has kept over the restart: it is lost", spec.name);
        return FALSE;
    }
    /* A socket in the run directory is found again. */
    if (spec.origin == VM_FROM_DIRECTORY && spec.fd < 0)
        return FALSE;
    return state->restore(&spec, state->restore_data);
}

/* By then a VM of the key file has taken what was kept of it, or there is none. */
static gboolean
is_restored(VmState *state, KeptVm *kept)
{
    return kept->origin == VM_FROM_KEY_FILE ? kept->is_resumed : restore_kept(state, kept);
}

/* One that comes again may take the place of a VM of the run directory, which is forgotten then. Whether any could not be restored. */
static gboolean
restore_all(VmState *state)
{
    gboolean has_forgotten = FALSE;

    state->has_records = FALSE;
    for (GList *i = state->vms.all.head, *next; i; i = next) {
        KeptVm *kept = i->data;
        gboolean is_lost = kept->record && !is_restored(state, kept);
        next = i->next;
        g_clear_pointer(&kept->record, vm_record_free);
        if (is_lost)
            kept_vms_forget(&state->vms, kept, state->host);
        has_forgotten |= is_lost;
    }
    return has_forgotten;
}

void
vm_state_restore(VmState *state, VmStateFunc func, VmStateDoneFunc done, gpointer user_data)
{
    state->restore = func;
    state->taken_up = done;
    state->restore_data = user_data;
    restore_all(state);
    write_and_restore(state);
    tell_taken_up(state);
}

/* Whether nothing else leads to this QEMU again: it has connected by itself, or somebody has given the connection. */
static gboolean
is_only_way(Vm *vm)
{
    return !vm_get_address(vm) || vm_get_address(vm)->server;
}

/* The place of the connection in the store is free before it is put there again, by a new name. */
void
vm_state_put(VmState *state, Vm *vm)
{
    VmOrigin origin = vm_get_origin(vm);
    QmpClient *client = qemu_connection_get_client(vm_get_qemu(vm));
    KeptVm *earlier = kept_vms_find_vm(&state->vms, vm);
    g_autofree char *end = earlier ? vm_record_print_end(origin, earlier->name) : NULL;
    char *descriptor;

    if (earlier)
        kept_vms_forget(&state->vms, earlier, state->host);
    descriptor = host_store_keep(state->host, qmp_client_get_fd(client), is_only_way(vm));
    if (descriptor || origin == VM_FROM_CALL || origin == VM_FROM_FD)
        put_text(state, kept_vms_add_vm(&state->vms, vm, descriptor)->text, /* is_anew= */ earlier != NULL);
    else if (end)
        put_text(state, end, /* is_anew= */ TRUE);
}

void
vm_state_disconnect(VmState *state, Vm *vm)
{
    KeptVm *kept = kept_vms_find_vm(&state->vms, vm);

    if (!kept || !kept->descriptor)
        return;
    kept_vm_drop_descriptor(kept, state->host);
    kept_vm_strip_connection(kept);
    put_text(state, kept->text, /* is_anew= */ TRUE);
}

void
vm_state_remove(VmState *state, Vm *vm)
{
    KeptVm *kept;

    /* Where the directory is another one by now, its file is read here, before the VM is forgotten, and so cannot bring the VM back. */
    if (state->has_file && !is_own_file(state))
        append_record(state, "");
    if (!(kept = kept_vms_find_vm(&state->vms, vm)))
        return;
    g_autofree char *end = vm_record_print_end(kept->origin, kept->name);
    kept_vms_forget(&state->vms, kept, state->host);
    put_text(state, end, /* is_anew= */ TRUE);
}
