/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entities name each other (qapi/introspect.json; names of types are not stable), and what one names may come later: such
 * places are noted, and filled in at the end.
 *
 * A kind of type that is not known here is taken as any value, a member of an entity that is not known is passed over:
 * that is how a newer QEMU looks. Anything else out of shape fails the whole. */
#include "qmp-schema-builder.h"

#include <stdlib.h>
#include <string.h>

#include "json-member.h"
#include "json-tree.h"

/* QEMU 11.1 has 299. */
#define MAX_COMMANDS_AND_EVENTS 2048

/* Bytes of names of what commands require, which are told anew for every command: QEMU 11.1 has 4 kB. */
#define MAX_REQUIRED (256u * 1024)
#define REQUIRED_OVERHEAD 64

/* QAPI lets no two branches have the same JSON type. */
#define MAX_BRANCHES 8

/* In one signature (D-Bus) or out of it, nobody means more. */
#define MAX_ARRAY_DEPTH 16

/* A place that a type named `name` belongs in. */
typedef struct Reference {
    const QmpType **where; /* weak */
    const char *name; /* in the schema's strings */
} Reference;

struct QmpSchemaBuilder {
    QmpSchema *schema; /* owned; being made */
    GHashTable *types; /* owned; name → QmpType, both weak */
    GArray *references; /* owned; of Reference */
    GHashTable *taken; /* owned; set of the names of commands and events, weak */
    const char *entity; /* weak; the name of the one at hand, for errors */
};

GQuark
qmp_schema_error_quark(void)
{
    return g_quark_from_string("org-qemu-monitor1-qmp-schema-error");
}

static gboolean G_GNUC_PRINTF(3, 4) fail_entity(QmpSchemaBuilder *builder, GError **error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, QMP_SCHEMA_ERROR, QMP_SCHEMA_ERROR_MALFORMED, "query-qmp-schema, at \"%s\": %s",
                builder->entity ? builder->entity : "", what);
    return FALSE;
}

static gpointer
allocate(QmpSchemaBuilder *builder, gsize size, guint n)
{
    gpointer block = g_malloc0_n(MAX(n, 1), size);
    g_ptr_array_add(builder->schema->blocks, block);
    return block;
}

/* By QAPI's rules for names. Others would make no XML, or no program. */
static gboolean
is_name(const char *name)
{
    gsize length = strlen(name);
    return length > 0 && length <= 255 && strspn(name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_.-") == length;
}

/* Kept; NULL where there is none. */
static const char *
keep_string(QmpSchemaBuilder *builder, JsonObject *object, const char *name)
{
    const char *string = json_member_get_string(object, name);
    return string ? g_string_chunk_insert_const(builder->schema->strings, string) : NULL;
}

static gboolean
refer(QmpSchemaBuilder *builder, const QmpType **where, JsonObject *object, const char *member, GError **error)
{
    Reference reference = { .where = where, .name = keep_string(builder, object, member) };
    if (!reference.name)
        return fail_entity(builder, error, "no \"%s\"", member);
    g_array_append_val(builder->references, reference);
    return TRUE;
}

static QmpType *
add_type(QmpSchemaBuilder *builder, QmpTypeKind kind)
{
    QmpType *type = allocate(builder, sizeof(QmpType), 1);
    type->kind = kind;
    g_hash_table_insert(builder->types, (gpointer)builder->entity, type);
    return type;
}

static gboolean
build_builtin_type(QmpSchemaBuilder *builder, JsonObject *entity, GError **error)
{
    static const struct {
        const char *json_type;
        QmpTypeKind kind;
    } kinds[] = {
        { "string", QMP_TYPE_STRING },   { "number", QMP_TYPE_NUMBER }, { "int", QMP_TYPE_INT },
        { "boolean", QMP_TYPE_BOOLEAN }, { "null", QMP_TYPE_NULL },     { "value", QMP_TYPE_ANY },
    };
    const char *json_type = json_member_get_string(entity, "json-type");
    QmpTypeKind kind = QMP_TYPE_ANY;
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (g_strcmp0(json_type, kinds[i].json_type) == 0)
            kind = kinds[i].kind;
    add_type(builder, kind);
    return TRUE;
}

static gboolean
read_unknown(QmpSchemaBuilder *builder, JsonObject *entity, GError **error)
{
    add_type(builder, QMP_TYPE_ANY);
    return TRUE;
}

static int
compare_words(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
compare_members(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const QmpMember *const *)a)->name, (*(const QmpMember *const *)b)->name);
}

