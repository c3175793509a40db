/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON text as QEMU writes it (7.2 to 11.1 alike). Part of the native session. */
#pragma once

#include <glib.h>

/* Appends @text as a string with its quotes: ASCII alone. @text: as QEMU keeps it, U+0000 being C0 80; what is no UTF-8
 * becomes U+FFFD. */
void qmp_format_append_string(GString *json, const char *text);

/* Appends a document anew: with a blank after every colon and comma, or with @is_pretty a line for each value. @text: JSON
 * that was found right; numbers with a fraction get the 17 digits that QEMU gives them. */
void qmp_format_append(GString *json, const char *text, gsize length, gboolean is_pretty);
