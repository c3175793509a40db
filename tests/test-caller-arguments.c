/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A caller's arguments on their way to QEMU: a name or a tag that is missing makes one caller's descriptor another's. */
#include "caller-arguments.h"

#include <string.h>

#include "json-tree.h"

/* @expected: with the names as the caller knows them. */
static void
assert_written(const char *command, const char *arguments, const char *expected, guint n_used)
{
    FdNames *names = fd_names_new();
    g_autoptr(JsonNode) node = arguments ? json_tree_parse(arguments, strlen(arguments), NULL) : NULL;
    g_autoptr(GPtrArray) used = NULL;
    g_autofree char *text = NULL;
    g_autofree char *own = NULL;

    fd_names_add(names, "tap");
    text = caller_arguments_write(command, node, names, "TAG", &used);
    own = text ? fd_names_translate_back(names, text) : NULL;
    g_assert_cmpstr(own ? own : text, ==, expected);
    g_assert_true((own != NULL) == (n_used > 0 || (text && g_str_equal(command, "getfd"))));
    g_assert_cmpuint(used ? used->len : 0, ==, n_used);
    fd_names_free(names);
}

/* A caller whose command takes nothing: QEMU is sent no arguments, which costs it less. */
static void
test_nothing(void)
{
    assert_written("stop", NULL, NULL, 0);
    assert_written("stop", "{}", NULL, 0);
    assert_written("getfd", NULL, NULL, 0);
}

/* A caller with descriptors: names are the caller's in QEMU, and sets bear the agent's tag, also without arguments. */
static void
test_own(void)
{
    assert_written("netdev_add", "{\"fd\":\"tap\"}", "{\"fd\":\"tap\"}", 1);
    assert_written("getfd", "{\"fdname\":\"tap\"}", "{\"fdname\":\"tap\"}", 0);
    assert_written("add-fd", NULL, "{\"opaque\":\"TAG\"}", 0);
    assert_written("add-fd", "{\"fdset-id\":1,\"opaque\":\"a\"}", "{\"fdset-id\":1,\"opaque\":\"TAG a\"}", 0);
}

/* A caller with values that are easily lost: they arrive as they were. */
static void
test_exact(void)
{
    static const char text[] = "{\"n\":18446744073709551615,\"s\":\"\\u0000é\",\"d\":0.1,\"z\":null,\"a\":[{},[]]}";

    assert_written("x", text, text, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/caller-arguments/nothing", test_nothing);
    g_test_add_func("/caller-arguments/own", test_own);
    g_test_add_func("/caller-arguments/exact", test_exact);
    return g_test_run();
}
