/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For tests of what arguments make of a command. */
#pragma once

#include "command-arguments.h"

typedef struct PolicyRow {
    const char *command;
    const char *arguments; /* JSON with ' for "; NULL: none */
    PolicyClasses classes; /* expected */
} PolicyRow;

JsonNode *policy_rows_parse(const char *arguments);
void policy_rows_check(const PolicyRow *rows, guint n_rows);
