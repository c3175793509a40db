/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resolves the name of a host. Used by QmpConnector for TCP names other than numbers and localhost; owns the lookup.
 *
 * GIO calls back even after it was cancelled, from a later turn of the main context; by then this code may have been
 * unloaded. So the lookup has a context of its own: it is looked at from a timer while it lasts, and run until the
 * callback has come when the resolver is freed (GIO answers a cancelled lookup at once, whatever its thread does). */
#include "qmp-resolver.h"

/* How late an answer may be noticed. */
#define POLL_INTERVAL_MS 10

struct QmpResolver {
    GMainContext *lookup_context; /* owned */
    GCancellable *cancellable; /* owned */
    GSource *poll; /* owned */
    gboolean done;
    GList *addresses; /* owned; GInetAddress */
    GError *error; /* owned */
    QmpResolvedFunc func;
    gpointer user_data;
};

static void
on_looked_up(GObject *source, GAsyncResult *result, gpointer user_data)
{
    QmpResolver *resolver = user_data;
    resolver->addresses = g_resolver_lookup_by_name_finish(G_RESOLVER(source), result, &resolver->error);
    resolver->done = TRUE;
}

static gboolean
on_resolver_poll(gpointer user_data)
{
    QmpResolver *resolver = user_data;
    g_main_context_iteration(resolver->lookup_context, FALSE);
    if (!resolver->done)
        return G_SOURCE_CONTINUE;
    resolver->func(resolver->addresses, resolver->error, resolver->user_data);
    return G_SOURCE_REMOVE;
}

QmpResolver *
qmp_resolver_new(GMainContext *context, const char *host, QmpResolvedFunc func, gpointer user_data)
{
    QmpResolver *resolver = g_new0(QmpResolver, 1);
    g_autoptr(GResolver) gio_resolver = g_resolver_get_default();
    resolver->func = func;
    resolver->user_data = user_data;
    resolver->lookup_context = g_main_context_new();
    resolver->cancellable = g_cancellable_new();
    resolver->poll = g_timeout_source_new(POLL_INTERVAL_MS);
    g_source_set_callback(resolver->poll, on_resolver_poll, resolver, NULL);
    g_source_attach(resolver->poll, context);
    g_main_context_push_thread_default(resolver->lookup_context);
    g_resolver_lookup_by_name_async(gio_resolver, host, resolver->cancellable, on_looked_up, resolver);
    g_main_context_pop_thread_default(resolver->lookup_context);
    return resolver;
}

void
qmp_resolver_free(QmpResolver *resolver)
{
    g_source_destroy(resolver->poll);
    g_source_unref(resolver->poll);
    g_cancellable_cancel(resolver->cancellable);
    while (!resolver->done)
        g_main_context_iteration(resolver->lookup_context, TRUE);
    g_resolver_free_addresses(resolver->addresses);
    g_clear_error(&resolver->error);
    g_object_unref(resolver->cancellable);
    g_main_context_unref(resolver->lookup_context);
    g_free(resolver);
}
