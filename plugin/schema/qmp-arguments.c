/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-arguments.h"

#include <string.h>

#include "nearest.h"
#include "json-tree.h"
#include "json-value-path.h"

/* Bytes of a list of words in an error; QEMU 11.1 has an enumeration of 300 (qom-type). */
#define MAX_LIST 400

static gboolean check_argument(const QmpType *type, JsonNode *value, const JsonValuePath *place, GError **error);

static gboolean G_GNUC_PRINTF(3, 4) fail_argument(const JsonValuePath *place, GError **error, const char *format, ...)
{
    g_autofree char *where = json_value_path_to_text(place);
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(error, QMP_SCHEMA_ERROR, QMP_SCHEMA_ERROR_ARGUMENT, "%s: %s", where, what);
    return FALSE;
}

static void
append_word(GString *list, const char *word, const char *separator)
{
    if (list->len >= MAX_LIST)
        return;
    g_string_append_printf(list, "%s%.255s", list->len > 0 ? separator : "", word);
    if (list->len >= MAX_LIST)
        g_string_append(list, ", …");
}

static const char *
name_kind(QmpTypeKind kind)
{
    switch (kind) {
    case QMP_TYPE_ANY:
    case QMP_TYPE_ALTERNATE:
        break;
    case QMP_TYPE_NULL:
        return "null";
    case QMP_TYPE_BOOLEAN:
        return "a boolean";
    case QMP_TYPE_INT:
        return "an integer";
    case QMP_TYPE_NUMBER:
        return "a number";
    case QMP_TYPE_STRING:
    case QMP_TYPE_ENUM:
        return "a string";
    case QMP_TYPE_ARRAY:
        return "an array";
    case QMP_TYPE_OBJECT:
        return "an object";
    }
    return "any value";
}

static char *
describe_type(const QmpType *type)
{
    GString *text = g_string_new(NULL);
    if (type->kind != QMP_TYPE_ALTERNATE)
        g_string_append(text, name_kind(type->kind));
    for (guint i = 0; type->kind == QMP_TYPE_ALTERNATE && i < type->n_members; i++)
        append_word(text, name_kind(type->members[i].type->kind), " or ");
    return g_string_free(text, FALSE);
}

static const char *
describe_value(JsonNode *value)
{
    switch (json_tree_get_type(value)) {
    case JSON_TREE_NULL:
        return "null";
    case JSON_TREE_BOOLEAN:
        return "a boolean";
    case JSON_TREE_INT:
    case JSON_TREE_UINT:
        return "an integer";
    case JSON_TREE_DOUBLE:
        return "a number with a fraction";
    case JSON_TREE_STRING:
    case JSON_TREE_STRING_WITH_NUL:
        return "a string";
    case JSON_TREE_ARRAY:
        return "an array";
    case JSON_TREE_OBJECT:
        return "an object";
    }
    g_return_val_if_reached("");
}

/* The list of words may be cut. */
static char *
ask_for_word(const QmpType *type, const char *word)
{
    Nearest nearest;
    nearest_init(&nearest, word);
    nearest_offer_all(&nearest, type->values);
    return nearest_dup_question(&nearest);
}

static gboolean
check_enum_word(const QmpType *type, JsonNode *value, const JsonValuePath *place, GError **error)
{
    const char *word = json_tree_get_string(value);
    g_autoptr(GString) words = g_string_new(NULL);
    if (json_tree_get_type(value) == JSON_TREE_STRING && qmp_type_has_word(type, word))
        return TRUE;
    for (const char *const *known = type->values; *known; known++)
        append_word(words, *known, ", ");
    g_autofree char *shown = g_strescape(word, NULL), *question = ask_for_word(type, word);
    return fail_argument(place, error, "\"%.64s\" is none of: %s%s", shown, words->str, question);
}

