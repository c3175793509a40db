/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the tables of types are written and read: devices, objects, block drivers and back ends. QEMU makes things of
 * types that its caller names, and a type decides more than the command: `device_add` plugs a mouse, and a smart card
 * that loads libraries. A TYPE THAT NO TABLE NAMES IS `host`, as a command is; and so is a member that could name a
 * file, a program, an address or another object, and that the type's row does not list. */
#pragma once

#include <json-glib/json-glib.h>

#include "command-class.h"

/* The classes that most types are made with. */
#define POLICY_CONFIGURE POLICY_CLASSES(POLICY_CLASS_CONFIGURE)
#define POLICY_HOST POLICY_CLASSES(POLICY_CLASS_HOST)

/* Guest memory, screen, traffic, or a secret of the host's, goes where the caller says. */
#define POLICY_READ_GUEST (POLICY_CONFIGURE | POLICY_CLASSES(POLICY_CLASS_READ_GUEST))

/* One type. All strings are constants. */
typedef struct PolicyType {
    const char *name;
    PolicyClasses classes;
    const char
        *members; /* their names, a space between them: those whose value may be a string, a list or an object */
    PolicyClasses (*raise)(JsonObject *members); /* NULL: no member of this type changes its classes */
} PolicyType;

/* All types of one kind, sorted by name. */
typedef struct PolicyTypes {
    const char *kind; /* "object", for tests */
    const PolicyType *rows;
    guint n_rows;
    const char *common; /* members that every type of this kind has, as in a row */
} PolicyTypes;

/* The row of @name; NULL: there is none. @name may be NULL. */
const PolicyType *policy_types_find(const PolicyTypes *types, const char *name);

/* The classes of @name made with @members; HOST if either is in no table. Linear in the size of @members. */
PolicyClasses policy_types_classify(const PolicyTypes *types, const char *name, JsonObject *members);

/* HOST if @members has a string, list or object by a name that is in neither list; 0 otherwise. @more may be NULL. */
PolicyClasses policy_members_classify(JsonObject *members, const char *names, const char *more);

/* Whether a member's value could name something: numbers, booleans and null do not. */
gboolean policy_can_name(JsonNode *value);

/* Whether @name is one of @names, which have a space between them. */
gboolean policy_names_contain(const char *names, const char *name);

/* A string member; NULL: @object (may be NULL) has none by that name. Borrowed. */
const char *policy_member_get_string(JsonObject *object, const char *name);

/* An object member; NULL: @object (may be NULL) has none by that name. Borrowed. */
JsonObject *policy_member_get_object(JsonObject *object, const char *name);
