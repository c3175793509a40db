/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The data of `secret` objects. QEMU keeps objects for all monitors alike, and reads the data out to everybody who asks
 * (7.2 to 11.1); here it is read out to the caller who has given it, for as long as they are there, and to nobody else:
 * neither what another caller has given, nor what QEMU was started with, nor what came by HMP or by another program. To use
 * a secret, which `key-secret` and its like do by the object's name, is something else, and everybody's who may. */
#pragma once

#include <json-glib/json-glib.h>

typedef struct Secrets Secrets;

Secrets *secrets_new(void);
void secrets_free(Secrets *secrets);

/* @caller's object-add with @arguments (an object; NULL: none) has succeeded. */
void secrets_note_added(Secrets *secrets, const char *caller, JsonNode *arguments);

/* @caller has left. */
void secrets_leave(Secrets *secrets, const char *caller);

/* Whether qom-get with @arguments (an object) reads a property that is called as the data of a secret is. */
gboolean secrets_are_read_by(JsonNode *arguments);

/* Whether @caller may see @value, which such a command has given. */
gboolean secrets_may_show(Secrets *secrets, const char *caller, JsonNode *arguments, JsonNode *value);

/* Whether @line is a qom-get of HMP that reads such a property, or may be one. */
gboolean secrets_are_read_by_line(const char *line);

/* Whether @property, an element of what qom-list-get lists, is such a property and shows its value. */
gboolean secrets_are_listed(JsonObject *property);
