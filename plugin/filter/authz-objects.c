/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Remembers names, and forgets none: an object-add by a name that is taken fails, so that an object with the name of
 * an authz object would have to be its successor. Owned by the callers' sessions. */
#include "authz-objects.h"

#include <string.h>

#include "escapes.h"
#include "json-member.h"
#include "json-tree.h"
#include "lazy-table.h"

/* Names. No VM has as many, but a caller who may add some could go on for ever. With more, any object may be an authz
 * object. */
#define MAX_NAMES 1024u

struct AuthzObjects {
    GHashTable *names; /* owned, set; NULL: there was none yet */
    QmpTicket *ticket; /* weak; the question which objects there are */
    gboolean is_known; /* every object that may be one is in @names */
    gboolean has_unread; /* a line of HMP may have added one by whatever name */
};

static void
note_authz_name(AuthzObjects *objects, const char *name)
{
    if (!objects->names)
        objects->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (g_hash_table_size(objects->names) < MAX_NAMES)
        g_hash_table_add(objects->names, g_strdup(name));
    else
        objects->is_known = FALSE;
}

/* QEMU writes the type of a member of /objects as child<authz-list>. */
static void
note_listed_object(AuthzObjects *objects, JsonObject *listed)
{
    const char *name = listed ? json_member_get_string(listed, "name") : NULL;
    const char *type = listed ? json_member_get_string(listed, "type") : NULL;

    if (name && type && g_str_has_prefix(type, "child<authz-"))
        note_authz_name(objects, name);
}

static void
on_authz_listed(const QmpReply *reply, const GError *error, gpointer user_data)
{
    AuthzObjects *objects = user_data;
    gboolean is_answer = reply && !reply->error_class && reply->value.text;
    g_autoptr(JsonNode) list = is_answer ? json_tree_parse_answer(reply->value.text, reply->value.length) : NULL;
    JsonArray *array = list && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;

    objects->ticket = NULL;
    objects->is_known = array && !objects->has_unread && lazy_table_size(objects->names) < MAX_NAMES;
    for (guint i = 0; array && i < json_array_get_length(array); i++)
        note_listed_object(objects, json_member_get_object_at(array, i));
}

AuthzObjects *
authz_objects_new(Vm *vm)
{
    AuthzObjects *objects = g_new0(AuthzObjects, 1);
    QmpCommand command = { .name = "qom-list", .arguments = "{\"path\":\"/objects\"}" };

    objects->ticket = qemu_connection_ask(vm_get_qemu(vm), &command, on_authz_listed, objects);
    return objects;
}

void
authz_objects_free(AuthzObjects *objects)
{
    g_clear_pointer(&objects->ticket, qmp_ticket_cancel);
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
    objects->is_known &= !objects->has_unread;
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

    return !objects->is_known || (name && lazy_table_contains(objects->names, name));
}
