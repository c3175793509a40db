/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose an fdset is, written where callers write a word of their own: neither may get lost. */
#include "fdset-tag.h"
#include "json-print.h"
#include "json-tree.h"

static char *
put(const char *tag, const char *arguments)
{
    g_autoptr(JsonNode) given = arguments ? json_tree_parse(arguments, strlen(arguments), NULL) : NULL;
    g_autoptr(JsonNode) tagged = fdset_tag_put(tag, 1234567, given);
    GString *text = g_string_new(NULL);

    json_print_node(text, tagged, JSON_PRINT_COMPACT);
    return g_string_free(text, FALSE);
}

static void
test_put(void)
{
    static const char *const cases[][2] = {
        { NULL, "{\"fdset-id\":1234567,\"opaque\":\"TAG\"}" },
        { "{}", "{\"fdset-id\":1234567,\"opaque\":\"TAG\"}" },
        { "{\"fdset-id\":3}", "{\"fdset-id\":3,\"opaque\":\"TAG\"}" },
        { "{\"opaque\":\"mine\"}", "{\"opaque\":\"TAG mine\",\"fdset-id\":1234567}" },
        { "{\"opaque\":\"\"}", "{\"opaque\":\"TAG \",\"fdset-id\":1234567}" },
        /* QEMU is to say what is wrong. */
        { "{\"opaque\":7}", "{\"opaque\":7}" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = put("TAG", cases[i][0]);
        g_assert_cmpstr(text, ==, cases[i][1]);
    }
}

static void
test_skip(void)
{
    g_autofree char *tag = fdset_tag_new(NULL, -1);
    static const char *const own[] = { "mine", "", " ", "two words" };

    g_assert_null(fdset_tag_skip(tag));
    for (guint i = 0; i < G_N_ELEMENTS(own); i++) {
        g_autofree char *opaque = g_strconcat(tag, " ", own[i], NULL);
        g_assert_cmpstr(fdset_tag_skip(opaque), ==, own[i]);
        g_assert_cmpstr(fdset_tag_skip(own[i]), ==, own[i]);
    }
}

/* The same monitor has the same tag in every agent, no other has. */
static void
test_whose(void)
{
    g_autoptr(QmpAddress) address = qmp_address_parse("unix:/run/one", NULL);
    g_autoptr(QmpAddress) again = qmp_address_parse("unix:/run/one", NULL);
    g_autoptr(QmpAddress) other = qmp_address_parse("unix:/run/other", NULL);
    g_autofree char *tag = fdset_tag_new(address, -1);
    g_autofree char *same = fdset_tag_new(again, -1);
    g_autofree char *another = fdset_tag_new(other, -1);
    g_autofree char *with_word = g_strconcat(tag, " mine", NULL);
    g_autofree char *longer = g_strconcat(tag, "0", NULL);

    g_assert_cmpstr(tag, ==, same);
    g_assert_true(fdset_tag_is_on(tag, same));
    g_assert_true(fdset_tag_is_on(tag, with_word));
    g_assert_false(fdset_tag_is_on(tag, another));
    g_assert_false(fdset_tag_is_on(tag, longer));
    g_assert_false(fdset_tag_is_on(tag, "mine"));
    g_assert_false(fdset_tag_is_on(tag, ""));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fdset-tag/put", test_put);
    g_test_add_func("/fdset-tag/skip", test_skip);
    g_test_add_func("/fdset-tag/whose", test_whose);
    return g_test_run();
}
