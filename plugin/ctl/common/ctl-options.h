/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The options that stand before a verb or after it. */
#pragma once

#include "ctl.h"

/* Adds what every verb takes: --system, --user, --host, --json, --no-ask-password. */
void ctl_add_common_options(Ctl *ctl, GOptionContext *context);

/* Reads the options of a verb from *@argv, in place: @entries (may be NULL), and the options of every verb. What is left are its
 * arguments, @min to @max of them (-1: any number). FALSE: it has told what was wrong. */
gboolean ctl_parse_options(Ctl *ctl, const GOptionEntry *entries, int *argc, char ***argv, int min, int max);
