/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which type a value has where the schema leaves a choice: unions and alternates. Called by the check of arguments and
 * by the conversion of results. */
#include "qmp-type.h"

#include <stdlib.h>
#include <string.h>

#include "json-tree.h"

static int
compare_to_member(gconstpointer key, gconstpointer member)
{
    const JsonCursorText *name = key;
    const char *other = (*(const QmpMember *const *)member)->name;
    int order = strncmp(name->text, other, name->length);

    return order != 0 || other[name->length] == '\0' ? order : -1;
}

static int
compare_to_word(gconstpointer word, gconstpointer value)
{
    return strcmp(word, *(const char *const *)value);
}

static const QmpMember *
find_sorted(const QmpMember **sorted, guint n, JsonCursorText name)
{
    const QmpMember **member = bsearch(&name, sorted, n, sizeof(QmpMember *), compare_to_member);
    return member ? *member : NULL;
}

static const QmpType *
find_variant(const QmpType *type, JsonCursorText tag)
{
    const QmpMember *variant = find_sorted(type->variants_by_name, type->n_variants, tag);
    return variant && variant->type->kind == QMP_TYPE_OBJECT ? variant->type : NULL;
}

static gboolean
read_tag(JsonObject *object, const char *name, JsonCursorText *ret_tag)
{
    JsonNode *tag = json_object_get_member(object, name);
    if (!tag || json_tree_get_type(tag) != JSON_TREE_STRING)
        return FALSE;
    ret_tag->text = json_tree_get_string(tag);
    ret_tag->length = strlen(ret_tag->text);
    return TRUE;
}

void
qmp_types_resolve(QmpTypes *types, const QmpType *type, JsonObject *object)
{
    JsonCursorText tag;
    for (types->n = 0; type && types->n < QMP_TYPE_MAX_VARIANT_DEPTH;) {
        types->types[types->n++] = type;
        type = type->tag && read_tag(object, type->tag, &tag) ? find_variant(type, tag) : NULL;
    }
}

static void
add_searched_type(QmpTypes *types, QmpTypesSearch *search, const QmpType *type)
{
    types->types[types->n++] = type;
    search->tag = types->n < QMP_TYPE_MAX_VARIANT_DEPTH ? type->tag : NULL;
    if (search->tag)
        json_cursor_search_begin(&search->member, search->object);
}

void
qmp_types_search_begin(QmpTypes *types, QmpTypesSearch *search, const QmpType *type, JsonCursor object)
{
    search->object = object;
    types->n = 0;
    add_searched_type(types, search, type);
}

/* NULL: the object has no tag, or no variant goes by it. */
static const QmpType *
get_found_variant(const QmpType *type, JsonCursorSearch *tag)
{
    if (!tag->is_found || json_cursor_get_type(&tag->cursor) != JSON_CURSOR_STRING)
        return NULL;
    return find_variant(type, json_cursor_read_string(&tag->cursor));
}

gboolean
qmp_types_search_part(QmpTypes *types, QmpTypesSearch *search, gsize *left)
{
    const QmpType *variant;

    while (search->tag) {
        if (!json_cursor_search_part(&search->member, search->tag, left))
            return FALSE;
        variant = get_found_variant(types->types[types->n - 1], &search->member);
        search->tag = NULL;
        if (variant)
            add_searched_type(types, search, variant);
    }
    return TRUE;
}

const QmpMember *
qmp_types_find_member(const QmpTypes *types, JsonCursorText name)
{
    for (guint i = 0; i < types->n; i++) {
        const QmpType *type = types->types[i];
        const QmpMember *member = find_sorted(type->members_by_name, type->n_members, name);
        if (member)
            return member;
    }
    return NULL;
}

gboolean
qmp_type_has_word(const QmpType *type, const char *word)
{
    return bsearch(word, type->values_sorted, type->n_values, sizeof(char *), compare_to_word) != NULL;
}

gboolean
qmp_type_matches(const QmpType *type, JsonCursorType value)
{
    gboolean is_integer = value == JSON_CURSOR_INT || value == JSON_CURSOR_UINT;
    switch (type->kind) {
    case QMP_TYPE_ANY:
        return TRUE;
    case QMP_TYPE_NULL:
        return value == JSON_CURSOR_NULL;
    case QMP_TYPE_BOOLEAN:
        return value == JSON_CURSOR_BOOLEAN;
    case QMP_TYPE_INT:
        return is_integer;
    case QMP_TYPE_NUMBER:
        return is_integer || value == JSON_CURSOR_DOUBLE;
    case QMP_TYPE_STRING:
    case QMP_TYPE_ENUM:
        return value == JSON_CURSOR_STRING;
    case QMP_TYPE_ARRAY:
        return value == JSON_CURSOR_ARRAY;
    case QMP_TYPE_OBJECT:
        return value == JSON_CURSOR_OBJECT;
    case QMP_TYPE_ALTERNATE:
        return qmp_type_find_branch(type, value) != NULL;
    }
    g_return_val_if_reached(FALSE);
}

/* QAPI lets no two branches have the same JSON type, and no branch be an alternate. A number takes integers as well, so
 * a branch for them goes first. */
const QmpType *
qmp_type_find_branch(const QmpType *alternate, JsonCursorType value)
{
    const QmpType *found = NULL;
    for (guint i = 0; i < alternate->n_members; i++) {
        const QmpType *branch = alternate->members[i].type;
        if (branch->kind == QMP_TYPE_ALTERNATE || !qmp_type_matches(branch, value))
            continue;
        if (!found || branch->kind == QMP_TYPE_INT)
            found = branch;
    }
    return found;
}
