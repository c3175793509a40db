/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One instance of the module. */
#pragma once

#include "management-module.h"

typedef struct Service Service;

/* The module's start(), reload(), prepare_stop() and stop(), see management-module.h. */
Service *service_start(const ManagementHost *host, GError **error);
gboolean service_reload(Service *service, GKeyFile *key_file, const char *key_file_path, GError **error);
gboolean service_prepare_stop(Service *service);
void service_stop(Service *service);
