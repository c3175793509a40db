/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a native session is asked: a request that is read otherwise than by QEMU breaks programs that were written for QEMU's own
 * socket. */
#include "qmp-request.h"

#include <string.h>

#include "json-tree.h"

static JsonNode *
parse(const char *text)
{
    JsonNode *node = json_tree_build_command(text, NULL);

    g_assert_nonnull(node);
    return node;
}

/* A client that does all right: the command, its arguments, and whether it is urgent. */
static void
test_right(void)
{
    static const struct {
        const char *text, *name;
        gboolean has_arguments, is_oob;
    } cases[] = {
        { "{\"execute\":\"stop\"}", "stop", FALSE, FALSE },
        { "{\"id\":[1],\"arguments\":{},\"execute\":\"stop\"}", "stop", TRUE, FALSE },
        { "{\"exec-oob\":\"yank\",\"arguments\":{}}", "yank", TRUE, TRUE },
        { "{\"execute\":\"\"}", "", FALSE, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(JsonNode) message = parse(cases[i].text);
        g_auto(QmpRequest) request = { 0 };
        g_assert_null(qmp_request_read(message, /* may_be_oob= */ TRUE, &request));
        g_assert_cmpstr(request.name, ==, cases[i].name);
        g_assert_true((request.arguments != NULL) == cases[i].has_arguments);
        g_assert_true(request.is_oob == cases[i].is_oob);
        g_assert_true(qmp_request_is_oob(message) == cases[i].is_oob);
    }
}

/* A client that makes a mistake: QEMU's own words, which programs compare. */
static void
test_wrong(void)
{
    static const struct {
        const char *text;
        gboolean may_be_oob;
        const char *complaint;
    } cases[] = {
        { "[]", TRUE, "QMP input must be a JSON object" },
        { "{}", TRUE, "QMP input lacks member 'execute'" },
        { "{\"id\":1}", TRUE, "QMP input lacks member 'execute'" },
        { "{\"execute\":1}", TRUE, "QMP input member 'execute' must be a string" },
        { "{\"exec-oob\":null}", TRUE, "QMP input member 'exec-oob' must be a string" },
        { "{\"exec-oob\":\"yank\"}", FALSE, "QMP input member 'exec-oob' is unexpected" },
        { "{\"execute\":\"a\",\"exec-oob\":\"b\"}", TRUE, "QMP input member 'execute' clashes with 'exec-oob'" },
        { "{\"execute\":\"a\",\"arguments\":[]}", TRUE, "QMP input member 'arguments' must be an object" },
        { "{\"execute\":\"a\",\"arguments\":null}", TRUE, "QMP input member 'arguments' must be an object" },
        { "{\"execute\":\"a\",\"argument\":{}}", TRUE, "QMP input member 'argument' is unexpected" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(JsonNode) message = parse(cases[i].text);
        g_auto(QmpRequest) request = { 0 };
        g_autofree char *complaint = qmp_request_read(message, cases[i].may_be_oob, &request);
        g_assert_cmpstr(complaint, ==, cases[i].complaint);
    }
}

/* A client that negotiates: out of band is on only where it was offered, and asked for. */
static void
test_capabilities(void)
{
    static const struct {
        const char *arguments;
        gboolean offers_oob;
        const char *complaint; /* NULL: none */
        gboolean oob;
    } cases[] = {
        { NULL, TRUE, NULL, FALSE },
        { "{}", TRUE, NULL, FALSE },
        { "{\"enable\":[]}", FALSE, NULL, FALSE },
        { "{\"enable\":[\"oob\"]}", TRUE, NULL, TRUE },
        { "{\"enable\":[\"oob\"]}", FALSE, "Capability oob not available", FALSE },
        { "{\"enable\":[\"x\"]}", TRUE, "Parameter 'null' does not accept value 'x'", FALSE },
        { "{\"enable\":[1]}", TRUE, "Invalid parameter type for 'enable[0]', expected: string", FALSE },
        { "{\"enable\":\"oob\"}", TRUE, "Invalid parameter type for 'enable', expected: array", FALSE },
        { "{\"disable\":[]}", TRUE, "Parameter 'disable' is unexpected", FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(JsonNode) arguments = cases[i].arguments ? parse(cases[i].arguments) : NULL;
        gboolean oob = FALSE;
        g_autofree char *complaint = qmp_request_read_capabilities(arguments, cases[i].offers_oob, &oob);
        g_assert_cmpstr(complaint, ==, cases[i].complaint);
        g_assert_true(complaint || oob == cases[i].oob);
    }
}

/* A client that names a command with U+0000 in it: the name does not end there, so that it is not another command. */
static void
test_nul(void)
{
    g_autoptr(JsonNode) message = parse("{\"execute\":\"stop\\u0000x\"}");
    g_autofree char *name = qmp_request_dup_string(message, "execute");

    g_assert_cmpstr(name, ==, "stop\xc0\x80x");
    g_assert_null(qmp_request_dup_string(message, "id"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/qmp-request/right", test_right);
    g_test_add_func("/qmp-request/wrong", test_wrong);
    g_test_add_func("/qmp-request/capabilities", test_capabilities);
    g_test_add_func("/qmp-request/nul", test_nul);
    return g_test_run();
}
