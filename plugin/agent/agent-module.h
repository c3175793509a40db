/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One module in the agent: the host's side of management-module.h. */
#pragma once

#include "agent-store.h"
#include "management-module.h"

typedef struct AgentModule AgentModule;

/* @error NULL: the instance is ready; at most once. Otherwise it failed and wants to be freed; nothing comes after
 * that. Always from the main context with nothing of the module on the stack, never from inside agent_module_start(),
 * never after agent_module_stop(), which is allowed inside. */
typedef void (*AgentModuleFunc)(AgentModule *module, const GError *error, gpointer user_data);

/* agent_module_get_status() gives another text. From anywhere, also from inside agent_module_start(). */
typedef void (*AgentModuleStatusFunc)(gpointer user_data);

/* Loads the module from @file and looks at what it is; runs none of it but its constructors. */
AgentModule *agent_module_load(const char *file, GError **error);

/* Hands the key file and its path, both borrowed, to the started instance, in place of those before. FALSE with @error: the
 * module goes on with what it had; G_IO_ERROR_NOT_SUPPORTED: it always does. */
gboolean agent_module_reload(AgentModule *module, GKeyFile *key_file, const char *key_file_path, GError **error);

/* The module is to stop, and nothing else is told any more. FALSE: agent_module_stop() may be called at once; otherwise it should
 * be called when the module has prepared itself, which @func tells as AgentModuleFunc does. */
typedef void (*AgentModuleStoppedFunc)(AgentModule *module, gpointer user_data);
gboolean agent_module_prepare_stop(AgentModule *module, AgentModuleStoppedFunc func, gpointer user_data);

/* Stops the instance, if there is one. */
void agent_module_stop(AgentModule *module);

/* The same, and unloads the module. Not while the context dispatches: GLib looks once more at sources that have gone, at
 * functions of theirs that may be the module's. */
void agent_module_free(AgentModule *module);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(AgentModule, agent_module_free)

/* The name from the descriptor. */
const char *agent_module_get_name(AgentModule *module);

/* The things an instance is started with. The strings, @context and @store are borrowed for as long as the module is there. */
typedef struct AgentModuleStart {
    GMainContext *context;
    const char *bus_address;
    ManagementBus bus;
    AgentStore *store;
    AgentModuleFunc func;
    AgentModuleStatusFunc status_func;
    gpointer user_data;
} AgentModuleStart;

/* Starts the instance; once. @key_file and @key_file_path, where it was read from, are taken. */
gboolean agent_module_start(AgentModule *module, const AgentModuleStart *start, GKeyFile *key_file,
                            char *key_file_path, GError **error);

/* The instance's own words of itself; NULL: none. */
const char *agent_module_get_status(AgentModule *module);
