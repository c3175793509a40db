/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bus, as qemu-monitorctl uses it: a client does one thing at a time, so its calls wait for their answers. */
#pragma once

#include <gio/gunixfdlist.h>

#include "ctl.h"

gboolean ctl_connect(Ctl *ctl, GError **error);

/* Calls a method of the service, as long as it may take; the person at the terminal may be asked to authenticate. @arguments may be
 * floating or NULL. @fds and @ret_fds may be NULL. */
GVariant *ctl_call(Ctl *ctl, const char *path, const char *interface, const char *method, GVariant *arguments, GUnixFDList *fds,
                   GUnixFDList **ret_fds, GError **error);

/* The descriptor that such a call returns as its only value; -1 with @error. The caller closes it. */
int ctl_call_for_fd(Ctl *ctl, const char *path, const char *method, GVariant *arguments, GError **error);

/* The object of the VM that @name names: a name, a UUID or a path. */
char *ctl_find_vm(Ctl *ctl, const char *name, GError **error);

/* What the object at @path has, with its annotations. It is public, as the schema is not. Free with g_dbus_node_info_unref(). */
GDBusNodeInfo *ctl_introspect(Ctl *ctl, const char *path, GError **error);

/* All properties of @interface at @path: a dictionary. */
GVariant *ctl_get_properties(Ctl *ctl, const char *path, const char *interface, GError **error);

/* GetManagedObjects of the service: path → interface → property → value. */
GVariant *ctl_get_objects(Ctl *ctl, GError **error);

/* Tells @error, and what can be done about it, on stderr; frees it. */
CtlStatus ctl_fail(Ctl *ctl, GError *error);

/* Tells that the command line is wrong. */
CtlStatus ctl_usage(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* Whether the D-Bus error of @error is called @name, or org.qemu.Monitor1.Error.@name. */
gboolean ctl_error_is(const GError *error, const char *name);

/* Runs @argv (this program's verb and its arguments) on ctl->host by ssh, in place of this process. */
CtlStatus ctl_run_there(Ctl *ctl, gboolean with_terminal, int argc, char **argv);
