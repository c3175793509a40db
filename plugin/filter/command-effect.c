/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-effect.h"

#include "json-member.h"
#include "qmp-error.h"

static CommandEffectKind
get_kind(const char *command)
{
    static const struct {
        const char *command;
        CommandEffectKind kind;
    } kinds[] = {
        { "getfd", COMMAND_EFFECT_NAMES_FD },
        { "closefd", COMMAND_EFFECT_CLOSES_FD },
        { "add-fd", COMMAND_EFFECT_ADDS_FD },
        { "remove-fd", COMMAND_EFFECT_REMOVES_FD },
        { "object-add", COMMAND_EFFECT_ADDS_OBJECT },
        { "chardev-add", COMMAND_EFFECT_ADDS_CHARDEV },
    };

    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_str_equal(command, kinds[i].command))
            return kinds[i].kind;
    return COMMAND_EFFECT_NONE;
}

void
command_effect_init(CommandEffect *effect, const char *command, JsonNode *arguments, GPtrArray *used)
{
    effect->kind = get_kind(command);
    effect->arguments = effect->kind != COMMAND_EFFECT_NONE && arguments ? json_node_ref(arguments) : NULL;
    effect->used = used;
}

void
command_effect_clear(CommandEffect *effect)
{
    g_clear_pointer(&effect->arguments, json_node_unref);
    g_clear_pointer(&effect->used, g_ptr_array_unref);
}

static const char *
get_name(JsonNode *arguments, const char *member)
{
    const char *name = arguments ? json_member_get_string(json_node_get_object(arguments), member) : NULL;

    return name ? name : "";
}

/* A name that QEMU does not know has gone too: a command that failed may have taken it (7.2 to 11.1). */
void
command_effect_note(const CommandEffect *effect, const QmpText *value, const char *caller, FdNames *names,
                    Fdsets *fdsets, StartedMonitors *monitors)
{
    if (effect->kind == COMMAND_EFFECT_CLOSES_FD)
        fd_names_remove(names, get_name(effect->arguments, "fdname"));
    if (!value)
        return;
    for (guint i = 0; effect->used && i < effect->used->len; i++)
        fd_names_remove(names, g_ptr_array_index(effect->used, i));
    if (effect->kind == COMMAND_EFFECT_NAMES_FD)
        fd_names_add(names, get_name(effect->arguments, "fdname"));
    if (effect->kind == COMMAND_EFFECT_ADDS_FD)
        fdsets_note_added(fdsets, value, caller);
    if (effect->kind == COMMAND_EFFECT_REMOVES_FD && effect->arguments)
        fdsets_note_removed(fdsets, effect->arguments);
    if (effect->kind == COMMAND_EFFECT_ADDS_OBJECT)
        started_monitors_note_object(monitors, get_name(effect->arguments, "id"));
    if (effect->kind == COMMAND_EFFECT_ADDS_CHARDEV)
        started_monitors_note_chardev(monitors, get_name(effect->arguments, "id"));
}

gboolean
command_effect_check_room(const char *command, const char *caller, FdNames *names, Fdsets *fdsets, GError **error)
{
    CommandEffectKind kind = get_kind(command);

    if ((kind != COMMAND_EFFECT_NAMES_FD || !fd_names_is_full(names)) &&
        (kind != COMMAND_EFFECT_ADDS_FD || !fdsets_is_full(fdsets, caller)))
        return TRUE;
    g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT, "The caller has enough descriptors in QEMU already");
    return FALSE;
}
