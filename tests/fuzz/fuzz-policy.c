/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The classes of a command's arguments (policy/command-arguments.c) against the second reading. Input: the command's name, a newline,
 * the arguments as a caller writes them. */
#include <string.h>

#include "command-arguments.h"
#include "fuzz.h"
#include "json-tree.h"
#include "policy-reading.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *end = size ? memchr(text, '\n', size) : NULL;
    g_autofree char *command = end ? g_strndup(text, end - text) : NULL;
    g_autoptr(JsonNode) arguments = end ? json_tree_parse_arguments(end + 1, text + size - end - 1, NULL) : NULL;
    PolicyClasses classes, expected;

    if (!arguments)
        return 0;
    classes = policy_classes_of_command(command, arguments);
    expected = policy_reading(command, arguments);
    if (classes != expected)
        fuzz_fail("%s: %x, and not %x", command, classes, expected);
    /* Which of them is given is not repeated here: it is one of them, or none. */
    const char *id = policy_get_id(arguments);
    g_assert_true(!id || g_utf8_validate(id, -1, NULL));
    return 0;
}
