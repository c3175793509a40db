/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ends a verb from outside; see ctl-loop.h. GIO has SIGPIPE ignored, so the end of standard output's reader is seen by
 * poll(2), and also while there is nothing to write. */
#include "ctl-loop.h"

#include <errno.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

typedef struct Run {
    GMainLoop *loop; /* weak */
    int status;
} Run;

static gboolean
end_run(Run *run, int status)
{
    if (run->status == CTL_OK)
        run->status = status;
    g_main_loop_quit(run->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean
on_sigint(gpointer user_data)
{
    return end_run(user_data, 128 + SIGINT);
}

static gboolean
on_sigterm(gpointer user_data)
{
    return end_run(user_data, 128 + SIGTERM);
}

static gboolean
on_sighup(gpointer user_data)
{
    return end_run(user_data, 128 + SIGHUP);
}

static gboolean
on_output_closed(int fd, GIOCondition condition, gpointer user_data)
{
    return end_run(user_data, 128 + SIGPIPE);
}

static void
on_bus_closed(GDBusConnection *bus, gboolean is_remote, GError *error, gpointer user_data)
{
    fprintf(stderr, "qemu-monitorctl: the bus has gone\n");
    end_run(user_data, CTL_NO_SERVICE);
}

/* The first lines were printed before. */
int
ctl_loop_run(Ctl *ctl, GMainLoop *loop, GSourceFunc on_interrupt, gpointer user_data)
{
    Run run = { .loop = loop };
    guint sources[] = {
        on_interrupt ? g_unix_signal_add(SIGINT, on_interrupt, user_data) : g_unix_signal_add(SIGINT, on_sigint, &run),
        g_unix_signal_add(SIGTERM, on_sigterm, &run),
        g_unix_signal_add(SIGHUP, on_sighup, &run),
        g_unix_fd_add(STDOUT_FILENO, G_IO_ERR, on_output_closed, &run),
    };
    gulong closed = ctl->bus ? g_signal_connect(ctl->bus, "closed", G_CALLBACK(on_bus_closed), &run) : 0;

    if (ctl->output_error == 0)
        g_main_loop_run(loop);
    for (guint i = 0; i < G_N_ELEMENTS(sources); i++)
        g_source_remove(sources[i]);
    if (closed)
        g_signal_handler_disconnect(ctl->bus, closed);
    return run.status;
}

void
ctl_loop_flush(Ctl *ctl, GMainLoop *loop)
{
    if (fflush(stdout) == 0)
        return;
    if (ctl->output_error == 0)
        ctl->output_error = errno;
    if (loop && ctl->output_error != EPIPE) /* which on_output_closed() tells */
        g_main_loop_quit(loop);
}

gboolean
ctl_loop_parse_time(const char *option, const char *text, guint64 *ret_time, GError **error)
{
    static const struct {
        const char *unit;
        guint64 seconds;
    } units[] = { { "", 1 }, { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };
    char *end;
    guint64 number = g_ascii_strtoull(text, &end, 10);

    for (guint i = 0; i < G_N_ELEMENTS(units) && g_ascii_isdigit(*text); i++)
        if (g_str_equal(end, units[i].unit) && number > 0 && number < G_MAXINT / units[i].seconds) {
            *ret_time = number * units[i].seconds * G_USEC_PER_SEC;
            return TRUE;
        }
    g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "%s: \"%s\" is no time: 90s, 5m, 2h", option, text);
    return FALSE;
}
