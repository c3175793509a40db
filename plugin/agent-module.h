/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One module in the agent: the host's side of management-module.h. */
#pragma once

#include "management-module.h"

typedef struct AgentModule AgentModule;

/* @error NULL: the instance is ready; at most once. Otherwise it failed and wants to be freed; nothing comes after
 * that. Always from the main context with nothing of the module on the stack, never from inside agent_module_start(),
 * never after agent_module_free(), which is allowed inside. */
typedef void (*AgentModuleFunc)(AgentModule *module, const GError *error, gpointer user_data);

/* Loads the module from @file and looks at what it is; runs none of it but its constructors. */
AgentModule *agent_module_load(const char *file, GError **error);

/* Stops the instance if there is one, unloads the module. */
void agent_module_free(AgentModule *module);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AgentModule, agent_module_free)

/* The name from the descriptor. */
const char *agent_module_get_name(AgentModule *module);

/* Starts the instance; once. @key_file is taken; the strings and @context are borrowed for as long as the module. */
gboolean agent_module_start(AgentModule *module, GMainContext *context, const char *bus_address, ManagementBus bus,
                            GKeyFile *key_file, AgentModuleFunc func, gpointer user_data, GError **error);
