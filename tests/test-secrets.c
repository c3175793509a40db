/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The data of secrets that callers have added to one QEMU: what breaks here reads out one caller's passwords and keys to
 * another. */
#include "secrets.h"

#include <string.h>

#include "json-tree.h"

typedef struct Fixture {
    Secrets *secrets; /* owned; :1 has added `mine` with the data `hush` */
} Fixture;

static JsonNode *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    JsonNode *node = json_tree_parse(text, strlen(text), &error);

    g_assert_no_error(error);
    return node;
}

static void
add(Fixture *fixture, const char *caller, const char *arguments)
{
    g_autoptr(JsonNode) node = parse(arguments);

    secrets_note_added(fixture->secrets, caller, node);
}

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    fixture->secrets = secrets_new();
    add(fixture, ":1", "{\"qom-type\":\"secret\",\"id\":\"mine\",\"data\":\"hush\"}");
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    secrets_free(fixture->secrets);
}

static gboolean
may_show(Fixture *fixture, const char *caller, const char *path, const char *value)
{
    g_autofree char *text = g_strdup_printf("{\"path\":\"%s\",\"property\":\"data\"}", path);
    g_autoptr(JsonNode) arguments = parse(text);
    g_autoptr(JsonNode) node = parse(value);

    g_assert_true(secrets_are_read_by(arguments));
    return secrets_may_show(fixture->secrets, caller, arguments, node);
}

/* A caller who reads back what they gave; another who reads it, by any spelling of the path. */
static void
test_whose(Fixture *fixture, gconstpointer unused)
{
    static const char *const paths[] = {
        "/objects/mine", "mine", "objects/mine", "//objects///mine//", "/machine/some/link", "", "/",
    };

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++) {
        g_test_message("%s", paths[i]);
        g_assert_false(may_show(fixture, ":2", paths[i], "\"hush\""));
        g_assert_cmpint(may_show(fixture, ":1", paths[i], "\"hush\""), ==, i < 4);
    }
    g_assert_false(may_show(fixture, ":1", "/objects/other", "\"hush\""));
    secrets_leave(fixture->secrets, ":1");
    g_assert_false(may_show(fixture, ":1", "/objects/mine", "\"hush\""));
    secrets_leave(fixture->secrets, ":1");
}

/* A name that has become another secret's: by the same way, or by one that nobody sees; and a guess. */
static void
test_successor(Fixture *fixture, gconstpointer unused)
{
    g_assert_false(may_show(fixture, ":1", "/objects/mine", "\"another's\""));
    g_assert_false(may_show(fixture, ":1", "/objects/mine", "\"hu\\u0000sh\""));
    add(fixture, ":2", "{\"qom-type\":\"secret\",\"id\":\"guess\",\"data\":\"hush\"}");
    g_assert_false(may_show(fixture, ":2", "/objects/mine", "\"hush\""));
    add(fixture, ":2", "{\"qom-type\":\"secret\",\"id\":\"mine\",\"data\":\"hush\"}");
    g_assert_false(may_show(fixture, ":1", "/objects/mine", "\"hush\""));
    g_assert_true(may_show(fixture, ":2", "/objects/mine", "\"hush\""));
    add(fixture, ":1", "{\"qom-type\":\"iothread\",\"id\":\"mine\"}");
    g_assert_false(may_show(fixture, ":2", "/objects/mine", "\"hush\""));
}

/* Properties of that name that hold no secret: a number of a device's, a secret that is in a file. */
static void
test_others(Fixture *fixture, gconstpointer unused)
{
    g_assert_true(may_show(fixture, ":2", "/machine/peripheral/loader", "5"));
    g_assert_true(may_show(fixture, ":2", "/objects/in-a-file", "\"\""));
    g_assert_false(may_show(fixture, ":2", "/objects/mine", "\"\\u0000\""));
    secrets_note_added(fixture->secrets, ":1", /* arguments= */ NULL);
    add(fixture, ":1", "{\"qom-type\":\"secret\",\"data\":\"x\"}");
    add(fixture, ":1", "{\"qom-type\":5,\"id\":\"x\",\"data\":[]}");
    g_assert_false(may_show(fixture, ":1", "x", "\"x\""));
}

/* A caller who adds secrets without end, or under names without end: those beyond the caps are nobody's to read. */
static void
test_cap(Fixture *fixture, gconstpointer unused)
{
    g_autofree char *name = g_strnfill(256, 's');
    g_autofree char *long_one = g_strdup_printf("{\"qom-type\":\"secret\",\"id\":\"%s\",\"data\":\"d\"}", name);
    guint n_shown = 0;

    for (guint i = 0; i < 100; i++) {
        g_autofree char *text = g_strdup_printf("{\"qom-type\":\"secret\",\"id\":\"s%u\",\"data\":\"d\"}", i);
        g_autofree char *path = g_strdup_printf("/objects/s%u", i);
        add(fixture, ":3", text);
        n_shown += may_show(fixture, ":3", path, "\"d\"");
    }
    g_assert_cmpuint(n_shown, ==, 64);
    add(fixture, ":4", long_one);
    g_assert_false(may_show(fixture, ":4", name, "\"d\""));
    g_assert_true(may_show(fixture, ":1", "mine", "\"hush\""));
}

/* HMP, with all its spellings of the same line; and what a list shows. */
static void
test_elsewhere(Fixture *fixture, gconstpointer unused)
{
    static const char *const lines[] = {
        "qom-get /objects/mine data", " qom-get\tmine  \"data\" ", "qom-get/objects/mine data",
        "qom-get \"a b\" data",       "qom-get mine \"da\\ta\"",   "qom-get \"mine data",
    };
    static const char *const harmless[] = {
        "", "qom-get", "qom-get mine", "qom-get mine file", "qom-list data", "qom-get data type", "info qtree",
    };
    g_autoptr(JsonNode) data = parse("{\"name\":\"data\",\"value\":\"hush\",\"type\":\"string\"}");
    g_autoptr(JsonNode) number = parse("{\"name\":\"data\",\"value\":5,\"type\":\"uint64\"}");
    g_autoptr(JsonNode) other = parse("{\"name\":\"file\",\"value\":\"hush\",\"type\":\"string\"}");

    for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
        g_assert_true(secrets_are_read_by_line(lines[i]));
    for (guint i = 0; i < G_N_ELEMENTS(harmless); i++)
        g_assert_false(secrets_are_read_by_line(harmless[i]));
    g_assert_true(secrets_are_listed(json_node_get_object(data)));
    g_assert_false(secrets_are_listed(json_node_get_object(number)));
    g_assert_false(secrets_are_listed(json_node_get_object(other)));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/secrets/whose", test_whose);
    ADD("/secrets/successor", test_successor);
    ADD("/secrets/others", test_others);
    ADD("/secrets/cap", test_cap);
    ADD("/secrets/elsewhere", test_elsewhere);
    return g_test_run();
}
