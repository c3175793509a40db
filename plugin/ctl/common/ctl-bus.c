/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bus; see ctl-bus.h. Another machine's is reached as systemd's tools reach it: ssh runs systemd-stdio-bridge there.
 * Where nobody's session has an agent of polkit, pkttyagent asks in this terminal. */
#include "ctl-bus.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <unistd.h>

static void
die_with_parent(gpointer data)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
}

/* Waits until it has registered with polkit, which it tells by closing its end of a pipe. Whoever has no pkttyagent is asked by
 * the agent of their session, or not at all. */
static void
start_password_agent(void)
{
    g_autofree char *process = g_strdup_printf("%d", getpid());
    g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
    g_autoptr(GSubprocess) agent = NULL;
    int ends[2];
    char byte;

    if (!g_unix_open_pipe(ends, FD_CLOEXEC, NULL))
        return;
    g_subprocess_launcher_take_fd(launcher, ends[1], 3);
    g_subprocess_launcher_set_child_setup(launcher, die_with_parent, NULL, NULL);
    agent = g_subprocess_launcher_spawn(launcher, NULL, "pkttyagent", "--process", process, "--notify-fd", "3", "--fallback", NULL);
    g_clear_object(&launcher);
    if (agent)
        while (read(ends[0], &byte, 1) > 0)
            ;
    close(ends[0]);
}

static GDBusConnection *
connect_over_ssh(Ctl *ctl, GError **error)
{
    /* The remote shell expands it. The bridge of systemd 252 takes --user and connects to the system bus all the same. */
    static const char user_bus[] = "--bus-path=unix:path=\"${XDG_RUNTIME_DIR:-/run/user/$(id -u)}\"/bus";
    const char *const command[] = { "ssh", "-xT", "--", ctl->host, "systemd-stdio-bridge", ctl->is_user ? user_bus : NULL, NULL };
    g_autoptr(GSubprocess) ssh =
        g_subprocess_newv(command, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, error);
    g_autoptr(GIOStream) stream = NULL;
    GDBusConnection *bus;

    if (!ssh)
        return NULL;
    stream = g_simple_io_stream_new(g_subprocess_get_stdout_pipe(ssh), g_subprocess_get_stdin_pipe(ssh));
    bus = g_dbus_connection_new_sync(
        stream, NULL, G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL,
        NULL, error);
    if (bus) /* ssh lives as long as the connection does */
        g_object_set_data_full(G_OBJECT(bus), "ssh", g_steal_pointer(&ssh), g_object_unref);
    return bus;
}

gboolean
ctl_connect(Ctl *ctl, GError **error)
{
    if (!ctl->host && !ctl->is_user && !ctl->asks_no_password && geteuid() != 0 && isatty(STDIN_FILENO))
        start_password_agent();
    ctl->bus = ctl->host ? connect_over_ssh(ctl, error)
                         : g_bus_get_sync(ctl->is_user ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM, NULL, error);
    if (!ctl->bus) {
        if (ctl->host) /* ssh, or the shell there, has said more */
            g_prefix_error(error, "No bus of %s, which ssh and systemd-stdio-bridge would give: ", ctl->host);
        else
            g_prefix_error(error, "No %s bus: ", ctl->is_user ? "user" : "system");
        return FALSE;
    }
    g_dbus_connection_set_exit_on_close(ctl->bus, FALSE);
    return TRUE;
}

GVariant *
ctl_call(Ctl *ctl, const char *path, const char *interface, const char *method, GVariant *arguments, GUnixFDList *fds,
         GUnixFDList **ret_fds, GError **error)
{
    GDBusCallFlags flags = ctl->asks_no_password ? G_DBUS_CALL_FLAGS_NONE : G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION;

    return g_dbus_connection_call_with_unix_fd_list_sync(ctl->bus, CTL_SERVICE, path, interface, method, arguments,
                                                         /* reply_type= */ NULL, flags, G_MAXINT, fds, ret_fds, NULL, error);
}