/* The members themselves stay where they are: what they refer to is filled in later. */
static const QmpMember **
sort_members(QmpSchemaBuilder *builder, const QmpMember *members, guint n)
{
    const QmpMember **sorted = allocate(builder, sizeof(QmpMember *), n);
    for (guint i = 0; i < n; i++)
        sorted[i] = &members[i];
    qsort(sorted, n, sizeof(QmpMember *), compare_members);
    return sorted;
}

/* `members` (from QEMU 6.2 on) has what `values` has, with features; both are sent. */
static gboolean
build_enum_type(QmpSchemaBuilder *builder, JsonObject *entity, GError **error)
{
    JsonArray *list = json_member_get_array(entity, "values");
    if (!list)
        return fail_entity(builder, error, "no \"values\"");
    guint n = json_array_get_length(list);
    const char **values = allocate(builder, sizeof(char *), n + 1);
    const char **sorted = allocate(builder, sizeof(char *), n + 1);
    for (guint i = 0; i < n; i++) {
        JsonNode *value = json_array_get_element(list, i);
        if (json_tree_get_type(value) != JSON_TREE_STRING)
            return fail_entity(builder, error, "values[%u] is no string", i);
        values[i] = g_string_chunk_insert_const(builder->schema->strings, json_tree_get_string(value));
    }
    memcpy(sorted, values, n * sizeof(char *));
    qsort(sorted, n, sizeof(char *), compare_words);
    QmpType *type = add_type(builder, QMP_TYPE_ENUM);
    type->values = values;
    type->values_sorted = sorted;
    type->n_values = n;
    return TRUE;
}

static gboolean
build_array_type(QmpSchemaBuilder *builder, JsonObject *entity, GError **error)
{
    return refer(builder, &add_type(builder, QMP_TYPE_ARRAY)->element, entity, "element-type", error);
}

/* @name_key: what an entry's name is under; NULL: entries have none. */
static const QmpMember *
read_members(QmpSchemaBuilder *builder, JsonArray *list, const char *name_key, GError **error)
{
    guint n = json_array_get_length(list);
    QmpMember *members = allocate(builder, sizeof(QmpMember), n);
    for (guint i = 0; i < n; i++) {
        JsonObject *entry = json_member_get_object_at(list, i);
        members[i].name = entry && name_key ? keep_string(builder, entry, name_key) : NULL;
        if (!entry || (name_key && !members[i].name)) {
            fail_entity(builder, error, "entry %u has no name", i);
            return NULL;
        }
        members[i].optional = json_object_has_member(entry, "default");
        if (!refer(builder, &members[i].type, entry, "type", error))
            return NULL;
    }
    return members;
}

static gboolean
read_variants(QmpSchemaBuilder *builder, QmpType *type, JsonObject *entity, GError **error)
{
    JsonArray *variants = json_member_get_array(entity, "variants");
    type->tag = keep_string(builder, entity, "tag");
    if (!type->tag || !variants)
        return fail_entity(builder, error, "a union without \"tag\" or \"variants\"");
    type->n_variants = json_array_get_length(variants);
    type->variants = read_members(builder, variants, "case", error);
    if (type->variants)
        type->variants_by_name = sort_members(builder, type->variants, type->n_variants);
    return type->variants != NULL;
}

static gboolean
check_names(QmpSchemaBuilder *builder, const QmpType *type, GError **error)
{
    for (guint i = 0; i < type->n_members; i++)
        if (!is_name(type->members[i].name))
            return fail_entity(builder, error, "member %u has a name that is none", i);
    return TRUE;
}

