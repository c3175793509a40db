/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller-resources.h"

#include "fdset-tag.h"

/* Descriptors that are removed for those who have left before somebody else has a turn. */
#define REMOVALS_AT_ONCE 8

struct CallerResources {
    Vm *vm; /* weak; NULL: freed, removals are under way */
    Fdsets *fdsets; /* owned */
    CommandFilter *filter; /* owned */
    StartedMonitors *monitors; /* weak; of the connection */
    QmpTicket *ticket; /* weak; the question which fdsets there are */
    guint64 serial; /* when it was asked */
    gboolean is_stale; /* it is to be asked again */
    gboolean is_known; /* which there were before anybody's */
    guint removals; /* under way */
    gboolean has_removed; /* and not asked since then */
    gboolean has_begun;
};

static void remove_fdsets(CallerResources *resources);

static void
on_removed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    CallerResources *resources = user_data;

    resources->removals--;
    if (resources->vm && !error)
        remove_fdsets(resources);
    g_rc_box_release(resources);
}

static void
remove_fd(gint64 fdset, gint64 fd, gpointer user_data)
{
    CallerResources *resources = user_data;
    g_autoptr(GString) arguments = g_string_new(NULL);

    g_string_printf(arguments, "{\"fdset-id\":%" G_GINT64_FORMAT, fdset);
    if (fd >= 0)
        g_string_append_printf(arguments, ",\"fd\":%" G_GINT64_FORMAT, fd);
    g_string_append_c(arguments, '}');
    if (qemu_connection_ask(vm_get_qemu(resources->vm),
                            &(QmpCommand){ .name = "remove-fd", .arguments = arguments->str }, on_removed,
                            g_rc_box_acquire(resources)))
        resources->removals++;
    else
        g_rc_box_release(resources);
}

/* A few at a time. Which are there still is asked when all have been tried: that list may be long. */
static void
remove_fdsets(CallerResources *resources)
{
    if (resources->removals > 0)
        return;
    if (fdsets_remove_left(resources->fdsets, REMOVALS_AT_ONCE, remove_fd, resources) > 0)
        resources->has_removed = TRUE;
    else if (resources->has_removed)
        caller_resources_ask_fdsets(resources);
}

static void
on_fdsets(const QmpReply *reply, const GError *error, gpointer user_data)
{
    CallerResources *resources = user_data;
    gboolean is_answer = reply && !reply->error_class;

    resources->ticket = NULL;
    if (is_answer && !resources->is_known)
        fdsets_note_common(resources->fdsets, &reply->value);
    else if (is_answer)
        fdsets_note_all(resources->fdsets, &reply->value, resources->serial);
    resources->is_known = !resources->is_stale;
    if (error)
        return;
    if (resources->is_stale)
        caller_resources_ask_fdsets(resources);
    remove_fdsets(resources);
}

/* At most one question is under way; what comes meanwhile makes its answer old. */
void
caller_resources_ask_fdsets(CallerResources *resources)
{
    resources->is_stale = resources->ticket != NULL;
    if (resources->is_stale)
        return;
    resources->has_removed = resources->removals > 0;
    resources->serial = fdsets_get_serial(resources->fdsets);
    resources->ticket =
        qemu_connection_ask(vm_get_qemu(resources->vm), &(QmpCommand){ .name = "query-fdsets" }, on_fdsets, resources);
}

void
caller_resources_status_changed(CallerResources *resources)
{
    if (!qemu_connection_is_running(vm_get_qemu(resources->vm)))
        return;
    fdsets_retry(resources->fdsets);
    remove_fdsets(resources);
}

void
caller_resources_begin(CallerResources *resources)
{
    if (resources->has_begun)
        return;
    resources->has_begun = TRUE;
    resources->is_known = FALSE;
    caller_resources_ask_fdsets(resources);
}

void
caller_resources_leave(CallerResources *resources, const char *caller)
{
    fdsets_leave(resources->fdsets, caller);
    remove_fdsets(resources);
}

Fdsets *
caller_resources_get_fdsets(CallerResources *resources)
{
    return resources->fdsets;
}

CommandFilter *
caller_resources_get_guard(CallerResources *resources)
{
    return resources->filter;
}

StartedMonitors *
caller_resources_get_monitors(CallerResources *resources)
{
    return resources->monitors;
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
    CallerResources *resources = g_rc_box_new0(CallerResources);
    GPtrArray *spares = vm_get_spares(vm);
    g_autofree char *tag = fdset_tag_new(vm_get_address(vm));

    resources->vm = vm;
    resources->fdsets = fdsets_new(tag);
    resources->monitors = qemu_connection_get_started_monitors(vm_get_qemu(vm));
    resources->filter = command_filter_new(resources->fdsets, resources->monitors);
    note_path(resources->monitors, vm_get_address(vm));
    for (guint i = 0; i < spares->len; i++)
        note_path(resources->monitors, g_ptr_array_index(spares, i));
    caller_resources_ask_fdsets(resources);
    return resources;
}

void
caller_resources_free(CallerResources *resources)
{
    g_clear_pointer(&resources->ticket, qmp_ticket_cancel);
    command_filter_free(resources->filter);
    fdsets_free(resources->fdsets);
    resources->vm = NULL;
    g_rc_box_release(resources);
}