int
ctl_call_for_fd(Ctl *ctl, const char *path, const char *method, GVariant *arguments, GError **error)
{
    g_autoptr(GUnixFDList) fds = NULL;
    g_autoptr(GVariant) reply = ctl_call(ctl, path, CTL_VM, method, arguments, NULL, &fds, error);

    if (!reply)
        return -1;
    if (!fds) {
        g_set_error(error, G_IO_ERROR, G_IO_ERROR_FAILED, "%s has returned no descriptor", method);
        return -1;
    }
    return g_unix_fd_list_get(fds, 0, error);
}

/* Says in @error why the VM that is called @name is not connected, if the agent knows it. */
static void
explain_absence(Ctl *ctl, const char *name, GError **error)
{
    g_autoptr(GVariant) reply = ctl_call(ctl, CTL_ROOT, CTL_MANAGER, "ListVMs", NULL, NULL, NULL, NULL);
    g_autoptr(GVariant) vms = reply ? g_variant_get_child_value(reply, 0) : NULL;

    for (gsize i = 0; vms && i < g_variant_n_children(vms); i++) {
        g_autoptr(GVariant) vm = g_variant_get_child_value(vms, i);
        const char *known = "", *state = "", *why = "";
        g_variant_lookup(vm, "name", "&s", &known);
        g_variant_lookup(vm, "state", "&s", &state);
        g_variant_lookup(vm, "error", "&s", &why);
        if (g_str_equal(known, name)) {
            g_clear_error(error);
            g_set_error(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT, "VM \"%s\" is not connected, but %s%s%s", name, state,
                        *why ? ": " : "", why);
            return;
        }
    }
}

char *
ctl_find_vm(Ctl *ctl, const char *name, GError **error)
{
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GError) problem = NULL;
    char *path;

    if (name[0] == '/' && g_variant_is_object_path(name))
        return g_strdup(name);
    reply = ctl_call(ctl, CTL_ROOT, CTL_MANAGER, "GetVM", g_variant_new("(s)", name), NULL, NULL, &problem);
    if (!reply) {
        if (ctl_error_is(problem, "org.freedesktop.DBus.Error.UnknownObject"))
            explain_absence(ctl, name, &problem);
        g_propagate_error(error, g_steal_pointer(&problem));
        return NULL;
    }
    g_variant_get(reply, "(o)", &path);
    return path;
}

GDBusNodeInfo *
ctl_introspect(Ctl *ctl, const char *path, GError **error)
{
    g_autoptr(GVariant) reply = ctl_call(ctl, path, "org.freedesktop.DBus.Introspectable", "Introspect", NULL, NULL, NULL, error);
    const char *xml;

    if (!reply)
        return NULL;
    g_variant_get(reply, "(&s)", &xml);
    return g_dbus_node_info_new_for_xml(xml, error);
}

GVariant *
ctl_get_properties(Ctl *ctl, const char *path, const char *interface, GError **error)
{
    g_autoptr(GVariant) reply = ctl_call(ctl, path, "org.freedesktop.DBus.Properties", "GetAll",
                                         g_variant_new("(s)", interface), NULL, NULL, error);

    return reply ? g_variant_get_child_value(reply, 0) : NULL;
}

GVariant *
ctl_get_objects(Ctl *ctl, GError **error)
{
    g_autoptr(GVariant) reply = ctl_call(ctl, CTL_ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", NULL, NULL,
                                         NULL, error);

    return reply ? g_variant_get_child_value(reply, 0) : NULL;
}

CtlStatus
ctl_run_there(Ctl *ctl, gboolean with_terminal, int argc, char **argv)
{
    g_autoptr(GString) command = g_string_new("qemu-monitorctl");

    /* ssh hands the remote shell one string. */
    g_string_append(command, ctl->is_user ? " --user" : " --system");
    g_string_append(command, ctl->is_json ? " --json" : "");
    g_string_append(command, ctl->asks_no_password ? " --no-ask-password" : "");
    for (int i = 0; i < argc; i++) {
        g_autofree char *quoted = g_shell_quote(argv[i]);
        g_string_append_printf(command, " %s", quoted);
    }
    execlp("ssh", "ssh", with_terminal && isatty(STDIN_FILENO) ? "-xt" : "-xT", "--", ctl->host, command->str, NULL);
    fprintf(stderr, "qemu-monitorctl: cannot run ssh: %s\n", g_strerror(errno));
    return CTL_FAILED;
}
