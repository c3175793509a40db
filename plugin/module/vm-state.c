/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by the service. The file is written anew at every change, before a caller is told of it: 10,000 VMs are 2 MB, and a
 * caller who was told that a VM is there finds it after a crash. A record that is broken costs its own VM. */
#include "vm-state.h"

#include <string.h>
#include <unistd.h>

#include "state-file.h"
#include "vm-record.h"

#define FILE_NAME "vms"
#define COMMENT "# The VMs of the agent that runs, for the next one. Written by it at every change.\n"

/* 10,000 VMs with long addresses and some spares. */
#define MAX_FILE ((gsize)64 * 1024 * 1024)

typedef struct Kept {
    VmRecord *record; /* owned */
    char *text; /* owned; the record as it is in the file */
    gboolean is_resumed; /* by a VM of the key file */
} Kept;

struct VmState {
    const ManagementHost *host; /* weak */
    char *run_directory; /* owned; NULL: no file is kept */
    char *path; /* owned; NULL: there is no file yet */
    GPtrArray *all; /* owned, of Kept (owned): what is in the file */
    gboolean has_failed; /* the last write; the next failure says nothing new */
};

static void
free_kept(gpointer data)
{
    Kept *kept = data;

    if (!kept)
        return; /* the record has been taken out of the table */
    vm_record_free(kept->record);
    g_free(kept->text);
    g_free(kept);
}

/* Takes @record. */
static Kept *
new_kept(VmRecord *record)
{
    Kept *kept = g_new0(Kept, 1);

    kept->record = record;
    kept->text = vm_record_print(record);
    return kept;
}

/* A host of before has no store. */
static gboolean
has_store(VmState *state)
{
    const ManagementHost *host = state->host;

    return host->size >= G_STRUCT_OFFSET(ManagementHost, take_fd) + sizeof host->take_fd && host->keep_fd;
}

static void
drop_descriptor(VmState *state, VmRecord *record)
{
    if (record->descriptor && has_store(state))
        state->host->drop_fd(state->host->data, record->descriptor);
    g_clear_pointer(&record->descriptor, g_free);
    g_clear_pointer(&record->session, g_free);
}

static void
log_state_error(VmState *state, const char *what, const GError *error)
{
    log_line(state->host, G_LOG_LEVEL_CRITICAL, /* vm= */ NULL, "%s: %s", what, error->message);
}

/* FALSE: there is no directory that can be trusted, and none is tried again. */
static gboolean
find_file(VmState *state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = state->run_directory ? state_file_make_directory(state->run_directory, &error) : NULL;

    if (directory)
        state->path = g_build_filename(directory, FILE_NAME, NULL);
    if (error)
        log_state_error(state, "What is added by call will be lost at a restart", error);
    if (!directory)
        g_clear_pointer(&state->run_directory, g_free);
    return directory != NULL;
}

static void
write_state(VmState *state)
{
    g_autoptr(GString) text = g_string_new(COMMENT);
    g_autoptr(GError) error = NULL;

    if (!state->path && (state->all->len == 0 || !find_file(state)))
        return;
    for (guint i = 0; i < state->all->len; i++)
        g_string_append(text, ((Kept *)state->all->pdata[i])->text);
    if (state_file_write(state->path, text->str, text->len, &error))
        state->has_failed = FALSE;
    else if (!state->has_failed)
        log_state_error(state, "What was added by call will be lost at a restart", error);
    state->has_failed = error != NULL;
}

/* @number: of the record in the file. */
static void
read_kept(VmState *state, const char *text, guint number)
{
    g_autoptr(GError) error = NULL;
    VmRecord *record = vm_record_parse(text, &error);

    if (record)
        g_ptr_array_add(state->all, new_kept(record));
    else
        log_line(state->host, G_LOG_LEVEL_CRITICAL, /* vm= */ NULL, "%s: record %u is broken, and its VM is lost: %s",
                 state->path, number, error->message);
}

/* Each record is read by itself. */
static void
read_state(VmState *state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = state_file_read(state->path, MAX_FILE, &error), *all = NULL;

    if (error)
        log_state_error(state, "The VMs that were added by call are lost", error);
    if (!text)
        return;
    all = g_strconcat("\n", text, NULL);
    g_auto(GStrv) parts = g_strsplit(all, "\n" VM_RECORD_HEADER, -1);
    for (guint i = 1; parts[0] && parts[i]; i++) {
        g_autofree char *part = g_strconcat(VM_RECORD_HEADER, parts[i], NULL);
        read_kept(state, part, i);
    }
}

VmState *
vm_state_new(const ManagementHost *host, const char *run_directory)
{
    VmState *state = g_new0(VmState, 1);

    state->host = host;
    state->all = g_ptr_array_new_with_free_func(free_kept);
    state->run_directory = g_strdup(run_directory);
    if (run_directory && state_file_has_directory(run_directory) && find_file(state))
        read_state(state);
    return state;
}

void
vm_state_free(VmState *state)
{
    g_ptr_array_unref(state->all);
    g_free(state->run_directory);
    g_free(state->path);
    g_free(state);
}

