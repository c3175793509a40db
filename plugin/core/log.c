/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

void
log_line(const ManagementHost *host, GLogLevelFlags level, const char *vm, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);

    GLogField fields[] = { { "MESSAGE", message, -1 }, { "VM", vm, -1 } };
    host->log(host->data, level, fields, vm ? 2 : 1);
}
