/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which type a value has where the schema leaves a choice: unions and alternates. Called by the check of arguments and
 * by the conversion of results. */
#include "qmp-type.h"

#include <stdlib.h>
#include <string.h>

#include "qmp-json.h"

static int
compare_to_member(gconstpointer name, gconstpointer member)
{
    return strcmp(name, (*(const QmpMember *const *)member)->name);
}

static int
compare_to_word(gconstpointer word, gconstpointer value)
{
    return strcmp(word, *(const char *const *)value);
}

static const QmpMember *
find(const QmpMember **sorted, guint n, const char *name)
{
    const QmpMember **member = bsearch(name, sorted, n, sizeof(QmpMember *), compare_to_member);
    return member ? *member : NULL;
}

static const QmpType *
find_variant(const QmpType *type, JsonObject *object)
{
    JsonNode *tag = type->tag ? json_object_get_member(object, type->tag) : NULL;
    if (!tag || qmp_json_get_type(tag) != QMP_JSON_STRING)
        return NULL;
    const QmpMember *variant = find(type->variants_by_name, type->n_variants, qmp_json_get_string(tag));
    return variant && variant->type->kind == QMP_TYPE_OBJECT ? variant->type : NULL;
}

void
qmp_types_resolve(QmpTypes *types, const QmpType *type, JsonObject *object)
{
    types->n = 0;
    for (; type && types->n < QMP_TYPE_MAX_VARIANT_DEPTH; type = find_variant(type, object))
        types->types[types->n++] = type;
}

const QmpMember *
qmp_types_find_member(const QmpTypes *types, const char *name)
{
    for (guint i = 0; i < types->n; i++) {
        const QmpType *type = types->types[i];
        const QmpMember *member = find(type->members_by_name, type->n_members, name);
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
qmp_type_matches(const QmpType *type, JsonNode *value)
{
    QmpJsonType is = qmp_json_get_type(value);
    gboolean is_integer = is == QMP_JSON_INT || is == QMP_JSON_UINT;
    switch (type->kind) {
    case QMP_TYPE_ANY:
        return TRUE;
    case QMP_TYPE_NULL:
        return is == QMP_JSON_NULL;
    case QMP_TYPE_BOOLEAN:
        return is == QMP_JSON_BOOLEAN;
    case QMP_TYPE_INT:
        return is_integer;
    case QMP_TYPE_NUMBER:
        return is_integer || is == QMP_JSON_DOUBLE;
    case QMP_TYPE_STRING:
    case QMP_TYPE_ENUM:
        return is == QMP_JSON_STRING || is == QMP_JSON_STRING_WITH_NUL;
    case QMP_TYPE_ARRAY:
        return is == QMP_JSON_ARRAY;
    case QMP_TYPE_OBJECT:
        return is == QMP_JSON_OBJECT;
    case QMP_TYPE_ALTERNATE:
        return qmp_type_find_branch(type, value) != NULL;
    }
    g_return_val_if_reached(FALSE);
}

/* QAPI lets no two branches have the same JSON type, and no branch be an alternate. A number takes integers as well, so
 * a branch for them goes first. */
const QmpType *
qmp_type_find_branch(const QmpType *alternate, JsonNode *value)
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
