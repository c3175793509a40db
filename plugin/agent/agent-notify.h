/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tells whoever started the agent how it stands: systemd's notification protocol, sd_notify(3). */
#pragma once

#include <glib.h>

typedef struct AgentNotify AgentNotify;

/* Takes NOTIFY_SOCKET and WATCHDOG_USEC over from the environment (and out of it: they are not meant for children). Where the
 * manager wants to know that the main loop turns, it is told from @context. Never NULL; where there is nobody to tell, the
 * others do nothing. */
AgentNotify *agent_notify_new(GMainContext *context);

/* News that have not been told yet are, if the manager listens. */
void agent_notify_free(AgentNotify *notify);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AgentNotify, agent_notify_free)

/* Whether there is somebody to tell. */
gboolean agent_notify_is_heard(AgentNotify *notify);

/* READY=1 and STOPPING=1, each with a STATUS= line for people. */
void agent_notify_ready(AgentNotify *notify, const char *status);
void agent_notify_stopping(AgentNotify *notify, const char *status);

/* RELOADING=1, which has to be followed by agent_notify_ready(). */
void agent_notify_reloading(AgentNotify *notify, const char *status);

/* STATUS= alone. */
void agent_notify_status(AgentNotify *notify, const char *status);

/* FDSTORE=1: the manager keeps a duplicate of @fd under @name, which has no colon and is no longer than 255 bytes; FALSE: there is no
 * descriptor for it. FDSTOREREMOVE=1: it forgets those of that name. */
gboolean agent_notify_store(AgentNotify *notify, const char *name, int fd);
void agent_notify_unstore(AgentNotify *notify, const char *name);
