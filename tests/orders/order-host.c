/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-host.h"

#include <gio/gio.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "discovery.h"

/* The module's own; see plugin/module/module.c. */
extern const ManagementModule management_module;

static void
on_log(gpointer data, GLogLevelFlags level, const GLogField *fields, gsize n_fields)
{
    if (g_getenv("ORDERS_LOG"))
        g_printerr("# log: %s\n", (const char *)fields[0].value);
}

static void
on_ready(gpointer data, gpointer instance)
{
    ((OrderHost *)data)->is_ready = TRUE;
}

static void
on_failed(gpointer data, gpointer instance, const GError *error)
{
    OrderHost *host = data;

    if (!host->is_cut)
        g_error("the module has failed: %s", error->message);
    host->has_failed = TRUE;
}

static void
on_stopped(gpointer data, gpointer instance)
{
    ((OrderHost *)data)->has_stopped = TRUE;
}

static void
on_status(gpointer data, gpointer instance, const char *status)
{
}

static void
close_kept(gpointer fd)
{
    close(GPOINTER_TO_INT(fd));
}

static gboolean
keep_fd(gpointer data, const char *name, int fd, gboolean is_only_one)
{
    OrderHost *host = data;

    if (!host->store)
        return FALSE;
    g_hash_table_replace(host->store, g_strdup(name), GINT_TO_POINTER(fcntl(fd, F_DUPFD_CLOEXEC, 3)));
    return TRUE;
}

static void
drop_fd(gpointer data, const char *name)
{
    g_hash_table_remove(((OrderHost *)data)->store, name);
}

static int
take_fd(gpointer data, const char *name)
{
    OrderHost *host = data;
    gpointer fd;

    if (!host->store || !g_hash_table_lookup_extended(host->store, name, NULL, &fd))
        return -1;
    return fcntl(GPOINTER_TO_INT(fd), F_DUPFD_CLOEXEC, 3);
}

/* In place of the module's: VMs of this machine's users are none of a test's business. */
Discovery *__real_discovery_new(Context *context, VmRegistry *registry, const DiscoveryFuncs *funcs, gpointer user_data);
Discovery *__wrap_discovery_new(Context *context, VmRegistry *registry, const DiscoveryFuncs *funcs, gpointer user_data);

Discovery *
__wrap_discovery_new(Context *context, VmRegistry *registry, const DiscoveryFuncs *funcs, gpointer user_data)
{
    return context->host->bus == MANAGEMENT_BUS_SYSTEM ? NULL : __real_discovery_new(context, registry, funcs, user_data);
}

/* A user that nobody is. */
#define FOREIGN_USER 65000u

/* Whose user the agent is, which has no host at hand; and the connection that was opened last. */
static gboolean is_agent_foreign;
static DBusConnection *last_connection;

guint32 __real_context_get_uid(void);
guint32 __wrap_context_get_uid(void);

guint32
__wrap_context_get_uid(void)
{
    return is_agent_foreign ? FOREIGN_USER : __real_context_get_uid();
}

DBusConnection *__real_dbus_connection_open_private(const char *address, DBusError *error);
DBusConnection *__wrap_dbus_connection_open_private(const char *address, DBusError *error);

DBusConnection *
__wrap_dbus_connection_open_private(const char *address, DBusError *error)
{
    last_connection = __real_dbus_connection_open_private(address, error);
    return last_connection;
}

#define GROUP "vm web"

void
order_host_set_group(OrderHost *host, const char *address)
{
    if (address)
        g_key_file_set_string(host->key_file, GROUP, "address", address);
    else
        g_key_file_remove_group(host->key_file, GROUP, NULL);
}

gboolean
order_host_has_group(OrderHost *host)
{
    return g_key_file_has_group(host->key_file, GROUP);
}

void
order_host_set_asks_owner(OrderHost *host, gboolean asks_owner)
{
    g_key_file_set_string(host->key_file, "qemu-monitor", "owner", asks_owner ? "polkit" : "allow");
}

void
order_host_init(OrderHost *host, const char *bus_address, const OrderConfig *config)
{
    is_agent_foreign = config->is_foreign;
    host->key_file = g_key_file_new();
    order_host_set_asks_owner(host, config->asks_owner);
    if (config->requires_isolation)
        g_key_file_set_string(host->key_file, "qemu-monitor", "isolation", "required");
    if (config->max_monitors > 0)
        g_key_file_set_uint64(host->key_file, "qemu-monitor", "max-monitors", config->max_monitors);
    if (config->has_store)
        host->store = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, close_kept);
    host->table = (ManagementHost){
        .abi = MANAGEMENT_MODULE_ABI,
        .size = sizeof(ManagementHost),
        .data = host,
        .context = g_main_context_default(),
        .bus_address = bus_address,
        .bus = config->is_system ? MANAGEMENT_BUS_SYSTEM : MANAGEMENT_BUS_SESSION,
        .key_file = host->key_file,
        .log = on_log,
        .ready = on_ready,
        .failed = on_failed,
        .stopped = on_stopped,
        .status = on_status,
        .keep_fd = keep_fd,
        .drop_fd = drop_fd,
        .take_fd = take_fd,
    };
}

void
order_host_clear(OrderHost *host)
{
    g_clear_pointer(&host->key_file, g_key_file_unref);
    g_clear_pointer(&host->store, g_hash_table_unref);
}

void
order_host_start(OrderHost *host)
{
    g_autoptr(GError) error = NULL;

    host->is_ready = host->is_stopping = host->has_stopped = host->is_cut = host->has_failed = FALSE;
    host->instance = management_module.start(&host->table, &error);
    g_assert_no_error(error);
    host->connection = last_connection;
}

void
order_host_reload(OrderHost *host)
{
    g_autoptr(GError) error = NULL;

    management_module.reload(host->instance, host->key_file, /* key_file_path= */ NULL, &error);
    g_assert_no_error(error);
}

void
order_host_cut(OrderHost *host)
{
    int fd;

    host->is_cut = TRUE;
    if (dbus_connection_get_unix_fd(host->connection, &fd))
        shutdown(fd, SHUT_RDWR);
}

void
order_host_stop(OrderHost *host)
{
    management_module.stop(g_steal_pointer(&host->instance));
    host->is_stopping = host->has_failed = FALSE;
}

void
order_host_prepare_stop(OrderHost *host)
{
    host->is_stopping = management_module.prepare_stop(host->instance);
    if (!host->is_stopping)
        order_host_stop(host);
}