static gboolean
build_object_type(QmpSchemaBuilder *builder, JsonObject *entity, GError **error)
{
    JsonArray *members = json_member_get_array(entity, "members");
    if (!members)
        return fail_entity(builder, error, "no \"members\"");
    QmpType *type = add_type(builder, QMP_TYPE_OBJECT);
    type->n_members = json_array_get_length(members);
    type->members = read_members(builder, members, "name", error);
    if (!type->members || !check_names(builder, type, error))
        return FALSE;
    type->members_by_name = sort_members(builder, type->members, type->n_members);
    return !json_object_has_member(entity, "tag") || read_variants(builder, type, entity, error);
}

static gboolean
build_alternate_type(QmpSchemaBuilder *builder, JsonObject *entity, GError **error)
{
    JsonArray *members = json_member_get_array(entity, "members");
    if (!members)
        return fail_entity(builder, error, "no \"members\"");
    QmpType *type = add_type(builder, QMP_TYPE_ALTERNATE);
    type->n_members = json_array_get_length(members);
    if (type->n_members > MAX_BRANCHES)
        return fail_entity(builder, error, "an alternate with %u branches", type->n_members);
    type->members = read_members(builder, members, NULL, error);
    return type->members != NULL;
}

static gboolean
take_entity_name(QmpSchemaBuilder *builder, GError **error)
{
    if (!is_name(builder->entity))
        return fail_entity(builder, error, "that is no name for a command or an event");
    return g_hash_table_add(builder->taken, (gpointer)builder->entity) ||
           fail_entity(builder, error, "there are two of that name");
}

/* device_add takes every property of the device (QEMU checks them; 'gen': false in its schema), which no schema says. */
static gboolean
build_command(QmpSchemaBuilder *builder, JsonObject *entity, GError **error)
{
    if (!take_entity_name(builder, error))
        return FALSE;
    QmpSchemaCommand *command = allocate(builder, sizeof(QmpSchemaCommand), 1);
    command->name = builder->entity;
    command->oob = json_member_get_boolean(entity, "allow-oob");
    command->open = g_str_equal(command->name, "device_add");
    command->deprecated = json_member_has_word(entity, "features", "deprecated");
    command->unstable = json_member_has_word(entity, "features", "unstable");
    g_ptr_array_add(builder->schema->commands, command);
    return refer(builder, &command->arguments, entity, "arg-type", error) &&
           refer(builder, &command->result, entity, "ret-type", error);
}

static gboolean
build_event(QmpSchemaBuilder *builder, JsonObject *entity, GError **error)
{
    if (!take_entity_name(builder, error))
        return FALSE;
    QmpSchemaEvent *event = allocate(builder, sizeof(QmpSchemaEvent), 1);
    event->name = builder->entity;
    event->deprecated = json_member_has_word(entity, "features", "deprecated");
    event->unstable = json_member_has_word(entity, "features", "unstable");
    g_ptr_array_add(builder->schema->events, event);
    return refer(builder, &event->data, entity, "arg-type", error);
}

typedef gboolean (*ReadFunc)(QmpSchemaBuilder *builder, JsonObject *entity, GError **error);

static ReadFunc
find_reader(const char *meta_type)
{
    static const struct {
        const char *meta_type;
        ReadFunc read;
    } readers[] = {
        { "object", build_object_type },       { "enum", build_enum_type }, { "command", build_command },
        { "array", build_array_type },         { "event", build_event },    { "builtin", build_builtin_type },
        { "alternate", build_alternate_type },
    };
    for (guint i = 0; i < G_N_ELEMENTS(readers); i++)
        if (g_str_equal(meta_type, readers[i].meta_type))
            return readers[i].read;
    return read_unknown;
}

gboolean
qmp_schema_builder_add(QmpSchemaBuilder *builder, JsonObject *entity, GError **error)
{
    const char *name = keep_string(builder, entity, "name"), *meta_type = json_member_get_string(entity, "meta-type");
    if (!name || !meta_type)
        return fail_entity(builder, error, "what follows has no \"name\" or no \"meta-type\"");
    builder->entity = name;
    if (builder->schema->commands->len + builder->schema->events->len >= MAX_COMMANDS_AND_EVENTS)
        return fail_entity(builder, error, "more than %d commands and events", MAX_COMMANDS_AND_EVENTS);
    return find_reader(meta_type)(builder, entity, error);
}

