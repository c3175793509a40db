/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where everything that the agent and its modules log ends: the journal with all its fields where stderr is the
 * journal, otherwise one line a message on stderr. Stateless; knows nothing of what is secret, so nothing secret is
 * given to it. */
#pragma once

#include <glib.h>

/* Writes one message. @domain, the module's or the agent's name, is borrowed; as are @fields, of which one is MESSAGE.
 * Debug messages are dropped unless G_MESSAGES_DEBUG names the domain. Never ends the process, whatever the level. */
void agent_log(const char *domain, GLogLevelFlags level, const GLogField *fields, gsize n_fields);

/* A GLogWriterFunc that does the same with what goes through g_log(), the agent's own messages among it. */
GLogWriterOutput agent_log_writer(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data);
