/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by command-filter.c for each string of a command; owns nothing. */
#include "monitor-ends.h"

#include <string.h>

#include "hmp-line.h"
#include "qmp-error.h"

/* The kind of thing that a command's argument names. */
typedef enum Named {
    NAMED_OBJECT,
    NAMED_CHARDEV, /* QEMU itself lets nobody take one from a monitor (7.2 to 11.1) */
    NAMED_ANY_CHARDEV, /* QEMU would take one from a monitor as well */
    NAMED_PATH, /* of QOM, whole or a part of one */
} Named;

typedef struct Way {
    const char *command, *member; /* in HMP: the first argument */
    Named named;
} Way;

/* Rows have QMP's names; HMP writes `_` for `-` in some. NULL: the command ends no monitor. */
static const Way *
find_way(const char *command)
{
    static const Way ways[] = {
        { "add-client", "protocol", NAMED_ANY_CHARDEV },
        { "chardev-change", "id", NAMED_CHARDEV },
        { "chardev-remove", "id", NAMED_CHARDEV },
        { "chardev-send-break", "id", NAMED_CHARDEV },
        { "gdbserver", "device", NAMED_ANY_CHARDEV },
        { "monitor-remove", "id", NAMED_OBJECT },
        { "object-del", "id", NAMED_OBJECT },
        { "qom-set", "path", NAMED_PATH },
        { "yank", "id", NAMED_ANY_CHARDEV },
    };
    g_autofree char *name = g_strdelimit(g_strdup(command), "_", '-');

    for (guint i = 0; i < G_N_ELEMENTS(ways); i++)
        if (g_str_equal(name, ways[i].command))
            return &ways[i];
    return NULL;
}

static gboolean
has_part(StartedMonitors *monitors, const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);

    for (guint i = 0; parts[i]; i++)
        if (started_monitors_has_object(monitors, parts[i]) || started_monitors_has_chardev(monitors, parts[i]))
            return TRUE;
    return FALSE;
}

static gboolean
is_monitor(StartedMonitors *monitors, Named named, const char *word)
{
    static const char chardev[] = "chardev:"; /* how `gdbserver` has it */

    switch (named) {
    case NAMED_OBJECT:
        return started_monitors_has_object(monitors, word);
    case NAMED_CHARDEV:
        return started_monitors_has_chardev(monitors, word);
    case NAMED_ANY_CHARDEV:
        return started_monitors_may_have_chardev(monitors,
                                                 g_str_has_prefix(word, chardev) ? word + strlen(chardev) : word);
    case NAMED_PATH:
        return has_part(monitors, word);
    }
    g_return_val_if_reached(TRUE);
}

static gboolean
check_monitor_name(StartedMonitors *monitors, Named named, const char *word, GError **error)
{
    if (!is_monitor(monitors, named, word))
        return TRUE;
    g_set_error(error, QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED,
                "\"%.100s\" is a monitor that QEMU was started with, or under one", word);
    return FALSE;
}

static gboolean
check_hmp_line(StartedMonitors *monitors, const char *line, GError **error)
{
    g_autofree char *command = hmp_line_dup_command(line, &line);
    g_autofree char *word = NULL;
    const Way *way = command ? find_way(command) : NULL;
    gboolean is_bad;

    if (!way)
        return TRUE;
    hmp_line_skip_options(&line);
    word = hmp_line_dup_word(&line, &is_bad);
    if (word)
        return check_monitor_name(monitors, way->named, word, error);
    if (is_bad)
        g_set_error(error, QMP_ERROR, QMP_ERROR_NOT_AUTHORIZED,
                    "What follows %s cannot be read for certain: a quote has no end, or an escape no meaning",
                    command);
    return !is_bad;
}

gboolean
monitor_ends_check(StartedMonitors *monitors, const char *command, const char *member, const char *text,
                   GError **error)
{
    const Way *way = find_way(command);

    if (g_str_equal(command, "human-monitor-command"))
        return !g_str_equal(member, "command-line") || check_hmp_line(monitors, text, error);
    return !way || !g_str_equal(member, way->member) || check_monitor_name(monitors, way->named, text, error);
}
