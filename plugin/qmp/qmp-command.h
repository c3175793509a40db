/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of a command for a QMP server (QMP spec, section 2.3). Part of QmpClient. */
#pragma once

#include <glib.h>

#define QMP_COMMAND_NO_ID -1

/* @arguments: a compact JSON object, or NULL. Owned. */
GString *qmp_command_write(const char *name, const char *arguments, gboolean is_oob, int id);
