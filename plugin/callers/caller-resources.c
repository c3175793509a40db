/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller-resources.h"

#include "fdset-tag.h"

/* Descriptors that are removed for those who have left before somebody else has a turn. */
#define REMOVALS_AT_ONCE 8

struct CallerResources {
    Vm *vm; /* weak */
    Fdsets *fdsets; /* owned */
    CommandFilter *guard; /* owned */
    StartedMonitors *monitors; /* weak; of the connection */
    QmpTicket *ticket; /* weak; the question which fdsets there are */
    guint64 serial; /* when it was asked */
    gboolean is_stale; /* it is to be asked again */
    gboolean is_known; /* which there were before anybody's */
    gboolean has_begun;
};

static void
ignore(const QmpReply *reply, const GError *error, gpointer user_data)
{
}

static void
remove_fd(gint64 fdset, gint64 fd, gpointer user_data)
{
    CallerResources *claims = user_data;
    g_autoptr(GString) arguments = g_string_new(NULL);

    g_string_printf(arguments, "{\"fdset-id\":%" G_GINT64_FORMAT, fdset);
    if (fd >= 0)
        g_string_append_printf(arguments, ",\"fd\":%" G_GINT64_FORMAT, fd);
    g_string_append_c(arguments, '}');
    qemu_connection_ask(vm_get_qemu(claims->vm), &(QmpCommand){ .name = "remove-fd", .arguments = arguments->str },
                        ignore, NULL);
}

/* A few, and then which are left. */
static void
remove_fdsets(CallerResources *claims)
{
    if (fdsets_remove_left(claims->fdsets, REMOVALS_AT_ONCE, remove_fd, claims) > 0)
        caller_resources_ask_fdsets(claims);
}

static void
on_fdsets(const QmpReply *reply, const GError *error, gpointer user_data)
{
    CallerResources *claims = user_data;
    gboolean is_answer = reply && !reply->error_class;

    claims->ticket = NULL;
    if (is_answer && !claims->is_known)
        fdsets_note_common(claims->fdsets, &reply->value);
    else if (is_answer)
        fdsets_note_all(claims->fdsets, &reply->value, claims->serial);
    claims->is_known = !claims->is_stale;
    if (error)
        return;
    if (claims->is_stale)
        caller_resources_ask_fdsets(claims);
    remove_fdsets(claims);
}

/* At most one question is under way; what comes meanwhile makes its answer old. */
void
caller_resources_ask_fdsets(CallerResources *claims)
{
    claims->is_stale = claims->ticket != NULL;
    if (claims->is_stale)
        return;
    claims->serial = fdsets_get_serial(claims->fdsets);
    claims->ticket =
        qemu_connection_ask(vm_get_qemu(claims->vm), &(QmpCommand){ .name = "query-fdsets" }, on_fdsets, claims);
}

void
caller_resources_status_changed(CallerResources *claims)
{
    if (!qemu_connection_is_running(vm_get_qemu(claims->vm)))
        return;
    fdsets_retry(claims->fdsets);
    remove_fdsets(claims);
}

void
caller_resources_begin(CallerResources *claims)
{
    if (claims->has_begun)
        return;
    claims->has_begun = TRUE;
    claims->is_known = FALSE;
    caller_resources_ask_fdsets(claims);
}

void
caller_resources_leave(CallerResources *claims, const char *caller)
{
    fdsets_leave(claims->fdsets, caller);
    remove_fdsets(claims);
}

Fdsets *
caller_resources_get_fdsets(CallerResources *claims)
{
    return claims->fdsets;
}

CommandFilter *
caller_resources_get_guard(CallerResources *claims)
{
    return claims->guard;
}

StartedMonitors *
caller_resources_get_monitors(CallerResources *claims)
{
    return claims->monitors;
}

static void
note_path(StartedMonitors *monitors, const QmpAddress *address)
{
    if (address && address->path)
        started_monitors_note_path(monitors, address->path);
}

CallerResources *
caller_resources_new(Vm *vm)
{
    CallerResources *claims = g_new0(CallerResources, 1);
    GPtrArray *spares = vm_get_spares(vm);
    g_autofree char *tag = fdset_tag_new(vm_get_address(vm));

    claims->vm = vm;
    claims->fdsets = fdsets_new(tag);
    claims->monitors = qemu_connection_get_started_monitors(vm_get_qemu(vm));
    claims->guard = command_filter_new(claims->fdsets, claims->monitors);
    note_path(claims->monitors, vm_get_address(vm));
    for (guint i = 0; i < spares->len; i++)
        note_path(claims->monitors, g_ptr_array_index(spares, i));
    caller_resources_ask_fdsets(claims);
    return claims;
}

void
caller_resources_free(CallerResources *claims)
{
    g_clear_pointer(&claims->ticket, qmp_ticket_cancel);
    command_filter_free(claims->guard);
    fdsets_free(claims->fdsets);
    g_free(claims);
}
