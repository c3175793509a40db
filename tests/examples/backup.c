/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* backup VM DISK FILE: copies the disk of the node DISK to the raw image FILE, which is there and has the disk's size, and waits
 * until that is done. On nothing but what gdbus-codegen makes of org.qemu.Monitor1.xml:
 *
 *   gdbus-codegen --interface-prefix org.qemu.Monitor1. --c-namespace Monitor1 --generate-c-code proxy org.qemu.Monitor1.xml
 *   cc backup.c proxy.c $(pkg-config --cflags --libs gio-unix-2.0) -o backup */
#include <gio/gio.h>

#include "proxy.h"

#define SERVICE "org.qemu.Monitor1"

static gboolean
run_command(Monitor1VM *vm, const char *command, GVariant *arguments, GError **error)
{
    g_autoptr(GVariant) result = NULL;

    return monitor1_vm_call_execute_and_wait_sync(vm, command, arguments, g_variant_new("a{sv}", NULL), &result,
                                                  /* cancellable= */ NULL, error);
}

static gboolean
backup(Monitor1VM *vm, const char *disk, const char *file, GError **error)
{
    GVariant *target = g_variant_new_parsed("{'driver': <'file'>, 'filename': <%s>, 'node-name': <'backup'>}", file);
    GVariant *job =
        g_variant_new_parsed("{'job-id': <'backup'>, 'device': <%s>, 'target': <'backup'>, 'sync': <'full'>}", disk);
    gboolean is_done;

    g_variant_ref_sink(job);
    is_done = run_command(vm, "blockdev-add", target, error) && run_command(vm, "blockdev-backup", job, error) &&
              run_command(vm, "blockdev-del", g_variant_new_parsed("{'node-name': <'backup'>}"), error);
    g_variant_unref(job);
    return is_done;
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = g_strconcat("/org/qemu/Monitor1/vm/", argc == 4 ? argv[1] : "", NULL);
    g_autoptr(Monitor1VM) vm = NULL;

    if (argc != 4) {
        g_printerr("usage: backup VM DISK FILE\n");
        return 2;
    }
    vm = monitor1_vm_proxy_new_for_bus_sync(G_BUS_TYPE_SESSION, G_DBUS_PROXY_FLAGS_NONE, SERVICE, path, NULL, &error);
    if (vm)
        g_dbus_proxy_set_default_timeout(G_DBUS_PROXY(vm), G_MAXINT);
    if (!vm || !backup(vm, argv[2], argv[3], &error)) {
        g_printerr("%s\n", error->message);
        return 1;
    }
    g_print("%s of %s is in %s\n", argv[2], monitor1_vm_get_name(vm), argv[3]);
    return 0;
}
