/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller-arguments.h"

#include "fdset-tag.h"
#include "json-print.h"
#include "json-tree.h"

static JsonNode *
make_own(const char *command, JsonNode *arguments, FdNames *names, const char *tag, GPtrArray **ret_used)
{
    *ret_used = NULL;
    if (g_str_equal(command, "add-fd"))
        return fdset_tag_put(tag, arguments);
    return arguments ? fd_names_translate(names, command, arguments, ret_used) : NULL;
}

char *
caller_arguments_write(const char *command, JsonNode *arguments, FdNames *names, const char *tag, GPtrArray **ret_used)
{
    g_autoptr(JsonNode) own = make_own(command, arguments, names, tag, ret_used);
    GString *text;

    if (!own || json_object_get_size(json_node_get_object(own)) == 0)
        return NULL;
    text = g_string_sized_new(64);
    json_print_node(text, own, JSON_PRINT_COMPACT);
    return g_string_free(text, FALSE);
}
