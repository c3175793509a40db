/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The objects of one QEMU that say who may connect to its exports, displays and monitors (authz-*). A command that removes
 * one names it and not its type, and is more than the removal of another object: `host`, as it is to add one. */
#pragma once

#include <json-glib/json-glib.h>

#include "started-monitors.h"

typedef struct AuthzObjects AuthzObjects;

/* Borrows @started, which must outlive it, and has been answered. */
AuthzObjects *authz_objects_new(StartedMonitors *started);
void authz_objects_free(AuthzObjects *objects);

/* @command with @arguments (an object; NULL: none) is about to be sent for a caller. */
void authz_objects_note(AuthzObjects *objects, const char *command, JsonNode *arguments);

/* Whether object-del with @arguments may remove one: also where QEMU has not told. */
gboolean authz_objects_may_have(AuthzObjects *objects, JsonNode *arguments);
