/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The agent's orders: its command line, completed from the environment and from where it was built. */
#pragma once

#include "management-module.h"

typedef struct AgentOptions {
    ManagementBus bus;
    char *bus_address; /* owned */
    char *config_dir; /* owned */
    char **modules; /* owned; files, at least one */
    gboolean show_version; /* then nothing else is set */
} AgentOptions;

/* Exits with 0 after printing --help. FALSE with @error: in the domain G_OPTION_ERROR where the command line is wrong,
 * in another where what it needs is not there. @ret_options is then unchanged. */
gboolean agent_options_parse(int argc, char **argv, AgentOptions *ret_options, GError **error);

void agent_options_clear(AgentOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(AgentOptions, agent_options_clear)
