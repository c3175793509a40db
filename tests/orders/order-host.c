/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-host.h"

#include <gio/gio.h>
#include <string.h>

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
    g_error("the module has failed: %s", error->message);
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
set_asks_owner(OrderHost *host, gboolean asks_owner)
{
    g_key_file_set_string(host->key_file, "qemu-monitor", "owner", asks_owner ? "polkit" : "allow");
}

void
order_host_init(OrderHost *host, const char *bus_address, const OrderConfig *config)
{
    host->key_file = g_key_file_new();
    set_asks_owner(host, config->asks_owner);
    if (config->requires_isolation)
        g_key_file_set_string(host->key_file, "qemu-monitor", "isolation", "required");
    if (config->max_monitors > 0)
        g_key_file_set_uint64(host->key_file, "qemu-monitor", "max-monitors", config->max_monitors);
    host->table = (ManagementHost){
        .abi = MANAGEMENT_MODULE_ABI,
        .size = sizeof(ManagementHost),
        .data = host,
        .context = g_main_context_default(),
        .bus_address = bus_address,
        .bus = MANAGEMENT_BUS_SESSION,
        .key_file = host->key_file,
        .log = on_log,
        .ready = on_ready,
        .failed = on_failed,
        .stopped = on_stopped,
        .status = on_status,
    };
}

void
order_host_clear(OrderHost *host)
{
    g_clear_pointer(&host->key_file, g_key_file_unref);
}

void
order_host_start(OrderHost *host)
{
    g_autoptr(GError) error = NULL;

    host->is_ready = host->is_stopping = host->has_stopped = FALSE;
    host->instance = management_module.start(&host->table, &error);
    g_assert_no_error(error);
}

void
order_host_reload(OrderHost *host, gboolean asks_owner)
{
    g_autoptr(GError) error = NULL;

    set_asks_owner(host, asks_owner);
    management_module.reload(host->instance, host->key_file, /* key_file_path= */ NULL, &error);
    g_assert_no_error(error);
}

void
order_host_stop(OrderHost *host)
{
    management_module.stop(g_steal_pointer(&host->instance));
    host->is_stopping = FALSE;
}

void
order_host_prepare_stop(OrderHost *host)
{
    host->is_stopping = management_module.prepare_stop(host->instance);
    if (!host->is_stopping)
        order_host_stop(host);
}
