/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fdsets.h"

#include "qmp-json.h"

/* Bytes of a reply; a thousand fdsets are 100 kB. */
#define MAX_REPLY (1024u * 1024)

/* Nobody's unique name. */
#define LEFT ""

typedef struct Fd {
    gint64 fdset, fd;
    char *caller; /* owned; LEFT: has left */
} Fd;

struct Fdsets {
    GHashTable *owners; /* owned; fdset → caller, owned; LEFT: has left */
    GHashTable *common; /* owned; set of fdsets */
    GPtrArray *fds; /* owned, of Fd */
};

static void
fd_free(gpointer data)
{
    Fd *fd = data;

    g_free(fd->caller);
    g_free(fd);
}

Fdsets *
fdsets_new(void)
{
    Fdsets *fdsets = g_new0(Fdsets, 1);

    fdsets->owners = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    fdsets->common = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    fdsets->fds = g_ptr_array_new_with_free_func(fd_free);
    return fdsets;
}

void
fdsets_free(Fdsets *fdsets)
{
    g_hash_table_unref(fdsets->owners);
    g_hash_table_unref(fdsets->common);
    g_ptr_array_unref(fdsets->fds);
    g_free(fdsets);
}

static JsonNode *
parse(const QmpText *reply)
{
    return reply->length <= MAX_REPLY ? qmp_json_parse(reply->text, reply->length, NULL) : NULL;
}

/* -1: there is none. */
static gint64
get_number(JsonNode *node, const char *name)
{
    JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    JsonNode *value = object ? json_object_get_member(object, name) : NULL;

    return value && qmp_json_get_type(value) == QMP_JSON_INT ? qmp_json_get_int(value) : -1;
}

void
fdsets_note_common(Fdsets *fdsets, const QmpText *reply)
{
    g_autoptr(JsonNode) list = parse(reply);

    for (guint i = 0; list && JSON_NODE_HOLDS_ARRAY(list) && i < json_array_get_length(json_node_get_array(list));
         i++) {
        gint64 fdset = get_number(json_array_get_element(json_node_get_array(list), i), "fdset-id");
        if (!g_hash_table_contains(fdsets->owners, &fdset))
            g_hash_table_add(fdsets->common, g_memdup2(&fdset, sizeof fdset));
    }
}

void
fdsets_note_added(Fdsets *fdsets, const QmpText *reply, const char *caller)
{
    g_autoptr(JsonNode) added = parse(reply);
    gint64 fdset = added ? get_number(added, "fdset-id") : -1;
    Fd *fd;

    if (fdset < 0)
        return;
    fd = g_new(Fd, 1);
    *fd = (Fd){ .fdset = fdset, .fd = get_number(added, "fd"), .caller = g_strdup(caller) };
    g_ptr_array_add(fdsets->fds, fd);
    if (!g_hash_table_contains(fdsets->common, &fdset) && !g_hash_table_contains(fdsets->owners, &fdset))
        g_hash_table_insert(fdsets->owners, g_memdup2(&fdset, sizeof fdset), g_strdup(caller));
}

gboolean
fdsets_is_foreign(Fdsets *fdsets, gint64 fdset, const char *caller)
{
    const char *owner = g_hash_table_lookup(fdsets->owners, &fdset);

    return owner && !g_str_equal(owner, caller);
}

void
fdsets_leave(Fdsets *fdsets, const char *caller)
{
    GHashTableIter owners;
    gpointer owner;

    for (guint i = 0; i < fdsets->fds->len; i++) {
        Fd *fd = g_ptr_array_index(fdsets->fds, i);
        if (!g_str_equal(fd->caller, caller))
            continue;
        g_free(fd->caller);
        fd->caller = g_strdup(LEFT);
    }
    g_hash_table_iter_init(&owners, fdsets->owners);
    while (g_hash_table_iter_next(&owners, NULL, &owner))
        if (g_str_equal(owner, caller))
            g_hash_table_iter_replace(&owners, g_strdup(LEFT));
}

static gboolean
is_left(gpointer fdset, gpointer owner, gpointer unused)
{
    return g_str_equal(owner, LEFT);
}

void
fdsets_remove_left(Fdsets *fdsets, gboolean is_final, FdsetsFunc func, gpointer user_data)
{
    for (guint i = fdsets->fds->len; i-- > 0;) {
        Fd *fd = g_ptr_array_index(fdsets->fds, i);
        if (!g_str_equal(fd->caller, LEFT))
            continue;
        func(fd->fdset, fd->fd, user_data);
        if (is_final)
            g_ptr_array_remove_index_fast(fdsets->fds, i);
    }
    if (is_final)
        g_hash_table_foreach_remove(fdsets->owners, is_left, NULL);
}

gboolean
fdsets_has_left(Fdsets *fdsets)
{
    for (guint i = 0; i < fdsets->fds->len; i++)
        if (g_str_equal(((Fd *)g_ptr_array_index(fdsets->fds, i))->caller, LEFT))
            return TRUE;
    return FALSE;
}
