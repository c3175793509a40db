/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prints the table of commands, a command and its action a line, for test-policy-table.py. */
#include "command-class.h"

int
main(void)
{
    const char *command = NULL;

    for (guint n = 0; (command = policy_class_get_nth_command(n)); n++)
        g_print("%s %s\n", command, policy_class_get_action(policy_class_of_command(command)));
    return 0;
}
