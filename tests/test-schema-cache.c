/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Schemas of many VMs: what all have told is parsed and kept once, what one has told is for nobody who has told something else,
 * and nobody's going costs another the answer. */
#include "schema-cache.h"

#include <string.h>

#include "command-class.h"
#include "contract.h"

#define TEXT(name)                                                                                                    \
    "[{\"name\":\"" name "\",\"meta-type\":\"command\",\"arg-type\":\"empty\",\"ret-type\":\"empty\"},"              \
    "{\"name\":\"empty\",\"meta-type\":\"object\",\"members\":[]}]"

typedef struct Fixture {
    GMainContext *context; /* owned */
    SchemaCache *cache; /* owned */
    GDBusNodeInfo *contract; /* owned */
    guint n_parsed;
} Fixture;

/* A VM. */
typedef struct Reader {
    SchemaReading *reading; /* weak */
    QmpInterfaces *interfaces; /* ref; NULL: not told, or told an error */
    struct Reader *victim; /* weak; whom its being told makes stop waiting */
    guint n_told;
} Reader;

static void
on_call(BusCall *call, gpointer object_data)
{
    g_assert_not_reached();
}

static QmpInterfaces *
make(QmpSchema *schema, gpointer user_data)
{
    Fixture *fixture = user_data;

    fixture->n_parsed++;
    return qmp_interfaces_new(schema, fixture->contract, policy_class_get_command_action, on_call);
}

static void
set_up(Fixture *fixture, gconstpointer data)
{
    fixture->context = g_main_context_new();
    fixture->contract = contract_load();
    fixture->cache = schema_cache_new(fixture->context, make, fixture);
}

static void
tear_down(Fixture *fixture, gconstpointer data)
{
    schema_cache_free(fixture->cache);
    g_assert_false(g_main_context_pending(fixture->context));
    g_dbus_node_info_unref(fixture->contract);
    g_main_context_unref(fixture->context);
}

static void
on_read(QmpInterfaces *interfaces, const GError *error, gpointer user_data)
{
    Reader *reader = user_data;

    g_assert_true((interfaces != NULL) == (error == NULL));
    reader->reading = NULL;
    reader->n_told++;
    reader->interfaces = interfaces ? qmp_interfaces_ref(interfaces) : NULL;
    if (reader->victim && reader->victim->reading)
        g_clear_pointer(&reader->victim->reading, schema_reading_cancel);
}

static void
read_text(Fixture *fixture, Reader *reader, const char *text)
{
    QmpInterfaces *known =
        schema_cache_read(fixture->cache, text, strlen(text), on_read, reader, &reader->reading);

    if (known)
        reader->interfaces = qmp_interfaces_ref(known);
}

static void
run(Fixture *fixture)
{
    while (g_main_context_pending(fixture->context))
        g_main_context_iteration(fixture->context, FALSE);
}

static void
clear_reader(Reader *reader)
{
    g_clear_pointer(&reader->reading, schema_reading_cancel);
    g_clear_pointer(&reader->interfaces, qmp_interfaces_unref);
}

static void
clear_readers(Reader *readers, guint n)
{
    for (guint i = 0; i < n; i++)
        clear_reader(&readers[i]);
}

static void
test_once_for_all_that_told_the_same(Fixture *fixture, gconstpointer data)
{
    Reader readers[5] = { 0 };

    for (guint i = 0; i < 4; i++)
        read_text(fixture, &readers[i], TEXT("poke"));
    for (guint i = 0; i < 4; i++)
        g_assert_cmpuint(readers[i].n_told, ==, 0);
    run(fixture);
    for (guint i = 0; i < 4; i++) {
        g_assert_cmpuint(readers[i].n_told, ==, 1);
        g_assert_true(readers[i].interfaces == readers[0].interfaces);
    }
    read_text(fixture, &readers[4], TEXT("poke"));
    g_assert_true(readers[4].interfaces == readers[0].interfaces);
    g_assert_cmpuint(fixture->n_parsed, ==, 1);
    clear_readers(readers, G_N_ELEMENTS(readers));
}

