/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU keeps for all monitors alike and a caller must not touch: the agent's own objects, which can be neither named
 * nor seen, and other callers' fdsets. */
#pragma once

#include <json-glib/json-glib.h>

#include "fdsets.h"
#include "qmp-message.h"

/* Whether @caller may send @command so. @text: @arguments as they are sent; both NULL: none. Fails with
 * BUS_ERROR_ACCESS_DENIED. */
gboolean guard_check(Fdsets *fdsets, const char *caller, const char *command, JsonNode *arguments, const char *text,
                     GError **error);

/* What @caller may see of a reply; NULL: all of it. @lists_fdsets: it is query-fdsets'. */
char *guard_clean(Fdsets *fdsets, const char *caller, gboolean lists_fdsets, const QmpText *value);
