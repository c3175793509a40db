/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines that a QMP server writes, as QEMU spaces and orders them (7.2 to 11.1 alike), less the end of the line. */
#pragma once

#include "qmp-message.h"

/* @id: the request's, as JSON text; NULL: the request had none. @is_rewritten: the value is not QEMU's own text. */
GString *qmp_line_new_return(const char *id, const QmpText *value, gboolean is_rewritten);
GString *qmp_line_new_error(const char *id, const char *error_class, const char *text);

GString *qmp_line_new_event(const QmpEvent *event);
GString *qmp_line_new_greeting(const QmpGreeting *greeting);
