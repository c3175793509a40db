/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Remembers names, and forgets none: an object-add by a name that is taken fails, so that an object with the name of
 * an authz object would have to be its successor. Owned by the callers' sessions. */
#include "authz-objects.h"

#include <string.h>

#include "escapes.h"
#include "json-member.h"
#include "lazy-table.h"

/* Names. No VM has as many, but a caller who may add some could go on for ever. With more, any object may be an authz
 * object. */
#define MAX_NAMES 1024u

struct AuthzObjects {
    StartedMonitors *started; /* weak; knows those that were there before */
    GHashTable *names; /* owned, set; of those that callers have added; NULL: there was none yet */
    gboolean has_unread; /* callers have added more, or a line of HMP may have added one by whatever name */
};

static void
note_authz_name(AuthzObjects *objects, const char *name)
{
    if (!objects->names)
        objects->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (g_hash_table_size(objects->names) < MAX_NAMES)
        g_hash_table_add(objects->names, g_strdup(name));
    else
        objects->has_unread = TRUE;
}

AuthzObjects *
authz_objects_new(StartedMonitors *started)
{
    AuthzObjects *objects = g_new0(AuthzObjects, 1);

    objects->started = started;
    return objects;
}

void
authz_objects_free(AuthzObjects *objects)
{
    g_clear_pointer(&objects->names, g_hash_table_unref);
    g_free(objects);
}

static const char *
get_argument(JsonNode *arguments, const char *name)
{
    return arguments && JSON_NODE_HOLDS_OBJECT(arguments)
               ? json_member_get_string(json_node_get_object(arguments), name)
               : NULL;
}

/* QEMU reads a line of HMP in more ways than can be followed here. */
static void
note_line(AuthzObjects *objects, const char *line)
{
    g_autofree char *plain = line ? escapes_strip(line) : NULL;

    objects->has_unread |= !plain || strstr(plain, "authz-") != NULL;
}

void
authz_objects_note(AuthzObjects *objects, const char *command, JsonNode *arguments)
{
    const char *type = g_str_equal(command, "object-add") ? get_argument(arguments, "qom-type") : NULL;
    const char *name = type && g_str_has_prefix(type, "authz-") ? get_argument(arguments, "id") : NULL;

    if (name)
        note_authz_name(objects, name);
    if (g_str_equal(command, "human-monitor-command"))
        note_line(objects, get_argument(arguments, "command-line"));
}

gboolean
authz_objects_may_have(AuthzObjects *objects, JsonNode *arguments)
{
    const char *name = get_argument(arguments, "id");

    return objects->has_unread || started_monitors_may_have_authz(objects->started, name) ||
           (name && lazy_table_contains(objects->names, name));
}
