/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fdsets.h"

#include <string.h>

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

void
fdsets_add_common(Fdsets *fdsets, gint64 fdset)
{
    if (!g_hash_table_contains(fdsets->owners, &fdset))
        g_hash_table_add(fdsets->common, g_memdup2(&fdset, sizeof fdset));
}

void
fdsets_add(Fdsets *fdsets, gint64 fdset, gint64 fd, const char *caller)
{
    Fd *added = g_new(Fd, 1);

    *added = (Fd){ .fdset = fdset, .fd = fd, .caller = g_strdup(caller) };
    g_ptr_array_add(fdsets->fds, added);
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
