/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vm-log.h"

/* us. A QEMU listens some us after it has made its socket; a busy host may take longer. */
#define JUST_BOUND G_TIME_SPAN_SECOND

LogBudget *
vm_log_get_budget(Context *context, Vm *vm)
{
    VmOrigin origin = vm_get_origin(vm);

    return origin == VM_FROM_DIRECTORY || origin == VM_FROM_FD ? &context->vm_lines : NULL;
}

void
vm_log_up(VmLog *log, Context *context, Vm *vm)
{
    const char *name = vm_get_name(vm);
    QemuConnection *qemu = vm_get_qemu(vm);
    LogBudget *budget = vm_log_get_budget(context, vm);

    log->failure_logged = FALSE;
    if (qemu_connection_is_storage_daemon(qemu))
        log_line_within(budget, context->host, G_LOG_LEVEL_INFO, name, "VM \"%s\" is there: qemu-storage-daemon %s",
                        name, qemu_connection_get_version(qemu));
    else
        log_line_within(budget, context->host, G_LOG_LEVEL_INFO, name, "VM \"%s\" is there: QEMU %s, %s", name,
                        qemu_connection_get_version(qemu), qemu_connection_get_status(qemu));
}

/* Whether a socket in the run directory is so new that it is perhaps not listened on yet: between bind() and listen() it
 * refuses. */
static gboolean
is_just_bound(VmLog *log, Vm *vm, const GError *error)
{
    gint64 now = g_get_monotonic_time();

    if (vm_get_origin(vm) != VM_FROM_DIRECTORY || !g_error_matches(error, QMP_ERROR, QMP_ERROR_REFUSED)) {
        log->refused_since = 0;
        return FALSE;
    }
    if (log->refused_since == 0)
        log->refused_since = now;
    return now - log->refused_since < JUST_BOUND;
}

/* The text of an error about the way to the monitor begins with the address; one about the monitor itself does not. A
 * descriptor that an agent before this one was given has no address. */
static void
log_failure(VmLog *log, Context *context, Vm *vm, VmDown how, const GError *error)
{
    GLogLevelFlags level = log->failure_logged ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_MESSAGE;
    LogBudget *budget = vm_log_get_budget(context, vm);
    const QmpAddress *address = vm_get_address(vm);
    const char *name = vm_get_name(vm);

    if (how == VM_DOWN_UNUSABLE && address)
        log_line_within(budget, context->host, level, name, "%s: %s", address->text, error->message);
    else
        log_line_within(budget, context->host, level, name, "%s", error->message);
    log->failure_logged = TRUE;
}

void
vm_log_down(VmLog *log, Context *context, Vm *vm, VmDown how, const GError *error, gboolean is_awaited)
{
    const char *name = vm_get_name(vm);

    if (is_just_bound(log, vm, error))
        return;
    if (how == VM_DOWN_ENDED) {
        log_line_within(vm_log_get_budget(context, vm), context->host, G_LOG_LEVEL_INFO, name, "VM \"%s\" is gone: %s",
                        name, error->message);
        log->failure_logged = FALSE;
    } else if (is_awaited) {
        log->failure_logged = TRUE;
    } else {
        log_failure(log, context, vm, how, error);
    }
}
