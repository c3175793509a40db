/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Members of what QEMU lists: a QEMU that answers with another type must not be taken at its word. */
#include <string.h>

#include "json-member.h"
#include "json-tree.h"

static void
test_types(void)
{
    static const char text[] = "{\"s\":\"x\",\"a\":[{\"i\":1},5,\"word\"],\"o\":{},\"t\":true,\"n\":-1,\"u\":18446744073709551615}";
    g_autoptr(JsonNode) node = json_tree_parse(text, strlen(text), NULL);
    JsonObject *object = json_node_get_object(node);
    JsonArray *array = json_member_get_array(object, "a");
    gint64 number;

    g_assert_cmpstr(json_member_get_string(object, "s"), ==, "x");
    g_assert_null(json_member_get_string(object, "a"));
    g_assert_null(json_member_get_string(object, "missing"));
    g_assert_nonnull(json_member_get_object(object, "o"));
    g_assert_null(json_member_get_object(object, "s"));
    g_assert_null(json_member_get_object(NULL, "s"));
    g_assert_true(json_member_get_boolean(object, "t"));
    g_assert_false(json_member_get_boolean(object, "s"));
    g_assert_cmpuint(json_member_get_uint(object, "u"), ==, G_MAXUINT64);
    g_assert_cmpuint(json_member_get_uint(object, "n"), ==, 0);
    g_assert_true(json_member_get_int(node, "n", &number) && number == -1);
    g_assert_false(json_member_get_int(node, "u", &number));
    g_assert_nonnull(json_member_get_object_at(array, 0));
    g_assert_null(json_member_get_object_at(array, 1));
    g_assert_true(json_member_has_word(object, "a", "word"));
    g_assert_false(json_member_has_word(object, "a", "other"));
    g_assert_false(json_member_has_word(object, "s", "x"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-member/types", test_types);
    return g_test_run();
}
