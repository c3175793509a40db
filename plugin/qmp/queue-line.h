/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line of one caller at a monitor: how much the caller has in it, and how much that may be. Part of QmpQueue. */
#pragma once

#include "fair-queue.h"
#include "qmp-client.h"

typedef struct QueueLine {
    FairLine line; /* its entries are the queue's */
    gsize bytes; /* of the commands that wait */
    guint under_way;
    guint fds; /* of all its commands */
} QueueLine;

/* Whether the command has a descriptor beside it. */
gboolean qmp_command_has_fd(const QmpCommand *command);

/* Whether there is room for @command. Fails with QMP_ERROR_LIMIT. */
gboolean queue_line_check(QueueLine *line, const QmpCommand *command, GError **error);

/* @command waits, as the entry @link; and waits no more. */
void queue_line_push(QueueLine *line, GList *link, const QmpCommand *command);
void queue_line_remove(QueueLine *line, GList *link, const QmpCommand *command);
