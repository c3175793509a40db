/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The types of QMP's values, as a QEMU's schema has them. They belong to the schema and do not change. */
#pragma once

#include <json-glib/json-glib.h>

#include "json-cursor.h"

typedef enum QmpTypeKind {
    QMP_TYPE_ANY, /* also what a future QEMU may call a kind that is none of these */
    QMP_TYPE_NULL,
    QMP_TYPE_BOOLEAN,
    QMP_TYPE_INT,
    QMP_TYPE_NUMBER,
    QMP_TYPE_STRING,
    QMP_TYPE_ENUM,
    QMP_TYPE_ARRAY,
    QMP_TYPE_OBJECT,
    QMP_TYPE_ALTERNATE,
} QmpTypeKind;

typedef struct QmpType QmpType;

typedef struct QmpMember {
    const char *name; /* NULL: a branch of an alternate */
    const QmpType *type;
    gboolean optional;
} QmpMember;

struct QmpType {
    QmpTypeKind kind;
    const QmpType *element; /* of an array */
    const QmpMember *members; /* of an object, in QEMU's order; the branches of an alternate */
    const QmpMember **members_by_name; /* of an object, sorted */
    guint n_members;
    const char *tag; /* the member that decides on the variant; NULL: none */
    const QmpMember *variants; /* by the tag's value; each is an object whose members come on top */
    const QmpMember **variants_by_name; /* sorted */
    guint n_variants;
    const char *const *values; /* of an enum, in QEMU's order, ended by NULL */
    const char **values_sorted;
    guint n_values;
};

/* A variant may have variants of its own, which end somewhere unless the schema lies. */
#define QMP_TYPE_MAX_VARIANT_DEPTH 8

/* The types that an object is of: its own, the variant that its tag says, that one's variant, … */
typedef struct QmpTypes {
    const QmpType *types[QMP_TYPE_MAX_VARIANT_DEPTH];
    guint n;
} QmpTypes;
void qmp_types_resolve(QmpTypes *types, const QmpType *type, JsonObject *object);

/* The same by an object's text, in parts: the tag may stand behind large members. */
typedef struct QmpTypesSearch {
    JsonCursor object;
    const char *tag; /* weak; the member that is looked for; NULL: none any more */
    JsonCursorSearch member;
} QmpTypesSearch;

/* @object: at its brace. *@left: as for json_cursor_skip_part(). FALSE: the search goes on. */
void qmp_types_search_begin(QmpTypes *types, QmpTypesSearch *search, const QmpType *type, JsonCursor object);
gboolean qmp_types_search_part(QmpTypes *types, QmpTypesSearch *search, gsize *left);

/* The member of that name (without escapes) that such an object may have; NULL: none. */
const QmpMember *qmp_types_find_member(const QmpTypes *types, JsonCursorText name);

/* The branch of an alternate that a value of that JSON type is of; NULL: none. */
const QmpType *qmp_type_find_branch(const QmpType *alternate, JsonCursorType value);

/* Whether the JSON type of a value is that of @type; what is inside it may differ. */
gboolean qmp_type_matches(const QmpType *type, JsonCursorType value);

/* Whether an enum has that word. */
gboolean qmp_type_has_word(const QmpType *type, const char *word);
