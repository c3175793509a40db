/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a VM's QEMU understands, by its own query-qmp-schema: the types of arguments that the command line gives as bare words, and
 * the words that a shell completes. */
#pragma once

#include <json-glib/json-glib.h>

#include "ctl.h"

typedef struct CtlSchema CtlSchema;

/* Asks the VM at @path for its schema, which takes the action `observe`. */
CtlSchema *ctl_schema_load(Ctl *ctl, const char *path, GError **error);
void ctl_schema_free(CtlSchema *schema);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(CtlSchema, ctl_schema_free)

/* The names of all commands, or events, of the VM, sorted. */
GStrv ctl_schema_list(const CtlSchema *schema, const char *meta_type);

/* The type of the arguments of @command; NULL: there is no such command. */
JsonObject *ctl_schema_get_arguments(const CtlSchema *schema, const char *command);

/* The type called @name, which the schema uses; NULL: there is none. */
JsonObject *ctl_schema_get_type(const CtlSchema *schema, const char *name);

/* "object", "array", "enum", "alternate" or the JSON type of a built-in one. */
const char *ctl_schema_get_kind(JsonObject *type);

/* The type of the member @name of the object type @type. A union has the members of the variant that @tag chooses, or where that is
 * NULL those of all variants. NULL: there is none. */
JsonObject *ctl_schema_get_member(const CtlSchema *schema, JsonObject *type, const char *name, const char *tag);

/* The names of all members of @type, those of its variants too. */
GStrv ctl_schema_list_members(const CtlSchema *schema, JsonObject *type);
