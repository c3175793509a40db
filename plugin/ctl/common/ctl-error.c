/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors as the bus gives them, and what can be done about each; see ctl-bus.h. */
#include <stdarg.h>
#include <stdio.h>

#include "ctl-bus.h"
#include "ctl-print.h"

typedef struct Hint {
    const char *error; /* the D-Bus name, or what follows org.qemu.Monitor1.Error. */
    CtlStatus status;
    const char *text; /* NULL: the error says it all */
} Hint;

static const Hint hints[] = {
    { "org.freedesktop.DBus.Error.ServiceUnknown", CTL_NO_SERVICE,
      "No agent runs on this bus, and none is installed for it. Is it on the other one (--system, --user)?" },
    { "org.freedesktop.DBus.Error.NameHasNoOwner", CTL_NO_SERVICE,
      "No agent runs on this bus. Is it on the other one (--system, --user)?" },
    { "org.freedesktop.DBus.Error.NoReply", CTL_NO_SERVICE, "The agent has ended meanwhile; what was begun may be done or not." },
    { "org.freedesktop.DBus.Error.UnknownObject", CTL_NO_VM, "`qemu-monitorctl list` shows all VMs, also why one is not connected." },
    { "org.freedesktop.DBus.Error.AccessDenied", CTL_DENIED, NULL },
    { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", CTL_DENIED,
      "Somebody must authenticate: try it from a terminal, without --no-ask-password." },
    { "NotAuthorized", CTL_DENIED, "`qemu-monitorctl allowed VM COMMAND` tells the action that polkit is asked about." },
    { "Unrepresentable", CTL_FAILED, NULL },
};

gboolean
ctl_error_is(const GError *error, const char *name)
{
    g_autofree char *own = g_dbus_error_encode_gerror(error); /* of an error of this program's, or of one that GIO knows */
    g_autofree char *remote = g_dbus_error_is_remote_error(error) ? g_dbus_error_get_remote_error(error) : g_steal_pointer(&own);

    return g_str_equal(remote, name) ||
           (g_str_has_prefix(remote, "org.qemu.Monitor1.Error.") && g_str_equal(strrchr(remote, '.') + 1, name));
}

CtlStatus
ctl_fail(Ctl *ctl, GError *error)
{
    const Hint *hint = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(hints) && !hint; i++)
        if (ctl_error_is(error, hints[i].error))
            hint = &hints[i];
    gboolean is_lost = !ctl->bus || g_dbus_connection_is_closed(ctl->bus);
    g_dbus_error_strip_remote_error(error);
    ctl_print_line(stderr, "qemu-monitorctl: %s", error->message);
    if (hint && hint->text)
        fprintf(stderr, "%s\n", hint->text);
    gboolean is_usage = error->domain == G_OPTION_ERROR;
    g_error_free(error);
    if (is_usage)
        return CTL_USAGE;
    return hint ? hint->status : is_lost ? CTL_NO_SERVICE : CTL_FAILED;
}

CtlStatus
ctl_usage(const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    ctl_print_line(stderr, "qemu-monitorctl: %s", text);
    return CTL_USAGE;
}
