/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "refusal.h"

char *
refusal_dup_text(const Refusal *refusal)
{
    g_autofree char *who =
        refusal->uid == REFUSAL_NO_UID ? g_strdup(refusal->caller) : g_strdup_printf("User %u", refusal->uid);
    g_autofree char *where = refusal->vm ? g_strdup_printf(" on the VM \"%s\"", refusal->vm) : g_strdup("");

    return g_strdup_printf("%s may not call %s%s: %s", who, refusal->command, where, refusal->why);
}
