/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A listening socket in `native/` in the run directory, for one client of one user. */
#pragma once

#include "context.h"

typedef struct MonitorPath MonitorPath;

/* Once, unless freed before; the path is gone by then. @fd: the client's connection, taken; -1: nobody came in time. The
 * MonitorPath may be freed from inside. */
typedef void (*MonitorPathFunc)(int fd, gpointer user_data);

/* Whether a socket there can be called so. Otherwise FALSE with BUS_ERROR_INVALID_ARGS. */
gboolean monitor_path_check_name(const char *name, GError **error);

/* Listens at @name in `native/` in the run directory, which is made where it is missing. Mode 0600, @uid's. @timeout: us; G_MAXUINT64: none. Fails with BUS_ERROR_INVALID_ARGS
 * where the name is taken or too long, with BUS_ERROR_FAILED where there can be no such socket. */
MonitorPath *monitor_path_new(Context *context, const char *name, guint32 uid, guint64 timeout, MonitorPathFunc func,
                              gpointer user_data, GError **error);
void monitor_path_free(MonitorPath *path);
