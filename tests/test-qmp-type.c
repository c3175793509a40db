/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which type a value has where the schema leaves a choice: a wrong one refuses what QEMU takes, or rounds a number. */
#include "qmp-type.h"

#include <string.h>

#include "json-tree.h"
#include "qmp-schema-parse.h"

#define OBJECT(name, members) "{\"name\":\"" name "\",\"meta-type\":\"object\",\"members\":[" members "]},"
#define MEMBER(name, type) "{\"name\":\"" name "\",\"type\":\"" type "\"}"

static const char schema_text[] =
    "[{\"name\":\"c\",\"meta-type\":\"command\",\"arg-type\":\"union\",\"ret-type\":\"union\"},"
    "{\"name\":\"union\",\"meta-type\":\"object\",\"members\":[" MEMBER(
        "kind",
        "word") "],\"tag\":\"kind\",\"variants\":[{\"case\":\"one\",\"type\":\"one\"},{\"case\":\"on\",\"type\":"
                "\"on\"}]}," OBJECT("one", MEMBER("deep", "str") "," MEMBER("de", "str"))
                    OBJECT(
                        "on",
                        MEMBER(
                            "other",
                            "str")) "{\"name\":\"word\",\"meta-type\":\"enum\",\"values\":[\"one\",\"on\",\"zero\"]},"
                                    "{\"name\":\"str\",\"meta-type\":\"builtin\",\"json-type\":\"string\"}]";

typedef struct Fixture {
    QmpSchema *schema; /* owned */
    const QmpType *type; /* the schema's: the union */
} Fixture;

static void
set_up(Fixture *fixture, gconstpointer unused)
{
    g_autoptr(GError) error = NULL;

    fixture->schema = qmp_schema_parse(schema_text, strlen(schema_text), &error);
    g_assert_no_error(error);
    fixture->type = ((QmpSchemaCommand *)g_ptr_array_index(fixture->schema->commands, 0))->arguments;
}

static void
tear_down(Fixture *fixture, gconstpointer unused)
{
    qmp_schema_free(fixture->schema);
}

static gboolean
has_member(const QmpTypes *types, const char *name)
{
    return qmp_types_find_member(types, (JsonCursorText){ name, strlen(name) }) != NULL;
}

static void
search_types(QmpTypes *types, const QmpType *type, JsonCursor object, gsize most)
{
    QmpTypesSearch search;
    gsize left;

    qmp_types_search_begin(types, &search, type, object);
    do
        left = most;
    while (!qmp_types_search_part(types, &search, &left));
}

/* All ways to an object, the tree of a call and the text of a reply at once or in parts, lead to the same members. */
static void
assert_members(Fixture *fixture, const char *text, guint n_types, const char *member)
{
    g_autoptr(JsonNode) node = json_tree_parse(text, strlen(text), NULL);
    QmpTypes types[3];

    qmp_types_resolve(&types[0], fixture->type, json_node_get_object(node));
    search_types(&types[1], fixture->type, json_cursor_at(text), /* most= */ 1000);
    search_types(&types[2], fixture->type, json_cursor_at(text), /* most= */ 1);
    for (guint i = 0; i < G_N_ELEMENTS(types); i++) {
        g_assert_cmpuint(types[i].n, ==, n_types);
        g_assert_true(has_member(&types[i], "kind"));
        g_assert_false(has_member(&types[i], "kin") || has_member(&types[i], "kinds") || has_member(&types[i], ""));
        g_assert_true(has_member(&types[i], "deep") == (g_strcmp0(member, "deep") == 0));
        g_assert_true(has_member(&types[i], "de") == (g_strcmp0(member, "deep") == 0));
        g_assert_true(has_member(&types[i], "other") == (g_strcmp0(member, "other") == 0));
    }
}

/* A caller who adds a disk of some kind: that kind's members are known, and no other's. */
static void
test_union(Fixture *fixture, gconstpointer unused)
{
    assert_members(fixture, "{\"deep\":\"x\",\"kind\":\"one\"}", 2, "deep");
    assert_members(fixture, "{\"kind\":\"on\"}", 2, "other");
    assert_members(fixture, "{ \"x\" : [{\"kind\":\"on\"}] , \"kind\" : \"one\" }", 2, "deep");
    assert_members(fixture, "{\"kind\":\"zero\"}", 1, NULL);
    assert_members(fixture, "{\"kind\":\"on\\u0065\\u0000\"}", 1, NULL);
    assert_members(fixture, "{\"kind\":1}", 1, NULL);
    assert_members(fixture, "{}", 1, NULL);
}

/* A caller who gives a word: it is one of the enumeration's, whole. */
static void
test_words(Fixture *fixture, gconstpointer unused)
{
    const QmpType *word = fixture->type->members[0].type;

    g_assert_true(qmp_type_has_word(word, "one") && qmp_type_has_word(word, "on") && qmp_type_has_word(word, "zero"));
    g_assert_false(qmp_type_has_word(word, "o") || qmp_type_has_word(word, "ones") || qmp_type_has_word(word, ""));
}

/* A caller who leaves the type to QEMU: integers go to the branch for them, and what no branch takes to none. */
static void
test_alternate(Fixture *fixture, gconstpointer unused)
{
    static const QmpType number = { .kind = QMP_TYPE_NUMBER }, integer = { .kind = QMP_TYPE_INT };
    static const QmpMember branches[] = { { .type = &number }, { .type = &integer } };
    static const QmpType both = { .kind = QMP_TYPE_ALTERNATE, .members = branches, .n_members = 2 };
    static const QmpType one = { .kind = QMP_TYPE_ALTERNATE, .members = branches, .n_members = 1 };
    static const QmpMember nested[] = { { .type = &both } };
    static const QmpType liar = { .kind = QMP_TYPE_ALTERNATE, .members = nested, .n_members = 1 };

    g_assert_true(qmp_type_find_branch(&both, JSON_CURSOR_INT) == &integer);
    g_assert_true(qmp_type_find_branch(&both, JSON_CURSOR_UINT) == &integer);
    g_assert_true(qmp_type_find_branch(&both, JSON_CURSOR_DOUBLE) == &number);
    g_assert_true(qmp_type_find_branch(&one, JSON_CURSOR_INT) == &number);
    g_assert_null(qmp_type_find_branch(&both, JSON_CURSOR_STRING));
    g_assert_null(qmp_type_find_branch(&liar, JSON_CURSOR_INT));
    g_assert_true(qmp_type_matches(&both, JSON_CURSOR_UINT));
    g_assert_false(qmp_type_matches(&both, JSON_CURSOR_NULL));
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/qmp-type/union", test_union);
    ADD("/qmp-type/words", test_words);
    ADD("/qmp-type/alternate", test_alternate);
    return g_test_run();
}
