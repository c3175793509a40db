/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Descriptors that outlive the agent: the service manager keeps them, and hands them to the next agent (sd_listen_fds(3), FDSTORE=1
 * in sd_notify(3)). */
#pragma once

#include "agent-notify.h"

typedef struct AgentStore AgentStore;

/* Takes the descriptors that LISTEN_FDS, LISTEN_FDNAMES and LISTEN_PID tell of, and these variables and FDSTORE out of the environment. Borrows
 * @notify. */
AgentStore *agent_store_new(AgentNotify *notify);

/* Closes what nobody has taken; the manager keeps it. */
void agent_store_free(AgentStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AgentStore, agent_store_free)

/* As the functions of the same names of ManagementHost, with names that are unlike those of all other modules. */
gboolean agent_store_keep(AgentStore *store, const char *name, int fd, gboolean is_only_one);
void agent_store_drop(AgentStore *store, const char *name);
int agent_store_take(AgentStore *store, const char *name);

/* Nobody will ask for what has not been taken: it is closed, and the manager forgets it. */
void agent_store_drop_rest(AgentStore *store);
