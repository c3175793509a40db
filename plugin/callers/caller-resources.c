/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The callers' descriptors, fdsets and objects in one QEMU, from a command to the caller's departure. Called by
 * caller-session.c; owns the fdsets, the secrets and the command filter.
 *
 *   caller_resources_prepare()     a command is about to be sent: its arguments get the caller's names for descriptors, the
 *                                  agent's tag and number for fdsets, and a CallerEffect says what the command will change
 *   caller_resources_note_reply()  QEMU has replied: the caller's names, fdsets and secrets are noted
 *   caller_resources_leave()       the caller has left: remove_fdsets() has QEMU remove the caller's fdsets, a few at a time
 *   on_removed(), on_fdsets()      QEMU answers remove-fd with success at once, and closes the descriptor only while
 *                                  the guest runs (filter/fdsets.h): so it is asked for what is left, and remove-fd is
 *                                  sent again when the guest runs
 *
 * Names for descriptors go with the caller's monitor: caller-session.c closes them. */
#include "caller-resources.h"

#include "fdset-tag.h"
#include "json-member.h"
#include "json-print.h"
#include "json-tree.h"
#include "qmp-error.h"

/* Descriptors that are removed for callers who have left before another command has its turn. */
#define REMOVALS_AT_ONCE 8

struct CallerResources {
    Vm *vm; /* weak; NULL: freed, removals are under way */
    Fdsets *fdsets; /* owned */
    Secrets *secrets; /* owned */
    CommandFilter *filter; /* owned */
    StartedMonitors *monitors; /* weak; of the connection */
    QmpTicket *ticket; /* weak; of query-fdsets, while it is under way */
    guint64 serial; /* of the fdsets when QEMU was asked */
    gboolean is_stale; /* query-fdsets is to be asked again */
    gboolean is_known; /* QEMU has told which fdsets were there before any caller's */
    guint removals; /* of remove-fd, under way */
    gboolean has_removed; /* something was removed since query-fdsets was asked */
    gboolean has_begun; /* a caller has come */
};

static CallerEffectKind
find_effect_kind(const char *command)
{
    static const struct {
        const char *command;
        CallerEffectKind kind;
    } kinds[] = {
        { "getfd", CALLER_EFFECT_NAMES_FD },         { "closefd", CALLER_EFFECT_CLOSES_FD },
        { "add-fd", CALLER_EFFECT_ADDS_FD },         { "remove-fd", CALLER_EFFECT_REMOVES_FD },
        { "object-add", CALLER_EFFECT_ADDS_OBJECT }, { "chardev-add", CALLER_EFFECT_ADDS_CHARDEV },
    };

    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(command, kinds[i].command))
            return kinds[i].kind;
    return CALLER_EFFECT_NONE;
}

gboolean
caller_resources_check_room(CallerResources *resources, const char *caller, FdNames *names, const char *command,
                            GError **error)
{
    CallerEffectKind kind = find_effect_kind(command);

    if ((kind != CALLER_EFFECT_NAMES_FD || !fd_names_is_full(names)) &&
        (kind != CALLER_EFFECT_ADDS_FD || !fdsets_is_full(resources->fdsets, caller)))
        return TRUE;
    g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT, "The caller has enough descriptors in QEMU already");
    return FALSE;
}

/* NULL: the command is sent without arguments. */
static JsonNode *
mark_arguments(CallerResources *resources, FdNames *names, const char *command, JsonNode *arguments,
               GPtrArray **ret_used_names)
{
    *ret_used_names = NULL;
    if (g_str_equal(command, "add-fd"))
        return fdset_tag_put(fdsets_get_tag(resources->fdsets), fdsets_take_number(resources->fdsets), arguments);
    return arguments ? fd_names_translate(names, command, arguments, ret_used_names) : NULL;
}

char *
caller_resources_prepare(CallerResources *resources, FdNames *names, const char *command, JsonNode *arguments,
                         CallerEffect *ret_effect)
{
    g_autoptr(JsonNode) marked = mark_arguments(resources, names, command, arguments, &ret_effect->used_names);
    GString *text;

    ret_effect->kind = find_effect_kind(command);
    ret_effect->arguments = ret_effect->kind != CALLER_EFFECT_NONE && arguments ? json_node_ref(arguments) : NULL;
    if (!marked || json_object_get_size(json_node_get_object(marked)) == 0)
        return NULL;
    text = g_string_sized_new(64);
    json_print_node(text, marked, JSON_PRINT_COMPACT);
    return g_string_free(text, FALSE);
}

gboolean
caller_effect_is_none(const CallerEffect *effect)
{
    return effect->kind == CALLER_EFFECT_NONE && !effect->used_names;
}

void
caller_effect_clear(CallerEffect *effect)
{
    g_clear_pointer(&effect->arguments, json_node_unref);
    g_clear_pointer(&effect->used_names, g_ptr_array_unref);
}

static const char *
get_effect_name(const CallerEffect *effect, const char *member)
{
    const char *name =
        effect->arguments ? json_member_get_string(json_node_get_object(effect->arguments), member) : NULL;

    return name ? name : "";
}

