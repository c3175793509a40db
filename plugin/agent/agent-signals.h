/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The signals that the agent is told to end or to reload by, as a source on its main context. */
#pragma once

#include <glib.h>

/* From the main context. @name: "SIGTERM". */
typedef void (*AgentSignalFunc)(const char *name, gpointer user_data);

/* Blocks SIGINT, SIGTERM and SIGHUP and gives a source that tells of them instead; those that whoever started the
 * agent chose to ignore (nohup, a shell's background job) stay ignored. To be called while there is one thread. NULL: there is no
 * descriptor for it. */
GSource *agent_signals_attach(GMainContext *context, AgentSignalFunc func, gpointer user_data, GError **error);