static gboolean
fill_in_references(QmpSchemaBuilder *builder, GError **error)
{
    builder->entity = NULL;
    for (guint i = 0; i < builder->references->len; i++) {
        const Reference *reference = &g_array_index(builder->references, Reference, i);
        *reference->where = g_hash_table_lookup(builder->types, reference->name);
        if (!*reference->where)
            return fail_entity(builder, error, "there is no type \"%s\"", reference->name);
    }
    return TRUE;
}

/* An array whose elements are such arrays, and so on, would have no D-Bus type. */
static gboolean
check_arrays(QmpSchemaBuilder *builder, GError **error)
{
    GHashTableIter types;
    gpointer name, type;
    g_hash_table_iter_init(&types, builder->types);
    while (g_hash_table_iter_next(&types, &name, &type)) {
        guint depth = 0;
        for (const QmpType *t = type; t->kind == QMP_TYPE_ARRAY && depth <= MAX_ARRAY_DEPTH; t = t->element)
            depth++;
        builder->entity = name;
        if (depth > MAX_ARRAY_DEPTH)
            return fail_entity(builder, error, "more than %d arrays inside one another", MAX_ARRAY_DEPTH);
    }
    return TRUE;
}

static gsize
measure_required(const QmpType *arguments)
{
    gsize size = REQUIRED_OVERHEAD;
    for (guint i = 0; i < arguments->n_members; i++)
        if (!arguments->members[i].optional)
            size += REQUIRED_OVERHEAD + strlen(arguments->members[i].name);
    return size;
}

static gboolean
check_commands_and_events(QmpSchemaBuilder *builder, GError **error)
{
    QmpSchema *schema = builder->schema;
    gsize required = 0;
    for (guint i = 0; i < schema->commands->len; i++) {
        const QmpSchemaCommand *command = g_ptr_array_index(schema->commands, i);
        builder->entity = command->name;
        if (command->arguments->kind != QMP_TYPE_OBJECT)
            return fail_entity(builder, error, "arguments that are no object");
        required += measure_required(command->arguments);
        if (required > MAX_REQUIRED)
            return fail_entity(builder, error, "the commands so far require too much");
    }
    for (guint i = 0; i < schema->events->len; i++) {
        const QmpSchemaEvent *event = g_ptr_array_index(schema->events, i);
        builder->entity = event->name;
        if (event->data->kind != QMP_TYPE_OBJECT)
            return fail_entity(builder, error, "data that are no object");
    }
    return TRUE;
}

QmpSchema *
qmp_schema_builder_end(QmpSchemaBuilder *builder, GError **error)
{
    if (!fill_in_references(builder, error) || !check_arrays(builder, error) ||
        !check_commands_and_events(builder, error))
        return NULL;
    return g_steal_pointer(&builder->schema);
}

QmpSchemaBuilder *
qmp_schema_builder_new(void)
{
    QmpSchemaBuilder *builder = g_new0(QmpSchemaBuilder, 1);
    QmpSchema *schema = builder->schema = g_new0(QmpSchema, 1);
    builder->types = g_hash_table_new(g_str_hash, g_str_equal);
    builder->taken = g_hash_table_new(g_str_hash, g_str_equal);
    builder->references = g_array_new(FALSE, FALSE, sizeof(Reference));
    schema->commands = g_ptr_array_new();
    schema->events = g_ptr_array_new();
    schema->blocks = g_ptr_array_new_with_free_func(g_free);
    schema->strings = g_string_chunk_new(16384);
    return builder;
}

void
qmp_schema_builder_free(QmpSchemaBuilder *builder)
{
    g_clear_pointer(&builder->schema, qmp_schema_free);
    g_hash_table_unref(builder->types);
    g_hash_table_unref(builder->taken);
    g_array_unref(builder->references);
    g_free(builder);
}

void
qmp_schema_free(QmpSchema *schema)
{
    g_ptr_array_unref(schema->commands);
    g_ptr_array_unref(schema->events);
    g_ptr_array_unref(schema->blocks);
    g_string_chunk_free(schema->strings);
    g_free(schema);
}