static Kept *
find_kept(VmState *state, VmOrigin origin, const char *name)
{
    for (guint i = 0; i < state->all->len; i++) {
        Kept *kept = state->all->pdata[i];
        if (kept->record->spec->origin == origin && g_strcmp0(kept->record->spec->name, name) == 0)
            return kept;
    }
    return NULL;
}

static Kept *
find_kept_of(VmState *state, Vm *vm)
{
    const char *name = vm_get_name(vm);

    return find_kept(state, vm_get_origin(vm), name ? name : vm_get_spec(vm)->name);
}

/* The record's descriptor and session become @spec's; -1 there: nothing. */
static void
take_connection(VmState *state, VmRecord *record, VmSpec *spec)
{
    spec->is_known = TRUE;
    spec->fd = -1;
    spec->session = NULL;
    if (!record->descriptor || !record->session || !has_store(state))
        return;
    spec->fd = state->host->take_fd(state->host->data, record->descriptor);
    if (spec->fd >= 0)
        spec->session = record->session;
}

void
vm_state_resume(VmState *state, VmSpec *spec)
{
    Kept *kept = find_kept(state, spec->origin, spec->name);

    if (!kept || !g_str_equal(kept->record->spec->address->text, spec->address->text))
        return;
    take_connection(state, kept->record, spec);
    kept->is_resumed = spec->session != NULL;
}

/* Whether it can be added again. */
static gboolean
restore_kept(VmState *state, Kept *kept, VmStateFunc func, gpointer user_data)
{
    VmSpec spec = *kept->record->spec;

    take_connection(state, kept->record, &spec);
    if (spec.origin == VM_FROM_FD && spec.fd < 0) {
        log_line(state->host, G_LOG_LEVEL_MESSAGE, spec.name,
                 "VM \"%s\" was given as a descriptor, which nobody has kept over the restart: it is lost", spec.name);
        return FALSE;
    }
    /* A socket in the run directory is found again. */
    if (spec.origin == VM_FROM_DIRECTORY && spec.fd < 0)
        return FALSE;
    return func(&spec, user_data);
}

/* By then a VM of the key file has taken what was kept of it, or there is none. */
void
vm_state_restore(VmState *state, VmStateFunc func, gpointer user_data)
{
    g_autoptr(GPtrArray) all = g_steal_pointer(&state->all);

    state->all = g_ptr_array_new_with_free_func(free_kept);
    for (guint i = 0; i < all->len; i++) {
        Kept *kept = all->pdata[i];
        gboolean is_configured = kept->record->spec->origin == VM_FROM_KEY_FILE;
        if (is_configured ? kept->is_resumed : restore_kept(state, kept, func, user_data))
            g_ptr_array_add(state->all, g_steal_pointer(&all->pdata[i]));
        else
            drop_descriptor(state, kept->record);
    }
    write_state(state);
}

static QmpClient *
get_client(Vm *vm)
{
    return qemu_connection_get_client(vm_get_qemu(vm));
}

/* Whether nothing else leads to this QEMU again: it has connected by itself, or somebody has given the connection. */
static gboolean
is_only_way(Vm *vm)
{
    return !vm_get_address(vm) || vm_get_address(vm)->server;
}

/* The same descriptor, where it is in the store already, is in it by a new name then. */
static char *
keep_connection(VmState *state, Vm *vm)
{
    g_autofree char *name = g_strdup_printf("vm-%08x%08x", g_random_int(), g_random_int());

    if (!has_store(state) ||
        !state->host->keep_fd(state->host->data, name, qmp_client_get_fd(get_client(vm)), is_only_way(vm)))
        return NULL;
    return g_steal_pointer(&name);
}

static void
forget_kept(VmState *state, Kept *kept)
{
    if (!kept)
        return;
    drop_descriptor(state, kept->record);
    g_ptr_array_remove(state->all, kept);
}

void
vm_state_put(VmState *state, Vm *vm)
{
    VmOrigin origin = vm_get_origin(vm);
    VmSpec spec = *vm_get_spec(vm);
    char *descriptor;

    forget_kept(state, find_kept_of(state, vm));
    descriptor = keep_connection(state, vm);
    if (descriptor || origin == VM_FROM_CALL || origin == VM_FROM_FD) {
        spec.name = vm_get_name(vm);
        g_ptr_array_add(state->all,
                        new_kept(vm_record_new(&spec, descriptor, qmp_client_dup_session(get_client(vm)))));
    }
    write_state(state);
}

void
vm_state_disconnect(VmState *state, Vm *vm)
{
    Kept *kept = find_kept_of(state, vm);

    if (!kept || !kept->record->descriptor)
        return;
    drop_descriptor(state, kept->record);
    g_free(kept->text);
    kept->text = vm_record_print(kept->record);
    write_state(state);
}

void
vm_state_remove(VmState *state, Vm *vm)
{
    Kept *kept = find_kept_of(state, vm);

    if (!kept)
        return;
    forget_kept(state, kept);
    write_state(state);
}
