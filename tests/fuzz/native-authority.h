/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stands in the place of policy/authority.c, which is not linked beside it: a polkit that answers when the script says so. One at a
 * time, as authority.h has no way to reach it. */
#pragma once

#include "authority.h"

/* Answers the oldest question; FALSE: nothing was asked. @error: it could not be asked. */
gboolean native_authority_answer(AuthorityAnswer answer, const GError *error);

/* From now on no question can be asked at all; or again. */
void native_authority_set_fails(gboolean fails);

/* Whether a question about @action and @command was ever answered by yes. */
gboolean native_authority_has_allowed(const char *action, const char *command);