static void ask_fdsets(CallerResources *resources);

static void
note_success(CallerResources *resources, const char *caller, FdNames *names, const CallerEffect *effect,
             const QmpText *value)
{
    for (guint i = 0; effect->used_names && i < effect->used_names->len; i++)
        fd_names_remove(names, g_ptr_array_index(effect->used_names, i));
    if (effect->kind == CALLER_EFFECT_NAMES_FD)
        fd_names_add(names, get_effect_name(effect, "fdname"));
    if (effect->kind == CALLER_EFFECT_ADDS_FD)
        fdsets_note_added(resources->fdsets, value, caller);
    if (effect->kind == CALLER_EFFECT_REMOVES_FD && effect->arguments)
        fdsets_note_removed(resources->fdsets, effect->arguments);
    if (effect->kind == CALLER_EFFECT_ADDS_OBJECT) {
        started_monitors_note_object(resources->monitors, get_effect_name(effect, "id"));
        secrets_note_added(resources->secrets, caller, effect->arguments);
    }
    if (effect->kind == CALLER_EFFECT_ADDS_CHARDEV)
        started_monitors_note_chardev(resources->monitors, get_effect_name(effect, "id"));
}

void
caller_resources_note_reply(CallerResources *resources, const char *caller, FdNames *names, const CallerEffect *effect,
                            const QmpText *value)
{
    /* A name that QEMU does not know has gone too: a command that failed may have taken it (7.2 to 11.1). */
    if (effect->kind == CALLER_EFFECT_CLOSES_FD)
        fd_names_remove(names, get_effect_name(effect, "fdname"));
    if (value)
        note_success(resources, caller, names, effect, value);
    if (effect->kind == CALLER_EFFECT_REMOVES_FD)
        ask_fdsets(resources);
}

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

/* Removes a few at a time. When all have been tried, QEMU is asked which fdsets are still there: the list may be
 * long. */
static void
remove_fdsets(CallerResources *resources)
{
    if (resources->removals > 0)
        return;
    if (fdsets_remove_left(resources->fdsets, REMOVALS_AT_ONCE, remove_fd, resources) > 0)
        resources->has_removed = TRUE;
    else if (resources->has_removed)
        ask_fdsets(resources);
}

static void
on_fdsets(const QmpReply *reply, const GError *error, gpointer user_data)
{
    CallerResources *resources = user_data;
    gboolean is_answer = reply && !reply->error_class;

    resources->ticket = NULL;
    if (is_answer && !resources->is_known)
        fdsets_note_common(resources->fdsets, &reply->value);
    if (is_answer)
        fdsets_note_all(resources->fdsets, &reply->value, resources->serial);
    resources->is_known = TRUE;
    if (error)
        return;
    if (resources->is_stale)
        ask_fdsets(resources);
    remove_fdsets(resources);
}

/* At most one question is under way; a call meanwhile makes its answer old. */
static void
ask_fdsets(CallerResources *resources)
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

/* A question that is under way was sent before the caller's first command, as one that is sent now is. A later one would not do: its
 * answer may have a set whose add-fd has not been answered yet, and nothing tells that from what an agent that was killed has
 * left. */
void
caller_resources_begin(CallerResources *resources)
{
    if (resources->has_begun)
        return;
    resources->has_begun = TRUE;
    resources->is_known = FALSE;
    if (!resources->ticket)
        ask_fdsets(resources);
}

void
caller_resources_leave(CallerResources *resources, const char *caller)
{
    fdsets_leave(resources->fdsets, caller);
    secrets_leave(resources->secrets, caller);
    remove_fdsets(resources);
}

Fdsets *
caller_resources_get_fdsets(CallerResources *resources)
{
    return resources->fdsets;
}

CommandFilter *
caller_resources_get_filter(CallerResources *resources)
{
    return resources->filter;
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
    GPtrArray *spares = vm_get_spec(vm)->spares;
    QmpClient *client = qemu_connection_get_client(vm_get_qemu(vm));
    g_autofree char *tag = fdset_tag_new(vm_get_address(vm), qmp_client_get_fd(client));

    resources->vm = vm;
    resources->fdsets = fdsets_new(tag);
    resources->monitors = qemu_connection_get_started_monitors(vm_get_qemu(vm));
    resources->secrets = secrets_new();
    resources->filter = command_filter_new(resources->fdsets, resources->secrets, resources->monitors);
    note_path(resources->monitors, vm_get_address(vm));
    for (guint i = 0; i < spares->len; i++)
        note_path(resources->monitors, g_ptr_array_index(spares, i));
    ask_fdsets(resources);
    return resources;
}

void
caller_resources_free(CallerResources *resources)
{
    g_clear_pointer(&resources->ticket, qmp_ticket_cancel);
    command_filter_free(resources->filter);
    secrets_free(resources->secrets);
    fdsets_free(resources->fdsets);
    resources->vm = NULL;
    g_rc_box_release(resources);
}
