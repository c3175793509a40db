/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "queue-line.h"

#include <string.h>

/* Of one caller, waiting or under way; bytes, of the ones that wait. */
#define MAX_COMMANDS 4096
#define MAX_BYTES (16u * 1024 * 1024)

/* Of one caller, waiting or under way: descriptors are few, and all callers' come out of the same ones. */
#define MAX_FDS 16

static gsize
get_command_size(const QmpCommand *command)
{
    return strlen(command->name) + (command->arguments ? strlen(command->arguments) : 0);
}

gboolean
qmp_command_has_fd(const QmpCommand *command)
{
    return (command->flags & QMP_EXECUTE_FD) != 0;
}

gboolean
queue_line_check(QueueLine *line, const QmpCommand *command, GError **error)
{
    if (qmp_command_has_fd(command) && line->fds >= MAX_FDS)
        g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT, "%d descriptors of this caller wait already", MAX_FDS);
    else if (line->line.waiting.length + line->under_way + command->n_followers >= MAX_COMMANDS)
        g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT, "%d commands of this caller wait already", MAX_COMMANDS);
    else if (line->bytes + get_command_size(command) > MAX_BYTES) /* more than that may have been handed over */
        g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT, "more than %u bytes of this caller's commands would wait",
                    MAX_BYTES);
    else
        return TRUE;
    return FALSE;
}

void
queue_line_push(QueueLine *line, GList *link, const QmpCommand *command)
{
    line->bytes += get_command_size(command);
    line->fds += qmp_command_has_fd(command);
    fair_line_push(&line->line, link);
}

void
queue_line_remove(QueueLine *line, GList *link, const QmpCommand *command)
{
    line->bytes -= get_command_size(command);
    line->fds -= qmp_command_has_fd(command);
    fair_line_remove(&line->line, link);
}
