/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells whoever started the agent how it stands: systemd's notification protocol, sd_notify(3). */
#pragma once

#include <glib.h>

typedef struct AgentNotify AgentNotify;

/* Takes NOTIFY_SOCKET over from the environment (and out of it: it is not meant for children). Never NULL; where there
 * is nobody to tell, the others do nothing. */
AgentNotify *agent_notify_new(void);
void agent_notify_free(AgentNotify *notify);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AgentNotify, agent_notify_free)

/* READY=1 and STOPPING=1, each with a STATUS= line for people. */
void agent_notify_ready(AgentNotify *notify, const char *status);
void agent_notify_stopping(AgentNotify *notify, const char *status);

/* RELOADING=1, which has to be followed by agent_notify_ready(). */
void agent_notify_reloading(AgentNotify *notify, const char *status);

/* STATUS= alone. */
void agent_notify_status(AgentNotify *notify, const char *status);