static void
test_not_for_those_that_told_something_else(Fixture *fixture, gconstpointer data)
{
    Reader readers[2] = { 0 };

    read_text(fixture, &readers[0], TEXT("poke"));
    read_text(fixture, &readers[1], TEXT("pokf"));
    run(fixture);
    g_assert_nonnull(qmp_interfaces_find_method(readers[0].interfaces, "Poke"));
    g_assert_null(qmp_interfaces_find_method(readers[0].interfaces, "Pokf"));
    g_assert_nonnull(qmp_interfaces_find_method(readers[1].interfaces, "Pokf"));
    g_assert_null(qmp_interfaces_find_method(readers[1].interfaces, "Poke"));
    clear_readers(readers, G_N_ELEMENTS(readers));
}

static void
test_the_first_goes(Fixture *fixture, gconstpointer data)
{
    Reader readers[2] = { 0 };

    read_text(fixture, &readers[0], TEXT("poke"));
    read_text(fixture, &readers[1], TEXT("poke"));
    g_clear_pointer(&readers[0].reading, schema_reading_cancel);
    run(fixture);
    g_assert_cmpuint(readers[0].n_told, ==, 0);
    g_assert_nonnull(readers[1].interfaces);
    clear_readers(readers, G_N_ELEMENTS(readers));
}

static void
test_all_go(Fixture *fixture, gconstpointer data)
{
    Reader readers[2] = { 0 };

    for (guint i = 0; i < 2; i++)
        read_text(fixture, &readers[i], TEXT("poke"));
    clear_readers(readers, G_N_ELEMENTS(readers));
    run(fixture);
    g_assert_cmpuint(fixture->n_parsed, ==, 0);
}

/* A VM that is told goes by it, and takes others along: the last, or all. */
static void
test_they_go_while_they_are_told(Fixture *fixture, gconstpointer data)
{
    static const char *const texts[] = { TEXT("poke"), "[{\"name\":\"a\"}]" };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        Reader readers[3] = { 0 };
        for (guint j = 0; j < 3; j++)
            read_text(fixture, &readers[j], texts[i]);
        readers[0].victim = &readers[1];
        readers[1].victim = &readers[2];
        readers[2].victim = &readers[0];
        run(fixture);
        g_assert_cmpuint(readers[0].n_told, ==, 1);
        g_assert_cmpuint(readers[1].n_told, ==, 0);
        g_assert_cmpuint(readers[2].n_told, ==, 1);
        clear_readers(readers, G_N_ELEMENTS(readers));
    }
}

static void
test_no_schema(Fixture *fixture, gconstpointer data)
{
    Reader readers[2] = { 0 };

    for (guint round = 1; round <= 2; round++) {
        for (guint i = 0; i < 2; i++)
            read_text(fixture, &readers[i], "[{\"name\":\"a\"}]");
        run(fixture);
        for (guint i = 0; i < 2; i++) {
            g_assert_cmpuint(readers[i].n_told, ==, round);
            g_assert_null(readers[i].interfaces);
        }
    }
    g_assert_cmpuint(fixture->n_parsed, ==, 0);
}

/* A user whose VMs make schemas up costs others nothing: what is used stays, and of the rest there are a few. */
static void
test_what_is_used_stays(Fixture *fixture, gconstpointer data)
{
    Reader honest = { 0 };

    read_text(fixture, &honest, TEXT("poke"));
    run(fixture);
    for (guint i = 0; i < 50; i++) {
        g_autofree char *text = g_strdup_printf(TEXT("poke%u"), i);
        Reader liar = { 0 };
        read_text(fixture, &liar, text);
        run(fixture);
        clear_reader(&liar);
        schema_cache_trim(fixture->cache);
    }
    g_assert_cmpuint(fixture->n_parsed, ==, 51);
    clear_reader(&honest);
    read_text(fixture, &honest, TEXT("poke"));
    g_assert_nonnull(honest.interfaces);
    clear_reader(&honest);
    read_text(fixture, &honest, TEXT("poke0"));
    run(fixture);
    g_assert_cmpuint(fixture->n_parsed, ==, 52);
    clear_reader(&honest);
}

#define ADD(path, test) g_test_add(path, Fixture, NULL, set_up, test, tear_down)

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("/schema-cache/once", test_once_for_all_that_told_the_same);
    ADD("/schema-cache/else", test_not_for_those_that_told_something_else);
    ADD("/schema-cache/first-goes", test_the_first_goes);
    ADD("/schema-cache/all-go", test_all_go);
    ADD("/schema-cache/told", test_they_go_while_they_are_told);
    ADD("/schema-cache/no-schema", test_no_schema);
    ADD("/schema-cache/used", test_what_is_used_stays);
    return g_test_run();
}
