/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-policy-rows.h"

#include <string.h>

#include "json-tree.h"

JsonNode *
policy_rows_parse(const char *arguments)
{
    g_autofree char *json = g_strdelimit(g_strdup(arguments), "'", '"');
    g_autoptr(GError) error = NULL;
    JsonNode *node = json_tree_parse(json, strlen(json), &error);

    g_assert_no_error(error);
    return node;
}

void
policy_rows_check(const PolicyRow *rows, guint n_rows)
{
    for (guint i = 0; i < n_rows; i++) {
        g_autoptr(JsonNode) arguments = rows[i].arguments ? policy_rows_parse(rows[i].arguments) : NULL;
        g_test_message("%s %s", rows[i].command, rows[i].arguments ? rows[i].arguments : "");
        g_assert_cmphex(policy_classes_of_command(rows[i].command, arguments), ==, rows[i].classes);
    }
}
