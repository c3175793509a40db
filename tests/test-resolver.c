/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "test-resolver.h"

typedef struct TestResolver {
    GResolver parent;
} TestResolver;

typedef struct TestResolverClass {
    GResolverClass parent_class;
} TestResolverClass;

GType test_resolver_get_type(void);
G_DEFINE_TYPE(TestResolver, test_resolver, G_TYPE_RESOLVER)

static void
free_addresses(gpointer data)
{
    g_resolver_free_addresses(data);
}

static void
on_cancelled(GCancellable *cancellable, gpointer user_data)
{
    GTask *task = user_data;
    g_task_return_error_if_cancelled(task);
    g_object_unref(task);
}

static void
lookup_async(GResolver *resolver, const char *name, GCancellable *cancellable, GAsyncReadyCallback callback,
             gpointer user_data)
{
    GTask *task = g_task_new(resolver, cancellable, callback, user_data);
    if (g_str_equal(name, "silent.test")) {
        g_signal_connect(cancellable, "cancelled", G_CALLBACK(on_cancelled), task);
        return;
    }
    if (g_str_equal(name, "qemu.test"))
        g_task_return_pointer(task, g_list_append(NULL, g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4)),
                              free_addresses);
    else
        g_task_return_new_error(task, G_RESOLVER_ERROR, G_RESOLVER_ERROR_NOT_FOUND, "no such host");
    g_object_unref(task);
}

static GList *
lookup_finish(GResolver *resolver, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

static void
test_resolver_init(TestResolver *resolver)
{
}

static void
test_resolver_class_init(TestResolverClass *class)
{
    G_RESOLVER_CLASS(class)->lookup_by_name_async = lookup_async;
    G_RESOLVER_CLASS(class)->lookup_by_name_finish = lookup_finish;
}

GResolver *
test_resolver_new(void)
{
    return g_object_new(test_resolver_get_type(), NULL);
}
