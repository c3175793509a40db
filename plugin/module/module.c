/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The module's one symbol, for its host. */
#include <dbus/dbus.h>
#include <dlfcn.h>
#include <json-glib/json-glib.h>

#include "bus-error.h"
#include "service.h"

/* A host that has less of the table never calls prepare_stop(). */
#define SIZE_NEEDED G_STRUCT_OFFSET(ManagementHost, stopped)

/* Keeps the library that @function is in loaded for good. GLib cannot forget a type, and json-glib registers its types
 * anew each time it is loaded; libdbus keeps caches that only its own text can reach. The module itself goes. */
static void
pin_library(GCallback function)
{
    Dl_info info;
    void *library;

    if (!dladdr(GSIZE_TO_POINTER((gsize)function), &info))
        return;
    library = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    if (library)
        dlclose(library);
}

static gboolean
check_host(const ManagementHost *host, GError **error)
{
    if (host->abi == MANAGEMENT_MODULE_ABI && host->size >= SIZE_NEEDED)
        return TRUE;
    g_set_error(error, BUS_ERROR, BUS_ERROR_FAILED,
                "The host has ABI %u and a table of %u bytes; this module needs ABI %u and %zu bytes", host->abi,
                host->size, MANAGEMENT_MODULE_ABI, (gsize)SIZE_NEEDED);
    return FALSE;
}

static gpointer
start_instance(const ManagementHost *host, GError **error)
{
    if (!check_host(host, error))
        return NULL;
    pin_library(G_CALLBACK(json_node_get_type));
    pin_library(G_CALLBACK(dbus_connection_ref));
    return service_start(host, error);
}

static gboolean
prepare_stop_instance(gpointer instance)
{
    return service_prepare_stop(instance);
}

static void
stop_instance(gpointer instance)
{
    service_stop(instance);
}

static gboolean
reload_instance(gpointer instance, GKeyFile *key_file, const char *key_file_path, GError **error)
{
    return service_reload(instance, key_file, key_file_path, error);
}

__attribute__((visibility("default"))) const ManagementModule management_module = {
    .abi = MANAGEMENT_MODULE_ABI,
    .size = sizeof(ManagementModule),
    .name = "qemu-monitor",
    .description = "Every running QEMU as an object on D-Bus",
    .start = start_instance,
    .stop = stop_instance,
    .prepare_stop = prepare_stop_instance,
    .reload = reload_instance,
};
