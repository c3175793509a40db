/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command of an HMP line, for the log. The rest of the line is left out: it may hold passwords. */
#pragma once

#include <json-glib/json-glib.h>

/* The HMP command that @arguments of human-monitor-command begin with; "?" for one that QEMU 7.2 to 11.1 do not have, for it may be
 * anything, a password typed into the wrong window included. NULL: @command is another one. Borrowed, of a constant. */
const char *hmp_word_get(const char *command, JsonNode *arguments);
