/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

/* journald keeps 10,000 lines of a service in 30 s, and drops decisions as well where there are more. A thousand VMs that
 * come or go at once have room. */
#define PERIOD (30 * G_TIME_SPAN_SECOND)
#define MAX_LINES 3000

/* An error of GLib's about a file shows what stands in it, which may be no text: journalctl(1) would show none of the line. */
static void
send_line_to_host(const ManagementHost *host, GLogLevelFlags level, const char *vm, const char *message)
{
    g_autofree char *valid = g_utf8_validate(message, -1, NULL) ? NULL : g_utf8_make_valid(message, -1);
    GLogField fields[] = { { "MESSAGE", valid ? valid : message, -1 }, { "VM", vm, -1 } };

    host->log(host->data, level, fields, vm ? 2 : 1);
}

void
log_line(const ManagementHost *host, GLogLevelFlags level, const char *vm, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    send_line_to_host(host, level, vm, message);
}

static gboolean
take_line(LogBudget *budget, const ManagementHost *host)
{
    gint64 now = g_get_monotonic_time();

    if (budget->n == 0 || now - budget->began >= PERIOD)
        *budget = (LogBudget){ .began = now };
    if (++budget->n == MAX_LINES)
        log_line(host, G_LOG_LEVEL_WARNING, /* vm= */ NULL,
                 "There are %d lines about VMs within %d s: the next ones are left out until these are over",
                 MAX_LINES, (int)(PERIOD / G_TIME_SPAN_SECOND));
    budget->n = MIN(budget->n, MAX_LINES);
    return budget->n < MAX_LINES;
}

void
log_line_within(LogBudget *budget, const ManagementHost *host, GLogLevelFlags level, const char *vm,
                const char *format, ...)
{
    va_list arguments;

    if (budget && level != G_LOG_LEVEL_DEBUG && !take_line(budget, host))
        return;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    send_line_to_host(host, level, vm, message);
}
