/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's log, one structured line at a time. */
#pragma once

#include "management-module.h"

/* Of lines that somebody outside can cause as often as they like. Zeroed at the beginning. */
typedef struct LogBudget {
    gint64 began; /* monotonic us; the period */
    guint n; /* lines in it */
} LogBudget;

/* @vm: the VM it is about, which becomes the field VM; or NULL. */
void log_line(const ManagementHost *host, GLogLevelFlags level, const char *vm, const char *format, ...)
    G_GNUC_PRINTF(4, 5);

/* The same, while there is room in @budget (NULL: always); a line says that there is none. Lines for debugging cost nothing. */
void log_line_within(LogBudget *budget, const ManagementHost *host, GLogLevelFlags level, const char *vm,
                     const char *format, ...) G_GNUC_PRINTF(5, 6);
