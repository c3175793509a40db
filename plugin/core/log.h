/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's log, one structured line at a time. */
#pragma once

#include "management-module.h"

/* @vm: the VM it is about, which becomes the field VM; or NULL. */
void log_line(const ManagementHost *host, GLogLevelFlags level, const char *vm, const char *format, ...)
    G_GNUC_PRINTF(4, 5);