static gboolean
fail_unknown_member(const QmpTypes *types, const JsonValuePath *place, GError **error)
{
    g_autoptr(GString) names = g_string_new(NULL);
    Nearest nearest;
    nearest_init(&nearest, place->member);
    for (guint i = 0; i < types->n; i++) {
        for (guint j = 0; j < types->types[i]->n_members; j++) {
            append_word(names, types->types[i]->members[j].name, ", ");
            nearest_offer(&nearest, types->types[i]->members[j].name);
        }
    }
    g_autofree char *question = nearest_dup_question(&nearest);
    return fail_argument(place, error, names->len > 0 ? "no such member; there are: %s%s" : "no such member%s%s",
                         names->str, question);
}

static const QmpMember *
find_member(const QmpTypes *types, const char *name)
{
    return qmp_types_find_member(types, (JsonCursorText){ name, strlen(name) });
}

/* A union's tag says which members there may be: it is looked at first. */
static gboolean
check_tags(const QmpTypes *types, JsonObject *object, const JsonValuePath *place, GError **error)
{
    for (guint i = 0; i < types->n; i++) {
        JsonValuePath tag = { .up = place, .member = types->types[i]->tag };
        JsonNode *value = tag.member ? json_object_get_member(object, tag.member) : NULL;
        const QmpMember *member = value ? find_member(types, tag.member) : NULL;
        if (tag.member && !value)
            return fail_argument(&tag, error, "is missing");
        if (member && !check_argument(member->type, value, &tag, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
check_required(const QmpTypes *types, JsonObject *object, const JsonValuePath *place, GError **error)
{
    for (guint i = 0; i < types->n; i++) {
        for (guint j = 0; j < types->types[i]->n_members; j++) {
            const QmpMember *required = &types->types[i]->members[j];
            JsonValuePath member = { .up = place, .member = required->name };
            if (!required->optional && !json_object_has_member(object, required->name))
                return fail_argument(&member, error, "is missing");
        }
    }
    return TRUE;
}

static gboolean
check_argument_object(const QmpType *type, JsonObject *object, gboolean open, const JsonValuePath *place,
                      GError **error)
{
    JsonObjectIter members;
    JsonValuePath member = { .up = place };
    QmpTypes types;
    JsonNode *value;
    qmp_types_resolve(&types, type, object);
    if (!check_tags(&types, object, place, error))
        return FALSE;
    json_object_iter_init_ordered(&members, object);
    while (json_object_iter_next_ordered(&members, &member.member, &value)) {
        const QmpMember *known = find_member(&types, member.member);
        if (!known && !open)
            return fail_unknown_member(&types, &member, error);
        if (known && !check_argument(known->type, value, &member, error))
            return FALSE;
    }
    return check_required(&types, object, place, error);
}

static gboolean
check_argument_elements(const QmpType *type, JsonArray *array, const JsonValuePath *place, GError **error)
{
    for (guint i = 0; i < json_array_get_length(array); i++) {
        JsonValuePath element = { .up = place, .element = i };
        if (!check_argument(type->element, json_array_get_element(array, i), &element, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean
check_argument(const QmpType *type, JsonNode *value, const JsonValuePath *place, GError **error)
{
    if (!qmp_type_matches(type, json_tree_get_cursor_type(value))) {
        g_autofree char *expected = describe_type(type);
        return fail_argument(place, error, "%s is expected, %s was given", expected, describe_value(value));
    }
    switch (type->kind) {
    case QMP_TYPE_ENUM:
        return check_enum_word(type, value, place, error);
    case QMP_TYPE_ARRAY:
        return check_argument_elements(type, json_node_get_array(value), place, error);
    case QMP_TYPE_OBJECT:
        return check_argument_object(type, json_node_get_object(value), /* open= */ FALSE, place, error);
    case QMP_TYPE_ALTERNATE:
        return check_argument(qmp_type_find_branch(type, json_tree_get_cursor_type(value)), value, place, error);
    case QMP_TYPE_ANY:
    case QMP_TYPE_NULL:
    case QMP_TYPE_BOOLEAN:
    case QMP_TYPE_INT:
    case QMP_TYPE_NUMBER:
    case QMP_TYPE_STRING:
        break;
    }
    return TRUE;
}

gboolean
qmp_arguments_check(const QmpSchemaCommand *command, JsonObject *arguments, GError **error)
{
    return check_argument_object(command->arguments, arguments, command->open, /* place= */ NULL, error);
}
