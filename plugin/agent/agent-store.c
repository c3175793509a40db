/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Used by agent.c and agent-module.c. Owns the descriptors that were handed over until somebody takes them. */
#include "agent-store.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define FIRST_FD 3

#define NAME_CHARACTERS G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_."
#define MAX_NAME 255

struct AgentStore {
    AgentNotify *notify; /* weak */
    gboolean is_offered; /* the manager says that it keeps descriptors */
    gboolean is_refused; /* the manager says that it does not */
    GHashTable *rest; /* owned; name (owned) → descriptor (owned); what was handed over and has not been taken */
};

static void
close_rest(gpointer fd)
{
    close(GPOINTER_TO_INT(fd));
}

static guint
read_count(void)
{
    const char *pid = g_getenv("LISTEN_PID"), *count = g_getenv("LISTEN_FDS");
    guint64 own, n;

    if (pid == NULL || count == NULL || !g_ascii_string_to_unsigned(pid, 10, 1, G_MAXINT, &own, /* error= */ NULL) ||
        own != (guint64)getpid() || !g_ascii_string_to_unsigned(count, 10, 1, G_MAXINT16, &n, /* error= */ NULL))
        return 0;
    return (guint)n;
}

/* Of two with one name the first counts. A descriptor without a name is nobody's. */
static void
adopt(AgentStore *store, const char *name, int fd)
{
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
        return;
    if (name == NULL || name[0] == '\0' || g_hash_table_contains(store->rest, name))
        close(fd);
    else
        g_hash_table_insert(store->rest, g_strdup(name), GINT_TO_POINTER(fd));
}

AgentStore *
agent_store_new(AgentNotify *notify)
{
    AgentStore *store = g_new0(AgentStore, 1);
    const char *text = g_getenv("LISTEN_FDNAMES");
    g_auto(GStrv) names = g_strsplit(text != NULL ? text : "", ":", -1);
    guint n_names = g_strv_length(names), n = read_count();
    const char *offer = g_getenv("FDSTORE");

    store->is_refused = g_strcmp0(offer, "0") == 0;
    store->is_offered = !store->is_refused && ((offer != NULL && offer[0] != '\0') || n > 0);
    store->notify = notify;
    store->rest = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_rest);
    for (guint i = 0; i < n; i++)
        adopt(store, i < n_names ? names[i] : NULL, FIRST_FD + (int)i);
    g_unsetenv("FDSTORE");
    g_unsetenv("LISTEN_PID");
    g_unsetenv("LISTEN_FDS");
    g_unsetenv("LISTEN_FDNAMES");
    return store;
}

void
agent_store_free(AgentStore *store)
{
    g_hash_table_unref(store->rest);
    g_free(store);
}

/* systemd tells since version 254, by FDSTORE, how many descriptors it keeps. Before, a descriptor that it does not keep costs it a line
 * in its log; but who reads no notifications would keep a connection open that has ended. */
gboolean
agent_store_keep(AgentStore *store, const char *name, int fd, gboolean is_only_one)
{
    g_return_val_if_fail(strlen(name) <= MAX_NAME && strspn(name, NAME_CHARACTERS) == strlen(name), FALSE);
    if (!agent_notify_is_heard(store->notify) || store->is_refused || !(store->is_offered || is_only_one))
        return FALSE;
    return agent_notify_store(store->notify, name, fd);
}

void
agent_store_drop(AgentStore *store, const char *name)
{
    g_hash_table_remove(store->rest, name);
    agent_notify_unstore(store->notify, name);
}

int
agent_store_take(AgentStore *store, const char *name)
{
    gpointer key, fd;

    if (!g_hash_table_steal_extended(store->rest, name, &key, &fd))
        return -1;
    g_free(key);
    return GPOINTER_TO_INT(fd);
}

void
agent_store_drop_rest(AgentStore *store)
{
    GHashTableIter rest;
    gpointer name;

    g_hash_table_iter_init(&rest, store->rest);
    while (g_hash_table_iter_next(&rest, &name, NULL)) {
        g_info("A descriptor that was kept as %s is nobody's any more", (const char *)name);
        agent_notify_unstore(store->notify, name);
        g_hash_table_iter_remove(&rest);
    }
}
