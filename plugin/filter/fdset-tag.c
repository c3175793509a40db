/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fdset-tag.h"

#include <string.h>
#include <sys/stat.h>

#include "json-member.h"
#include "json-tree.h"
#include "qmp-monitor.h"

/* A socket's number is its own for as long as it is open, whoever has it. */
static guint
get_socket_number(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 ? (guint)status.st_ino : g_random_int();
}

/* Short, for QEMU takes 2.5 us for each byte. */
char *
fdset_tag_new(const QmpAddress *address, int fd)
{
    return g_strdup_printf(QMP_MONITOR_PREFIX "%08x", address ? g_str_hash(address->text) : get_socket_number(fd));
}

JsonNode *
fdset_tag_put(const char *tag, gint64 fdset, JsonNode *arguments)
{
    JsonObject *given = arguments ? json_node_get_object(arguments) : NULL;
    const char *opaque = given ? json_member_get_string(given, "opaque") : NULL;
    g_autofree char *text = opaque ? g_strconcat(tag, " ", opaque, NULL) : g_strdup(tag);
    g_autoptr(JsonObject) tagged = json_object_new();
    JsonObjectIter members;
    const char *member;
    JsonNode *value;

    if (given && !opaque && json_object_has_member(given, "opaque"))
        return json_node_ref(arguments); /* QEMU will not have it */
    if (given) {
        json_object_iter_init_ordered(&members, given);
        while (json_object_iter_next_ordered(&members, &member, &value))
            json_object_set_member(tagged, member, json_node_ref(value));
    }
    if (!json_object_has_member(tagged, "fdset-id"))
        json_object_set_int_member(tagged, "fdset-id", fdset);
    json_object_set_member(tagged, "opaque", json_tree_new_string(text));
    return json_node_init_object(json_node_alloc(), tagged);
}

gboolean
fdset_tag_is_on(const char *tag, const char *opaque)
{
    gsize length = strlen(tag);

    return g_str_has_prefix(opaque, tag) && (opaque[length] == ' ' || opaque[length] == '\0');
}

const char *
fdset_tag_skip(const char *opaque)
{
    const char *own;

    if (!g_str_has_prefix(opaque, QMP_MONITOR_PREFIX))
        return opaque;
    own = strchr(opaque, ' ');
    return own ? own + 1 : NULL;
}
